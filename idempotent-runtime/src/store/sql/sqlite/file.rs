//! Which file a store opened, and whether it is still the one of its name.

use std::fs::Metadata;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

/// A file that was opened by its name.
///
/// One that is deleted under a server takes every write and is gone with the process: what was acknowledged would run
/// again. So it is looked at before each use.
#[derive(Debug)]
pub(super) struct OpenedFile {
    path: PathBuf,
    /// The device and the number of the file on it.
    identity: (u64, u64),
}

impl OpenedFile {
    /// The file of this name, which is open.
    pub(super) fn of(path: &Path) -> Result<Self, IoError> {
        // Whatever the working directory will be.
        let path = std::path::absolute(path)?;
        let identity = identity(&path.metadata()?);
        Ok(Self { path, identity })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails, unless the file has its name still.
    pub(super) fn check(&self) -> Result<(), IoError> {
        match self.path.metadata() {
            Ok(there) if identity(&there) == self.identity => Ok(()),
            Ok(_) => {
                Err(self.gone("another file has its name: restart the process to use that one"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(self.gone("it was deleted or moved: put it back, or restart the process"))
            }
            Err(error) => Err(error),
        }
    }

    fn gone(&self, why: &str) -> IoError {
        IoError::other(format!("{}: {why}", self.path.display()))
    }
}

#[cfg(unix)]
fn identity(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
