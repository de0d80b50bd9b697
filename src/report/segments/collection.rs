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

#[cfg(test)]
mod tests {
    use super::super::testing::snapshot;
    use super::*;
    use crate::report::segments::merged::Merged;

    const S: Duration = Duration::from_secs(1);

    fn states(segments: &Segments, now: Instant) -> Vec<SegmentState> {
        let statuses = segments.statuses(now).into_iter();
        statuses.map(|it| it.state).collect()
    }

    fn completed(segments: &Segments, now: Instant) -> u64 {
        let merged = Merged::of(segments, now).expect("segments");
        let response = merged.histograms["flow.response"].count();
        assert_eq!(response, merged.summary.flows.completed);
        response
    }

    #[test]
    fn a_segment_is_silent_until_it_is_heard_again_and_never_counted_twice() {
        use SegmentState::{Ended, Running, Silent, Waiting};
        let began = Instant::now();
        let mut segments = Segments::default();
        segments.take(snapshot("1/3", "a", 1, 40), began);
        segments.take(snapshot("2/3", "b", 1, 7), began);
        assert_eq!(
            states(&segments, began + 10 * S),
            [Running, Running, Waiting]
        );
        segments.take(snapshot("2/3", "b", 2, 9), began + 10 * S);
        let now = began + 11 * S;
        assert_eq!(states(&segments, now), [Silent, Running, Waiting]);
        assert_eq!(completed(&segments, now), 49);
        let merged = Merged::of(&segments, now).expect("segments");
        assert_eq!(
            merged.now.in_flight, 3,
            "those of the silent one are not known"
        );
        assert_eq!(
            merged.info.flows, None,
            "the share of the third is not known"
        );
        assert_eq!(merged.seen(), 2);

        segments.take(snapshot("1/3", "a2", 1, 2), now);
        assert_eq!(states(&segments, now), [Running, Running, Waiting]);
        assert_eq!(completed(&segments, now), 11);
        assert_eq!(segments.statuses(now)[0].starts, 2);
        // The start of before was not dead, after all.
        segments.take(snapshot("1/3", "a", 9, 60), now);
        assert_eq!(completed(&segments, now), 11);
        let notes = segments.new_notes();
        assert!(
            notes[0].contains("segment 1 was started again"),
            "{notes:?}"
        );
        assert!(notes[1].contains("segment 1 still runs"), "{notes:?}");
        assert_eq!(notes.len(), 2, "{notes:?}");

        let mut last = snapshot("1/3", "a2", 2, 5);
        last.phase = Phase::Ended;
        segments.take(last, now);
        assert_eq!(states(&segments, now + 60 * S), [Ended, Silent, Waiting]);
    }

    #[test]
    fn what_comes_late_or_is_of_another_run_is_left_out() {
        let now = Instant::now();
        let mut segments = Segments::default();
        segments.take(snapshot("1/2", "a", 5, 50), now);
        segments.take(snapshot("1/2", "a", 4, 40), now);
        assert_eq!(completed(&segments, now), 50);

        let mut other = snapshot("2/2", "x", 1, 9);
        other.run.seed = Some(99);
        segments.take(other.clone(), now);
        assert_eq!(completed(&segments, now), 50);
        other.run.started_at += chrono::Duration::hours(1);
        segments.take(other, now);
        assert_eq!(completed(&segments, now), 9);
        let notes = segments.new_notes();
        assert!(notes[0].contains("of another run"), "{notes:?}");
        assert!(notes[1].contains("a new run of"), "{notes:?}");
    }

    #[test]
    fn all_segments_have_ended_when_each_has() {
        let now = Instant::now();
        let mut segments = Segments::default();
        for (place, flows) in [("1/2", 12), ("2/2", 30)] {
            let mut last = snapshot(place, place, 3, flows);
            last.phase = Phase::Ended;
            let before = Merged::of(&segments, now);
            assert!(before.is_none_or(|it| it.phase == Phase::Running));
            segments.take(last, now);
        }
        let merged = Merged::of(&segments, now).expect("segments");
        assert_eq!(merged.phase, Phase::Ended);
        assert_eq!(merged.summary.flows.completed, 42);
        let starts: u64 = merged
            .timeline
            .moments()
            .iter()
            .map(|it| it.completed)
            .sum();
        assert_eq!(starts, 42);
    }
}
