//! Stream of the events of one program: its output, then its exit.
//!
//! | phase | output is read | left when |
//! | --- | --- | --- |
//! | living | one piece a poll | the kernel reports the exit |
//! | draining | one piece a poll | all output is closed, or the kernel's rest is read after [`DRAIN_TIMEOUT`] |
//! | over | no longer | |

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream as FutureStream;
use rustix::io::Errno;
use tokio::time::Sleep;

use crate::model::{Ending, ExitCause, Stream, Usage};
use crate::process::io::pty::TerminalChanges;
use crate::process::io::shared::ChildShared;
use crate::process::io::throttle::is_readable;
use crate::process::process_state::ExitRecord;
use crate::process::sys::{RegisteredFd, SharedFd};

/// The time to wait for output that another process than the program keeps open.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);
/// The maximum output of one program that the kernel holds: a pipe's capacity, twice.
const MAX_LEFT_IN_KERNEL: usize = 128 * 1024;
/// The maximum size of one read.
const READ_SIZE: usize = 16 * 1024;
/// The output of one program after which the other tasks of this thread run.
const YIELD_AFTER: usize = 64 * 1024;
/// The same in time, for output that is costly to take in.
const YIELD_AFTER_TIME: Duration = Duration::from_millis(10);

/// An event of a running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildEvent {
    /// The program wrote output.
    Output {
        stream: Stream,
        bytes: Vec<u8>,
        /// The moment right after the read.
        at: Instant,
        /// Nothing more was available.
        drained: bool,
    },
    /// The stream is closed: no process can write to it.
    Closed { stream: Stream, at: Instant },
    /// The program has exited. Always the last event, after all of its output. Other processes
    /// that keep the output open are terminated, and their later output is not read.
    Exited {
        /// `None` only if the process could not be ended ([`Ending::LeftOver`]), or if other
        /// code of this process took its exit status.
        exit: Option<ExitCause>,
        ending: Ending,
        usage: Usage,
        /// The moment of the reap.
        at: Instant,
    },
}

/// The stream of one program's events, returned by
/// [`Child::events`](crate::process::Child::events). Ends after [`ChildEvent::Exited`].
///
/// One read a poll: the kernel's buffer holds a flooding program back until its owner polls
/// again.
pub struct Events {
    shared: Rc<ChildShared>,
    outputs: Vec<Output>,
    phase: Phase,
    /// Bytes returned since other tasks of the thread ran.
    returned: usize,
    /// Time of the first of them.
    returning_since: Option<Instant>,
}

enum Phase {
    Living(RegisteredFd<Arc<OwnedFd>>),
    Draining {
        exit_record: ExitRecord,
        timeout: Pin<Box<Sleep>>,
        /// The bytes that may still be read after the timeout.
        left_to_read: usize,
    },
    Over,
}

struct Output {
    stream: Stream,
    fd: SharedFd,
    /// One read empties a pipe, if the buffer is large enough; a terminal may need several.
    is_pipe: bool,
    /// The result of reading ahead.
    held: Option<Piece>,
    /// An event that waits until other programs of this thread are read.
    ahead: Option<ChildEvent>,
    shared: Rc<ChildShared>,
}

enum Piece {
    Bytes { bytes: Vec<u8>, at: Instant },
    End { at: Instant },
}

