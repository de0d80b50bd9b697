//! A folder in which the program is run as its users run it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder of the test's own; results are kept in `kept` there.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Home(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program with the words of this line, nothing of the tester's environment in it.
    pub fn command(&self, line: &str) -> Command {
        let mut command = with_default_signals(env!("CARGO_BIN_EXE_rehearsal"));
        command
            .args(line.split_whitespace())
            .current_dir(self.path())
            .env("REHEARSAL_RESULTS", "kept")
            .env_remove("REHEARSAL_SHOP_DB")
            .env_remove("REHEARSAL_SHOP_FAULT")
            .stdin(Stdio::null());
        command
    }

    /// The same, run to its end.
    pub fn rehearsal(&self, line: &str) -> Output {
        self.command(line).output().expect("it starts")
    }
}

/// A command that starts the program with the signals that stop it at their defaults: a test run in
/// the background of a script inherits an ignored SIGINT, and would pass it on.
pub fn with_default_signals(program: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP,INT,QUIT,TERM", program]);
    command
}
