//! Tally of a run's flows: counts and histograms, updated as each flow ends.

use std::time::Duration;

use crate::model::{
    FlowOutcome, FlowRecord, ProcessRecord, RunInfo, StepInfo, StepOutcome, micros,
};

use super::failures::Failures;
use super::faults::FaultTally;
use super::histogram::{Histogram, Histograms};
use super::measures::{Measures, MissingHistogram};
use super::rate::Rate;
use super::resources::RoleUse;
use super::summary::{
    FlowCounts, FlowFailures, ProcessCounts, RetrySummary, StepSummary, Summary, TurnSummary, rate,
};

/// The minimum number of flows for which a distribution is shown.
const MIN_SHOWN: u64 = 20;

/// The number of buckets of a distribution.
const BUCKETS: u32 = 8;

/// Counts and histograms of the flows of a run so far. Its size depends on the scenario only.
#[derive(Debug)]
pub struct Tally {
    info: RunInfo,
    flows: FlowCounts,
    rate: Rate,
    measures: Measures,
    steps: Vec<StepTally>,
    failures: Failures,
    retries: Failures,
    chaos: FaultTally,
    roles: Vec<RoleUse>,
    processes: ProcessCounts,
}

#[derive(Debug, Default)]
struct StepTally {
    completed: u64,
    failed: u64,
    retried: u64,
    interrupted: u64,
    skipped: u64,
}

impl Tally {
    /// Creates an empty tally for this run.
    pub fn new(info: &RunInfo) -> Self {
        Tally {
            info: info.clone(),
            flows: FlowCounts {
                planned: info.flows,
                ..FlowCounts::default()
            },
            rate: Rate::default(),
            measures: Measures::new(info),
            steps: info.steps.iter().map(|_| StepTally::default()).collect(),
            failures: Failures::default(),
            retries: Failures::default(),
            chaos: FaultTally::default(),
            roles: info.roles.iter().map(|_| RoleUse::default()).collect(),
            processes: ProcessCounts::default(),
        }
    }

    /// Counts a flow that has ended. Steps and roles that are unknown to the run are ignored.
    pub fn record(&mut self, flow: &FlowRecord) {
        for process in &flow.processes {
            self.processes.record(process);
        }
        if !flow.counted {
            self.flows.not_counted += 1;
            return;
        }
        self.measures.record(&self.info, flow);
        self.chaos.record(flow);
        self.rate.record(&self.info, flow);
        match &flow.outcome {
            FlowOutcome::Completed => {
                self.flows.completed += 1;
                self.flows.recovered += u64::from(flow.is_recovered());
            }
            FlowOutcome::Failed(failure) => {
                self.flows.failed += 1;
                self.failures.record(flow, failure);
            }
            FlowOutcome::Interrupted => self.flows.interrupted += 1,
        }
        for retry in &flow.retries {
            self.retries.record(flow, &retry.failure);
        }
        for record in &flow.steps {
            let place = self.info.step(&record.step);
            let Some(step) = place.and_then(|place| self.steps.get_mut(place.0)) else {
                continue;
            };
            match record.outcome {
                StepOutcome::Completed => step.completed += 1,
                StepOutcome::Skipped => step.skipped += 1,
                StepOutcome::Failed => step.failed += 1,
                StepOutcome::Retried => step.retried += 1,
                StepOutcome::Interrupted => step.interrupted += 1,
            }
        }
        for process in &flow.processes {
            if let Some(role) = self.role(process) {
                role.record(process);
            }
        }
    }

    fn role(&mut self, process: &ProcessRecord) -> Option<&mut RoleUse> {
        let place = self.info.role(&process.role)?;
        self.roles.get_mut(place.0)
    }

    /// Counts a pooled process, which is in no flow's record.
    pub fn record_pooled(&mut self, process: &ProcessRecord) {
        self.processes.record(process);
        self.measures.record_process(&self.info, process);
        if let Some(role) = self.role(process) {
            role.record(process);
        }
    }

    /// Counts flows that were due and were not started.
    pub fn record_drops(&mut self, count: u64, counted: bool) {
        if counted {
            self.flows.dropped = self.flows.dropped.saturating_add(count);
        }
    }

    /// Returns the numbers of the flows so far by outcome.
    pub fn flows(&self) -> FlowCounts {
        self.flows
    }

