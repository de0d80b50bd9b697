//! A running program in the hands of its owner.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::io::Interest;

use crate::model::Activity;
use crate::process::activity::{self, LiveUsage};
use crate::process::faults::Throttle;
use crate::process::handle::Process;
use crate::process::io::events::Events;
use crate::process::io::pipes::OwnEnds;
use crate::process::io::pty::{self, Echo, LONGEST_TERMINAL_LINE};
use crate::process::io::write_batch;
use crate::process::spawn::spawner::abandon;
use crate::process::sys::Watched;
use crate::process::termination::reaper::ReaperCommand;

/// The most bytes that wait here for a program that does not read.
pub const MOST_UNWRITTEN: usize = 64 * 1024;

/// How long a process tree may take to end before the next, harsher signal is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// From SIGHUP to SIGTERM; no SIGHUP if zero.
    pub hang_up: Duration,
    /// From SIGTERM to SIGKILL; no SIGTERM if zero.
    pub terminate: Duration,
}

impl Grace {
    /// SIGKILL at once.
    pub const NOW: Grace = Grace {
        hang_up: Duration::ZERO,
        terminate: Duration::ZERO,
    };
    /// For those that nobody waits for any more.
    pub(in crate::process) const SHORT: Grace = Grace {
        hang_up: Duration::from_millis(200),
        terminate: Duration::from_millis(300),
    };

    /// The shorter of both, each time.
    pub(in crate::process) fn at_most(self, other: Grace) -> Grace {
        Grace {
            hang_up: self.hang_up.min(other.hang_up),
            terminate: self.terminate.min(other.terminate),
        }
    }
}

impl Default for Grace {
    fn default() -> Self {
        Grace {
            hang_up: Duration::from_millis(500),
            terminate: Duration::from_secs(1),
        }
    }
}

/// Why bytes could not be sent to a program. None of them was sent.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the program's input is closed")]
    Closed,
    #[error(
        "the program does not read: {unwritten} bytes still wait for it, {} at most may",
        MOST_UNWRITTEN
    )]
    Full { unwritten: usize },
    #[error(
        "a line of {length} bytes is too long for a terminal, which keeps {} at most",
        LONGEST_TERMINAL_LINE
    )]
    LineTooLong { length: usize },
    #[error("cannot write to the program: {0}")]
    Failed(#[source] io::Error),
}

/// Our ends of what connects us with a program, not bound to any thread yet.
pub(in crate::process) enum Wires {
    Terminal(OwnedFd),
    Pipes(OwnEnds),
}

/// Our ends, bound to the reactor of the owner's thread.
pub(in crate::process) type Wire = Rc<Watched<OwnedFd>>;

/// Where input goes.
pub(in crate::process) enum Input {
    Terminal(Wire),
    Pipe(OwnedFd),
    Closed,
}

impl Input {
    pub(in crate::process) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Input::Terminal(wire) => Some(wire.get_ref().as_fd()),
            Input::Pipe(fd) => Some(fd.as_fd()),
            Input::Closed => None,
        }
    }
}

/// What is to be written once there is room.
#[derive(Default)]
pub(in crate::process) struct Outbox {
    pub(in crate::process) bytes: VecDeque<u8>,
    /// A copy of the input's descriptor that tells of room, while there is none. Watched all the
    /// time, it would wake us whenever the program has read something.
    pub(in crate::process) room: Option<Watched<OwnedFd>>,
    /// The pipe is to be closed when the bytes are written.
    pub(in crate::process) then_close: bool,
    /// The bytes are written with those for others, soon.
    pub(in crate::process) posted: bool,
    /// Where the terminal's cursor of input stands: inside a line, an end-of-input character
    /// only ends the line.
    pub(in crate::process) inside_line: bool,
}

/// What [`Child`] and [`Events`] share; both stay on one thread.
pub(in crate::process) struct Shared {
    pub(in crate::process) process: Arc<Process>,
    pub(in crate::process) input: RefCell<Input>,
    pub(in crate::process) outbox: RefCell<Outbox>,
    /// Wakes whoever polls the events.
    pub(in crate::process) waker: RefCell<Option<Waker>>,
    /// Set when the last event was told.
    pub(in crate::process) finished: Cell<bool>,
    /// Right before what was posted last was written.
    pub(in crate::process) sent_at: Cell<Option<Instant>>,
    /// Why what was posted could not be written; not told yet.
    pub(in crate::process) failure: RefCell<Option<WriteError>>,
    pub(in crate::process) throttle: Throttle,
}

/// A running program: its owner's handle.
///
/// It stays on the thread where it was made. Dropping it while the program lives hands the
/// program to a thread that ends its whole tree; so neither a panic nor a forgotten handle leaves
/// anything behind.
pub struct Child {
    shared: Rc<Shared>,
    events: Option<Events>,
    /// Not `Send`: the descriptors belong to this thread's reactor.
    bound: PhantomData<Rc<()>>,
}

