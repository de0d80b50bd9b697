//! Grace periods between the signals that end a process tree.

use std::time::Duration;

/// The time a process tree has to exit before it is sent the next, harsher signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// From SIGHUP to SIGTERM; no SIGHUP if zero.
    pub hang_up: Duration,
    /// From SIGTERM to SIGKILL; no SIGTERM if zero.
    pub terminate: Duration,
}

impl Grace {
    /// SIGKILL at once.
    pub const NOW: Grace = Grace {
        hang_up: Duration::ZERO,
        terminate: Duration::ZERO,
    };
    /// For processes without an owner, and for runs that end at once.
    pub const SHORT: Grace = Grace {
        hang_up: Duration::from_millis(200),
        terminate: Duration::from_millis(300),
    };

    /// Returns the shorter of both periods, for each signal.
    pub(in crate::process) fn at_most(self, other: Grace) -> Grace {
        Grace {
            hang_up: self.hang_up.min(other.hang_up),
            terminate: self.terminate.min(other.terminate),
        }
    }
}

impl Default for Grace {
    fn default() -> Self {
        Grace {
            hang_up: Duration::from_millis(500),
            terminate: Duration::from_secs(1),
        }
    }
}
