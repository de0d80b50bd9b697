//! Marks in the environment of every started process, by which its run and instance are known.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that every process of a run carries; its value is the run's
/// [`RunMarker`].
pub const RUN_VARIABLE: &str = "REHEARSAL_RUN_TOKEN";
/// The environment variable that distinguishes the instances of a run.
pub const INSTANCE_VARIABLE: &str = "REHEARSAL_INSTANCE";

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
