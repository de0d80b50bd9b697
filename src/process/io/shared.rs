//! State that a [`Child`](crate::process::Child) shares with its events.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::rc::Weak;

use crate::process::io::pty::TerminalChanges;
use crate::process::io::throttle::{Throttle, is_readable};
use crate::process::io::writes::Writer;
use crate::process::spawn::started::SpawnedProcess;
use crate::process::sys::RegisteredFd;

/// State of one running program, shared by its [`Child`](crate::process::Child) and its
/// [`Events`](crate::process::Events) on one thread.
pub(in crate::process) struct ChildShared {
    pub(in crate::process) spawned: SpawnedProcess,
    pub(in crate::process) writer: Writer,
    pub(in crate::process) throttle: Throttle,
    /// Changes of the terminal since they were last taken.
    pub(in crate::process) changes: Cell<TerminalChanges>,
    /// Events that were read and wait to be returned.
    pub(in crate::process) read_ahead: Cell<usize>,
    /// Outputs, as long as they are open.
    outputs: Vec<Weak<RegisteredFd<OwnedFd>>>,
    /// Input that the program had not read when it ended, as far as it is known.
    unread_at_end: Cell<usize>,
    /// Set with the last event.
    finished: Cell<bool>,
}

impl ChildShared {
    pub(in crate::process) fn new(
        spawned: SpawnedProcess,
        writer: Writer,
        outputs: Vec<Weak<RegisteredFd<OwnedFd>>>,
    ) -> Self {
        ChildShared {
            changes: Cell::default(),
            unread_at_end: Cell::default(),
            read_ahead: Cell::default(),
            outputs,
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
        self.unread_at_end.set(self.writer.unread());
        self.writer.release();
        self.spawned.spawner.finished(&self.spawned.process);
    }

    /// Returns whether output can be read or was read ahead, or the exit is not reported yet.
    pub(in crate::process) fn has_news(&self) -> bool {
        let mut outputs = self.outputs.iter().filter_map(Weak::upgrade);
        !self.is_finished()
            && (self.read_ahead.get() > 0
                || outputs.any(|output| is_readable(output.get_ref()))
                || self.spawned.process.has_exited())
    }

    /// Returns the size of the input that the program has not read, or had not when it ended.
    pub(in crate::process) fn unread(&self) -> usize {
        if self.is_finished() {
            self.unread_at_end.get()
        } else {
            self.writer.unread()
        }
    }

    pub(in crate::process) fn is_finished(&self) -> bool {
        self.finished.get()
    }
}