impl Events {
    pub(in crate::process) fn new(
        shared: Rc<ChildShared>,
        exit: RegisteredFd<Arc<OwnedFd>>,
        outputs: Vec<SharedFd>,
        are_pipes: bool,
    ) -> Self {
        let outputs = [Stream::Out, Stream::Err]
            .into_iter()
            .zip(outputs)
            .map(|(stream, fd)| Output {
                stream,
                fd,
                is_pipe: are_pipes,
                held: None,
                ahead: None,
                shared: Rc::clone(&shared),
            })
            .collect();
        Events {
            shared,
            outputs,
            phase: Phase::Living(exit),
            returned: 0,
            returning_since: None,
        }
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) {
        let Phase::Living(exit) = &self.phase else {
            return;
        };
        let process = &self.shared.spawned.process;
        let mut known = process.exit_or_wake(cx.waker());
        let exit_record = loop {
            if let Some(exit_record) = known {
                break exit_record;
            }
            match exit.poll_read_ready(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(mut ready)) => {
                    known = process.reap();
                    if known.is_none() {
                        ready.clear_ready();
                    }
                }
                // The reactor is shutting down; the reaper ends the process.
                Poll::Ready(Err(_)) => return,
            }
        };
        self.phase = Phase::Draining {
            exit_record,
            timeout: Box::pin(tokio::time::sleep(DRAIN_TIMEOUT)),
            left_to_read: MAX_LEFT_IN_KERNEL,
        };
    }

    /// Returns the next piece of output, if there is one.
    fn poll_outputs(&mut self, cx: &mut Context<'_>) -> Poll<ChildEvent> {
        let limit = match self.phase {
            Phase::Living(_) => ready!(self.shared.throttle.poll(cx)),
            // The program has exited, so there is nothing to slow down.
            Phase::Draining { .. } | Phase::Over => None,
        };
        for index in 0..self.outputs.len() {
            let Poll::Ready(event) = self.outputs[index].poll(cx, limit) else {
                continue;
            };
            match &event {
                ChildEvent::Output { drained, .. } => {
                    if !drained && limit.is_some() {
                        self.shared.throttle.pause();
                    }
                    // The other stream is requested first next time.
                    self.outputs.rotate_left(index + 1);
                }
                _ => drop(self.outputs.remove(index)),
            }
            return Poll::Ready(event);
        }
        Poll::Pending
    }

    /// Ready once no further output is to be waited for.
    fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<ExitRecord> {
        match &mut self.phase {
            Phase::Draining {
                exit_record,
                timeout,
                ..
            } => {
                if !self.outputs.is_empty() && exit_record.ending != Ending::LeftOver {
                    ready!(timeout.as_mut().poll(cx));
                }
                Poll::Ready(*exit_record)
            }
            Phase::Living(_) | Phase::Over => Poll::Pending,
        }
    }

    fn finish(&mut self, exit_record: ExitRecord) -> ChildEvent {
        self.phase = Phase::Over;
        self.outputs.clear();
        self.shared.finish();
        let ExitRecord {
            exit,
            ending,
            usage,
            at,
        } = exit_record;
        ChildEvent::Exited {
            exit,
            ending,
            usage,
            at,
        }
    }

    /// Counts an event's bytes. Returns `false` if the output exceeds what the program itself can
    /// have left.
    fn count(&mut self, event: &ChildEvent) -> bool {
        let ChildEvent::Output { bytes, .. } = event else {
            return true;
        };
        self.returned += bytes.len();
        self.returning_since.get_or_insert_with(Instant::now);
        if let Phase::Draining {
            timeout,
            left_to_read,
            ..
        } = &mut self.phase
            && timeout.is_elapsed()
        {
            match left_to_read.checked_sub(bytes.len()) {
                Some(left) => *left_to_read = left,
                None => return false,
            }
        }
        true
    }
}

