//! What all parts of one spawner share: its mark, its live instances, the reaper's letter box.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::process::handle::{InstanceNumber, Process};
use crate::process::termination::reaper::ReaperCommand;
use crate::process::termination::watcher::Line;

/// The environment variable that every process of a run carries; its value is the run's
/// [`RunMarker`].
pub const RUN_VARIABLE: &str = "REHEARSAL_RUN_TOKEN";
/// The environment variable that tells the instances of a run apart.
pub const INSTANCE_VARIABLE: &str = "REHEARSAL_INSTANCE";

/// A word that is in the environment of every process of one run, and of no other process: by it
/// a process is known as ours wherever it went.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunMarker(String);

impl RunMarker {
    /// A marker that no other run has: neither of this process, nor of this machine.
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

    /// The marker that another process of the run told.
    pub(in crate::process) fn told(text: &str) -> Self {
        RunMarker(text.to_owned())
    }

    /// The value of [`RUN_VARIABLE`].
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An instance between the order to start it and the end of its tree.
enum Live {
    Starting,
    Running(Arc<Process>),
}

/// What all parts of one spawner share.
pub(in crate::process) struct SpawnerShared {
    pub(in crate::process) marker: RunMarker,
    next: AtomicU64,
    live: Mutex<HashMap<InstanceNumber, Live>>,
    orders: Sender<ReaperCommand>,
    /// Wakes the reaper, who sleeps on descriptors.
    bell: OwnedFd,
    /// The reaper looks around now and then without being rung for.
    attended: AtomicBool,
    /// The reaper was told to look around soon, and has not begun to.
    look_asked: AtomicBool,
    /// To the watcher, if there is one.
    line: Option<Line>,
}

impl SpawnerShared {
    pub(in crate::process) fn new(
        marker: RunMarker,
        orders: Sender<ReaperCommand>,
        bell: OwnedFd,
        line: Option<Line>,
    ) -> Self {
        SpawnerShared {
            marker,
            next: AtomicU64::new(1),
            live: Mutex::default(),
            orders,
            bell,
            attended: AtomicBool::new(false),
            look_asked: AtomicBool::new(false),
            line,
        }
    }

    /// A number for a new instance, which counts as live from now on.
    pub(in crate::process) fn begin(&self) -> InstanceNumber {
        let number = InstanceNumber(self.next.fetch_add(1, Ordering::Relaxed));
        self.live().insert(number, Live::Starting);
        if !self.attended.swap(true, Ordering::SeqCst) {
            // From now on there is something to look after.
            self.ring();
        }
        number
    }

    /// An instance's program has ended and its output is done with. The reaper sees to what is
    /// left of it: to its group at once, and soon to its orphans, together with those of others.
    pub(in crate::process) fn departed(&self, process: &Arc<Process>) {
        if process.group_lives() {
            // Refused only by a reaper that has ended everything.
            self.order(ReaperCommand::Departed {
                process: Arc::clone(process),
            });
            return;
        }
        self.forget(process.instance);
        if !self.look_asked.swap(true, Ordering::SeqCst) {
            self.order(ReaperCommand::Look);
        }
    }

    /// The reaper begins to look around.
    pub(in crate::process) fn looking(&self) {
        self.look_asked.store(false, Ordering::SeqCst);
    }

    /// The reaper wants to sleep until it is rung for; `false` if there is something to look
    /// after.
    pub(in crate::process) fn leave_unattended(&self) -> bool {
        self.attended.store(false, Ordering::SeqCst);
        // Whoever began before that rang for nobody.
        !self.any_live()
    }

    pub(in crate::process) fn entered(&self, process: &Arc<Process>) {
        if let Some(line) = &self.line {
            line.started(process.pid());
        }
        self.live()
            .insert(process.instance, Live::Running(Arc::clone(process)));
    }

    /// A process' number is nobody's from now on.
    pub(in crate::process) fn reaped(&self, pid: i32) {
        if let Some(line) = &self.line {
            line.reaped(pid);
        }
    }

    /// From now on, processes with this instance's mark are left over.
    pub(in crate::process) fn forget(&self, instance: InstanceNumber) {
        self.live().remove(&instance);
    }

    pub(in crate::process) fn is_live(&self, instance: InstanceNumber) -> bool {
        self.live().contains_key(&instance)
    }

    pub(in crate::process) fn any_live(&self) -> bool {
        !self.live().is_empty()
    }

    pub(in crate::process) fn running(&self) -> Vec<Arc<Process>> {
        self.live()
            .values()
            .filter_map(|live| match live {
                Live::Starting => None,
                Live::Running(process) => Some(Arc::clone(process)),
            })
            .collect()
    }

    /// Gives the reaper an order. Lost if the reaper is gone, who leaves only after having
    /// ended everything; `false` then.
    pub(in crate::process) fn order(&self, order: ReaperCommand) -> bool {
        let told = self.orders.send(order).is_ok();
        self.ring();
        told
    }

    fn ring(&self) {
        // Fails only if it has been rung 2^64-2 times and not been heard yet.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn live(&self) -> MutexGuard<'_, HashMap<InstanceNumber, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
