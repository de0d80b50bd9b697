//! State that all parts of one spawner share: its marker, its live instances, its reaper.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::process::Signal;

use crate::process::marker::{InstanceNumber, RunMarker};
use crate::process::proc;
use crate::process::process_state::{Process, Requested};
use crate::process::spawn::limits;
use crate::process::termination::command::ReaperCommand;
use crate::process::termination::watcher::WatcherPipe;

/// An instance between the request to start it and the end of its tree.
enum Live {
    Starting,
    Running(Arc<Process>),
}

/// State that all parts of one spawner share.
pub(in crate::process) struct SpawnerShared {
    pub(in crate::process) marker: RunMarker,
    /// The resource limit that marks the run's programs, if this process may set it.
    pub(in crate::process) mark: Option<u64>,
    next: AtomicU64,
    live: Mutex<HashMap<InstanceNumber, Live>>,
    commands: Sender<ReaperCommand>,
    /// An eventfd that wakes the reaper, which sleeps on descriptors.
    wakeup: OwnedFd,
    /// The reaper sweeps at intervals without being woken.
    sweeping: AtomicBool,
    /// A sweep was requested that the reaper has not begun.
    sweep_requested: AtomicBool,
    watcher: Option<WatcherPipe>,
    notify: OnceLock<Notify>,
}

/// A receiver of sentences about the run as a whole.
type Notify = Box<dyn Fn(String) + Send + Sync>;

impl SpawnerShared {
    pub(in crate::process) fn new(
        marker: RunMarker,
        commands: Sender<ReaperCommand>,
        wakeup: OwnedFd,
        watcher: Option<WatcherPipe>,
    ) -> Self {
        SpawnerShared {
            mark: limits::can_be_marked().then(|| marker.as_limit()),
            marker,
            next: AtomicU64::new(1),
            live: Mutex::default(),
            commands,
            wakeup,
            sweeping: AtomicBool::new(false),
            sweep_requested: AtomicBool::new(false),
            watcher,
            notify: OnceLock::new(),
        }
    }

    /// Assigns a number to a new instance, which counts as live from now on.
    pub(in crate::process) fn begin(&self) -> InstanceNumber {
        let number = InstanceNumber(self.next.fetch_add(1, Ordering::Relaxed));
        self.live().insert(number, Live::Starting);
        if !self.sweeping.swap(true, Ordering::SeqCst) {
            // The first live instance: the reaper begins to sweep.
            self.wake_reaper();
        }
        number
    }

    /// Enters the process of an instance.
    pub(in crate::process) fn started(&self, process: &Arc<Process>) {
        if let Some(watcher) = &self.watcher {
            watcher.started(process.pid());
        }
        self.live()
            .insert(process.instance, Live::Running(Arc::clone(process)));
    }

    /// Hands over what is left of an instance whose process has exited and whose output is
    /// drained: the reaper ends its group at once, and soon its orphans, in one sweep with those
    /// of other instances.
    pub(in crate::process) fn finished(&self, process: &Arc<Process>) {
        if process.group_lives() {
            let process = Arc::clone(process);
            // Refused only by a reaper that has ended everything.
            self.command(ReaperCommand::EndGroup { process });
            return;
        }
        self.forget(process.instance);
        if !self.sweep_requested.swap(true, Ordering::SeqCst) {
            self.command(ReaperCommand::Sweep);
        }
    }

    /// Notes that the reaper begins a sweep.
    pub(in crate::process) fn begin_sweep(&self) {
        self.sweep_requested.store(false, Ordering::SeqCst);
    }

    /// Ends the regular sweeps until the next instance begins. Returns `false` if an instance is
    /// live.
    pub(in crate::process) fn stop_sweeping(&self) -> bool {
        self.sweeping.store(false, Ordering::SeqCst);
        // An instance that began before that store did not wake the reaper.
        !self.any_live()
    }

    /// Ends the life of an instance: from now on, processes with its mark are left over.
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

    /// Returns `true` if the process has the run's mark among its limits.
    pub(in crate::process) fn has_mark(&self, pid: i32) -> bool {
        self.mark.is_some() && proc::realtime_limit(pid) == self.mark
    }

    pub(in crate::process) fn on_notice(&self, notify: Notify) {
        // The first one stays.
        let _ = self.notify.set(notify);
    }

    pub(in crate::process) fn notice(&self, text: String) {
        if let Some(notify) = self.notify.get() {
            notify(text);
        }
    }

    /// Reports all running programs to a new watcher.
    pub(in crate::process) fn introduce_watcher(&self) {
        let Some(watcher) = &self.watcher else { return };
        for process in self.running() {
            watcher.started(process.pid());
            // A later reap is reported as usual.
            if process.exit_record().is_some() {
                watcher.reaped(process.pid());
            }
        }
    }

    /// The pipe to the watcher, if there is one.
    pub(in crate::process) fn watcher(&self) -> Option<WatcherPipe> {
        self.watcher.clone()
    }

    /// Sends a command to the reaper. Returns `false` if the reaper has stopped, which it does
    /// only after ending everything.
    pub(in crate::process) fn command(&self, command: ReaperCommand) -> bool {
        let sent = self.commands.send(command).is_ok();
        self.wake_reaper();
        sent
    }

    fn wake_reaper(&self) {
        // Fails only if the counter of the eventfd is full, which wakes the reaper as well.
        let _ = rustix::io::write(&self.wakeup, &1_u64.to_ne_bytes());
    }

    /// Kills every running process group at once, processes outside of the groups excepted.
    /// Returns the pids of those groups that were still alive.
    pub(in crate::process) fn kill_all(&self) -> Vec<u32> {
        let running = self.running().into_iter();
        let living = running.filter(|process| process.group_lives());
        living
            .filter_map(|process| {
                process.signal(Requested::Kill, &[Signal::KILL]);
                u32::try_from(process.pid()).ok()
            })
            .collect()
    }

    fn live(&self) -> MutexGuard<'_, HashMap<InstanceNumber, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of spawners in this process.
static SPAWNERS: AtomicUsize = AtomicUsize::new(0);

/// Counts one spawner of this process until it is dropped.
pub(in crate::process) struct SpawnerCount(());

impl SpawnerCount {
    pub(in crate::process) fn increment() -> Self {
        SPAWNERS.fetch_add(1, Ordering::SeqCst);
        SpawnerCount(())
    }

    /// Returns `true` if this process has exactly one spawner.
    pub(in crate::process) fn is_one() -> bool {
        SPAWNERS.load(Ordering::SeqCst) == 1
    }
}

impl Drop for SpawnerCount {
    fn drop(&mut self) {
        SPAWNERS.fetch_sub(1, Ordering::SeqCst);
    }
}
