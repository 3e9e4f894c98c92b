//! One connection to a server, and the typed clients of its services on it.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::error::Error;
use crate::proto::driver_service_client::DriverServiceClient;
use crate::proto::log_service_client::LogServiceClient;
use crate::proto::pipeline_service_client::PipelineServiceClient;
use crate::proto::resource_service_client::ResourceServiceClient;
use crate::proto::run_service_client::RunServiceClient;
use crate::proto::server_service_client::ServerServiceClient;

/// The largest message taken from a server. It sends 8 MiB at most by default.
pub(crate) const MESSAGE_BYTES: usize = 16 << 20;
/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A peer that is silent for this long is asked for a sign of life, and has as long again to give it.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A connection to one server. Clones share it.
///
/// It comes back by itself when it breaks. Calls have no deadline of their own, since some of them
/// follow a run for hours; a dead peer is found by keepalive within 20 seconds.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
}

/// Connects to the server at `server`, for instance `http://127.0.0.1:8080`.
///
/// # Errors
/// [`Error::Address`] for what is no address, [`Error::Unreachable`] when nothing answers.
pub async fn connect(server: &str) -> Result<Client, Error> {
    Client::connect(server).await
}

impl Client {
    /// Connects to the server at `server`; see [`connect`].
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn connect(server: &str) -> Result<Self, Error> {
        let unreachable = |source| Error::Unreachable {
            server: server.to_owned(),
            source,
        };
        let channel = endpoint(server)?.connect().await.map_err(unreachable)?;
        Ok(Self { channel })
    }

    /// Resource definitions and resources.
    #[must_use]
    pub fn resources(&self) -> ResourceServiceClient<Channel> {
        ResourceServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Pipelines.
    #[must_use]
    pub fn pipelines(&self) -> PipelineServiceClient<Channel> {
        PipelineServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Runs.
    #[must_use]
    pub fn runs(&self) -> RunServiceClient<Channel> {
        RunServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Drivers.
    #[must_use]
    pub fn drivers(&self) -> DriverServiceClient<Channel> {
        DriverServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// The server itself.
    #[must_use]
    pub fn server(&self) -> ServerServiceClient<Channel> {
        ServerServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Logs.
    #[must_use]
    pub fn logs(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }
}

/// How every connection of this crate is made.
pub(crate) fn endpoint(server: &str) -> Result<Endpoint, Error> {
    let address = |reason: String| Error::Address {
        server: server.to_owned(),
        reason,
    };
    let endpoint = Endpoint::from_shared(server.to_owned());
    let endpoint = endpoint.map_err(|error| address(error.to_string()))?;
    if endpoint.uri().scheme_str() != Some("http") {
        return Err(address("it does not begin with http://".to_owned()));
    }
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true))
}
