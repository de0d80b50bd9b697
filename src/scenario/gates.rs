//! Gates: conditions under which flows wait for each other before a step.

use std::time::Duration;

/// The gates before a step, apart from a free script instance of a pool. They are passed in the
/// order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateSpec {
    /// A barrier: so many flows are held and then released at once.
    pub together: Option<u64>,
    /// A rate limit: the least time between two starts of the step.
    pub interval: Option<Duration>,
    /// A mutex: one flow at a time performs the steps with this name.
    pub exclusive: Option<String>,
}

impl GateSpec {
    /// Returns `true` if there is nothing to wait for.
    pub fn is_open(&self) -> bool {
        *self == GateSpec::default()
    }
}
