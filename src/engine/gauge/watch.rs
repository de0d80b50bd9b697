//! The thread that looks for stalls of the process and jumps of the clock.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{EventSink, RunEvent};
use crate::process::{since_boot, thread_waited_for_processor};

use super::clock::{ClockJump, ClockWatch};
use super::shared::lock;
use super::stalls::{Stalls, WAKE_EVERY};

/// The most notices of each kind, so that a process that is stopped again and again does not flood
/// the report.
const MAX_NOTICES: u32 = 20;

/// A running watch; it ends when it is dropped.
pub(super) struct StallWatch {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StallWatch {
    /// Starts the thread. Without one, stalls are not distinguished from delays.
    pub(super) fn start(
        began: Instant,
        stalls: Arc<Mutex<Stalls>>,
        sink: Arc<dyn EventSink>,
    ) -> Option<Self> {
        let (end, ended) = channel();
        let thread = thread::Builder::new()
            .name("stall watch".into())
            .spawn(move || watch(began, &stalls, sink.as_ref(), &ended))
            .ok()?;
        Some(StallWatch {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread costs only its own measurements.
            let _ = thread.join();
        }
    }
}

fn watch(began: Instant, stalls: &Mutex<Stalls>, sink: &dyn EventSink, ended: &Receiver<()>) {
    let mut clock = ClockWatch::default();
    let mut notices = [MAX_NOTICES; 2];
    let mut notice = |kind: usize, text: String| {
        if notices[kind] > 0 {
            notices[kind] -= 1;
            sink.emit(RunEvent::Notice { flow: None, text });
        }
    };
    loop {
        let waited = thread_waited_for_processor().unwrap_or_default();
        if let Some(stall) = lock(stalls).awake(began.elapsed(), waited) {
            let (length, after) = (seconds(stall.length()), seconds(stall.from));
            notice(
                0,
                format!("rehearsal was stopped for {length}, {after} after the start of the run"),
            );
        }
        let steady = since_boot();
        let system = SystemTime::now().duration_since(UNIX_EPOCH);
        if let Some(jump) = clock.look(steady, system.unwrap_or_default(), since_boot()) {
            notice(1, in_words(jump));
        }
        match ended.recv_timeout(WAKE_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn in_words(jump: ClockJump) -> String {
    let (direction, by) = match jump {
        ClockJump::Forward(by) => ("forward", by),
        ClockJump::Back(by) => ("back", by),
    };
    let tenths = (by.as_secs_f64() * 10.0).round();
    let by = humantime::format_duration(Duration::from_secs_f64(tenths / 10.0));
    format!(
        "the system's clock was set {direction} by {by}: times of day jump, durations and rates do \
         not"
    )
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
