//! View of the running program, for decisions that depend on its present state.

use std::time::Duration;

use crate::model::Activity;
use crate::process::{Child, TerminalChanges, TerminalMode};

/// The running program as the script machine sees it.
///
/// All methods return at once and change nothing. They may be called at any time, also after the
/// program has exited.
pub(super) trait Program {
    /// Returns the terminal's treatment of typed text.
    fn echo(&self) -> TerminalMode;
    /// Returns the total time for which output was left unread on purpose.
    fn held_back(&self) -> Duration;
    /// Returns the number of typed bytes that the program has not read.
    fn unread(&self) -> usize;
    /// Takes the changes of the terminal since the last call.
    fn take_terminal_changes(&self) -> TerminalChanges;
    /// Returns the activity of the process.
    fn activity(&self) -> Activity;
    /// Returns whether the process waits for its input and for nothing else.
    fn only_reads(&self) -> bool;
    /// Returns whether the process can do nothing before its input comes.
    fn is_blocked_on_input(&self) -> bool;
    /// Returns whether output or the exit is due as an input that has not come yet.
    fn has_news(&self) -> bool;
}

impl Program for Child {
    fn echo(&self) -> TerminalMode {
        Child::echo(self)
    }

    fn held_back(&self) -> Duration {
        Child::throttled_for(self)
    }

    fn unread(&self) -> usize {
        Child::unread(self)
    }

    fn take_terminal_changes(&self) -> TerminalChanges {
        Child::take_terminal_changes(self)
    }

    fn activity(&self) -> Activity {
        Child::activity(self)
    }

    fn only_reads(&self) -> bool {
        Child::only_reads(self)
    }

    fn is_blocked_on_input(&self) -> bool {
        Child::is_blocked_on_input(self)
    }

    fn has_news(&self) -> bool {
        Child::has_news(self)
    }
}
