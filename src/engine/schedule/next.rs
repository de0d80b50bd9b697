//! The next action that a schedule asks for.

use std::time::Duration;

/// The next action of the coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Next {
    Start(Start),
    /// Flows were due and cannot start: they are counted as dropped and not started later.
    Drop {
        count: u64,
        counted: bool,
    },
    /// Nothing before this time.
    At(Duration),
    /// Nothing before a flow ends.
    WhenOneEnds,
    /// No flow starts any more.
    Over,
}

/// A flow that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct Start {
    /// The time at which it was due.
    pub intended: Duration,
    /// False for the warm-up.
    pub counted: bool,
    /// The worker that performs it, in a closed load.
    pub worker: Option<usize>,
}
