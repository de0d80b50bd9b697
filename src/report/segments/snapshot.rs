//! Snapshot of a segment's figures, in a form that can be added up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{RunInfo, micros};
use crate::report::live::so_far::{Phase, SoFar, TimedNotice};
use crate::report::merge::parts::{self, Part};
use crate::report::result_file::Head;
use crate::stats::{Histogram, Histograms, Summary, Timeline};

/// The name and version of the format.
const FORMAT: &str = "rehearsal-snapshot/1";

/// The maximum size of a snapshot. A scenario of a hundred steps needs a tenth of it.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// The maximum number of segments.
const MAX_SEGMENTS: u64 = 100_000;

/// The maximum number of bytes of an example's output.
const MAX_TAIL: usize = 2_000;

/// The figures of one segment at a moment. Its size depends on the scenario only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::report) struct Snapshot {
    /// [`FORMAT`].
    pub format: String,
    /// The start of the segment that this is of: one that is started again has another.
    pub start: String,
    /// Grows with each snapshot of a start.
    pub sequence: u64,
    /// The time between two snapshots.
    pub every_ms: u64,
    pub phase: Phase,
    pub host: String,
    pub run: RunInfo,
    pub summary: Summary,
    pub now: Now,
    pub timeline: Timeline,
    pub notices: Vec<TimedNotice>,
    /// The histograms behind the figures, as in a result.
    pub histograms: Histograms,
}

/// The figures of a moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::report) struct Now {
    pub in_flight: u64,
    /// Flows that have ended, those of the warm-up included.
    pub ended: u64,
    /// Of the last seconds, as are the failed ones and the responses.
    pub completed_per_second: f64,
    pub failed_per_second: f64,
    pub responses: Histogram,
    /// In the order of the flow.
    pub steps: Vec<StepNow>,
    /// Running scripts by role.
    pub scripts: BTreeMap<usize, u64>,
}

/// A step at a moment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::report) struct StepNow {
    /// Flows in the step.
    pub now: u64,
    /// Flows that completed it.
    pub done: u64,
    /// Flows that failed in it.
    pub failed: u64,
    /// Durations of the last seconds.
    pub durations: Histogram,
}

/// The parts of a snapshot that are the same for all of one start.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub start: String,
    pub every_ms: u64,
    pub host: String,
}

impl Snapshot {
    /// Takes the figures of a run that has started; `None` before.
    pub(super) fn of(so_far: &mut SoFar, origin: &Origin, sequence: u64) -> Option<Self> {
        let elapsed = so_far.elapsed();
        let stats = &mut so_far.stats;
        let now = stats.elapsed();
        let run = so_far.run.as_mut()?;
        let steps = stats.steps.iter_mut().map(|step| StepNow {
            now: step.now,
            done: step.done,
            failed: step.failed,
            durations: step.durations(now),
        });
        let now = Now {
            steps: steps.collect(),
            in_flight: stats.in_flight,
            ended: stats.ended(),
            completed_per_second: stats.completed_per_second(),
            failed_per_second: stats.failed_per_second(),
            responses: stats.responses(),
            scripts: run.scripts.clone(),
        };
        let started = run.in_flight.values().copied();
        let timeline = run.timeline.at(micros(elapsed), started);
        Some(Snapshot {
            format: FORMAT.into(),
            start: origin.start.clone(),
            sequence,
            every_ms: origin.every_ms,
            phase: so_far.phase,
            host: origin.host.clone(),
            run: run.info.clone(),
            summary: shortened(run.summary(elapsed)),
            now,
            timeline,
            notices: so_far.notices.iter().cloned().collect(),
            histograms: run.tally.histograms(),
        })
    }

    /// Makes it the last one: with the figures of the result.
    pub(super) fn end(&mut self, head: &Head) {
        self.phase = Phase::Ended;
        self.run.clone_from(&head.run);
        self.summary = shortened(head.summary.clone());
        self.histograms.clone_from(&head.histograms);
        self.now.in_flight = 0;
        self.now.completed_per_second = 0.0;
        self.now.failed_per_second = 0.0;
        self.now.responses = Histogram::new();
        self.now.scripts.clear();
        for step in &mut self.now.steps {
            step.now = 0;
            step.durations = Histogram::new();
        }
    }

    /// Reads a snapshot, and checks that it can be added to others.
    ///
    /// # Errors
    /// If it is none, or damaged; in one sentence.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let format: Format =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no snapshot: {error}"))?;
        if format.format != FORMAT {
            let found: String = format.format.chars().take(40).collect();
            return Err(format!("it is a {found}, and this program reads {FORMAT}"));
        }
        let snapshot: Snapshot =
            serde_json::from_slice(bytes).map_err(|error| format!("it is damaged: {error}"))?;
        snapshot.check()?;
        Ok(snapshot)
    }

    fn check(&self) -> Result<(), String> {
        let (steps, roles) = (self.run.steps.len(), self.run.roles.len());
        let is_whole = self.summary.steps.len() == steps
            && self.now.steps.len() == steps
            && self.summary.roles.len() == roles
            && self.timeline.cores().len() == roles
            && self.now.scripts.keys().all(|role| *role < roles)
            && self.now.completed_per_second.is_finite()
            && self.now.failed_per_second.is_finite();
        if !is_whole {
            return Err("it is damaged: its parts do not fit together".into());
        }
        self.place()
            .ok_or_else(|| "it is of no segment".to_owned())?;
        parts::figures(&[self.part()], &self.run)
            .map(drop)
            .map_err(|(_, missing)| format!("it is damaged: {missing}"))
    }

    /// Returns the number of its segment and the number of segments; a run that is not divided is
    /// the only one.
    pub(super) fn place(&self) -> Option<(u64, u64)> {
        let Some(segment) = &self.run.segment else {
            return Some((1, 1));
        };
        let (number, count) = parts::numbers(segment)?;
        (1 <= number && number <= count && count <= MAX_SEGMENTS).then_some((number, count))
    }

    /// Returns it as a part of the merged run.
    pub(super) fn part(&self) -> Part<'_> {
        Part {
            run: &self.run,
            summary: &self.summary,
            histograms: &self.histograms,
            clock: None,
        }
    }

    /// Returns `true` if it is of the same run as another: the same scenario, seed and division.
    pub(super) fn is_of_run_of(&self, other: &Snapshot) -> bool {
        let (own, other) = ((&self.run, self.place()), (&other.run, other.place()));
        let count = |place: Option<(u64, u64)>| place.map(|it| it.1);
        let names = |run: &RunInfo| -> Vec<String> {
            run.roles.iter().map(|role| role.name.clone()).collect()
        };
        count(own.1) == count(other.1)
            && own.0.scenario == other.0.scenario
            && own.0.seed == other.0.seed
            && own.0.steps == other.0.steps
            && own.0.chaos == other.0.chaos
            && names(own.0) == names(other.0)
    }
}

/// Leaves out what is long and has no use beside the figures of others.
fn shortened(mut summary: Summary) -> Summary {
    let failures = summary.failures.groups.iter_mut();
    let retried = summary.retries.failures.groups.iter_mut();
    for group in failures.chain(retried) {
        group.example.screen = None;
        let tail = &mut group.example.tail;
        if tail.len() > MAX_TAIL {
            let starts = tail.len() - MAX_TAIL..=tail.len();
            let start = starts.into_iter().find(|at| tail.is_char_boundary(*at));
            *tail = tail.split_off(start.unwrap_or(tail.len()));
        }
        // It is in a directory of another machine.
        group.bundle = None;
    }
    summary
}
