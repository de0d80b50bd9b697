//! Injected faults, and the outcomes of the flows that they affected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{FaultKind, FlowOutcome, FlowRecord, InjectionOutcome, RunInfo};

use super::histogram::{Histogram, Histograms, Spread};

/// The name of the recovery times among the distributions of a run.
const RECOVERY: &str = "chaos.recovery";

/// The injected faults of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSummary {
    /// The rules of fault injection as written.
    pub injections: Vec<String>,
    /// Injected faults by kind; kinds without any are absent.
    #[serde(rename = "struck")]
    pub injected: BTreeMap<FaultKind, u64>,
    /// Faults that were chosen and could not be injected, by kind: the program had ended, or the
    /// step was over before they were due. Absent in results of earlier versions.
    #[serde(default)]
    pub missed: BTreeMap<FaultKind, u64>,
    /// Flows with injected faults.
    pub flows: u64,
    /// Of these, flows completed after a retry.
    pub recovered: u64,
    /// Of these, flows completed at the first attempt.
    pub unaffected: u64,
    pub failed: u64,
    pub interrupted: u64,
    /// From each disruptive injection until its step was completed, in flows that recovered. Delays
    /// by Rehearsal itself are not disruptive.
    pub recovery: Option<Spread>,
}

/// Counter of injected faults, fed flow by flow.
#[derive(Debug, Default)]
pub(super) struct FaultTally {
    injected: BTreeMap<FaultKind, u64>,
    missed: BTreeMap<FaultKind, u64>,
    recovered: u64,
    unaffected: u64,
    failed: u64,
    interrupted: u64,
    recovery: Histogram,
}

impl FaultTally {
    pub(super) fn record(&mut self, flow: &FlowRecord) {
        for record in &flow.injections {
            let kind = record.kind;
            let count = match record.outcome {
                InjectionOutcome::Injected => &mut self.injected,
                InjectionOutcome::Missed => &mut self.missed,
            };
            *count.entry(kind).or_default() += 1;
            if let Some(us) = record.recovered_after_us
                && kind.is_disruptive()
                && flow.is_recovered()
            {
                self.recovery.record(us);
            }
        }
        if !flow.was_hit() {
            return;
        }
        let count = match flow.outcome {
            FlowOutcome::Completed if flow.is_recovered() => &mut self.recovered,
            FlowOutcome::Completed => &mut self.unaffected,
            FlowOutcome::Failed(_) => &mut self.failed,
            FlowOutcome::Interrupted => &mut self.interrupted,
        };
        *count += 1;
    }

    pub(super) fn summary(&self, info: &RunInfo) -> Option<FaultSummary> {
        if info.chaos.is_empty() && self.injected.is_empty() && self.missed.is_empty() {
            return None;
        }
        Some(FaultSummary {
            injections: info.chaos.clone(),
            injected: self.injected.clone(),
            missed: self.missed.clone(),
            flows: self.recovered + self.unaffected + self.failed + self.interrupted,
            recovered: self.recovered,
            unaffected: self.unaffected,
            failed: self.failed,
            interrupted: self.interrupted,
            recovery: self.recovery.spread(),
        })
    }

    /// Adds the figures of another run.
    pub(super) fn add(&mut self, summary: Option<&FaultSummary>, histograms: &Histograms) {
        let Some(more) = summary else { return };
        for (kind, count) in &more.injected {
            *self.injected.entry(*kind).or_default() += count;
        }
        for (kind, count) in &more.missed {
            *self.missed.entry(*kind).or_default() += count;
        }
        self.recovered += more.recovered;
        self.unaffected += more.unaffected;
        self.failed += more.failed;
        self.interrupted += more.interrupted;
        if let Some(recovery) = histograms.get(RECOVERY) {
            self.recovery.add(recovery);
        }
    }

    /// Adds its distribution to those of the run, unless it is empty.
    pub(super) fn name_histograms(&self, named: &mut Histograms) {
        if self.recovery.count() > 0 {
            named.insert(RECOVERY.to_owned(), self.recovery.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, flow, info};
    use super::*;
    use crate::model::{FailureKind, InjectionRecord, RetriedPart, Retry, StepOutcome};

    fn with_fault(mut record: FlowRecord, kind: FaultKind, after: Option<u64>) -> FlowRecord {
        record.injections.push(InjectionRecord {
            kind,
            outcome: InjectionOutcome::Injected,
            what: "injected".into(),
            role: "customer".into(),
            attempt: 1,
            step: "01_login".into(),
            turn: String::new(),
            after_us: 10,
            recovered_after_us: after,
        });
        record
    }

    fn some_flows() -> Vec<FlowRecord> {
        let completed = |number, steps: &[_]| flow(number, FlowOutcome::Completed, steps);
        let failed = FlowOutcome::Failed(Box::new(failure("01_login", FailureKind::EndedEarly)));
        let mut again = completed(1, &[StepOutcome::Retried, StepOutcome::Completed]);
        again.retries.push(Retry {
            what: RetriedPart::Step,
            failure: failure("01_login", FailureKind::EndedEarly),
            recovered_after_us: Some(200),
            forgotten: Vec::new(),
        });
        vec![
            with_fault(again, FaultKind::Kill, Some(300)),
            with_fault(
                completed(2, &[StepOutcome::Completed]),
                FaultKind::Delay,
                Some(9_000),
            ),
            with_fault(
                flow(3, failed, &[StepOutcome::Failed]),
                FaultKind::Kill,
                None,
            ),
            completed(4, &[StepOutcome::Completed]),
        ]
    }

    #[test]
    fn affected_flows_are_counted_by_their_outcome() {
        let mut tally = FaultTally::default();
        some_flows().iter().for_each(|flow| tally.record(flow));
        let summary = tally.summary(&info(4)).expect("there was chaos");
        assert_eq!(summary.flows, 3);
        assert_eq!(
            (summary.recovered, summary.unaffected, summary.failed),
            (1, 1, 1)
        );
        let kinds: Vec<_> = summary.injected.into_iter().collect();
        assert_eq!(kinds, [(FaultKind::Kill, 2), (FaultKind::Delay, 1)]);
        let recovery = summary.recovery.expect("one recovered");
        assert_eq!(
            (recovery.count, recovery.max_us),
            (1, 300),
            "a delay is nothing to recover from"
        );
    }

    #[test]
    fn without_faults_there_is_no_summary() {
        assert_eq!(FaultTally::default().summary(&info(1)), None);
        let mut named = Histograms::new();
        FaultTally::default().name_histograms(&mut named);
        assert!(named.is_empty());
    }

    #[test]
    fn two_runs_add_up() {
        let (mut whole, mut half) = (FaultTally::default(), FaultTally::default());
        some_flows().iter().for_each(|flow| {
            whole.record(flow);
            half.record(flow);
        });
        some_flows().iter().for_each(|flow| whole.record(flow));
        let mut named = Histograms::new();
        half.name_histograms(&mut named);
        let kept = half.summary(&info(4));
        half.add(kept.as_ref(), &named);
        assert_eq!(half.summary(&info(4)), whole.summary(&info(4)));
    }
}