impl Child {
    pub(in crate::process) fn new(process: Arc<Process>, wires: Wires) -> io::Result<Self> {
        let guard = Unowned(Some(Arc::clone(&process)));
        let are_pipes = matches!(wires, Wires::Pipes(_));
        let (input, outputs) = match wires {
            Wires::Terminal(master) => {
                let master = Rc::new(Watched::owned(master, Interest::READABLE)?);
                (Input::Terminal(Rc::clone(&master)), vec![master])
            }
            Wires::Pipes(OwnEnds {
                stdin,
                stdout,
                stderr,
            }) => {
                let stdout = Rc::new(Watched::owned(stdout, Interest::READABLE)?);
                let stderr = Rc::new(Watched::owned(stderr, Interest::READABLE)?);
                (Input::Pipe(stdin), vec![stdout, stderr])
            }
        };
        let exit = Watched::shared(process.exit_fd(), Interest::READABLE)?;
        let shared = Rc::new(Shared {
            process,
            input: RefCell::new(input),
            outbox: RefCell::default(),
            waker: RefCell::default(),
            finished: Cell::new(false),
            sent_at: Cell::new(None),
            failure: RefCell::default(),
            throttle: Throttle::default(),
        });
        guard.keep();
        let events = Events::new(Rc::clone(&shared), exit, outputs, are_pipes);
        Ok(Child {
            shared,
            events: Some(events),
            bound: PhantomData,
        })
    }

    /// The program's process number, also that of its session and its process group.
    pub fn pid(&self) -> u32 {
        self.shared.process.pid().unsigned_abs()
    }

    /// When its start was begun, right before the system call.
    pub fn started_at(&self) -> Instant {
        self.shared.process.started_at
    }

    /// All that happens to the program. Given once; unless it is polled, nothing is read, and
    /// what could not be written at once stays unwritten.
    pub fn events(&mut self) -> Option<Events> {
        self.events.take()
    }

    /// Sends bytes to the program, as they are. What it does not take now is kept and sent as it
    /// reads; the order is kept.
    ///
    /// Gives the moment right before the attempt.
    ///
    /// # Errors
    /// Nothing was sent then. [`WriteError::LineTooLong`] only while the terminal collects lines.
    pub fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.shared.check_lines(bytes)?;
        self.shared.write(bytes)
    }

    /// Sends bytes as [`Child::write`] does, but together with what is posted to other programs of
    /// this thread, once all who wait for the thread have had their turn: see
    /// [`Child::send_batched`]. Within a [`LocalSet`](tokio::task::LocalSet).
    ///
    /// # Errors
    /// As [`Child::write`]. What goes wrong only when they are sent is told by
    /// [`ChildEvent::NotWritten`](crate::process::ChildEvent::NotWritten).
    pub fn write_batched(&self, bytes: &[u8]) -> Result<(), WriteError> {
        self.shared.check_lines(bytes)?;
        if self.shared.hold(bytes)? {
            write_batch::post(Rc::clone(&self.shared));
        }
        Ok(())
    }

    /// Sends what was posted at once; `false` if it could not be sent, which is then told by
    /// [`ChildEvent::NotWritten`](crate::process::ChildEvent::NotWritten).
    pub fn send_batched(&self) -> bool {
        self.shared.send_batched();
        !self.shared.has_failed()
    }

    /// The moment right before what was posted last was sent; `None` if nothing was.
    pub fn sent_at(&self) -> Option<Instant> {
        self.shared.sent_at.get()
    }

    /// How many bytes the program has not taken yet, as far as can be told: of a terminal, what
    /// the kernel's buffer had no room for; of a pipe, what is inside it, too.
    pub fn unwritten(&self) -> usize {
        self.shared.unwritten()
    }

    /// Tells the program that there is no more input, after what is still unwritten: closes the
    /// pipe, or types the terminal's end-of-input character.
    pub fn close_input(&self) {
        self.shared.close_input();
    }

    /// What the terminal does with what is typed, right now.
    pub fn echo(&self) -> Echo {
        match &*self.shared.input.borrow() {
            Input::Terminal(master) => pty::echo(master.get_ref()),
            Input::Pipe(_) | Input::Closed => Echo::NoTerminal,
        }
    }

    /// What the program is doing right now, looking through wrappers that wait for their child.
    pub fn activity(&self) -> Activity {
        match self.shared.process.exit_record() {
            Some(_) => Activity::Gone,
            None => activity::of_tree(self.shared.process.pid()),
        }
    }

    /// What the program and its live descendants use right now; `None` once it has ended.
    pub fn usage_now(&self) -> Option<LiveUsage> {
        match self.shared.process.exit_record() {
            Some(_) => None,
            None => activity::usage_of_tree(self.shared.process.pid()),
        }
    }

    pub(in crate::process) fn process(&self) -> &Process {
        &self.shared.process
    }

    pub(in crate::process) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Begins to end the program and all that descends from it: SIGHUP, then SIGTERM, then
    /// SIGKILL, as far as needed. Does not wait: the end is told by
    /// [`ChildEvent::Exited`](crate::process::ChildEvent::Exited). Calling it again can only hurry.
    pub fn end(&self, grace: Grace) {
        if self.shared.finished.get() {
            return;
        }
        let process = Arc::clone(&self.shared.process);
        let run = Arc::clone(&process.run);
        if !run.order(ReaperCommand::End {
            process: Arc::clone(&process),
            grace,
        }) {
            abandon(process);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.shared.finished.get() {
            abandon(Arc::clone(&self.shared.process));
        }
    }
}

/// A process that nobody owns yet; dropped as such, it is ended.
struct Unowned(Option<Arc<Process>>);

impl Unowned {
    /// Somebody owns it now.
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Unowned {
    fn drop(&mut self) {
        if let Some(process) = self.0.take() {
            abandon(process);
        }
    }
}
