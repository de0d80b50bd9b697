//! Search result: a match of a wait, an interlude, a failure, or the end of the output.

use std::time::Instant;

use crate::model::NamedValue;

/// Result of a search in the output. Each `at` is the arrival time of the last byte of the line that
/// was matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing, until more output or its end arrives.
    Nothing,
    /// Nothing yet; if no output arrives before this time, the unfinished line counts as it is.
    QuietAt(Instant),
    /// A match of the wait, which ends it.
    Wait {
        /// Index of the matched wait in its [`WaitSet`](super::WaitSet).
        index: usize,
        at: Instant,
        /// Named groups, none of them empty.
        captures: Vec<NamedValue>,
    },
    /// An interlude, to be answered; the wait continues.
    Interlude {
        /// Index of the interlude in its [`RoleMatcher`](super::RoleMatcher).
        index: usize,
        at: Instant,
        line: String,
    },
    /// A failure.
    FailOn {
        category: String,
        at: Instant,
        line: String,
    },
    /// The end of all output, without a match.
    Ended { at: Instant },
}
