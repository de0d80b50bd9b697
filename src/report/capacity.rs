//! Reports of a search for the capacity: its record, and the page and table made of it.

mod course;
mod table;
mod words;

use serde::{Deserialize, Serialize};

use crate::stats::{
    Bottleneck, Capacity, LoadKind, Scalability, ScalabilityPoint, SearchPlan, Trial, TrialOutcome,
    answer_so_far,
};

pub use course::growth_in_flight;
pub use table::write_trials;
pub(super) use words::{headline, load, sentences};

/// The saved form of a search, from which it can be continued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityRecord {
    /// Name and version of this form.
    pub format: String,
    pub scenario: String,
    pub kind: LoadKind,
    /// The thresholds that decide, those of the scenario first.
    pub thresholds: Vec<String>,
    /// In the order in which they were made.
    pub trials: Vec<Trial>,
}

impl CapacityRecord {
    /// The name and version of this form.
    pub const FORMAT: &'static str = "rehearsal-capacity/1";
}

/// The answer of a search with all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CapacityReport {
    #[serde(flatten)]
    pub record: CapacityRecord,
    pub capacity: Capacity,
    /// The part that gave out first, if a load broke.
    pub bottleneck: Option<Bottleneck>,
    /// A second opinion, if there are enough loads.
    pub scalability: Option<Scalability>,
    /// The trials that decide had fewer flows than the thresholds need.
    pub few_samples: Option<FewSamples>,
    /// The search was interrupted.
    pub interrupted: bool,
}

/// Samples that are too few for the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FewSamples {
    /// The flows of the smallest trial at the load that is the answer.
    pub flows: u64,
    /// The flows from which on all thresholds are steady.
    pub needed: u64,
}

/// The trials at one load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriedLoad {
    pub load: f64,
    pub held: usize,
    pub broke: usize,
    pub unusable: usize,
    /// Medians of the usable trials, or of all if there are none.
    pub throughput: Option<f64>,
    pub p50_us: Option<u64>,
    pub p95_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub busy: Option<f64>,
}

impl CapacityReport {
    /// Derives the answer from the trials. The thresholds need `samples` flows.
    pub fn new(record: CapacityRecord, plan: &SearchPlan, samples: u64, interrupted: bool) -> Self {
        let capacity = answer_so_far(plan, &record.trials);
        let trial = |load: Option<f64>, outcome| {
            let mut trials = record.trials.iter();
            trials.find(|it| Some(it.load) == load && it.outcome == outcome)
        };
        let held = record
            .trials
            .iter()
            .filter(|it| it.outcome == TrialOutcome::Held)
            .filter(|it| capacity.broke_at.is_none_or(|at| it.load < at));
        let light = held.min_by(|a, b| a.load.total_cmp(&b.load));
        let broke = trial(capacity.broke_at, TrialOutcome::Broke);
        let light = light.map(|it| &it.figures);
        let bottleneck = broke.and_then(|broke| Bottleneck::of(light, &broke.figures));
        let measured = record.trials.iter();
        let measured = measured.filter_map(|it| it.figures.completed_per_second);
        let highest = measured.fold(0.0, f64::max);
        let scalability = Scalability::fit(&points(&record)).filter(|it| it.is_certain(highest));
        let few_samples = few_samples(&record, &capacity, samples);
        CapacityReport {
            record,
            capacity,
            bottleneck,
            scalability,
            few_samples,
            interrupted,
        }
    }

    /// Formats a load: `20.5/s`, `8 in parallel`.
    pub fn words(&self, load: f64) -> String {
        words::load(self.record.kind, load)
    }

    /// Returns the tried loads, the lowest first.
    pub fn loads(&self) -> Vec<TriedLoad> {
        let mut loads: Vec<f64> = self.record.trials.iter().map(|it| it.load).collect();
        loads.sort_by(f64::total_cmp);
        loads.dedup();
        loads.into_iter().map(|load| self.tried(load)).collect()
    }

    fn tried(&self, load: f64) -> TriedLoad {
        let trials = || self.record.trials.iter().filter(|it| it.load == load);
        let count = |outcome| trials().filter(|it| it.outcome == outcome).count();
        let unusable = count(TrialOutcome::Unusable);
        let all = trials().count();
        let shown: Vec<&Trial> = trials()
            .filter(|it| unusable == all || it.outcome != TrialOutcome::Unusable)
            .collect();
        let median_us = |figure: fn(&Trial) -> Option<u64>| {
            let values = shown.iter().filter_map(|it| figure(it)).map(|us| us as f64);
            median(values.collect()).map(|us| us as u64)
        };
        let medians = |figure: fn(&Trial) -> Option<f64>| {
            median(shown.iter().filter_map(|it| figure(it)).collect())
        };
        TriedLoad {
            load,
            held: count(TrialOutcome::Held),
            broke: count(TrialOutcome::Broke),
            unusable,
            throughput: medians(|it| it.figures.completed_per_second),
            p50_us: median_us(|it| it.figures.response_p50_us),
            p95_us: median_us(|it| it.figures.response_p95_us),
            p99_us: median_us(|it| it.figures.response_p99_us),
            busy: medians(|it| it.figures.machine_busy_ratio),
        }
    }
}

/// Returns the points of the scalability law: of flows in parallel all usable trials, of rates those
/// that held, as a queue that grows has no mean.
fn points(record: &CapacityRecord) -> Vec<ScalabilityPoint> {
    let usable = record.trials.iter().filter(|it| match record.kind {
        LoadKind::Parallel => it.outcome != TrialOutcome::Unusable,
        LoadKind::Rate => it.outcome == TrialOutcome::Held,
    });
    usable
        .filter_map(|trial| {
            let throughput = trial.figures.completed_per_second?;
            let in_flight = match record.kind {
                LoadKind::Parallel => trial.load,
                LoadKind::Rate => trial.figures.in_flight()?,
            };
            (throughput > 0.0 && in_flight > 0.0).then_some(ScalabilityPoint {
                in_flight,
                throughput,
            })
        })
        .collect()
}

/// Compares the flows of the trials at the load that is the answer with those that are needed.
/// A tenth less is no matter: their number is planned from the throughput.
fn few_samples(record: &CapacityRecord, capacity: &Capacity, needed: u64) -> Option<FewSamples> {
    let trials = record
        .trials
        .iter()
        .filter(|it| Some(it.load) == capacity.load && it.outcome != TrialOutcome::Unusable);
    let flows = trials
        .map(|it| it.figures.completed + it.figures.failed)
        .min()?;
    (flows < needed - needed / 10).then_some(FewSamples { flows, needed })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}
