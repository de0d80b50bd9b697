//! How bytes go to a program: at once, in the thread's next round, or when there is room.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Instant;

use rustix::io::Errno;
use tokio::io::Interest;

use crate::process::io::child::{Input, MOST_UNWRITTEN, Outbox, Shared, WriteError};
use crate::process::io::pty::{self, Echo, LONGEST_TERMINAL_LINE};
use crate::process::sys::Watched;

impl Outbox {
    /// How much is unwritten already, if these bytes may be added.
    fn room_for(&self, input: &Input, bytes: &[u8]) -> Result<usize, WriteError> {
        if matches!(input, Input::Closed) || self.then_close {
            return Err(WriteError::Closed);
        }
        let unwritten = self.bytes.len();
        if unwritten + bytes.len() > MOST_UNWRITTEN {
            return Err(WriteError::Full { unwritten });
        }
        Ok(unwritten)
    }

    /// Keeps what of these bytes is not written yet.
    fn keep(&mut self, bytes: &[u8], written: usize) {
        self.bytes.extend(&bytes[written..]);
        if let Some(&last) = bytes.last() {
            self.inside_line = !matches!(last, b'\n' | b'\r');
        }
    }

    /// Whether there is nothing to be done now.
    fn is_idle(&self) -> bool {
        self.posted || self.bytes.is_empty() && self.room.is_none() && !self.then_close
    }
}

impl Shared {
    pub(in crate::process) fn check_lines(&self, bytes: &[u8]) -> Result<(), WriteError> {
        match &*self.input.borrow() {
            Input::Terminal(wire) => check_lines(wire.get_ref(), bytes),
            Input::Pipe(_) | Input::Closed => Ok(()),
        }
    }

