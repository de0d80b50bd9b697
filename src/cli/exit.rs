//! The exit codes of the program, all of them.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All flows completed, or whatever else was asked for was done.
    Completed,
    /// Rehearsal itself could not do its work: a results file could not be written, say.
    Internal,
    /// Some flows failed.
    SomeFailed,
    /// The command line or the scenario is wrong, or this machine has no room for the run.
    /// Nothing was started.
    Usage,
    /// A signal stopped the run; it was cleaned up and reported.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Completed => 0,
            Exit::SomeFailed => 1,
            Exit::Usage => 2,
            Exit::Internal => 70,
            Exit::Interrupted => 130,
        }
    }
}

/// The codes as `--help` tells them.
pub(super) const HELP: &str = "  0    all flows completed
  1    some flows failed
  2    the command line or the scenario is wrong; nothing was started
  70   rehearsal itself could not do its work, such as write the results
  130  interrupted by Ctrl-C or a signal, after cleaning up and reporting";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_tells_every_code() {
        let all = [
            Exit::Completed,
            Exit::SomeFailed,
            Exit::Usage,
            Exit::Internal,
            Exit::Interrupted,
        ];
        let told: Vec<_> = HELP
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let codes = all.map(|exit| exit.code().to_string());
        assert_eq!(told, codes);
    }
}
