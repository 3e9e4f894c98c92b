//! The lock of a data directory, which a server holds for as long as it runs.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::FlockOperation;

/// The file that is locked.
pub(in crate::store) const LOCK: &str = "LOCK";

/// Whether a server holds the directory.
pub(in crate::store) enum Lock {
    /// None does, and none can begin to while this is held. A directory in which none ever ran has no lock yet.
    Free(Option<File>),
    /// One does.
    Held,
}

/// Asks for the lock, shared, so that more than one may look at the same time.
pub(in crate::store) fn ask(path: &Path) -> io::Result<Lock> {
    let file = match File::open(path.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Lock::Free(None)),
        Err(error) => return Err(error),
    };
    match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Lock::Free(Some(file))),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(Lock::Held),
        Err(error) => Err(error.into()),
    }
}
