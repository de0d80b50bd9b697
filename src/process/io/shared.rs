//! State that a [`Child`](crate::process::Child) shares with its events.

use std::cell::Cell;

use crate::process::io::throttle::Throttle;
use crate::process::io::writes::Writer;
use crate::process::spawn::started::SpawnedProcess;

/// State of one running program, shared by its [`Child`](crate::process::Child) and its
/// [`Events`](crate::process::Events) on one thread.
pub(in crate::process) struct ChildShared {
    pub(in crate::process) spawned: SpawnedProcess,
    pub(in crate::process) writer: Writer,
    pub(in crate::process) throttle: Throttle,
    /// Set with the last event.
    finished: Cell<bool>,
}

impl ChildShared {
    pub(in crate::process) fn new(spawned: SpawnedProcess, writer: Writer) -> Self {
        ChildShared {
            spawned,
            writer,
            throttle: Throttle::default(),
            finished: Cell::new(false),
        }
    }

    /// Releases the input's descriptors, and hands what is left of the process group to the
    /// reaper: the last event is about to be returned.
    pub(in crate::process) fn finish(&self) {
        self.finished.set(true);
        self.writer.release();
        self.spawned.spawner.finished(&self.spawned.process);
    }

    pub(in crate::process) fn is_finished(&self) -> bool {
        self.finished.get()
    }
}
