//! Thread that feeds all reporters, and the one queue between the engine and them.
//!
//! The queue is the only place where a slow reporter meets the engine. The engine never waits for
//! it. While more than [`MANY_EVENTS`] events are queued, no flows of a closed load are started
//! ([`EventSink::is_behind`]); dialogue beyond [`MAX_DIALOGUE_BYTES`] is left out, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::model::{EventSink, RunEvent};

use super::error::ReportError;
use super::recorder::{Artifacts, Recorder};
use super::reporter::Reporter;

/// The interval between updates of live displays.
const TICK: Duration = Duration::from_millis(250);

/// The time during which events are collected before they are reported: waking the thread for each
/// of them would cost more than reporting it.
const GATHER: Duration = Duration::from_millis(20);

/// The maximum number of queued bytes of dialogue; further dialogue is dropped.
const MAX_DIALOGUE_BYTES: u64 = 16 << 20;

/// The number of queued events at which the engine is held back: a few megabytes, and more than any
/// load of real programs causes within a tick.
const MANY_EVENTS: usize = 5_000;

/// The reporters of one run, on a separate thread.
pub struct Reporters {
    sink: Arc<Sink>,
    thread: JoinHandle<(Artifacts, Vec<ReportError>)>,
}

/// An entry of the queue.
enum Message {
    Event(RunEvent),
    /// No more events will come.
    Finish,
}

/// The queued and not yet reported events.
#[derive(Default)]
struct Backlog {
    events: AtomicUsize,
    dialogue_bytes: AtomicU64,
}

/// The engine's end of the queue.
struct Sink {
    queue: Sender<Message>,
    backlog: Arc<Backlog>,
    /// Pieces of dialogue that were not sent.
    left_out: AtomicU64,
}

impl Reporters {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(
        recorder: Recorder,
        reporters: Vec<Box<dyn Reporter>>,
    ) -> Result<Self, ReportError> {
        let (sender, receiver) = channel();
        let sink = Sink {
            queue: sender,
            backlog: Arc::default(),
            left_out: AtomicU64::new(0),
        };
        let backlog = Arc::clone(&sink.backlog);
        let thread = thread::Builder::new()
            .name("reporters".into())
            .spawn(move || report(&receiver, recorder, reporters, &backlog))
            .map_err(|error| ReportError::Thread(error.to_string()))?;
        Ok(Reporters {
            sink: Arc::new(sink),
            thread,
        })
    }

    /// Returns the engine's end of the queue.
    pub fn sink(&self) -> Arc<dyn EventSink> {
        Arc::<Sink>::clone(&self.sink)
    }

    /// Waits until all emitted events are reported, and returns the records. An error of one
    /// reporter does not affect the others.
    ///
    /// # Errors
    /// If the thread panicked.
    pub fn finish(self) -> Result<(Artifacts, Vec<ReportError>), ReportError> {
        let left_out = self.sink.left_out.load(Ordering::Relaxed);
        if left_out > 0 {
            let text =
                format!("{left_out} pieces of dialogue are left out: there was too much of it");
            self.sink.emit(RunEvent::Notice { flow: None, text });
        }
        // Refused only if the thread has panicked, which the join reports.
        let _ = self.sink.queue.send(Message::Finish);
        // It may be collecting events.
        self.thread.thread().unpark();
        self.thread.join().map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            ReportError::Thread(text.unwrap_or("a reporter panicked").to_owned())
        })
    }
}

