//! Read throttling: output is left in the kernel's buffer on purpose.

use std::cell::{Cell, RefCell};
use std::future::Future as _;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::time::Sleep;

/// The rate at which a program's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRate {
    /// The maximum size of one read, at least one byte.
    pub bytes: usize,
    /// The pause after a read that left output unread; none if zero.
    pub every: Duration,
}

/// The throttle of one program's output; without a rate it lets everything pass.
#[derive(Default)]
pub(in crate::process) struct Throttle {
    rate: Cell<Option<ReadRate>>,
    /// The beginning of the current pause, and its timer.
    pause: RefCell<Option<(Instant, Pin<Box<Sleep>>)>>,
    throttled_for: Cell<Duration>,
}

impl Throttle {
    pub(in crate::process) fn set_rate(&self, rate: Option<ReadRate>) {
        self.rate.set(rate);
    }

    /// Returns the sum of all pauses so far.
    pub(in crate::process) fn throttled_for(&self) -> Duration {
        self.throttled_for.get()
    }

    /// Returns the limit of the next read in bytes, if there is one; pending during a pause.
    pub(in crate::process) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        let mut pause = self.pause.borrow_mut();
        let rate = self.rate.get();
        if let Some((since, sleep)) = &mut *pause {
            if rate.is_some() {
                ready!(sleep.as_mut().poll(cx));
            }
            self.throttled_for
                .set(self.throttled_for.get() + since.elapsed());
            *pause = None;
        }
        Poll::Ready(rate.map(|rate| rate.bytes.max(1)))
    }

    /// Begins a pause, if there is a rate, after a read that left output unread.
    pub(in crate::process) fn pause(&self) {
        if let Some(rate) = self.rate.get().filter(|rate| !rate.every.is_zero()) {
            let sleep = Box::pin(tokio::time::sleep(rate.every));
            *self.pause.borrow_mut() = Some((Instant::now(), sleep));
        }
    }
}

/// Returns `true` if a read would return something right now.
pub(in crate::process) fn is_readable(fd: &OwnedFd) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let ready = rustix::event::poll(&mut fds, Some(&now));
    ready.is_ok_and(|count| count > 0) && fds[0].revents().contains(PollFlags::IN)
}
