//! Where flows wait for each other.

use std::time::Duration;

/// What a flow has to wait for before a step, besides a free script instance of a pool. In this
/// order: for company, for its turn by the clock, for the others to leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateSpec {
    /// So many flows are held and then released at once.
    pub together: Option<u64>,
    /// The least time between two starts of the step.
    pub interval: Option<Duration>,
    /// One flow at a time performs the steps with this name.
    pub exclusive: Option<String>,
}

impl GateSpec {
    /// Whether there is nothing to wait for.
    pub fn is_open(&self) -> bool {
        *self == GateSpec::default()
    }
}
