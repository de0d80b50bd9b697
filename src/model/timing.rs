//! Conversion of durations to the unit of all records.

use std::time::Duration;

/// Converts a duration to whole microseconds, saturating at [`u64::MAX`].
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
