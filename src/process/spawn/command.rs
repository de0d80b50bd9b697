//! Description of a program to start, and the errors of its start.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use crate::model::TerminalKind;
use crate::process::spawn::environment::Environment;
use crate::process::spawn::executable::ResolveError;

/// A program to start. Nothing is inherited and nothing is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// An absolute path, as [`Programs::resolve`](crate::process::Programs::resolve) returns it.
    pub program: PathBuf,
    /// All of the program's arguments, its own name first.
    pub argv: Vec<OsString>,
    /// The whole environment; the run's marks are added to it.
    pub environment: Environment,
    /// The working directory.
    pub directory: PathBuf,
    pub terminal: TerminalKind,
}

/// An error of starting a program.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program itself cannot be executed.
    #[error(transparent)]
    Program(#[from] ResolveError),
    #[error("the working directory {} cannot be entered: {source}", directory.display())]
    Directory {
        directory: PathBuf,
        source: io::Error,
    },
    #[error("an argument or a variable for {} contains a NUL byte", program.display())]
    Nul { program: PathBuf },
    /// The machine, or a limit on this process, has no room for it.
    #[error("cannot {what}: {source}; {remedy}")]
    NoRoom {
        what: &'static str,
        remedy: &'static str,
        source: io::Error,
    },
    #[error("cannot {what} {}: {source}", program.display())]
    Failed {
        what: &'static str,
        program: PathBuf,
        source: io::Error,
    },
    /// [`Spawner::shutdown`](crate::process::Spawner::shutdown) was called.
    #[error("no more programs are started: the run is shutting down")]
    ShutDown,
}
