//! The latest snapshot of each segment of a run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::report::live::so_far::Phase;

use super::snapshot::Snapshot;

/// The time after which a segment that publishes every second is silent.
const SILENT: Duration = Duration::from_secs(10);

/// The number of snapshots that a silent one has left out, if it publishes less often.
const SILENT_SNAPSHOTS: u32 = 5;

/// The maximum number of different notes.
const MAX_NOTES: usize = 200;

/// The maximum number of starts of a segment that are told apart.
const MAX_STARTS: usize = 100;

/// The snapshots of a run.
#[derive(Default)]
pub(super) struct Segments {
    known: BTreeMap<u64, Segment>,
    /// The number of all segments.
    count: u64,
    /// Notes that were not yet taken.
    notes: VecDeque<String>,
    /// All of them: each is given once.
    noted: BTreeSet<String>,
}

/// A segment that was heard of.
pub(super) struct Segment {
    pub snapshot: Snapshot,
    /// The time at which the snapshot came.
    heard: Instant,
    /// Starts that have been replaced.
    replaced: BTreeSet<String>,
}

/// The state of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::report) enum SegmentState {
    /// It has not been heard of.
    Waiting,
    Running,
    Stopping,
    /// It has not ended, and was not heard of for a time.
    Silent,
    Ended,
}

/// A segment as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::report) struct SegmentStatus {
    pub number: u64,
    pub state: SegmentState,
    pub host: String,
    /// The number of starts that were heard of.
    pub starts: usize,
    pub ended: u64,
    pub failed: u64,
    pub in_flight: u64,
    /// The time since the last snapshot came.
    #[serde(rename = "heard_ago_s", serialize_with = "seconds")]
    pub age: Duration,
}

fn seconds<S: serde::Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(age.as_secs_f64())
}

impl Segments {
    /// Takes a snapshot that came at `heard`. A later one of its segment replaces an earlier one; that
    /// of another run is left out, or replaces all if it began later.
    pub(super) fn take(&mut self, snapshot: Snapshot, heard: Instant) {
        let Some((number, count)) = snapshot.place() else {
            return;
        };
        if let Some(other) = self.known.values().next()
            && !snapshot.is_of_run_of(&other.snapshot)
        {
            let mut starts = self.known.values().map(|it| it.snapshot.run.started_at);
            if starts.all(|it| it < snapshot.run.started_at) {
                let scenario = &snapshot.run.scenario;
                self.note(format!("a new run of {scenario} has begun"));
                self.known.clear();
            } else {
                let id = &snapshot.run.id;
                self.note(format!("segment {number} of another run, {id}, is ignored"));
                return;
            }
        }
        self.count = count;
        let Some(known) = self.known.get_mut(&number) else {
            let segment = Segment {
                snapshot,
                heard,
                replaced: BTreeSet::new(),
            };
            self.known.insert(number, segment);
            return;
        };
        let last = &known.snapshot;
        if snapshot.start == last.start {
            if snapshot.sequence > last.sequence {
                known.snapshot = snapshot;
                known.heard = heard;
            }
            return;
        }
        if known.replaced.contains(&snapshot.start) {
            let text = format!(
                "segment {number} still runs on {}, though it was started again on {}: counted is \
                 the later start",
                snapshot.host, last.host
            );
            self.note(text);
            return;
        }
        if known.replaced.len() < MAX_STARTS {
            known.replaced.insert(last.start.clone());
        }
        let text = format!(
            "segment {number} was started again on {}: its figures replace those of before",
            snapshot.host
        );
        known.snapshot = snapshot;
        known.heard = heard;
        // Each further start is worth a note.
        self.note(format!("{text} (start {})", self.starts(number)));
    }

    /// Adds a note, once.
    pub(super) fn note(&mut self, text: String) {
        if self.noted.len() < MAX_NOTES && self.noted.insert(text.clone()) {
            self.notes.push_back(text);
        }
    }

    /// Adds a note that may come again.
    pub(super) fn note_again(&mut self, text: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push_back(text);
        }
    }

    /// Returns the notes since the last time.
    pub(super) fn new_notes(&mut self) -> Vec<String> {
        self.notes.drain(..).collect()
    }

    fn starts(&self, number: u64) -> usize {
        self.known
            .get(&number)
            .map_or(0, |it| it.replaced.len() + 1)
    }

    /// Returns the number of segments that were heard of.
    pub(super) fn heard_count(&self) -> usize {
        self.known.len()
    }

    /// Returns the number of all segments; 0 if none was heard of.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the segments that were heard of, and their states, in the order of their numbers.
    pub(super) fn heard(&self, now: Instant) -> impl Iterator<Item = (&Snapshot, SegmentState)> {
        let known = self.known.values();
        known.map(move |it| (&it.snapshot, it.state(now)))
    }

    /// Returns all segments, in the order of their numbers.
    pub(super) fn statuses(&self, now: Instant) -> Vec<SegmentStatus> {
        let all = (1..=self.count).map(|number| match self.known.get(&number) {
            None => SegmentStatus {
                number,
                state: SegmentState::Waiting,
                host: String::new(),
                starts: 0,
                ended: 0,
                failed: 0,
                in_flight: 0,
                age: Duration::ZERO,
            },
            Some(segment) => {
                let snapshot = &segment.snapshot;
                SegmentStatus {
                    number,
                    state: segment.state(now),
                    host: snapshot.host.clone(),
                    starts: segment.replaced.len() + 1,
                    ended: snapshot.now.ended,
                    failed: snapshot.summary.flows.failed,
                    in_flight: snapshot.now.in_flight,
                    age: now.saturating_duration_since(segment.heard),
                }
            }
        });
        all.collect()
    }
}

impl Segment {
    fn state(&self, now: Instant) -> SegmentState {
        let every = Duration::from_millis(self.snapshot.every_ms.min(3_600_000));
        let is_silent =
            now.saturating_duration_since(self.heard) > SILENT.max(every * SILENT_SNAPSHOTS);
        match self.snapshot.phase {
            Phase::Ended => SegmentState::Ended,
            _ if is_silent => SegmentState::Silent,
            Phase::Stopping => SegmentState::Stopping,
            Phase::Starting | Phase::Running => SegmentState::Running,
        }
    }
}
