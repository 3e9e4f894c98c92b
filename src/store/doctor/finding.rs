//! What can be wrong with a store: what it means, and what to do.

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A file of the database is damaged or missing.
    File,
    /// The log of writes ends in the middle of a write.
    TornTail,
    /// A key cannot be read.
    Key,
    /// A value cannot be read.
    Value,
    /// Something that is named is not there.
    Missing,
    /// Two places that tell the same thing do not agree.
    Disagree,
    /// Lines of a log are missing, or stand twice.
    Log,
    /// A value is newer than the newest position.
    Position,
    /// The store ends before what was on disk once.
    Lost,
    /// The file that would tell of lost writes cannot be read.
    Witness,
}

impl Fault {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "FILE",
            Self::TornTail => "TORN_TAIL",
            Self::Key => "KEY",
            Self::Value => "VALUE",
            Self::Missing => "MISSING",
            Self::Disagree => "DISAGREE",
            Self::Log => "LOG",
            Self::Position => "POSITION",
            Self::Lost => "LOST",
            Self::Witness => "WITNESS",
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::File => {
                "the database cannot read one of its files: a disk that fails, or a file that was changed"
            }
            Self::TornTail => {
                "the machine stopped in the middle of a write: the next start cuts that write off, and keeps all before it"
            }
            Self::Key => "bytes stand where no server of this version puts them",
            Self::Value => "a value is not what its key says",
            Self::Missing => "one thing names another that is not there",
            Self::Disagree => "two places tell the same thing differently",
            Self::Log => "lines of a run are missing, or stand twice",
            Self::Position => {
                "something was written after what the store takes for its newest write"
            }
            Self::Lost => "the disk lost writes that it had confirmed, and that were answered OK",
            Self::Witness => "whether the disk lost its last writes cannot be told",
        }
    }

    /// What to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::TornTail => "nothing: start the server",
            Self::Witness => "nothing: the next start writes that file anew",
            Self::Lost => {
                "look at the disk; restore the newest backup (conveyor restore), or remove that file to go on without them"
            }
            Self::File => "look at the disk; restore the newest backup (conveyor restore)",
            Self::Key
            | Self::Value
            | Self::Missing
            | Self::Disagree
            | Self::Log
            | Self::Position => {
                "keep a copy of the directory, restore the newest backup (conveyor restore), and report it"
            }
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of damage it is.
    pub fault: Fault,
    /// The key or the file.
    pub place: String,
    /// What was seen.
    pub what: String,
}
