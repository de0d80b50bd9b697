//! Errors of reports and results.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// An error of reporting a run or of saving its results.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be created.
    #[error("cannot create {}: {source}", path.display())]
    Create { path: PathBuf, source: io::Error },
    /// A file could not be written completely.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A file of a run could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file or directory does not have the expected content.
    #[error("{}: {what}", path.display())]
    Malformed { path: PathBuf, what: String },
    /// Spans did not reach their collector.
    #[error("{lost} of {all} spans could not be delivered to {to}: {why}")]
    Undelivered {
        lost: u64,
        all: u64,
        to: String,
        why: String,
    },
    /// An address could not be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    /// The reporters' thread could not be started, or panicked.
    #[error("the run could not be reported: {0}")]
    Thread(String),
}

impl ReportError {
    /// Returns `true` if there is no such file.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, ReportError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(super) fn create(path: &Path, source: io::Error) -> Self {
        ReportError::Create {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
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
