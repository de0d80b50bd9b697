//! Figures of a run: tally, latency histograms and live thresholds, fed as flows end.

use std::time::Duration;

use crate::model::{FlowRecord, ProcessRecord, RunInfo};
use crate::stats::{LiveThreshold, Tally, Threshold};

/// The interval between checks of live thresholds.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(1);

/// The figures of a run so far. Its size depends on the scenario and the thresholds, not on the
/// number of flows.
#[derive(Debug)]
pub(in crate::engine) struct Collector {
    pub tally: Tally,
    pub thresholds: Vec<LiveThreshold>,
    phase: ThresholdPhase,
}

/// The treatment of live thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum ThresholdPhase {
    /// Flows are being started: thresholds are fed and checked.
    Open,
    /// No more flows are to be started: thresholds are fed, but end no run any more.
    AllStarted,
    /// The run is being stopped: what ends now says nothing about the load.
    Stopping,
}

impl Collector {
    pub fn new(info: &RunInfo, thresholds: &[Threshold]) -> Self {
        let watched = thresholds.iter();
        Collector {
            tally: Tally::new(info),
            thresholds: watched
                .map(|it| LiveThreshold::new(it.clone(), info))
                .collect(),
            phase: ThresholdPhase::Open,
        }
    }

    /// Returns whether any threshold has to be checked while the run is in progress.
    pub fn has_live_thresholds(&self) -> bool {
        self.thresholds.iter().any(LiveThreshold::is_live)
    }

    /// Counts a flow that has ended, `now` from the run's start.
    pub fn flow_ended(&mut self, flow: &FlowRecord, now: Duration) {
        self.tally.record(flow);
        if flow.counted && self.phase < ThresholdPhase::Stopping {
            self.thresholds
                .iter_mut()
                .for_each(|it| it.record(flow, now));
        }
    }

    /// Counts flows that were due and could not be started.
    pub fn flows_dropped(&mut self, count: u64, counted: bool, now: Duration) {
        self.tally.record_drops(count, counted);
        if counted && self.phase < ThresholdPhase::Stopping {
            self.thresholds
                .iter_mut()
                .for_each(|it| it.record_drops(count, now));
        }
    }

    /// Counts a process that served many flows.
    pub fn pooled_process_ended(&mut self, process: &ProcessRecord) {
        self.tally.record_pooled(process);
    }

    /// Notes that no more flows are to be started.
    pub fn all_started(&mut self) {
        self.phase = ThresholdPhase::AllStarted;
    }

    /// Notes that the run is being stopped before its end.
    pub fn stopping(&mut self) {
        self.phase = ThresholdPhase::Stopping;
    }

    /// Checks the live thresholds, and returns the one that ends the run, if any. To be called
    /// every [`CHECK_EVERY`].
    pub fn check(&mut self, now: Duration) -> Option<String> {
        if self.phase != ThresholdPhase::Open {
            return None;
        }
        let tally = &self.tally;
        let crossed = self.thresholds.iter_mut().find_map(|it| {
            it.look(now, || tally.summary(now, false))
                .then(|| it.to_string())
        })?;
        Some(crossed)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Local;

    use super::*;
    use crate::model::{FlowId, FlowNumber, FlowOutcome, RunId};

    fn info() -> RunInfo {
        RunInfo {
            id: RunId("RUN".into()),
            scenario: "test".into(),
            flows: Some(10),
            parallel: 1,
            started_at: Local::now(),
            ..RunInfo::default()
        }
    }

    fn flow(number: u64, counted: bool) -> FlowRecord {
        let number = FlowNumber(number);
        let id = FlowId::new(&RunId("RUN".into()), number);
        FlowRecord::not_performed(number, id, counted, FlowOutcome::Completed)
    }

    fn collector(threshold: &str) -> Collector {
        let threshold = Threshold::parse(threshold, &[]).expect("a threshold");
        Collector::new(&info(), &[threshold])
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_crossed_threshold_ends_the_run_once() {
        let mut collector = collector("flow.completed < 2 stop");
        assert!(collector.has_live_thresholds());
        collector.flow_ended(&flow(1, true), SECOND);
        assert_eq!(collector.check(SECOND), None);
        collector.flow_ended(&flow(2, true), SECOND);
        let crossed = collector
            .check(2 * SECOND)
            .expect("two are not less than two");
        assert!(crossed.starts_with("flow.completed < 2"), "{crossed}");
        assert_eq!(collector.check(3 * SECOND), None, "it stays crossed");
    }

    #[test]
    fn live_thresholds_are_not_checked_once_no_more_flows_start() {
        let mut collector = collector("flow.completed < 1 stop");
        collector.all_started();
        collector.flow_ended(&flow(1, true), SECOND);
        assert_eq!(collector.check(2 * SECOND), None);
        assert_eq!(
            collector.tally.flows().completed,
            1,
            "it counts all the same"
        );
    }

    #[test]
    fn warm_up_flows_are_in_no_figure() {
        let mut collector = collector("flow.completed < 1 stop");
        collector.flow_ended(&flow(1, false), SECOND);
        collector.flows_dropped(1, false, SECOND);
        assert_eq!(collector.check(SECOND), None);
        let flows = collector.tally.flows();
        assert_eq!(
            (flows.completed, flows.not_counted, flows.dropped),
            (0, 1, 0)
        );
    }

    #[test]
    fn a_threshold_of_the_whole_run_is_not_live() {
        assert!(!collector("flow.p95 < 2s").has_live_thresholds());
    }
}
