//! Registry of the children that spawners of this process started.
//!
//! A process has one set of children, started by several spawners, the test harness, or another
//! library. As a subreaper it also gets children that it never started. This registry
//! distinguishes them, so that each child is reaped only by its owner.

use std::collections::HashSet;
use std::io;
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

use crate::process::proc;
use crate::process::spawn::vfork::RawChild;
use crate::process::sys;

/// The children that the spawners of this process started and have not reaped.
#[derive(Default)]
pub(in crate::process) struct Registry {
    /// Held for reading from the start of a child to its entry below, so that the holder of the
    /// write lock sees every started child entered.
    gate: RwLock<()>,
    pids: Mutex<HashSet<i32>>,
}

/// A living child of this process that no spawner started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::process) struct Orphan {
    pub(in crate::process) pid: i32,
    pub(in crate::process) session: i32,
    pub(in crate::process) group: i32,
}

static SPAWNED: LazyLock<Registry> = LazyLock::new(Registry::default);

/// Returns the registry of this process.
pub(in crate::process) fn spawned() -> &'static Registry {
    &SPAWNED
}

impl Registry {
    /// Runs `start` and enters the child that it started.
    pub(in crate::process) fn enter(
        &self,
        start: impl FnOnce() -> io::Result<RawChild>,
    ) -> io::Result<RawChild> {
        let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let child = start()?;
        self.pids().insert(child.pid);
        Ok(child)
    }

    /// Removes a child. Only after its reap: until then its pid cannot be reused.
    pub(in crate::process) fn forget(&self, pid: i32) {
        self.pids().remove(&pid);
    }

    /// Reaps the orphans of this process that have ended, and returns those that live.
    ///
    /// An orphan is a child that no spawner started and that is not in our own session:
    /// descendants of an instance are in the instance's session or in a later one, while children
    /// that other code of this process starts stay in ours.
    pub(in crate::process) fn sweep(&self) -> Vec<Orphan> {
        // Without the gate first: orphans are rare, and spawning continues meanwhile.
        if self.strangers().is_empty() {
            return Vec::new();
        }
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        // From /proc, as for the others: in a container the leader of our session may be outside,
        // and its number then is 0, in `/proc` as from `getsid`, for which rustix has no value.
        let Some(own_session) = proc::own_stat().map(|stat| stat.session) else {
            return Vec::new();
        };
        let mut living = Vec::new();
        for pid in self.strangers() {
            let Some(stat) = proc::stat(pid) else {
                continue;
            };
            if stat.session == own_session {
                continue;
            }
            if stat.is_dead() {
                // The reaper of another spawner may have reaped it.
                let _ = sys::reap(pid);
            } else {
                living.push(Orphan {
                    pid,
                    session: stat.session,
                    group: stat.group,
                });
            }
        }
        living
    }

    /// Returns the children of this process that no spawner started, and those being started now.
    fn strangers(&self) -> Vec<i32> {
        let children = proc::own_children();
        let known = self.pids();
        children
            .into_iter()
            .filter(|pid| !known.contains(pid))
            .collect()
    }

    fn pids(&self) -> std::sync::MutexGuard<'_, HashSet<i32>> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