impl FutureStream for Events {
    type Item = ChildEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ChildEvent>> {
        let this = self.get_mut();
        if let Phase::Over = this.phase {
            return Poll::Ready(None);
        }
        let is_long = |since: Instant| since.elapsed() >= YIELD_AFTER_TIME;
        if this.returned >= YIELD_AFTER || this.returning_since.is_some_and(is_long) {
            this.returned = 0;
            this.returning_since = None;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.shared.writer.flush(cx);
        this.poll_exit(cx);
        if let Poll::Ready(event) = this.poll_outputs(cx) {
            if this.count(&event) {
                return Poll::Ready(Some(event));
            }
            // Another process floods the output that the program left open.
            this.outputs.clear();
        }
        this.returned = 0;
        this.returning_since = None;
        let exit_record = ready!(this.poll_drained(cx));
        // The reactor's readiness may be out of date, so the kernel is asked directly.
        for index in 0..this.outputs.len() {
            let Some(event) = this.outputs[index].next_now() else {
                continue;
            };
            if let ChildEvent::Closed { .. } = event {
                this.outputs.remove(index);
            }
            if this.count(&event) {
                return Poll::Ready(Some(event));
            }
            break;
        }
        Poll::Ready(Some(this.finish(exit_record)))
    }
}

impl Output {
    /// Returns the next piece, of at most `limit` bytes unless more was read ahead.
    fn poll(&mut self, cx: &mut Context<'_>, limit: Option<usize>) -> Poll<ChildEvent> {
        if let Some(event) = self.take_ahead() {
            return Poll::Ready(event);
        }
        if let Some(piece) = self.held.take() {
            return Poll::Ready(self.event(piece, limit));
        }
        let fd = Rc::clone(&self.fd);
        loop {
            let Ok(mut ready) = ready!(fd.poll_read_ready(cx)) else {
                // The reactor is shutting down: no further output can be read.
                return Poll::Ready(self.event(Piece::End { at: Instant::now() }, limit));
            };
            let event = self.read(limit).map(|piece| self.event(piece, limit));
            if let None | Some(ChildEvent::Output { drained: true, .. }) = event {
                ready.clear_ready();
            }
            let Some(event) = event else { continue };
            if limit.is_none() && is_one_of_many() {
                self.ahead = Some(event);
                let ahead = &self.shared.read_ahead;
                ahead.set(ahead.get() + 1);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(event);
        }
    }

    fn take_ahead(&mut self) -> Option<ChildEvent> {
        let event = self.ahead.take()?;
        let ahead = &self.shared.read_ahead;
        ahead.set(ahead.get() - 1);
        Some(event)
    }

    /// Reads what is available now, without the reactor.
    fn next_now(&mut self) -> Option<ChildEvent> {
        if let Some(event) = self.take_ahead() {
            return Some(event);
        }
        let piece = self.held.take().or_else(|| self.read(None))?;
        Some(self.event(piece, None))
    }

    fn event(&mut self, piece: Piece, limit: Option<usize>) -> ChildEvent {
        let stream = self.stream;
        match piece {
            Piece::End { at } => ChildEvent::Closed { stream, at },
            Piece::Bytes { bytes, at } => {
                let drained = if limit.is_some() {
                    !is_readable(self.fd.get_ref())
                } else {
                    let was_all = self.is_pipe && bytes.len() < READ_SIZE;
                    if !was_all {
                        self.held = self.read(None);
                    }
                    !matches!(self.held, Some(Piece::Bytes { .. }))
                };
                ChildEvent::Output {
                    stream,
                    bytes,
                    at,
                    drained,
                }
            }
        }
    }

    /// Reads once, at most `limit` bytes. Returns `None` if there is nothing to read now.
    fn read(&self, limit: Option<usize>) -> Option<Piece> {
        read(self.fd.get_ref(), self.is_pipe, limit, |status| {
            let changes = &self.shared.changes;
            changes.set(changes.get().and(TerminalChanges::of_status(status)));
        })
    }
}

/// The number of outputs that are taken in as they are read, after each wait of the reactor. To put
/// off so few would cost more than it changes.
const TAKEN_AT_ONCE: u32 = 4;

thread_local! {
    /// The number of outputs read since this thread's reactor last waited, if it tells of its waits.
    static READ: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Notes that the reactor of this thread is about to wait. Where this is called each time, output that
/// has come from many programs at once is read from all of them before most of it is taken in, so that
/// no time of a read contains what the output of many other programs costs.
pub fn reactor_waits() {
    READ.set(Some(0));
}

/// Returns whether so many outputs were read since the reactor's last wait that there may be many more.
fn is_one_of_many() -> bool {
    let Some(read) = READ.get() else {
        return false;
    };
    READ.set(Some(read.saturating_add(1)));
    read >= TAKEN_AT_ONCE
}

/// Reads once, at most `limit` bytes; calls `on_status` with each status byte of a terminal.
fn read(
    fd: &OwnedFd,
    is_pipe: bool,
    limit: Option<usize>,
    mut on_status: impl FnMut(u8),
) -> Option<Piece> {
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; READ_SIZE];
    let limit = limit.unwrap_or(READ_SIZE).min(READ_SIZE);
    // In packet mode, a terminal's output follows a status byte.
    let (most, begin) = if is_pipe {
        (limit, 0)
    } else {
        ((limit + 1).min(READ_SIZE), 1)
    };
    piece(|| {
        loop {
            match rustix::io::read(fd, &mut buffer[..most])? {
                (&mut [status], _) if begin > 0 => on_status(status),
                (bytes, _) => return Ok(bytes.get(begin..).unwrap_or_default().to_vec()),
            }
        }
    })
}

/// Returns the next piece of output, with as many calls of `read` as it takes to know it.
///
/// `EIO` from a terminal means that no process has it open any more, but not that its output ends
/// here. The kernel moves output from the program's end to ours in the background; a read waits
/// for that and then looks at what there is. A program that writes and closes the terminal between
/// the two is seen to have closed it and not to have written. Whatever it wrote was in the kernel
/// before the close, so a second read has it, or fails again if there is nothing.
fn piece(mut read: impl FnMut() -> Result<Vec<u8>, Errno>) -> Option<Piece> {
    let mut is_closed = false;
    loop {
        let result = read();
        let at = Instant::now();
        return match result {
            Ok(bytes) if bytes.is_empty() => Some(Piece::End { at }),
            Ok(bytes) => Some(Piece::Bytes { bytes, at }),
            Err(Errno::INTR) => continue,
            Err(Errno::IO) if is_closed => Some(Piece::End { at }),
            Err(Errno::IO) => {
                is_closed = true;
                continue;
            }
            // Any other error says nothing about the program's end of the stream: the exit of the
            // program and the time limits of its owner bound the wait.
            Err(_) => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::OpenOptions;
    use std::io::{Read as _, Write as _};
    use std::os::unix::ffi::OsStrExt as _;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use rustix::event::{PollFd, PollFlags};

    use super::*;
    use crate::process::io::pty;

    /// Returns what is made of these results of reads, and the number of results that were used.
    fn of(results: &[Result<&str, Errno>]) -> (Option<Option<String>>, usize) {
        let mut left = results.iter();
        let piece = piece(|| match left.next() {
            Some(Ok(text)) => Ok(text.as_bytes().to_vec()),
            Some(Err(errno)) => Err(*errno),
            None => panic!("one read too many after {results:?}"),
        });
        let text = piece.map(|piece| match piece {
            Piece::Bytes { bytes, .. } => Some(String::from_utf8(bytes).unwrap()),
            Piece::End { .. } => None,
        });
        (text, results.len() - left.len())
    }

    #[test]
    fn output_behind_the_close_of_a_terminal_is_read() {
        let bye = || Some(Some("Bye".to_owned()));
        assert_eq!(of(&[Err(Errno::IO), Ok("Bye")]), (bye(), 2));
        assert_eq!(
            of(&[Err(Errno::IO), Err(Errno::INTR), Ok("Bye")]),
            (bye(), 3)
        );
    }

    /// Has a program's end of a terminal opened, a line read and answered, and the terminal closed,
    /// `rounds` times; returns the number of answers that were not read.
    fn lost_answers(rounds: u32) -> u32 {
        let pty = pty::open(24, 80).unwrap();
        let path = OsStr::from_bytes(pty.path.as_bytes()).to_owned();
        let open = || OpenOptions::new().read(true).write(true).open(&path);
        // The number of the round that may begin, and of the one whose terminal is open. Both sides
        // wait without sleeping, because busy processors are what makes the answer late.
        let (begun, opened) = (AtomicU32::new(0), AtomicU32::new(0));
        let wait_for = |number: &AtomicU32, round| {
            while number.load(Ordering::SeqCst) != round {
                thread::yield_now();
            }
        };
        let answer = || {
            for round in 1..=rounds {
                wait_for(&begun, round);
                let mut terminal = open().unwrap();
                opened.store(round, Ordering::SeqCst);
                let _ = terminal.read(&mut [0; 16]).unwrap();
                terminal.write_all(b"Bye\n").unwrap();
            }
        };
        let is_read = |round| {
            begun.store(round, Ordering::SeqCst);
            wait_for(&opened, round);
            rustix::io::write(&pty.master, b"q\n").unwrap();
            let mut output = Vec::new();
            loop {
                match read(&pty.master, false, None, |_| {}) {
                    Some(Piece::Bytes { bytes, .. }) => output.extend(bytes),
                    Some(Piece::End { .. }) => return output == b"q\r\nBye\r\n",
                    None => {
                        let mut fds = [PollFd::new(&pty.master, PollFlags::IN)];
                        rustix::event::poll(&mut fds, None).unwrap();
                    }
                }
            }
        };
        thread::scope(|scope| {
            scope.spawn(answer);
            let lost = (1..=rounds).filter(|&round| !is_read(round));
            u32::try_from(lost.count()).unwrap()
        })
    }

    /// With a read too few after EIO, some 50 of 60,000 answers were lost while three of these ran
    /// at once on two processors. `ROUNDS` is for more of them than in CI.
    #[test]
    fn what_a_program_writes_right_before_it_closes_its_terminal_is_read() {
        let rounds = std::env::var("ROUNDS").map_or(2_000, |rounds| rounds.parse().unwrap());
        let at_once: Vec<_> = (0..3)
            .map(|_| thread::spawn(move || lost_answers(rounds)))
            .collect();
        let lost: Vec<_> = at_once.into_iter().map(|one| one.join().unwrap()).collect();
        assert_eq!(lost, [0; 3]);
    }

    #[test]
    fn only_a_closed_stream_without_output_has_ended() {
        assert_eq!(of(&[Err(Errno::IO), Err(Errno::IO)]), (Some(None), 2));
        assert_eq!(of(&[Ok("")]), (Some(None), 1));
        // Opened again in between.
        assert_eq!(of(&[Err(Errno::IO), Err(Errno::AGAIN)]), (None, 2));
        for errno in [Errno::AGAIN, Errno::NOMEM, Errno::BADF] {
            assert_eq!(of(&[Err(errno)]), (None, 1));
        }
    }
}
