//! Capacity: the highest load at which thresholds hold, found by trials at different loads.
//!
//! [`next_trial`] decides which load to try next, or that the search has ended. It is a function of
//! the trials so far, so a search can be continued from its saved trials.

mod bottleneck;
mod growth;
#[cfg(test)]
mod queues;
mod scalability;
mod search;

use serde::{Deserialize, Serialize};

pub use bottleneck::{Bottleneck, BottleneckKind};
pub use growth::Growth;
pub use scalability::{Scalability, ScalabilityPoint};
pub use search::{Capacity, CapacityLimit, Next, SearchPlan, answer_so_far, next_trial};

use super::summary::{Summary, Trust};

/// The load that a search raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadKind {
    /// Flow starts per second.
    Rate,
    /// Flows in parallel.
    Parallel,
}

/// A run at one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Flow starts per second, or flows in parallel.
    pub load: f64,
    pub outcome: TrialOutcome,
    /// Reasons for the outcome, the most important first; empty if the thresholds held.
    pub reasons: Vec<String>,
    pub figures: TrialFigures,
    /// The saved run.
    pub run: String,
}

impl Trial {
    /// Returns `true` if a search that goes on, with this limit of flows in flight, has to make the
    /// trial again: it said nothing about the programs, and its reason may be gone; or flows were
    /// dropped at a lower limit.
    pub fn is_outdated(&self, max_in_flight: Option<u64>) -> bool {
        let limits = self.figures.max_in_flight.zip(max_in_flight);
        let is_raised = limits.is_some_and(|(before, now)| before < now);
        self.outcome == TrialOutcome::Unusable || (is_raised && self.figures.dropped > 0)
    }
}

/// The outcome of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialOutcome {
    /// All thresholds held, and the load was reached.
    Held,
    /// A threshold was crossed, or the programs did not keep up with the load.
    Broke,
    /// The figures are those of the generator or of other processes, not of the programs.
    Unusable,
}

/// The figures of a trial that the search and its report use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialFigures {
    pub completed: u64,
    pub failed: u64,
    pub dropped: u64,
    /// Ended with the trial, as they took longer than the time to finish.
    pub interrupted: u64,
    pub completed_per_second: Option<f64>,
    pub response_mean_us: Option<u64>,
    pub response_p50_us: Option<u64>,
    pub response_p95_us: Option<u64>,
    pub response_p99_us: Option<u64>,
    /// Time of a flow by its part, on average.
    pub parts: Vec<FlowPart>,
    /// The busy part of all processors' time, from 0 to 1, and that of the run's programs.
    pub machine_busy_ratio: Option<f64>,
    pub machine_programs_ratio: Option<f64>,
    pub machine_own_ratio: Option<f64>,
    /// The part of the trial without an idle processor.
    pub machine_saturated_ratio: Option<f64>,
    /// The most frequent failure: its step and cause.
    pub failure: Option<String>,
    /// The number of flows in flight at which flows were dropped, of a load with a rate.
    #[serde(default)]
    pub max_in_flight: Option<u64>,
}

/// A part of a flow's response time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowPart {
    pub kind: FlowPartKind,
    /// Per completed flow.
    pub mean_us: u64,
}

/// The kind of a part of a flow's response time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowPartKind {
    /// A step, by its name.
    Step(String),
    /// Waits for pools and gates.
    Waiting,
    /// Time from when it was due to its start.
    LateStart,
}

impl TrialFigures {
    /// Takes the figures from the summary of a trial's run.
    pub fn of(summary: &Summary) -> Self {
        let response = summary.flow_response.as_ref();
        let generator = summary.generator.as_ref();
        let ended = summary.flows.completed + summary.flows.failed;
        let per_flow = |mean_us: u64, count: u64| {
            let total = u128::from(mean_us) * u128::from(count);
            u64::try_from(total / u128::from(ended.max(1))).unwrap_or(u64::MAX)
        };
        let mut parts: Vec<FlowPart> = summary
            .steps
            .iter()
            .filter_map(|step| {
                let spread = step.duration?;
                Some(FlowPart {
                    kind: FlowPartKind::Step(step.name.clone()),
                    mean_us: per_flow(spread.mean_us, spread.count),
                })
            })
            .collect();
        let others = [
            (FlowPartKind::Waiting, summary.phases.waited),
            (FlowPartKind::LateStart, summary.start_delay),
        ];
        parts.extend(others.into_iter().filter_map(|(kind, spread)| {
            let spread = spread?;
            let mean_us = per_flow(spread.mean_us, spread.count);
            Some(FlowPart { kind, mean_us })
        }));
        TrialFigures {
            completed: summary.flows.completed,
            failed: summary.flows.failed,
            dropped: summary.flows.dropped,
            interrupted: summary.flows.interrupted,
            completed_per_second: summary.completed_per_second,
            response_mean_us: response.map(|it| it.mean_us),
            response_p50_us: response.map(|it| it.p50_us),
            response_p95_us: response.map(|it| it.p95_us),
            response_p99_us: response.map(|it| it.p99_us),
            parts,
            machine_busy_ratio: generator.and_then(|it| it.machine_busy_ratio),
            machine_programs_ratio: generator.and_then(|it| it.machine_programs_ratio),
            machine_own_ratio: generator.and_then(|it| it.machine_own_ratio),
            machine_saturated_ratio: generator.and_then(|it| it.machine_saturated_ratio),
            failure: summary
                .failures
                .groups
                .first()
                .map(|group| format!("{}: {}", group.step, group.cause)),
            max_in_flight: None,
        }
    }

