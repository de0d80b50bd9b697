//! Watch of a run: its snapshots as they come, and what they are together.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::report::error::ReportError;
use crate::report::live::so_far::Phase;
use crate::report::sanitize::sanitize;

use super::collection::Segments;
use super::folder::{FolderReader, Found};
use super::merged::Merged;
use super::nats::{self, Heard};
use super::place::{NatsLogin, WatchedPlace};
use super::reporter::lock;

/// The latest snapshots of a run in progress. Dropping it ends its subscription.
pub struct Watch {
    state: Arc<Shared>,
    folder: Option<FolderReader>,
    /// Ends the subscription's thread.
    _stop: Option<watch::Sender<bool>>,
}

/// The snapshots, and their arrivals.
#[derive(Default)]
struct Shared {
    segments: Mutex<Segments>,
    changed: Condvar,
}

impl Watch {
    /// Starts to watch.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(place: &WatchedPlace, login: NatsLogin) -> Result<Self, ReportError> {
        let state = Arc::<Shared>::default();
        let stop = match &place.nats {
            None => None,
            Some(place) => {
                let failed = |error: std::io::Error| ReportError::Thread(error.to_string());
                let runtime = Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(failed)?;
                let (stop, stopped) = watch::channel(false);
                let (place, state) = (place.clone(), Arc::clone(&state));
                thread::Builder::new()
                    .name("subscription".into())
                    .spawn(move || {
                        let hear = |heard| {
                            let mut segments = lock(&state.segments);
                            match heard {
                                Heard::Snapshot(snapshot) => {
                                    segments.take(*snapshot, Instant::now());
                                }
                                Heard::Note(text) => {
                                    segments.note_again(text);
                                }
                            }
                            drop(segments);
                            state.changed.notify_all();
                        };
                        runtime.block_on(nats::subscribe(place, login, stopped, hear));
                    })
                    .map_err(failed)?;
                Some(stop)
            }
        };
        Ok(Watch {
            state,
            folder: place.folder.as_deref().map(FolderReader::new),
            _stop: stop,
        })
    }

    /// Waits until the subscription has heard something, at most so long.
    pub fn wait(&self, most: Duration) {
        let segments = lock(&self.state.segments);
        let count = segments.heard_count();
        let waited = self
            .state
            .changed
            .wait_timeout_while(segments, most, |it| it.heard_count() == count);
        // A panic of the subscription's thread is the end of what it hears.
        drop(waited);
    }

    /// Reads what is new. To be called about once a second.
    pub fn look(&mut self) -> Look {
        let found = self.folder.as_mut().map_or(Vec::new(), |it| it.changed());
        let now = Instant::now();
        let mut segments = lock(&self.state.segments);
        for found in found {
            match found {
                Found::Unusable(text) => segments.note(text),
                Found::Snapshot(snapshot, age) => {
                    // The clock of a machine that was started lately may not go back so far.
                    let heard = now
                        .checked_sub(age)
                        .or(now.checked_sub(Duration::from_secs(60)));
                    segments.take(*snapshot, heard.unwrap_or(now));
                }
            }
        }
        Look {
            merged: Merged::of(&segments, now),
            notes: segments
                .new_notes()
                .iter()
                .map(|note| sanitize(note).into_owned())
                .collect(),
        }
    }
}

/// The state of all segments at one moment.
pub struct Look {
    /// Absent until a segment was heard of.
    pub(in crate::report) merged: Option<Merged>,
    /// Notes on what has happened since the last look, sanitized.
    pub(in crate::report) notes: Vec<String>,
}

impl Look {
    /// Returns the number of segments that were heard of, and the number of all; zeros if that is not
    /// known.
    pub fn heard(&self) -> (usize, usize) {
        let merged = self.merged.as_ref();
        merged.map_or((0, 0), |it| (it.seen(), it.segments.len()))
    }

    /// Returns the figures as JSON for programs; an object with `null` for the run if no segment was
    /// heard of.
    pub fn json(&self) -> serde_json::Value {
        let merged = self.merged.as_ref();
        let segments = merged.map_or(&[][..], |it| &it.segments);
        serde_json::json!({
            "format": "rehearsal-watch/1",
            "phase": merged.map_or(Phase::Starting, |it| it.phase),
            "run": merged.map(|it| &it.info),
            "summary": merged.map(|it| &it.summary),
            "now": merged.map(|it| serde_json::json!({
                "in_flight": it.now.in_flight,
                "ended": it.now.ended,
                "completed_per_second": it.now.completed_per_second,
                "failed_per_second": it.now.failed_per_second,
                "response_p95_us": it.now.responses.percentile_us(95.0),
            })),
            "segments": segments,
            "notes": self.notes,
            "histograms": merged.map(|it| &it.histograms),
        })
    }

    /// Returns `true` if all segments have ended.
    pub fn is_over(&self) -> bool {
        let merged = self.merged.as_ref();
        merged.is_some_and(|it| it.phase == Phase::Ended)
    }
}
