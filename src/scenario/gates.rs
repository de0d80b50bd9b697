//! Gates: conditions under which flows wait for each other before a step.

use std::time::Duration;

/// The gates before a step, passed in the order of the fields. The wait for a script instance of a
/// pool is separate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateSpec {
    /// A barrier: this many flows are held and then released at once.
    pub together: Option<u64>,
    /// A rate limit: the minimum time between two starts of the step.
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
