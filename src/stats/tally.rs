//! Counting flows as they end.

use std::time::Duration;

use crate::model::{FlowOutcome, FlowRecord, RunInfo, StepOutcome};

use super::failures::Failures;
use super::histogram::Histogram;
use super::resources::RoleUse;
use super::summary::{FlowCounts, ProcessCounts, StepSummary, Summary, rate};

/// What the flows of a run add up to so far. Its size depends on the scenario only.
#[derive(Debug)]
pub struct Tally {
    info: RunInfo,
    flows: FlowCounts,
    flow_duration: Histogram,
    flow_response: Histogram,
    start_delay: Histogram,
    steps: Vec<StepTally>,
    failures: Failures,
    roles: Vec<RoleUse>,
    processes: ProcessCounts,
}

#[derive(Debug, Default)]
struct StepTally {
    completed: u64,
    failed: u64,
    interrupted: u64,
    skipped: u64,
    duration: Histogram,
}

impl Tally {
    /// A tally of nothing yet, for this run.
    pub fn new(info: &RunInfo) -> Self {
        Tally {
            info: info.clone(),
            flows: FlowCounts {
                planned: info.flows,
                ..FlowCounts::default()
            },
            flow_duration: Histogram::new(),
            flow_response: Histogram::new(),
            start_delay: Histogram::new(),
            steps: info.steps.iter().map(|_| StepTally::default()).collect(),
            failures: Failures::default(),
            roles: info.roles.iter().map(|_| RoleUse::default()).collect(),
            processes: ProcessCounts::default(),
        }
    }

    /// Counts a flow that has ended. Steps and roles that the run does not have are left out.
    pub fn record(&mut self, flow: &FlowRecord) {
        for process in &flow.processes {
            self.processes.record(process);
        }
        if !flow.counted {
            self.flows.not_counted += 1;
            return;
        }
        self.start_delay.record(flow.late_us);
        match &flow.outcome {
            FlowOutcome::Completed => {
                self.flows.completed += 1;
                self.flow_duration.record(flow.duration_us);
                let response = flow.duration_us.saturating_add(flow.late_us);
                self.flow_response.record(response);
            }
            FlowOutcome::Failed(failure) => {
                self.flows.failed += 1;
                self.failures.record(&flow.id, failure);
            }
            FlowOutcome::Interrupted => self.flows.interrupted += 1,
        }
        for record in &flow.steps {
            let Some(step) = self.steps.get_mut(record.step.0) else {
                continue;
            };
            match record.outcome {
                StepOutcome::Completed => {
                    step.completed += 1;
                    step.duration.record(record.duration_us);
                }
                StepOutcome::Skipped => step.skipped += 1,
                StepOutcome::Failed => step.failed += 1,
                StepOutcome::Interrupted => step.interrupted += 1,
            }
        }
        for process in &flow.processes {
            if let Some(role) = self.roles.get_mut(process.instance.role.0) {
                role.record(process);
            }
        }
    }

    /// Counts a flow that was due and could not be started.
    pub fn record_drop(&mut self, counted: bool) {
        if counted {
            self.flows.dropped += 1;
        }
    }

    /// How the flows counted so far have ended.
    pub fn flows(&self) -> FlowCounts {
        self.flows
    }

    /// The figures of a run that took `elapsed`. What Rehearsal itself used, and what was
    /// demanded, is not known here.
    pub fn summary(&self, elapsed: Duration, interrupted: bool) -> Summary {
        let seconds = elapsed.as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate of counts needs no 53 bits"
        )]
        let completed = self.flows.completed as f64;
        Summary {
            interrupted,
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            flows: self.flows,
            success_rate: rate(self.flows.completed, self.flows.ended()),
            completed_per_second: (seconds > 0.0).then(|| completed / seconds),
            flow_duration: self.flow_duration.spread(),
            flow_response: self.flow_response.spread(),
            start_delay: self.start_delay.spread(),
            steps: self.step_summaries(),
            failures: self.failures.summary(),
            roles: self
                .info
                .roles
                .iter()
                .zip(&self.roles)
                .map(|(i, r)| r.summary(i))
                .collect(),
            processes: self.processes,
            rehearsal_cpu_us: None,
            rehearsal_peak_rss_bytes: None,
            thresholds: Vec::new(),
            generator: None,
            verdict: None,
        }
    }

    fn step_summaries(&self) -> Vec<StepSummary> {
        let steps = self.info.steps.iter().zip(&self.steps);
        steps
            .map(|(info, step)| {
                let role = self.info.roles.get(info.role.0);
                StepSummary {
                    name: info.name.clone(),
                    role: role.map(|role| role.name.clone()).unwrap_or_default(),
                    actor: role.map(|role| role.title.clone()).unwrap_or_default(),
                    completed: step.completed,
                    failed: step.failed,
                    interrupted: step.interrupted,
                    skipped: step.skipped,
                    success_rate: rate(step.completed, step.completed + step.failed),
                    duration: step.duration.spread(),
                }
            })
            .collect()
    }
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
        assert_eq!(summary.completed_per_second, Some(0.5));
        assert_eq!(
            summary.flow_duration.unwrap().count,
            1,
            "only completed flows are timed"
        );
        assert_eq!(summary.failures.count(), 1);
        let first = &summary.steps[0];
        assert_eq!(
            (first.completed, first.interrupted, first.actor.as_str()),
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
    fn tells_apart_how_processes_ended() {
        let mut tally = Tally::new(&info(1));
        let mut record = flow(1, FlowOutcome::Completed, &[]);
        let ends = [
            (Ending::Itself, Some(ExitCause::Code(0))),
            (Ending::Itself, Some(ExitCause::Code(3))),
            (Ending::Itself, Some(ExitCause::Signal(11))),
            (Ending::Terminated, Some(ExitCause::Code(0))),
            (Ending::Killed, Some(ExitCause::Signal(9))),
            (Ending::LeftOver, None),
        ];
        record.processes = ends
            .map(|(ending, exit)| process(1, 0, ending, exit))
            .into();
        tally.record(&record);
        let summary = tally.summary(Duration::ZERO, false);
        let expected = ProcessCounts {
            started: 6,
            ended_well: 1,
            ended_badly: 2,
            terminated: 1,
            killed: 1,
            left_over: 1,
        };
        assert_eq!(summary.processes, expected);
        let role = &summary.roles[0];
        assert_eq!((role.instances, role.cpu_mean_us), (6, Some(3_000)));
        assert_eq!(summary.roles[1].cpu_mean_us, None);
        assert_eq!(
            summary.completed_per_second, None,
            "a run of no length has no rate"
        );
    }
}
