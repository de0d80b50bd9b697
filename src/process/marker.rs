//! Marks in the environment of every started process, by which its run and instance are known.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that every process of a run carries; its value is the run's
/// [`RunMarker`].
pub const RUN_VARIABLE: &str = "REHEARSAL_RUN_TOKEN";
/// The environment variable that distinguishes the instances of a run.
pub const INSTANCE_VARIABLE: &str = "REHEARSAL_INSTANCE";

/// The smallest resource limit that marks a run.
const SMALLEST_LIMIT: u64 = 1 << 62;

/// A unique token in the environment of every process of one run.
///
/// It identifies a process as one of the run's even after the process has left its session and
/// lost its parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunMarker(String);

impl RunMarker {
    /// Creates a marker that no other run of this process or this machine has.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        RunMarker(format!(
            "{:x}-{:x}-{:x}",
            std::process::id(),
            since_epoch.as_nanos(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ))
    }

    /// Takes over the marker of a run that another process began.
    pub(super) fn received(text: &str) -> Self {
        RunMarker(text.to_owned())
    }

    /// Returns the marker as a resource limit: a number from 2^62 to 2^63.
    ///
    /// The environment of a process can be cleared. Limits are inherited as well, and hardly any
    /// program changes the one of real-time scheduling (`RLIMIT_RTTIME`, in microseconds), for
    /// which a number of this size is as good as no limit.
    pub(super) fn as_limit(&self) -> u64 {
        // FNV-1a, which every version of the program computes alike.
        let hash = self
            .0
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        hash >> 2 | SMALLEST_LIMIT
    }

    /// Returns `true` if the limit is the mark of a run.
    pub(super) fn is_mark(limit: u64) -> bool {
        limit & !(SMALLEST_LIMIT - 1) == SMALLEST_LIMIT
    }

    /// Returns the value of [`RUN_VARIABLE`].
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The number of an instance among all that a spawner starts: the value of
/// [`INSTANCE_VARIABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct InstanceNumber(pub(super) u64);

impl fmt::Display for InstanceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_run_is_recognised() {
        let limit = RunMarker::unique().as_limit();
        assert!(RunMarker::is_mark(limit));
        assert_ne!(limit, RunMarker::unique().as_limit());
        for limit in [
            0,
            200_000,
            SMALLEST_LIMIT - 1,
            SMALLEST_LIMIT << 1,
            u64::MAX,
        ] {
            assert!(!RunMarker::is_mark(limit), "{limit}");
        }
    }
}
