//! A started process with its spawner, and the guard that ends it while it has no owner.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::process::Signal;

use crate::process::io::pipes::OwnEnds;
use crate::process::process_state::{Process, Requested};
use crate::process::spawn::shared::SpawnerShared;
use crate::process::termination::command::ReaperCommand;
use crate::process::termination::grace::Grace;

/// A process together with the spawner that started it.
#[derive(Clone)]
pub(in crate::process) struct SpawnedProcess {
    pub(in crate::process) process: Arc<Process>,
    pub(in crate::process) spawner: Arc<SpawnerShared>,
}

impl SpawnedProcess {
    /// Has the reaper terminate the process tree.
    pub(in crate::process) fn terminate(&self, grace: Grace) {
        let process = Arc::clone(&self.process);
        let command = ReaperCommand::Terminate { process, grace };
        if !self.spawner.command(command) {
            // The reaper stopped after ending everything: this can only be what it gave up.
            self.process.signal(Requested::Kill, &[Signal::KILL]);
            self.process.reap();
        }
    }
}

/// Our ends of a program's standard streams, not yet registered with a reactor.
pub(in crate::process) enum Streams {
    Terminal(OwnedFd),
    Pipes(OwnEnds),
}

/// A running program that no [`Child`](crate::process::Child) owns yet.
pub(in crate::process) struct Started {
    pub(in crate::process) guard: TerminateOnDrop,
    pub(in crate::process) streams: Streams,
}

/// Terminates a process on drop, unless an owner took it over.
pub(in crate::process) struct TerminateOnDrop {
    pub(in crate::process) spawned: SpawnedProcess,
    armed: bool,
}

impl TerminateOnDrop {
    pub(in crate::process) fn new(spawned: SpawnedProcess) -> Self {
        TerminateOnDrop {
            spawned,
            armed: true,
        }
    }

    /// Leaves the process to its owner.
    pub(in crate::process) fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for TerminateOnDrop {
    fn drop(&mut self) {
        if self.armed {
            self.spawned.terminate(Grace::SHORT);
        }
    }
}
