//! Gates: conditions under which flows wait for each other before a step or a reply.

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

/// The gates before the reply of a turn, passed in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyGateSpec {
    /// The turn, by a number that no other turn of the scenario has.
    pub turn: usize,
    /// A mutex: one flow at a time, from its reply to the evidence after it, at all turns with this
    /// name.
    pub exclusive: Option<String>,
    /// A rate limit: the minimum time between two replies.
    pub interval: Option<Duration>,
}
