//! Figures of a run in progress: those of its result, and those of the moment. Their size depends on
//! the scenario and on the number of flows in flight.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::model::{
    Failure, FlowNumber, FlowOutcome, FlowRecord, LoadChange, RunEvent, RunInfo, micros,
};
use crate::stats::{Integrity, Signature, Summary, Tally, Threshold, Timeline};

use super::live_stats::LiveStats;
use super::thresholds_so_far::ThresholdsSoFar;

/// The maximum number of kept flows that are known.
const MAX_KEPT: usize = 200;

/// The maximum number of notices, the last ones, and of characters of each.
const MAX_NOTICES: usize = 20;
const MAX_CHARACTERS: usize = 500;

/// The maximum number of changes of the load that are known.
const MAX_CHANGES: usize = 100;

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::report) enum Phase {
    Starting,
    Running,
    Stopping,
    Ended,
}

/// A notice, not sanitized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::report) struct TimedNotice {
    pub after_us: u64,
    pub text: String,
}

/// The figures so far.
pub(in crate::report) struct SoFar {
    pub phase: Phase,
    pub stats: LiveStats,
    pub notices: VecDeque<TimedNotice>,
    pub run: Option<RunSoFar>,
    began: Instant,
    now: Duration,
    thresholds: Vec<Threshold>,
    /// The maximum number of buckets of the timeline.
    buckets: usize,
}

/// A run that has started.
pub(in crate::report) struct RunSoFar {
    pub info: RunInfo,
    pub tally: Tally,
    pub timeline: Timeline,
    /// The times since which flows are in flight.
    pub in_flight: HashMap<FlowNumber, u64>,
    /// Running scripts by role.
    pub scripts: BTreeMap<usize, u64>,
    pub kept: Vec<KeptFlow>,
    pub changes: Vec<LoadChange>,
    integrity: Option<Integrity>,
    thresholds: ThresholdsSoFar,
    stopped_after_us: Option<u64>,
}

/// A failed flow with a bundle.
pub(in crate::report) struct KeptFlow {
    pub number: u64,
    pub signature: Signature,
    pub after_faults: bool,
}

impl SoFar {
    /// Creates the figures of a run with these thresholds that has not started, whose timeline has at
    /// most so many buckets.
    pub(in crate::report) fn new(thresholds: Vec<Threshold>, buckets: usize) -> Self {
        SoFar {
            phase: Phase::Starting,
            stats: LiveStats::default(),
            notices: VecDeque::new(),
            run: None,
            began: Instant::now(),
            now: Duration::ZERO,
            thresholds,
            buckets,
        }
    }

    /// Takes an event.
    pub(in crate::report) fn event(&mut self, event: &RunEvent) {
        self.stats.event(event);
        match event {
            RunEvent::RunStarted(info) => {
                self.began = Instant::now();
                self.phase = Phase::Running;
                self.run = Some(RunSoFar::new(info, &self.thresholds, self.buckets));
            }
            RunEvent::Notice { text, .. } => self.note(text),
            RunEvent::AuditStarted { command } => self.note(&format!("Auditing: {command}")),
            RunEvent::Stopping { reason } => {
                self.note(&format!("Stopping: {reason}"));
                self.phase = Phase::Stopping;
            }
            _ => {}
        }
        let now_us = micros(self.began.elapsed());
        if let Some(run) = &mut self.run {
            run.event(event, now_us);
        }
    }

    /// Takes the result of the integrity checks.
    pub(in crate::report) fn integrity(&mut self, integrity: &Integrity) {
        if let Some(run) = &mut self.run {
            run.integrity = Some(integrity.clone());
        }
    }

    /// Sets the time since the start of the reporters.
    pub(in crate::report) fn tick(&mut self, elapsed: Duration) {
        self.now = elapsed;
        self.stats.tick(elapsed);
        let now_us = micros(self.began.elapsed());
        if let Some(run) = &mut self.run {
            run.timeline.extend_to(now_us);
        }
    }

    /// Returns the time since the start of the run.
    pub(in crate::report) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn note(&mut self, text: &str) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(TimedNotice {
            after_us: micros(self.now),
            text: text.chars().take(MAX_CHARACTERS).collect(),
        });
    }
}

impl RunSoFar {
    fn new(info: &RunInfo, thresholds: &[Threshold], buckets: usize) -> Self {
        RunSoFar {
            thresholds: ThresholdsSoFar::new(thresholds, info),
            info: info.clone(),
            tally: Tally::new(info),
            timeline: Timeline::growing(info, buckets),
            in_flight: HashMap::new(),
            scripts: BTreeMap::new(),
            kept: Vec::new(),
            integrity: None,
            changes: Vec::new(),
            stopped_after_us: None,
        }
    }

    fn event(&mut self, event: &RunEvent, now_us: u64) {
        self.thresholds.event(event, Duration::from_micros(now_us));
        match event {
            RunEvent::FlowStarted { flow, .. } => drop(self.in_flight.insert(*flow, now_us)),
            RunEvent::FlowEnded(flow) => {
                self.in_flight.remove(&flow.number);
                self.tally.record(flow);
                self.timeline.record(&self.info, flow);
            }
            RunEvent::EvidenceKept(evidence) => {
                if let FlowOutcome::Failed(failure) = &evidence.flow.outcome {
                    self.keep(&evidence.flow, failure);
                }
            }
            RunEvent::PooledScriptEnded(process) => self.tally.record_pooled(process),
            RunEvent::FlowsDropped { count, counted } => self.tally.record_drops(*count, *counted),
            RunEvent::ScriptStarted { instance, .. } => {
                *self.scripts.entry(instance.role.0).or_default() += 1;
            }
            RunEvent::ScriptEnded { instance, .. } => {
                if let Some(count) = self.scripts.get_mut(&instance.role.0) {
                    *count = count.saturating_sub(1);
                }
            }
            RunEvent::LoadChanged(change) if self.changes.len() < MAX_CHANGES => {
                // The first change is in place of later stages.
                let after_us = change.after_us;
                self.info.stages.retain(|it| it.ends_after_us <= after_us);
                self.changes.push(*change);
            }
            RunEvent::Stopping { .. } => {
                self.stopped_after_us.get_or_insert(now_us);
            }
            _ => {}
        }
    }

    fn keep(&mut self, flow: &FlowRecord, failure: &Failure) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push(KeptFlow {
                number: flow.number.0,
                signature: Signature::of(flow, failure),
                after_faults: flow.was_hit(),
            });
        }
    }

    /// Returns the figures of the run so far, with its thresholds.
    pub(in crate::report) fn summary(&mut self, elapsed: Duration) -> Summary {
        let mut summary = self.tally.summary(elapsed, false);
        summary.load_changes.clone_from(&self.changes);
        summary.stopped_after_us = self.stopped_after_us;
        summary.integrity.clone_from(&self.integrity);
        summary.thresholds = self.thresholds.check(&summary, elapsed);
        summary
    }
}