    /// Returns the figures of a run that took `elapsed`. Rehearsal's own resource usage, thresholds
    /// and integrity are not included.
    pub fn summary(&self, elapsed: Duration, interrupted: bool) -> Summary {
        Summary {
            stopped_after_us: None,
            stopped_by_failures: None,
            load_changes: Vec::new(),
            interrupted,
            elapsed_us: micros(elapsed),
            flows: self.flows,
            success_rate: rate(self.flows.completed, self.flows.ended()),
            completed_per_second: self.rate.completed_per_second(&self.info, elapsed),
            started_per_second: self.rate.started_per_second(&self.info, elapsed),
            flow_duration: self.measures.service.spread(),
            flow_response: self.measures.response.spread(),
            flow_distribution: if self.measures.response.count() >= MIN_SHOWN {
                self.measures.response.distribution(BUCKETS)
            } else {
                Vec::new()
            },
            failed_response: self.measures.failed_response.spread(),
            start_delay: self.measures.start_delay.spread(),
            phases: self.measures.phases(),
            steps: self.step_summaries(),
            failures: self.failures.summary(),
            retries: RetrySummary {
                failures: self.retries.summary(),
                recovery: self.measures.recovery.spread(),
            },
            chaos: self.chaos.summary(&self.info),
            roles: self
                .info
                .roles
                .iter()
                .zip(self.roles.iter().zip(&self.measures.startups))
                .map(|(info, (role, startup))| role.summary(info, startup))
                .collect(),
            processes: self.processes,
            rehearsal_cpu_us: None,
            rehearsal_peak_rss_bytes: None,
            integrity: None,
            thresholds: Vec::new(),
            generator: None,
            verdict: None,
            flow_failures: FlowFailures::Count,
        }
    }

    /// Returns the histograms behind the figures, by name.
    pub fn histograms(&self) -> Histograms {
        let mut named = self.measures.named(&self.info);
        self.chaos.name_histograms(&mut named);
        named
    }

    /// Adds the saved figures of another run of the same steps and roles; except for the times of
    /// starts, this equals counting that run's flows.
    ///
    /// # Errors
    /// If a histogram is missing; the tally is unusable then.
    pub fn add(
        &mut self,
        summary: &Summary,
        histograms: &Histograms,
    ) -> Result<(), MissingHistogram> {
        self.measures.add(&self.info, histograms)?;
        self.flows.add(&summary.flows);
        for (step, more) in self.steps.iter_mut().zip(&summary.steps) {
            step.completed += more.completed;
            step.failed += more.failed;
            step.retried += more.retried;
            step.interrupted += more.interrupted;
            step.skipped += more.skipped;
        }
        self.failures.add(&summary.failures);
        self.retries.add(&summary.retries.failures);
        self.chaos.add(summary.chaos.as_ref(), histograms);
        for (role, more) in self.roles.iter_mut().zip(&summary.roles) {
            role.add(more);
        }
        self.processes.add(&summary.processes);
        Ok(())
    }

    fn step_summaries(&self) -> Vec<StepSummary> {
        let measured = self.measures.steps.iter().zip(&self.measures.failed_steps);
        let counted = self.steps.iter().zip(measured).zip(&self.measures.turns);
        let steps = self.info.steps.iter().zip(counted);
        steps
            .map(
                |(info, ((step, (duration, failed_duration)), turns))| StepSummary {
                    name: info.name.clone(),
                    role: info.role.clone(),
                    role_title: self.info.title_of(info).to_owned(),
                    completed: step.completed,
                    failed: step.failed,
                    retried: step.retried,
                    interrupted: step.interrupted,
                    skipped: step.skipped,
                    success_rate: rate(step.completed, step.completed + step.failed),
                    duration: duration.spread(),
                    failed_duration: failed_duration.spread(),
                    turns: turn_summaries(info, turns),
                },
            )
            .collect()
    }
}