    /// Returns the flows in flight on average, by Little's law: throughput times response time.
    pub fn in_flight(&self) -> Option<f64> {
        Some(self.completed_per_second? * self.response_mean_us? as f64 / 1e6)
    }
}

/// The part of due flows that may be dropped or cut off at a trial's end before the load counts as
/// not reached.
const MISSED: f64 = 0.01;

/// From this multiple of a light load's response time on, flows are slower.
const SLOWER: f64 = 1.25;

/// The circumstances of a trial that its summary lacks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances<'a> {
    /// The figures of the lightest load that held.
    pub light: Option<&'a TrialFigures>,
    /// The number of flows in flight at which flows are dropped.
    pub most_in_flight: u64,
    /// The growth of the number of flows in flight, of a load with a rate.
    pub growth: Option<Growth>,
}

/// Judges a trial by its summary.
///
/// A trial whose figures are invalid says nothing about the programs, unless flows have failed or
/// were dropped: those that pile up because the programs are too slow are dropped in the end. Flows
/// that are dropped although none is slower than at a light load are dropped by the generator's
/// limit of flows in flight.
pub fn judge(summary: &Summary, circumstances: Circumstances<'_>) -> (TrialOutcome, Vec<String>) {
    let flows = &summary.flows;
    let crossed = || summary.thresholds.iter().filter(|it| !it.holds);
    let due = flows.ended().saturating_add(flows.dropped);
    let is_much = |missed: u64| missed as f64 > MISSED * due as f64;
    let most = circumstances.most_in_flight;
    let is_by_limit = is_much(flows.dropped)
        && !is_slower(summary, circumstances.light)
        && crossed().all(|it| it.threshold.starts_with("dropped"));
    if is_by_limit {
        let reason = format!(
            "{} of {due} flows were dropped, as {most} were in flight, but none was slower: \
             raise --max-in-flight",
            flows.dropped
        );
        return (TrialOutcome::Unusable, vec![reason]);
    }
    let mut reasons: Vec<String> = crossed().map(|it| it.threshold.clone()).collect();
    if is_much(flows.dropped) {
        reasons.push(format!(
            "{} of {due} flows were dropped, as {most} were in flight: the programs did not keep up",
            flows.dropped
        ));
    }
    if is_much(flows.interrupted) {
        reasons.push(format!(
            "{} of {due} flows were not finished: the programs did not keep up",
            flows.interrupted
        ));
    }
    if let Some(growth) = circumstances.growth {
        reasons.push(format!(
            "flows piled up, from {:.1} to {:.1} in flight: the programs did not keep up",
            growth.first, growth.last
        ));
    }
    let verdict = summary.verdict.as_ref();
    let invalid = verdict.filter(|it| it.trust == Trust::Invalid);
    if let Some(verdict) = invalid
        && flows.dropped == 0
        && flows.completed > 0
    {
        return (TrialOutcome::Unusable, verdict.reasons.clone());
    }
    match reasons.is_empty() {
        true => (TrialOutcome::Held, reasons),
        false => (TrialOutcome::Broke, reasons),
    }
}

/// Returns `true` if flows took longer than at a light load; without one, than the shortest of
/// them.
fn is_slower(summary: &Summary, light: Option<&TrialFigures>) -> bool {
    let Some(response) = &summary.flow_response else {
        return true;
    };
    let alone = light.and_then(|it| it.response_mean_us);
    let alone = alone.unwrap_or(response.min_us);
    response.mean_us as f64 > SLOWER * alone as f64
}

#[cfg(test)]
mod tests;
