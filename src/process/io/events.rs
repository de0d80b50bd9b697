//! All that happens to one program, as a stream.
//!
//! | phase | output is read | left when |
//! | --- | --- | --- |
//! | living | one piece a poll | the kernel says that the program has ended |
//! | draining | one piece a poll | all output is closed, or [`DRAIN_PATIENCE`] is over and what the kernel may still hold has been read |
//! | over | no more | |

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
use crate::process::faults::is_readable;
use crate::process::handle::ExitRecord;
use crate::process::io::child::{Shared, Wire};
use crate::process::sys::Watched;

/// How long output is waited for that somebody else than the program keeps open.
const DRAIN_PATIENCE: Duration = Duration::from_millis(200);
/// The most that the kernel holds for us of one program's output: a pipe's capacity, twice.
const MOST_LEFT_IN_KERNEL: usize = 128 * 1024;
/// The most that one read gives.
const READ_SIZE: usize = 16 * 1024;
/// How much one program may say before the others of this thread have their turn.
const TURN: usize = 64 * 1024;

/// Something that happened to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildEvent {
    /// It said something.
    Output {
        stream: Stream,
        bytes: Vec<u8>,
        /// Right after it was read.
        at: Instant,
        /// Nothing more was there to be read.
        drained: bool,
    },
    /// What was posted to it could not be sent, for this reason; none of it was.
    NotWritten { reason: String },
    /// Nobody can write to this stream any more.
    Closed { stream: Stream, at: Instant },
    /// It has ended. Always the last event, after all of its output. If other processes keep the
    /// output open, what they say later is not waited for, and they are ended.
    Exited {
        /// `None` only if it could not be ended ([`Ending::LeftOver`]), or if other code of this
        /// process took its exit status.
        exit: Option<ExitCause>,
        ending: Ending,
        usage: Usage,
        /// When its end was seen.
        at: Instant,
    },
}

/// All that happens to one program: given by [`Child::events`](crate::process::Child::events), ends after
/// [`ChildEvent::Exited`].
///
/// One read a poll: a program that floods is held back by the kernel's buffer until its owner
/// asks for more.
pub struct Events {
    shared: Rc<Shared>,
    outputs: Vec<Output>,
    phase: Phase,
    /// Bytes given since others had their turn.
    given: usize,
}

enum Phase {
    Living(Watched<Arc<OwnedFd>>),
    Draining {
        exit_record: ExitRecord,
        patience: Pin<Box<Sleep>>,
        /// What may still be read after the patience is over.
        allowance: usize,
    },
    Over,
}

struct Output {
    stream: Stream,
    wire: Wire,
    /// A pipe gives all that it holds, if there is room for it; a terminal may be slower.
    is_pipe: bool,
    /// What a look ahead found.
    held: Option<Piece>,
}

enum Piece {
    Bytes { bytes: Vec<u8>, at: Instant },
    End { at: Instant },
}