fn turn_summaries(info: &StepInfo, turns: &[Histogram]) -> Vec<TurnSummary> {
    let names = info.turns.iter().cloned();
    names
        .zip(turns)
        .map(|(name, turn)| TurnSummary {
            name,
            duration: turn.spread(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, flow, info, process};
    use super::*;
    use crate::model::{Ending, ExitCause, FailureKind};

    #[test]
    fn counts_flows_by_their_outcome() {
        let mut tally = Tally::new(&info(10));
        tally.record(&flow(
            1,
            FlowOutcome::Completed,
            &[StepOutcome::Completed, StepOutcome::Completed],
        ));
        let timeout = failure("02_create_order", FailureKind::Timeout);
        let steps = [StepOutcome::Completed, StepOutcome::Failed];
        tally.record(&flow(2, FlowOutcome::Failed(Box::new(timeout)), &steps));
        tally.record(&flow(
            3,
            FlowOutcome::Interrupted,
            &[StepOutcome::Interrupted],
        ));

        let summary = tally.summary(Duration::from_secs(2), true);
        let flows = summary.flows;
        assert_eq!(
            (flows.completed, flows.failed, flows.interrupted),
            (1, 1, 1)
        );
        assert_eq!((flows.ended(), flows.not_started()), (3, 7));
        assert_eq!(summary.success_rate, Some(1.0 / 3.0));
        assert_eq!(
            summary.flow_duration.unwrap().count,
            1,
            "only completed flows are timed"
        );
        assert_eq!(summary.failures.count(), 1);
        let first = &summary.steps[0];
        assert_eq!(
            (
                first.completed,
                first.interrupted,
                first.role_title.as_str()
            ),
            (2, 1, "Customer")
        );
        assert_eq!(first.success_rate, Some(1.0));
        assert_eq!(summary.steps[1].failed, 1);
        assert_eq!(
            summary.steps[1].duration.unwrap().count,
            1,
            "only completed steps are timed"
        );
    }

    #[test]
    fn a_skipped_step_was_not_begun() {
        let mut tally = Tally::new(&info(1));
        let steps = [StepOutcome::Skipped, StepOutcome::Completed];
        tally.record(&flow(1, FlowOutcome::Completed, &steps));
        let summary = tally.summary(Duration::from_secs(1), false);
        assert_eq!(summary.steps[0].success_rate, None);
        assert_eq!(summary.steps[0].duration, None);
    }

    #[test]
    fn processes_are_counted_by_the_way_they_ended() {
        let mut tally = Tally::new(&info(1));
        let mut record = flow(1, FlowOutcome::Completed, &[]);
        let ends = [
            (Ending::Itself, Some(ExitCause::Code(0))),
            (Ending::Itself, Some(ExitCause::Code(3))),
            (Ending::Itself, Some(ExitCause::Signal(11))),
            (Ending::Terminated, Some(ExitCause::Code(0))),
            (Ending::Killed, Some(ExitCause::Signal(9))),
            (Ending::Injected, Some(ExitCause::Signal(9))),
            (Ending::AfterPanic, None),
            (Ending::LeftOver, None),
        ];
        record.processes = ends.map(|(ending, exit)| process(0, ending, exit)).into();
        tally.record(&record);
        let summary = tally.summary(Duration::ZERO, false);
        let expected = ProcessCounts {
            started: 8,
            ended_well: 1,
            ended_badly: 2,
            terminated: 2,
            killed: 1,
            injected: 1,
            left_over: 1,
        };
        assert_eq!(summary.processes, expected);
        let role = &summary.roles[0];
        assert_eq!((role.instances, role.cpu_mean_us), (8, Some(3_000)));
        assert_eq!(summary.roles[1].cpu_mean_us, None);
    }

    /// A flow that differs from those of other numbers, of any kind.
    fn varied(number: u64) -> FlowRecord {
        let outcome = match number % 7 {
            3 | 4 => {
                FlowOutcome::Failed(Box::new(failure("02_create_order", FailureKind::Timeout)))
            }
            5 => FlowOutcome::Failed(Box::new(failure("01_login", FailureKind::EndedEarly))),
            6 => FlowOutcome::Interrupted,
            _ => FlowOutcome::Completed,
        };
        let mut flow = flow(number, outcome, &[const { StepOutcome::Completed }; 2]);
        flow.counted = !number.is_multiple_of(11);
        flow.late_us = number * 13 % 500;
        flow.duration_us = number * 7_919 % 1_000_003;
        flow.paused_us = number % 2 * 1_000;
        flow.steps[1].started_after_us = 10_000 + number * 31 % 997;
        flow.processes = vec![process(0, Ending::Itself, Some(ExitCause::Code(0)))];
        flow
    }

    #[test]
    fn two_halves_add_up_to_the_whole() {
        let info = info(2_000);
        let mut whole = Tally::new(&info);
        let mut halves = [Tally::new(&info), Tally::new(&info)];
        for number in 1..=2_000 {
            let mut flow = varied(number);
            flow.waited_us = 10 * number;
            flow.retry_delay_us = number % 3 * 100;
            whole.record(&flow);
            halves[usize::from(number % 3 == 0)].record(&flow);
        }
        let elapsed = Duration::from_secs(9);
        let mut sum = Tally::new(&info);
        for half in &halves {
            let summary = half.summary(elapsed, false);
            sum.add(&summary, &half.histograms()).unwrap();
        }
        let mut whole_summary = whole.summary(elapsed, false);
        // The first failure of two runs is not known.
        for group in &mut whole_summary.failures.groups {
            group.example_flow = crate::model::FlowId("flow-3".into());
        }
        let mut sum_summary = sum.summary(elapsed, false);
        for group in &mut sum_summary.failures.groups {
            group.example_flow = crate::model::FlowId("flow-3".into());
        }
        // Times of starts and ends of the other run are not known.
        whole_summary.started_per_second = None;
        whole_summary.completed_per_second = None;
        assert_eq!(sum_summary, whole_summary);
        assert_eq!(sum.histograms(), whole.histograms());
        assert!(whole_summary.flows.not_counted > 0);
    }

    #[test]
    fn a_run_that_lacks_a_histogram_cannot_be_added() {
        let tally = Tally::new(&info(1));
        let mut histograms = tally.histograms();
        histograms.remove("step.01_login");
        let summary = tally.summary(Duration::ZERO, false);
        let error = Tally::new(&info(1)).add(&summary, &histograms).unwrap_err();
        assert_eq!(error.to_string(), "there is no histogram `step.01_login`");
    }

    #[test]
    fn hand_overs_are_distinguished_from_next_steps_and_pauses_taken_out() {
        let mut info = info(1);
        info.steps.push(StepInfo {
            name: "03_pay".into(),
            ..info.steps[1].clone()
        });
        let mut tally = Tally::new(&info);
        let mut flow = flow(
            1,
            FlowOutcome::Completed,
            &[const { StepOutcome::Completed }; 3],
        );
        // Each gap has half of the pauses outside of steps.
        flow.paused_us = 5_000 + 2 * 1_000;
        flow.steps[0].paused_us = 5_000;
        flow.steps[0].held_us = 10_000;
        flow.steps[1].started_after_us = 25_000 + 1_000 + 300;
        flow.steps[2].started_after_us = flow.steps[1].started_after_us + 10_000 + 1_000 + 40;
        tally.record(&flow);
        let phases = tally.summary(Duration::ZERO, false).phases;
        assert_eq!(phases.hand_over.unwrap().max_us, 300);
        assert_eq!(phases.next_step.unwrap().max_us, 40);
        assert_eq!(phases.paused.unwrap().max_us, 7_000);
    }

    #[test]
    fn the_wait_for_an_instance_that_is_logged_in_is_no_hand_over() {
        let mut info = info(1);
        info.steps.push(StepInfo {
            name: "03_pay".into(),
            ..info.steps[1].clone()
        });
        let outcomes = [
            StepOutcome::Completed,
            StepOutcome::Skipped,
            StepOutcome::Completed,
        ];
        let mut flow = flow(1, FlowOutcome::Completed, &outcomes);
        flow.waited_us = 3_000_000;
        flow.steps[1].waited_us = 3_000_000;
        flow.steps[1].duration_us = 0;
        flow.steps[2].started_after_us = 10_000 + 3_000_000 + 250;
        let mut tally = Tally::new(&info);
        tally.record(&flow);
        let phases = tally.summary(Duration::ZERO, false).phases;
        assert_eq!(phases.hand_over.unwrap().max_us, 250);
        assert_eq!(phases.waited.unwrap().max_us, 3_000_000);
    }

    #[test]
    fn response_has_the_queue_and_service_does_not() {
        let mut tally = Tally::new(&info(1));
        let mut flow = flow(1, FlowOutcome::Completed, &[StepOutcome::Completed]);
        (flow.duration_us, flow.late_us, flow.paused_us) = (100_000, 1_000, 7_000_000);
        (flow.waited_us, flow.retry_delay_us) = (3_000_000, 500_000);
        tally.record(&flow);
        let summary = tally.summary(Duration::ZERO, false);
        let max_us = |name: &str| tally.histograms()[name].percentile_us(100.0);
        assert_eq!(summary.flow_duration.unwrap().max_us, 100_000);
        assert_eq!(max_us("flow.response"), Some(3_601_000));
        assert_eq!(max_us("flow.retry_delay"), Some(500_000));
    }
}
