//! Which children of this process were started here.
//!
//! A process has one set of children, whoever in it started them: several spawners, the test
//! harness, another library. As a subreaper it also gets children that it never started. This
//! registry tells the ones from the others, so that nobody's child is reaped but by its owner.

use std::collections::HashSet;
use std::io;
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

use crate::process::proc;
use crate::process::sys;
use crate::process::sys::RawChild;

/// The children that the spawners of this process started and did not reap yet.
#[derive(Default)]
pub(in crate::process) struct Registry {
    /// Held for reading between the setup of a child and its entry below; so whoever holds it for
    /// writing sees no child that is ours and not entered.
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

/// The one registry of this process.
pub(in crate::process) fn spawned() -> &'static Registry {
    &SPAWNED
}

impl Registry {
    /// Runs `start`, which starts a child, and enters the child.
    pub(in crate::process) fn enter(
        &self,
        start: impl FnOnce() -> io::Result<RawChild>,
    ) -> io::Result<RawChild> {
        let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let child = start()?;
        self.pids().insert(child.pid);
        Ok(child)
    }

    /// Forgets a child. Only after it was reaped: until then its number is its own.
    pub(in crate::process) fn forget(&self, pid: i32) {
        self.pids().remove(&pid);
    }

    /// Reaps the dead among the orphans that came to this process, and gives the living.
    ///
    /// An orphan is a child that no spawner started and that is not of our own session: whatever
    /// descends from an instance is in the instance's session or in a later one, while children
    /// that other code of this process starts stay in ours.
    pub(in crate::process) fn sweep(&self) -> Vec<Orphan> {
        // Without the gate first: there are hardly ever any, and spawning goes on meanwhile.
        if self.strangers().is_empty() {
            return Vec::new();
        }
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        // From the same place as theirs: in a container the leader of our session may be outside,
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
                // Another sweeper of this process may have been quicker.
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

    /// Children of this process that no spawner started, and those being started right now.
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
