//! Watch of a run: its snapshots as they come, and what they are together.

use std::sync::{Arc, Mutex};
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
    segments: Arc<Mutex<Segments>>,
    folder: Option<FolderReader>,
    /// Ends the subscription's thread.
    _stop: Option<watch::Sender<bool>>,
}

impl Watch {
    /// Starts to watch.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(place: &WatchedPlace, login: NatsLogin) -> Result<Self, ReportError> {
        let segments = Arc::<Mutex<Segments>>::default();
        let stop = match &place.nats {
            None => None,
            Some(place) => {
                let failed = |error: std::io::Error| ReportError::Thread(error.to_string());
                let runtime = Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(failed)?;
                let (stop, stopped) = watch::channel(false);
                let (place, segments) = (place.clone(), Arc::clone(&segments));
                thread::Builder::new()
                    .name("subscription".into())
                    .spawn(move || {
                        let hear = |heard| {
                            let mut segments = lock(&segments);
                            match heard {
                                Heard::Snapshot(snapshot) => {
                                    segments.take(*snapshot, Instant::now());
                                }
                                Heard::Note(text) => {
                                    segments.note_again(text);
                                }
                            }
                        };
                        runtime.block_on(nats::subscribe(place, login, stopped, hear));
                    })
                    .map_err(failed)?;
                Some(stop)
            }
        };
        Ok(Watch {
            segments,
            folder: place.folder.as_deref().map(FolderReader::new),
            _stop: stop,
        })
    }

    /// Reads what is new. To be called about once a second.
    pub fn look(&mut self) -> Look {
        let found = self.folder.as_mut().map_or(Vec::new(), |it| it.changed());
        let now = Instant::now();
        let mut segments = lock(&self.segments);
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

/// What was seen at one look.
pub struct Look {
    /// Absent until a segment was heard of.
    pub(in crate::report) merged: Option<Merged>,
    /// What has happened since the last look, sanitized.
    pub(in crate::report) notes: Vec<String>,
}

impl Look {
    /// Returns `true` if all segments have ended.
    pub fn is_over(&self) -> bool {
        let merged = self.merged.as_ref();
        merged.is_some_and(|it| it.phase == Phase::Ended)
    }
}