impl EventSink for Sink {
    fn emit(&self, event: RunEvent) {
        let bytes = dialogue_bytes(&event);
        if bytes > 0 {
            let queued = &self.backlog.dialogue_bytes;
            let before = queued.fetch_add(bytes, Ordering::Relaxed);
            if before.saturating_add(bytes) > MAX_DIALOGUE_BYTES {
                queued.fetch_sub(bytes, Ordering::Relaxed);
                self.left_out.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        self.backlog.events.fetch_add(1, Ordering::Relaxed);
        // Refused after the end, and if the thread has panicked, which `finish` reports.
        let _ = self.queue.send(Message::Event(event));
    }

    fn is_behind(&self) -> bool {
        // After a panic of the thread, which also owns the backlog, it would never become shorter.
        Arc::strong_count(&self.backlog) > 1
            && self.backlog.events.load(Ordering::Relaxed) > MANY_EVENTS
    }
}

fn dialogue_bytes(event: &RunEvent) -> u64 {
    match event {
        RunEvent::Heard { text, .. } | RunEvent::Said { text, .. } => text.len() as u64,
        _ => 0,
    }
}

/// Reports events until the end: the body of the thread.
fn report(
    queue: &Receiver<Message>,
    mut recorder: Recorder,
    mut reporters: Vec<Box<dyn Reporter>>,
    backlog: &Backlog,
) -> (Artifacts, Vec<ReportError>) {
    let began = Instant::now();
    let mut next_tick = began + TICK;
    let mut finished = false;
    while !finished {
        let left = next_tick.saturating_duration_since(Instant::now());
        let first = match queue.recv_timeout(left) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Finish),
        };
        let is_idle = first.is_none();
        let gathered = Instant::now() + GATHER;
        // Bounded, so that a flood of events does not delay the updates of displays.
        let mut reported = 0;
        for message in first.into_iter().chain(queue.try_iter().take(MANY_EVENTS)) {
            let Message::Event(event) = message else {
                finished = true;
                break;
            };
            reported += 1;
            recorder.event(&event);
            if let Some(integrity) = recorder.new_integrity() {
                let listeners = reporters.iter_mut();
                listeners.for_each(|reporter| reporter.integrity(integrity));
            }
            reporters
                .iter_mut()
                .for_each(|reporter| reporter.event(&event));
            let bytes = dialogue_bytes(&event);
            backlog.dialogue_bytes.fetch_sub(bytes, Ordering::Relaxed);
            backlog.events.fetch_sub(1, Ordering::Relaxed);
        }
        let now = Instant::now();
        if now >= next_tick && !finished {
            recorder.tick();
            reporters
                .iter_mut()
                .for_each(|reporter| reporter.tick(now - began));
            next_tick = now + TICK;
        }
        if !is_idle && !finished && reported < MANY_EVENTS {
            thread::park_timeout(gathered.saturating_duration_since(Instant::now()));
        }
    }
    let mut errors: Vec<_> = reporters
        .iter_mut()
        .filter_map(|reporter| reporter.finish().err())
        .collect();
    let (artifacts, of_recorder) = recorder.finish();
    errors.extend(of_recorder);
    (artifacts, errors)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Records notices, and waits for a permit before each event.
    struct Witness {
        seen: Arc<Mutex<Vec<String>>>,
        permits: Option<Receiver<()>>,
    }

    impl Reporter for Witness {
        fn event(&mut self, event: &RunEvent) {
            if let Some(permits) = &self.permits {
                permits.recv().unwrap();
            }
            if let RunEvent::Notice { text, .. } = event {
                self.seen.lock().unwrap().push(text.clone());
            }
        }

        fn finish(&mut self) -> Result<(), ReportError> {
            self.seen.lock().unwrap().push("finished".into());
            Err(ReportError::Thread("as asked".into()))
        }
    }

    fn notice(text: &str) -> RunEvent {
        RunEvent::Notice {
            flow: None,
            text: text.into(),
        }
    }

    fn witness(permits: Option<Receiver<()>>) -> (Reporters, Arc<Mutex<Vec<String>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let witness = Box::new(Witness {
            seen: Arc::clone(&seen),
            permits,
        });
        (
            Reporters::start(Recorder::new(), vec![witness]).unwrap(),
            seen,
        )
    }

    #[test]
    fn all_events_come_in_order_and_then_the_end() {
        let (reporters, seen) = witness(None);
        let sink = reporters.sink();
        sink.emit(notice("one"));
        sink.emit(notice("two"));
        let (artifacts, errors) = reporters.finish().unwrap();
        assert_eq!(artifacts.notices, ["one", "two"]);
        assert_eq!(errors.len(), 1);
        assert_eq!(*seen.lock().unwrap(), ["one", "two", "finished"]);
        sink.emit(notice("after the end, which is ignored"));
    }

    #[test]
    fn a_flood_of_dialogue_is_cut_and_reported() {
        let (permit, permits) = channel();
        let (reporters, seen) = witness(Some(permits));
        let sink = reporters.sink();
        let instance = crate::model::InstanceId {
            flow: crate::model::FlowNumber(1),
            role: crate::model::RoleIndex(0),
            attempt: 1,
        };
        let text = "x".repeat(1 << 20);
        for _ in 0..20 {
            sink.emit(RunEvent::Heard {
                instance,
                text: text.clone(),
            });
        }
        for _ in 0..100 {
            permit.send(()).unwrap();
        }
        reporters.finish().unwrap();
        let seen = seen.lock().unwrap();
        assert!(seen[0].starts_with("4 pieces of dialogue"), "{seen:?}");
    }
}