    pub(in crate::process) fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.send_batched();
        let mut input = self.input.borrow_mut();
        let mut outbox = self.outbox.borrow_mut();
        let unwritten = outbox.room_for(&input, bytes)?;
        let fd = input.fd().ok_or(WriteError::Closed)?;
        let at = Instant::now();
        let written = match unwritten {
            0 => match write_now(fd, bytes) {
                Ok(written) => written,
                Err(Errno::PIPE | Errno::IO) => {
                    *input = Input::Closed;
                    return Err(WriteError::Closed);
                }
                Err(errno) => return Err(WriteError::Failed(errno.into())),
            },
            _ => 0,
        };
        outbox.keep(bytes, written);
        drop((input, outbox));
        if written < bytes.len() {
            self.wake();
        }
        Ok(at)
    }

    /// Keeps bytes until all are sent that were posted; tells whether these are the first.
    pub(in crate::process) fn hold(&self, bytes: &[u8]) -> Result<bool, WriteError> {
        let mut outbox = self.outbox.borrow_mut();
        let unwritten = outbox.room_for(&self.input.borrow(), bytes)?;
        outbox.keep(bytes, 0);
        // What waits for room goes first, and takes these with it.
        let is_first = unwritten == 0 && !bytes.is_empty();
        outbox.posted |= is_first;
        Ok(is_first)
    }

    /// Sends what was posted, as far as there is room.
    pub(in crate::process) fn send_batched(&self) {
        let mut outbox = self.outbox.borrow_mut();
        if !std::mem::take(&mut outbox.posted) {
            return;
        }
        let mut input = self.input.borrow_mut();
        self.sent_at.set(Some(Instant::now()));
        let written = match input.fd() {
            Some(fd) => write_now(fd, outbox.bytes.make_contiguous()),
            None => Err(Errno::PIPE),
        };
        match written {
            Ok(written) => drop(outbox.bytes.drain(..written)),
            Err(errno) => {
                outbox.bytes.clear();
                *input = Input::Closed;
                *self.failure.borrow_mut() = Some(match errno {
                    Errno::PIPE | Errno::IO => WriteError::Closed,
                    errno => WriteError::Failed(errno.into()),
                });
            }
        }
        let is_done = outbox.bytes.is_empty() && self.failure.borrow().is_none();
        drop((input, outbox));
        self.close_if_written();
        if !is_done {
            self.wake();
        }
    }

    /// Whether it is still to be told that something posted could not be sent.
    pub(in crate::process) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// Why what was posted could not be sent, once.
    pub(in crate::process) fn take_failure(&self) -> Option<WriteError> {
        self.failure.borrow_mut().take()
    }

    pub(in crate::process) fn unwritten(&self) -> usize {
        let inside = match &*self.input.borrow() {
            Input::Pipe(fd) => rustix::io::ioctl_fionread(fd).unwrap_or(0),
            Input::Terminal(_) | Input::Closed => 0,
        };
        self.outbox.borrow().bytes.len() + usize::try_from(inside).unwrap_or(usize::MAX)
    }

    pub(in crate::process) fn close_input(&self) {
        let end = match &*self.input.borrow() {
            Input::Closed => return,
            Input::Pipe(_) => None,
            Input::Terminal(wire) => Some(pty::end_of_input(wire.get_ref())),
        };
        match end {
            Some(end) => {
                let times = if self.outbox.borrow().inside_line {
                    2
                } else {
                    1
                };
                // A program that does not read, or that has closed its input, needs no end of it.
                let _ = self.write(&[end, end][..times]);
                self.outbox.borrow_mut().inside_line = false;
            }
            None => self.refuse_writes(),
        }
    }

    /// Nothing more is taken; what is unwritten still goes out.
    pub(in crate::process) fn refuse_writes(&self) {
        self.outbox.borrow_mut().then_close = true;
        self.close_if_written();
    }

    fn close_if_written(&self) {
        let outbox = self.outbox.borrow();
        if outbox.then_close && outbox.bytes.is_empty() {
            *self.input.borrow_mut() = Input::Closed;
        }
    }

    /// Writes what waits, as far as there is room, and has `cx` woken when there is more.
    pub(in crate::process) fn flush(&self, cx: &mut Context<'_>) {
        match &mut *self.waker.borrow_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        if self.outbox.borrow().is_idle() {
            return;
        }
        if self.try_flush(cx).is_err() {
            // Nobody will read it; the end of the program is told elsewhere.
            self.outbox.borrow_mut().bytes.clear();
            *self.input.borrow_mut() = Input::Closed;
        }
        let mut outbox = self.outbox.borrow_mut();
        if outbox.bytes.is_empty() {
            outbox.room = None;
        }
        drop(outbox);
        self.close_if_written();
    }

    fn try_flush(&self, cx: &mut Context<'_>) -> io::Result<()> {
        let input = self.input.borrow();
        let outbox = &mut *self.outbox.borrow_mut();
        while !outbox.bytes.is_empty() {
            let fd = input.fd().ok_or(Errno::PIPE)?;
            let room = match &mut outbox.room {
                Some(room) => room,
                none => match watch_room(fd) {
                    Ok(room) => none.insert(room),
                    // Tried again when anything else happens to the program.
                    Err(_) => break,
                },
            };
            let Poll::Ready(ready) = room.poll_write_ready(cx) else {
                break;
            };
            let (front, _) = outbox.bytes.as_slices();
            match write_now(fd, front)? {
                0 => ready?.clear_ready(),
                written => drop(outbox.bytes.drain(..written)),
            }
        }
        Ok(())
    }

    /// The last event is being told: lets go of the descriptors.
    pub(in crate::process) fn finish(&self) {
        self.finished.set(true);
        *self.input.borrow_mut() = Input::Closed;
        *self.outbox.borrow_mut() = Outbox::default();
        *self.waker.borrow_mut() = None;
    }

    pub(in crate::process) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// A copy of a descriptor, watched for room.
fn watch_room(fd: BorrowedFd<'_>) -> io::Result<Watched<OwnedFd>> {
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, 3)?;
    Watched::owned(copy, Interest::WRITABLE)
}

/// Writes what there is room for; zero if there is none.
fn write_now(fd: impl AsFd, bytes: &[u8]) -> Result<usize, Errno> {
    let mut written = 0;
    while written < bytes.len() {
        match rustix::io::write(&fd, &bytes[written..]) {
            Ok(0) | Err(Errno::AGAIN) => break,
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(_) if written > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(written)
}

fn check_lines(terminal: impl AsFd, bytes: &[u8]) -> Result<(), WriteError> {
    let longest = bytes
        .split(|&byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::len)
        .max();
    match longest {
        Some(length) if length > LONGEST_TERMINAL_LINE && pty::echo(terminal) != Echo::Raw => {
            Err(WriteError::LineTooLong { length })
        }
        _ => Ok(()),
    }
}
