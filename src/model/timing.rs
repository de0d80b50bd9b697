//! Conversion of durations to the unit of all records.

use std::time::Duration;

/// Returns the whole microseconds in `duration`; [`u64::MAX`] if they are more than that.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
