//! What can be done to a program on purpose, to see what becomes of it.
//!
//! All of it leaves the promises of this layer as they are: whoever ends a program continues it
//! first, and a program that is read slowly is read to its end when it has ended.

use std::cell::{Cell, RefCell};
use std::future::Future as _;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;
use tokio::time::Sleep;

use crate::process::handle::Requested;
use crate::process::io::child::Child;
use crate::process::io::child::WriteError;

/// How slowly a program's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRate {
    /// The most that is read at once, at least one.
    pub bytes: usize,
    /// How long reading rests when there is more.
    pub every: Duration,
}

impl Child {
    /// Stops the program and its process group, until [`Child::thaw`], or until it is ended;
    /// `false` if it has ended already.
    pub fn freeze(&self) -> bool {
        self.process().signal(Requested::Nothing, &[Signal::STOP])
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process().signal(Requested::Nothing, &[Signal::CONT]);
    }

    /// Kills the program and its process group, as if somebody else did it: its end is told as
    /// [`Ending::Injected`](crate::model::Ending::Injected). `false` if it has ended already.
    pub fn inject_kill(&self) -> bool {
        self.process()
            .signal(Requested::InjectedKill, &[Signal::KILL])
    }

    /// Sends bytes as [`Child::write`] does, also a line that is too long for a terminal.
    ///
    /// # Errors
    /// As [`Child::write`]; nothing was sent then.
    pub fn write_unchecked(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.shared().write(bytes)
    }

    /// Tells the program that there is no more input, and makes that true: what is written later
    /// is refused, on a terminal, too.
    pub fn refuse_input(&self) {
        self.close_input();
        self.shared().refuse_writes();
    }

    /// From now on reads its output like this; `None` for as fast as it comes.
    pub fn throttle_reads(&self, pace: Option<ReadRate>) {
        self.shared().throttle.pace.set(pace);
        self.shared().wake();
    }

    /// For how long output that was there has been left unread, in all, because of
    /// [`Child::throttle_reads`].
    pub fn throttled_for(&self) -> Duration {
        self.shared().throttle.throttled_for.get()
    }
}

/// Holds reading back, if that is wanted.
#[derive(Default)]
pub(super) struct Throttle {
    pace: Cell<Option<ReadRate>>,
    rest: RefCell<Option<(Instant, Pin<Box<Sleep>>)>>,
    throttled_for: Cell<Duration>,
}

impl Throttle {
    /// The most that may be read now, if that is limited; pending while reading rests.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        let mut rest = self.rest.borrow_mut();
        let pace = self.pace.get();
        if let Some((since, sleep)) = &mut *rest {
            if pace.is_some() {
                ready!(sleep.as_mut().poll(cx));
            }
            let throttled_for = self.throttled_for.get() + since.elapsed();
            self.throttled_for.set(throttled_for);
            *rest = None;
        }
        Poll::Ready(pace.map(|pace| pace.bytes.max(1)))
    }

    /// Something was read, and there is more: reading rests, if it is slow.
    pub(super) fn more_is_there(&self) {
        if let Some(pace) = self.pace.get() {
            let sleep = Box::pin(tokio::time::sleep(pace.every));
            *self.rest.borrow_mut() = Some((Instant::now(), sleep));
        }
    }
}

/// Whether there is something to be read right now.
pub(super) fn is_readable(fd: &OwnedFd) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let ready = rustix::event::poll(&mut fds, Some(&now));
    ready.is_ok_and(|count| count > 0) && fds[0].revents().contains(PollFlags::IN)
}
