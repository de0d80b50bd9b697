//! Errors of reports and results.

use std::io;
use std::path::{Path, PathBuf};

/// Something could not be reported or kept.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be made.
    #[error("cannot create {}: {source}", path.display())]
    Create { path: PathBuf, source: io::Error },
    /// A file could not be written to its end.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A file that a run has written could not be read again.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file, or a folder, is not what a run leaves.
    #[error("{}: {what}", path.display())]
    Malformed { path: PathBuf, what: String },
    /// The thread that reports could not be started, or did not live to the end of the run.
    #[error("the run could not be reported: {0}")]
    Thread(String),
}

impl ReportError {
    pub(super) fn create(path: &Path, source: io::Error) -> Self {
        ReportError::Create {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        ReportError::Write {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        ReportError::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn malformed(path: &Path, what: impl std::fmt::Display) -> Self {
        ReportError::Malformed {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}