impl Events {
    pub(in crate::process) fn new(
        shared: Rc<Shared>,
        exit: Watched<Arc<OwnedFd>>,
        outputs: Vec<Wire>,
        are_pipes: bool,
    ) -> Self {
        let outputs = [Stream::Out, Stream::Err]
            .into_iter()
            .zip(outputs)
            .map(|(stream, wire)| Output {
                stream,
                wire,
                is_pipe: are_pipes,
                held: None,
            })
            .collect();
        Events {
            shared,
            outputs,
            phase: Phase::Living(exit),
            given: 0,
        }
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) {
        let Phase::Living(exit) = &self.phase else {
            return;
        };
        let process = &self.shared.process;
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
                // The reactor is shutting down; the reaper sees to the process.
                Poll::Ready(Err(_)) => return,
            }
        };
        self.phase = Phase::Draining {
            exit_record,
            patience: Box::pin(tokio::time::sleep(DRAIN_PATIENCE)),
            allowance: MOST_LEFT_IN_KERNEL,
        };
    }

    /// The next piece of output, if there is one.
    fn poll_outputs(&mut self, cx: &mut Context<'_>) -> Poll<ChildEvent> {
        let limit = match self.phase {
            Phase::Living(_) => ready!(self.shared.throttle.poll(cx)),
            // Nobody is held up any more.
            Phase::Draining { .. } | Phase::Over => None,
        };
        for index in 0..self.outputs.len() {
            let Poll::Ready(event) = self.outputs[index].poll(cx, limit) else {
                continue;
            };
            match &event {
                ChildEvent::Output { drained, .. } => {
                    if !drained && limit.is_some() {
                        self.shared.throttle.more_is_there();
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

    /// Whether there is nothing more to wait for; has `cx` woken when there may not be.
    fn poll_drained(&mut self, cx: &mut Context<'_>) -> Poll<ExitRecord> {
        match &mut self.phase {
            Phase::Draining {
                exit_record,
                patience,
                ..
            } => {
                if !self.outputs.is_empty() && exit_record.ending != Ending::LeftOver {
                    ready!(patience.as_mut().poll(cx));
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
        let process = &self.shared.process;
        process.run.departed(process);
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

    /// Counts what is given; `false` if it is more than waits for anybody.
    fn count(&mut self, event: &ChildEvent) -> bool {
        let ChildEvent::Output { bytes, .. } = event else {
            return true;
        };
        self.given += bytes.len();
        if let Phase::Draining {
            patience,
            allowance,
            ..
        } = &mut self.phase
            && patience.is_elapsed()
        {
            match allowance.checked_sub(bytes.len()) {
                Some(left) => *allowance = left,
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
        if this.given >= TURN {
            this.given = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.shared.flush(cx);
        if let Some(error) = this.shared.take_failure() {
            let reason = error.to_string();
            return Poll::Ready(Some(ChildEvent::NotWritten { reason }));
        }
        this.poll_exit(cx);
        if let Poll::Ready(event) = this.poll_outputs(cx) {
            if this.count(&event) {
                return Poll::Ready(Some(event));
            }
            // Somebody else floods the output that the program left open.
            this.outputs.clear();
        }
        this.given = 0;
        let exit_record = ready!(this.poll_drained(cx));
        // The reactor may be behind with its news, so the last word is the kernel's.
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
    /// The next piece; at most `limit` bytes if there is one, unless more was read already.
    fn poll(&mut self, cx: &mut Context<'_>, limit: Option<usize>) -> Poll<ChildEvent> {
        if let Some(piece) = self.held.take() {
            return Poll::Ready(self.event(piece, limit));
        }
        let wire = Rc::clone(&self.wire);
        loop {
            let Ok(mut ready) = ready!(wire.poll_read_ready(cx)) else {
                // The reactor is shutting down: there will be no more.
                return Poll::Ready(self.event(Piece::End { at: Instant::now() }, limit));
            };
            let event = read(wire.get_ref(), limit).map(|piece| self.event(piece, limit));
            if let None | Some(ChildEvent::Output { drained: true, .. }) = event {
                ready.clear_ready();
            }
            if let Some(event) = event {
                return Poll::Ready(event);
            }
        }
    }

    /// What is there right now, whatever the reactor knows of it.
    fn next_now(&mut self) -> Option<ChildEvent> {
        let piece = self
            .held
            .take()
            .or_else(|| read(self.wire.get_ref(), None))?;
        Some(self.event(piece, None))
    }

    fn event(&mut self, piece: Piece, limit: Option<usize>) -> ChildEvent {
        let stream = self.stream;
        match piece {
            Piece::End { at } => ChildEvent::Closed { stream, at },
            Piece::Bytes { bytes, at } => {
                let drained = if limit.is_some() {
                    !is_readable(self.wire.get_ref())
                } else {
                    let was_all = self.is_pipe && bytes.len() < READ_SIZE;
                    if !was_all {
                        self.held = read(self.wire.get_ref(), None);
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
}

/// One read, of `limit` bytes at most; `None` if it would have to wait.
fn read(fd: &OwnedFd, limit: Option<usize>) -> Option<Piece> {
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; READ_SIZE];
    let most = limit.unwrap_or(READ_SIZE).min(READ_SIZE);
    loop {
        let result = rustix::io::read(fd, &mut buffer[..most]);
        let at = Instant::now();
        return match result {
            Ok(([], _)) => Some(Piece::End { at }),
            Ok((bytes, _)) => Some(Piece::Bytes {
                bytes: bytes.to_vec(),
                at,
            }),
            Err(Errno::AGAIN) => None,
            Err(Errno::INTR) => continue,
            // EIO: nobody has the terminal open any more. Anything else will not get better.
            Err(_) => Some(Piece::End { at }),
        };
    }
}
