//! Writes to a program: at once, or when there is room.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use rustix::io::Errno;
use tokio::io::Interest;

use crate::process::io::pty::{self, MAX_TERMINAL_LINE, TerminalMode};
use crate::process::sys::{self, RegisteredFd, SharedFd};

/// The maximum number of bytes kept for a program that does not read.
pub const MAX_UNWRITTEN: usize = 64 * 1024;

/// An error of writing to a program. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the program's input is closed")]
    Closed,
    #[error(
        "the program does not read: {unwritten} bytes still wait for it, {} at most may",
        MAX_UNWRITTEN
    )]
    Full { unwritten: usize },
    #[error(
        "a line of {length} bytes is too long for a terminal, which keeps {} at most",
        MAX_TERMINAL_LINE
    )]
    LineTooLong { length: usize },
    #[error("cannot write to the program: {0}")]
    Failed(#[source] io::Error),
}

/// Our end of a program's standard input.
pub(in crate::process) enum Input {
    Terminal(SharedFd),
    Pipe(OwnedFd),
    Closed,
}

impl Input {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Input::Terminal(master) => Some(master.get_ref().as_fd()),
            Input::Pipe(fd) => Some(fd.as_fd()),
            Input::Closed => None,
        }
    }
}

/// Bytes that are not written yet.
#[derive(Default)]
struct Outbox {
    bytes: VecDeque<u8>,
    /// A copy of the input's descriptor, registered for write readiness while there is no room.
    /// Registered all the time, it would wake this thread whenever the program reads.
    room: Option<RegisteredFd<OwnedFd>>,
    /// The pipe is closed once the bytes are written.
    then_close: bool,
    /// The last byte did not end a line. Inside a line, an end-of-input character only ends the
    /// line.
    inside_line: bool,
}

impl Outbox {
    /// Returns the number of unwritten bytes, if these may be added.
    fn room_for(&self, input: &Input, bytes: &[u8]) -> Result<usize, WriteError> {
        if matches!(input, Input::Closed) || self.then_close {
            return Err(WriteError::Closed);
        }
        let unwritten = self.bytes.len();
        if unwritten + bytes.len() > MAX_UNWRITTEN {
            return Err(WriteError::Full { unwritten });
        }
        Ok(unwritten)
    }

    /// Keeps the bytes after the first `written`.
    fn keep(&mut self, bytes: &[u8], written: usize) {
        self.bytes.extend(&bytes[written..]);
        if let Some(&last) = bytes.last() {
            self.inside_line = !matches!(last, b'\n' | b'\r');
        }
    }

    /// Returns `true` if there is nothing to write now.
    fn is_idle(&self) -> bool {
        self.bytes.is_empty() && self.room.is_none() && !self.then_close
    }
}

/// The writing side of one program, bound to its owner's thread.
pub(in crate::process) struct Writer {
    input: RefCell<Input>,
    outbox: RefCell<Outbox>,
    /// Wakes the task that polls the events.
    waker: RefCell<Option<Waker>>,
}

impl Writer {
    pub(in crate::process) fn new(input: Input) -> Self {
        Writer {
            input: RefCell::new(input),
            outbox: RefCell::default(),
            waker: RefCell::default(),
        }
    }

    /// Returns the echo mode of the terminal, if there is one.
    pub(in crate::process) fn echo(&self) -> TerminalMode {
        match &*self.input.borrow() {
            Input::Terminal(master) => pty::echo(master.get_ref()),
            Input::Pipe(_) | Input::Closed => TerminalMode::NoTerminal,
        }
    }

    /// Sets the size of the terminal, if there is one.
    pub(in crate::process) fn resize(&self, rows: u16, columns: u16) {
        if let Input::Terminal(master) = &*self.input.borrow() {
            // A program that has ended sees no size.
            let _ = pty::resize(master.get_ref(), rows, columns);
        }
    }

    /// Checks that a terminal can take the bytes, line by line.
    pub(in crate::process) fn check_lines(&self, bytes: &[u8]) -> Result<(), WriteError> {
        match &*self.input.borrow() {
            Input::Terminal(master) => check_lines(master.get_ref(), bytes),
            Input::Pipe(_) | Input::Closed => Ok(()),
        }
    }

    /// Writes bytes now, or keeps them until there is room; returns the moment before the attempt.
    pub(in crate::process) fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
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

    /// Returns the number of bytes that the program has not read, as far as it can be known.
    pub(in crate::process) fn unread(&self) -> usize {
        let inside = match &*self.input.borrow() {
            Input::Pipe(fd) => {
                let unread = rustix::io::ioctl_fionread(fd).unwrap_or(0);
                usize::try_from(unread).unwrap_or(usize::MAX)
            }
            Input::Terminal(master) => sys::unread_input(master.get_ref()).unwrap_or(0),
            Input::Closed => 0,
        };
        self.outbox.borrow().bytes.len() + inside
    }

    /// Closes the pipe after the last byte, or types the terminal's end-of-input character.
    pub(in crate::process) fn close_input(&self) {
        let end = match &*self.input.borrow() {
            Input::Closed => return,
            Input::Pipe(_) => None,
            Input::Terminal(master) => Some(pty::end_of_input(master.get_ref())),
        };
        match end {
            Some(end) => {
                let times = if self.outbox.borrow().inside_line {
                    2
                } else {
                    1
                };
                // A program that does not read, or that has closed its input, needs no end of
                // input.
                let _ = self.write(&[end, end][..times]);
                self.outbox.borrow_mut().inside_line = false;
            }
            None => self.refuse_writes(),
        }
    }

    /// Refuses later writes; bytes that are kept are still written.
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

    /// Writes the kept bytes as far as there is room, and registers `cx` for more room.
    pub(in crate::process) fn flush(&self, cx: &mut Context<'_>) {
        match &mut *self.waker.borrow_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        if self.outbox.borrow().is_idle() {
            return;
        }
        if self.try_flush(cx).is_err() {
            // The input has no reader; the exit of the program is reported by its own event.
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
                none => match register_for_room(fd) {
                    Ok(room) => none.insert(room),
                    // Retried with the next event of the program.
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

    /// Closes all descriptors and forgets the waker.
    pub(in crate::process) fn release(&self) {
        *self.input.borrow_mut() = Input::Closed;
        *self.outbox.borrow_mut() = Outbox::default();
        *self.waker.borrow_mut() = None;
    }

    /// Wakes the task that polls the events.
    pub(in crate::process) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// Registers a copy of a descriptor for write readiness.
fn register_for_room(fd: BorrowedFd<'_>) -> io::Result<RegisteredFd<OwnedFd>> {
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, 3)?;
    RegisteredFd::owned(copy, Interest::WRITABLE)
}

/// Writes as many bytes as the kernel has room for, and returns their number.
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

/// Checks that no line exceeds the terminal's line buffer, unless the terminal is in raw mode.
fn check_lines(terminal: impl AsFd, bytes: &[u8]) -> Result<(), WriteError> {
    let longest = bytes
        .split(|&byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::len)
        .max();
    match longest {
        Some(length) if length > MAX_TERMINAL_LINE && pty::echo(terminal) != TerminalMode::Raw => {
            Err(WriteError::LineTooLong { length })
        }
        _ => Ok(()),
    }
}
