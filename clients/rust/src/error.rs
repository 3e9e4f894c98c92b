//! The errors that end a call of this crate. Each message says what to do.

/// Why a client or a driver could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's address cannot be read, or is not one of plain HTTP.
    #[error(
        "`{server}` is not the address of a server ({reason}): give one like http://127.0.0.1:8080"
    )]
    Address {
        /// The address as given.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing listens there, or nothing answers in time.
    #[error(
        "no server answers at {server}: start one with `conveyor up`, or name it with --server"
    )]
    Unreachable {
        /// The address as given.
        server: String,
        /// What the connection said.
        source: tonic::transport::Error,
    },
    /// The server will not have this driver, and would not on another try.
    #[error(
        "the server at {server} refuses driver `{driver}`: {} ({:?}); {}",
        status.message(), status.code(), advice(status.code())
    )]
    Refused {
        /// The driver's name.
        driver: String,
        /// The address as given.
        server: String,
        /// What the server said.
        status: Box<tonic::Status>,
    },
    /// The server answered a call with an error.
    #[error("{} ({:?})", .0.message(), .0.code())]
    Answer(Box<tonic::Status>),
    /// What a user gave has no JSON form, or JSON does not have the shape that a user asks for.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A manager was started with no driver in it.
    #[error("there is no driver to run: add one with `Manager::driver`")]
    NoDriver,
    /// The thread that speaks with the server could not be started, or has died.
    #[error("the thread that speaks with the server is gone: {reason}")]
    Thread {
        /// What the system said.
        reason: String,
    },
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        Self::Answer(Box::new(status))
    }
}

/// What to do about a code that no new try can cure.
fn advice(code: tonic::Code) -> &'static str {
    match code {
        tonic::Code::InvalidArgument => "mend the driver's name, definitions, events or labels",
        tonic::Code::FailedPrecondition => "bring the server into the state that it asks for",
        tonic::Code::Unauthenticated => "give the driver credentials that the server knows",
        tonic::Code::PermissionDenied => "ask for the right to run this driver",
        tonic::Code::Unimplemented => {
            "is this a Conveyor server, and not older than the driver? Check --server"
        }
        _ => "see the server's log",
    }
}
