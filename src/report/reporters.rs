//! The thread that feeds all reporters, and the one queue between the engine and them.
//!
//! The queue is the only place where a slow reporter meets the engine. The engine never waits for
//! it. While more than [`MANY_EVENTS`] events are queued, no flows of a closed load are started
//! ([`EventSink::is_behind`]); dialogue beyond [`MOST_DIALOGUE_BYTES`] is left out, and counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::model::{EventSink, RunEvent};

use super::error::ReportError;
use super::recorder::{Artifacts, Recorder};
use super::reporter::Reporter;

/// The number of times reporters may show how things stand.
const TICK: Duration = Duration::from_millis(250);

/// The duration: how long events gather before they are reported: waking the thread for each of
/// them would cost
/// the run more than all that it does with them.
const GATHER: Duration = Duration::from_millis(2);

/// The amount that dialogue may wait to be reported. What a flood of output exceeds it by is left
/// out.
const MOST_DIALOGUE_BYTES: u64 = 16 << 20;

/// The number of events that may be queued before the engine is held back. A few megabytes, and
/// more than any
/// load of real programs makes within a tick.
const MANY_EVENTS: usize = 5_000;

/// The number of queued events for which memory is kept.
const MOST_ROOM: usize = 1 << 10;

/// The reporters of one run, on a separate thread.
pub struct Reporters {
    sink: Arc<Sink>,
    thread: JoinHandle<(Artifacts, Vec<ReportError>)>,
}

/// The queue of events that the thread has not taken yet.
#[derive(Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
    /// The number of events that wait, those among them that the thread has taken and not reported
    /// yet.
    backlog: AtomicUsize,
    /// Wakes the thread.
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: Vec<RunEvent>,
    /// No more events will come.
    finished: bool,
    /// The thread sleeps until the first event comes.
    asleep: bool,
}

/// The engine's end of the queue.
struct Sink {
    inbox: Arc<Inbox>,
    /// Bytes of dialogue sent and not yet reported.
    waiting_bytes: Arc<AtomicU64>,
    /// Pieces of dialogue that were not sent.
    left_out: AtomicU64,
}

impl Reporters {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        recorder: Recorder,
        reporters: Vec<Box<dyn Reporter>>,
    ) -> Result<Self, ReportError> {
        let inbox = Arc::<Inbox>::default();
        let waiting_bytes = Arc::new(AtomicU64::new(0));
        let sink = Sink {
            inbox: Arc::clone(&inbox),
            waiting_bytes: Arc::clone(&waiting_bytes),
            left_out: AtomicU64::new(0),
        };
        let thread = thread::Builder::new()
            .name("reporters".into())
            .spawn(move || report(&inbox, recorder, reporters, &waiting_bytes))
            .map_err(|error| ReportError::Thread(error.to_string()))?;
        Ok(Reporters {
            sink: Arc::new(sink),
            thread,
        })
    }

    /// Returns the receiver of the engine's events.
    pub fn sink(&self) -> Arc<dyn EventSink> {
        Arc::<Sink>::clone(&self.sink)
    }

    /// Waits until everything emitted so far is reported, and returns what was kept. The errors are
    /// those of single reporters, which kept no other from its work.
    ///
    /// # Errors
    /// If the thread did not live to the end.
    pub fn finish(self) -> Result<(Artifacts, Vec<ReportError>), ReportError> {
        let left_out = self.sink.left_out.load(Ordering::Relaxed);
        if left_out > 0 {
            let text =
                format!("{left_out} pieces of dialogue are left out: there was too much of it");
            self.sink.emit(RunEvent::Notice { flow: None, text });
        }
        self.sink.inbox.finish();
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
            let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
            if waiting.saturating_add(bytes) > MOST_DIALOGUE_BYTES {
                self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
                self.left_out.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        self.inbox.put(event);
    }

    fn is_behind(&self) -> bool {
        self.inbox.backlog.load(Ordering::Relaxed) > MANY_EVENTS
    }
}

fn dialogue_bytes(event: &RunEvent) -> u64 {
    match event {
        RunEvent::Heard { text, .. } | RunEvent::Said { text, .. } => text.len() as u64,
        _ => 0,
    }
}

impl Inbox {
    fn put(&self, event: RunEvent) {
        let mut waiting = self.waiting();
        if waiting.finished {
            return;
        }
        waiting.events.push(event);
        self.backlog.fetch_add(1, Ordering::Relaxed);
        if std::mem::take(&mut waiting.asleep) {
            drop(waiting);
            self.bell.notify_one();
        }
    }

    fn finish(&self) {
        self.waiting().finished = true;
        self.bell.notify_one();
    }

    /// Waits for events, no longer than until `by`, and takes those that are there; `false` if
    /// they are the last.
    fn take(&self, events: &mut Vec<RunEvent>, by: Instant) -> bool {
        let mut waiting = self.waiting();
        waiting.asleep = true;
        while waiting.asleep && waiting.events.is_empty() && !waiting.finished {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.sleep(waiting, left);
        }
        waiting.asleep = false;
        std::mem::swap(&mut waiting.events, events);
        !waiting.finished
    }

    /// Lets events gather.
    fn gather(&self, by: Instant) {
        let mut waiting = self.waiting();
        while !waiting.finished {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.sleep(waiting, left);
        }
    }

    fn sleep<'a>(
        &self,
        waiting: MutexGuard<'a, Waiting>,
        most: Duration,
    ) -> MutexGuard<'a, Waiting> {
        let woken = self.bell.wait_timeout(waiting, most);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whoever holds it does no more than a push or a swap, which leave it whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes nothing more into an inbox that nobody empties any more, be it for a panic.
struct Reader<'a>(&'a Inbox);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.finished = true;
        waiting.events = Vec::new();
    }
}

fn report(
    inbox: &Inbox,
    mut recorder: Recorder,
    mut reporters: Vec<Box<dyn Reporter>>,
    waiting_bytes: &AtomicU64,
) -> (Artifacts, Vec<ReportError>) {
    let _reader = Reader(inbox);
    let began = Instant::now();
    let mut next_tick = began + TICK;
    let mut events = Vec::new();
    loop {
        let more = inbox.take(&mut events, next_tick);
        let gathered = Instant::now() + GATHER;
        let any = !events.is_empty();
        for event in events.drain(..) {
            recorder.event(&event);
            if let Some(integrity) = recorder.new_integrity() {
                let listeners = reporters.iter_mut();
                listeners.for_each(|reporter| reporter.integrity(integrity));
            }
            reporters
                .iter_mut()
                .for_each(|reporter| reporter.event(&event));
            waiting_bytes.fetch_sub(dialogue_bytes(&event), Ordering::Relaxed);
            inbox.backlog.fetch_sub(1, Ordering::Relaxed);
        }
        // What a rush took is not needed again soon.
        events.shrink_to(MOST_ROOM);
        if !more {
            break;
        }
        let now = Instant::now();
        if now >= next_tick {
            recorder.tick();
            reporters
                .iter_mut()
                .for_each(|reporter| reporter.tick(now - began));
            next_tick = now + TICK;
        }
        if any {
            inbox.gather(gathered);
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
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Writes down what it is told, and waits for a permit before each event.
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
        sink.emit(notice("after the end, which hurts nobody"));
    }

    #[test]
    fn a_flood_of_dialogue_is_cut_and_said_to_be() {
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
