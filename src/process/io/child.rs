//! Handle of a running program: its input, output and end. Signals go through `process_state`.

use std::io;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::Interest;

use crate::model::Activity;
use crate::process::activity::{self, LiveUsage};
use crate::process::io::events::Events;
use crate::process::io::pipes::OwnEnds;
use crate::process::io::pty::{TerminalChanges, TerminalMode};
use crate::process::io::shared::ChildShared;
use crate::process::io::writes::{Input, WriteError, Writer};
use crate::process::process_state::Process;
use crate::process::spawn::started::{Started, Streams};
use crate::process::sys::RegisteredFd;
use crate::process::termination::grace::Grace;

/// A running program, owned.
///
/// A child stays on the thread that created it. Dropping it while the program runs hands the
/// program to the reaper thread, which terminates its whole tree; so neither a panic nor a
/// forgotten handle leaves a process behind.
pub struct Child {
    shared: Rc<ChildShared>,
    events: Option<Events>,
    /// Not `Send`: the descriptors are registered with this thread's reactor.
    bound: PhantomData<Rc<()>>,
}

impl Child {
    /// Takes over a started program, and registers its descriptors with the current reactor.
    pub(in crate::process) fn new(started: Started) -> io::Result<Self> {
        // Terminates the process if anything below fails.
        let Started { guard, streams } = started;
        let are_pipes = matches!(streams, Streams::Pipes(_));
        let (input, outputs) = match streams {
            Streams::Terminal(master) => {
                let master = Rc::new(RegisteredFd::owned(master, Interest::READABLE)?);
                (Input::Terminal(Rc::clone(&master)), vec![master])
            }
            Streams::Pipes(OwnEnds {
                stdin,
                stdout,
                stderr,
            }) => {
                let stdout = Rc::new(RegisteredFd::owned(stdout, Interest::READABLE)?);
                let stderr = Rc::new(RegisteredFd::owned(stderr, Interest::READABLE)?);
                (Input::Pipe(stdin), vec![stdout, stderr])
            }
        };
        let spawned = guard.spawned.clone();
        let exit = RegisteredFd::shared(spawned.process.exit_fd(), Interest::READABLE)?;
        let readable = outputs.iter().map(Rc::downgrade).collect();
        let shared = Rc::new(ChildShared::new(spawned, Writer::new(input), readable));
        guard.disarm();
        let events = Events::new(Rc::clone(&shared), exit, outputs, are_pipes);
        Ok(Child {
            shared,
            events: Some(events),
            bound: PhantomData,
        })
    }

    /// Returns the process id, which is also the id of the session and the process group.
    pub fn pid(&self) -> u32 {
        self.process().pid().unsigned_abs()
    }

    /// Returns the moment right before the system call that started the program.
    pub fn started_at(&self) -> Instant {
        self.process().started_at
    }

    /// Takes the stream of the program's events; `None` after the first call.
    ///
    /// Unless it is polled, nothing is read, and bytes that could not be written at once stay
    /// unwritten.
    pub fn events(&mut self) -> Option<Events> {
        self.events.take()
    }

    /// Writes bytes to the program, unchanged and in order, and returns the moment right before
    /// the attempt. Bytes for which the kernel has no room are kept and written as the program
    /// reads.
    ///
    /// # Errors
    /// Nothing was written then. [`WriteError::LineTooLong`] only while the terminal collects
    /// lines.
    pub fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.shared.writer.check_lines(bytes)?;
        self.shared.writer.write(bytes)
    }

    /// Returns the number of bytes that the program has not read, as far as it can be known: while a
    /// terminal collects lines, an unfinished one does not count, and the kernel forgets a terminal's
    /// input when its program ends.
    pub fn unread(&self) -> usize {
        self.shared.unread()
    }

    /// Closes the program's standard input after all bytes that are still unwritten: closes the
    /// pipe, or types the terminal's end-of-input character.
    pub fn close_input(&self) {
        self.shared.writer.close_input();
    }

    /// Returns the current echo mode of the terminal.
    pub fn echo(&self) -> TerminalMode {
        self.shared.writer.echo()
    }

    /// Gives the program's terminal another size, of which the kernel notifies it. Does nothing on
    /// pipes.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.shared.writer.resize(rows, columns);
    }

    /// Returns whether an event is due that [`Events`] has not returned: output that can be read, or
    /// the exit. Asks the kernel.
    pub fn has_news(&self) -> bool {
        self.shared.has_news()
    }

    /// Takes the changes of the terminal that were noticed since the last call.
    pub fn take_terminal_changes(&self) -> TerminalChanges {
        self.shared.changes.take()
    }

    /// Returns the current activity of the program, looking through wrappers that wait for their
    /// child.
    pub fn activity(&self) -> Activity {
        match self.process().exit_record() {
            Some(_) => Activity::Gone,
            None => activity::of_tree(self.process().pid()),
        }
    }

    /// Returns whether the program waits for its input and for nothing else: unlike
    /// [`Child::activity`], a program that also waits for another source, as a remote shell does, or
    /// for some time only, does not count.
    pub fn only_reads(&self) -> bool {
        self.process().exit_record().is_none() && activity::only_reads(self.process().pid())
    }

    /// Returns whether the program and its descendants can do nothing before their input comes, signals
    /// apart: one of them waits for it alone, and all other threads wait for each other.
    pub fn is_blocked_on_input(&self) -> bool {
        self.process().exit_record().is_none()
            && activity::is_blocked_on_input(self.process().pid())
    }

    /// Returns the current resource usage of the program and its live descendants; `None` once it
    /// has exited.
    pub fn usage_now(&self) -> Option<LiveUsage> {
        match self.process().exit_record() {
            Some(_) => None,
            None => activity::usage_of_tree(self.process().pid()),
        }
    }

    pub(in crate::process) fn process(&self) -> &Process {
        &self.shared.spawned.process
    }

    pub(in crate::process) fn shared(&self) -> &ChildShared {
        &self.shared
    }

    /// Begins to terminate the program and its descendants: SIGHUP, then SIGTERM, then SIGKILL,
    /// as far as needed. Does not wait: the exit is reported by
    /// [`ChildEvent::Exited`](crate::process::ChildEvent::Exited). Calling it again can only
    /// shorten the grace.
    pub fn end(&self, grace: Grace) {
        if !self.shared.is_finished() {
            self.shared.spawned.terminate(grace);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end(Grace::SHORT);
    }
}
