//! Time of completed flows by role and phase, and response times of roles and steps.
//!
//! A [`Summary`](super::Summary) has service times of steps. Here are the response times, which
//! include waits for pools and gates, and the totals by role.

use crate::model::{FlowOutcome, FlowRecord, RunInfo, StepOutcome, StepRecord};

use super::histogram::Histogram;

/// The time of the counted, completed flows of a run. Its size does not grow with their number.
#[derive(Debug)]
pub struct Breakdown {
    flows: u64,
    /// In the order of the roles.
    roles: Vec<TimeShares>,
    /// Time outside of the roles' steps.
    outside: TimeShares,
    /// From the end of a step to the start of the next one.
    between_us: u64,
    /// Delays of the starts of flows after they were due.
    late_us: u64,
    retry_delay_us: u64,
    /// In the order of the roles: their steps of each flow.
    role_service: Vec<Histogram>,
    role_response: Vec<Histogram>,
    /// In the order of the flow.
    step_response: Vec<Histogram>,
}

/// Parts of a duration, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeShares {
    /// From requests to start programs to their first outputs.
    pub starting_us: u64,
    /// In dialogue, from a step's start, or the first output, to its evidence.
    pub working_us: u64,
    /// Waiting for pools, gates, and the schedule.
    pub waiting_us: u64,
    /// In intended pauses.
    pub paused_us: u64,
    /// Time that Rehearsal held unfinished lines to see whether they were prompts.
    pub held_us: u64,
}

impl TimeShares {
    fn add(&mut self, more: TimeShares) {
        let parts = [
            (&mut self.starting_us, more.starting_us),
            (&mut self.working_us, more.working_us),
            (&mut self.waiting_us, more.waiting_us),
            (&mut self.paused_us, more.paused_us),
            (&mut self.held_us, more.held_us),
        ];
        for (sum, part) in parts {
            *sum = sum.saturating_add(part);
        }
    }

    fn divided_by(self, flows: u64) -> Self {
        let mean = |us: u64| us.checked_div(flows).unwrap_or(0);
        TimeShares {
            starting_us: mean(self.starting_us),
            working_us: mean(self.working_us),
            waiting_us: mean(self.waiting_us),
            paused_us: mean(self.paused_us),
            held_us: mean(self.held_us),
        }
    }

    /// Returns the sum of all parts.
    pub fn total_us(&self) -> u64 {
        [
            self.starting_us,
            self.working_us,
            self.waiting_us,
            self.paused_us,
            self.held_us,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

impl Breakdown {
    /// Creates an empty breakdown.
    pub fn new(info: &RunInfo) -> Self {
        let of_roles = || info.roles.iter().map(|_| Histogram::new()).collect();
        Breakdown {
            flows: 0,
            roles: vec![TimeShares::default(); info.roles.len()],
            outside: TimeShares::default(),
            between_us: 0,
            late_us: 0,
            retry_delay_us: 0,
            role_service: of_roles(),
            role_response: of_roles(),
            step_response: info.steps.iter().map(|_| Histogram::new()).collect(),
        }
    }

    /// Adds a flow; without effect if it is not counted.
    pub fn record(&mut self, info: &RunInfo, flow: &FlowRecord) {
        if !flow.counted {
            return;
        }
        let mut roles = vec![TimeShares::default(); self.roles.len()];
        let mut in_steps = TimeShares::default();
        for step in &flow.steps {
            let Some(place) = info.step(&step.step) else {
                continue;
            };
            if step.outcome == StepOutcome::Completed
                && let Some(histogram) = self.step_response.get_mut(place.0)
            {
                histogram.record(step.duration_us.saturating_add(step.waited_us));
            }
            let shares = shares_of(step);
            in_steps.add(shares);
            if let Some(role) = info.role(&info.steps[place.0].role) {
                roles[role.0].add(shares);
            }
        }
        if flow.outcome != FlowOutcome::Completed {
            return;
        }
        for (place, shares) in roles.iter_mut().enumerate() {
            if shares.total_us() > 0 {
                self.role_service[place].record(shares.working_us);
                let response_us = shares.working_us.saturating_add(shares.waiting_us);
                self.role_response[place].record(response_us);
            }
        }
        for process in &flow.processes {
            // A role's first step begins with the request to start its program.
            if let (Some(startup_us), Some(role)) = (process.startup_us, info.role(&process.role)) {
                let shares = &mut roles[role.0];
                let starting_us = startup_us.min(shares.working_us);
                shares.starting_us = shares.starting_us.saturating_add(starting_us);
                shares.working_us -= starting_us;
            }
        }
        for (sum, shares) in self.roles.iter_mut().zip(&roles) {
            sum.add(*shares);
        }
        self.flows += 1;
        self.record_outside(flow, in_steps);
    }

    fn record_outside(&mut self, flow: &FlowRecord, in_steps: TimeShares) {
        self.outside.add(TimeShares {
            paused_us: flow.paused_us.saturating_sub(in_steps.paused_us),
            waiting_us: flow.waited_us.saturating_sub(in_steps.waiting_us),
            ..TimeShares::default()
        });
        let between_us = flow.duration_us.saturating_sub(in_steps.working_us);
        self.between_us = self.between_us.saturating_add(between_us);
        self.late_us = self.late_us.saturating_add(flow.late_us);
        self.retry_delay_us = self.retry_delay_us.saturating_add(flow.retry_delay_us);
    }

    /// Returns the number of flows with all their time in it.
    pub fn flows(&self) -> u64 {
        self.flows
    }

    /// Returns the mean time of a flow in the steps of each role, in their order.
    pub fn roles(&self) -> Vec<TimeShares> {
        let roles = self.roles.iter();
        roles.map(|it| it.divided_by(self.flows)).collect()
    }

    /// Returns the mean time of a flow outside of its steps, by name.
    pub fn outside(&self) -> [(&'static str, TimeShares); 4] {
        let waiting = |waiting_us| TimeShares {
            waiting_us,
            ..TimeShares::default()
        };
        let between = TimeShares {
            working_us: self.between_us,
            ..TimeShares::default()
        };
        [
            ("Start after it was due", waiting(self.late_us)),
            ("Between steps", between),
            ("Delays before retries", waiting(self.retry_delay_us)),
            ("Pauses and waits between steps", self.outside),
        ]
        .map(|(name, shares)| (name, shares.divided_by(self.flows)))
    }

    /// Returns the service times of a role: its steps of each completed flow together.
    pub fn role_service(&self, place: usize) -> Option<&Histogram> {
        self.role_service.get(place)
    }

    /// Returns the response times of a role, which include waits for pools and gates.
    pub fn role_response(&self, place: usize) -> Option<&Histogram> {
        self.role_response.get(place)
    }

    /// Returns the response times of completed executions of a step, which include its waits for
    /// pools and gates.
    pub fn step_response(&self, place: usize) -> Option<&Histogram> {
        self.step_response.get(place)
    }
}

fn shares_of(step: &StepRecord) -> TimeShares {
    TimeShares {
        starting_us: 0,
        working_us: step.duration_us,
        waiting_us: step.waited_us,
        paused_us: step.paused_us,
        held_us: step.held_us,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flow, info};
    use super::*;

    #[test]
    fn all_time_of_a_flow_is_somewhere() {
        let info = info(1);
        let mut breakdown = Breakdown::new(&info);
        let mut flow = flow(1, FlowOutcome::Completed, &[StepOutcome::Completed; 2]);
        flow.steps[1].waited_us = 4_000;
        flow.steps[0].paused_us = 1_000;
        flow.waited_us = 4_000;
        flow.paused_us = 3_000;
        flow.late_us = 500;
        flow.duration_us = 20_600;
        flow.processes.clear();
        breakdown.record(&info, &flow);
        let roles = breakdown.roles();
        assert_eq!((roles[0].working_us, roles[0].paused_us), (10_000, 1_000));
        assert_eq!((roles[1].working_us, roles[1].waiting_us), (10_000, 4_000));
        let outside: u64 = breakdown
            .outside()
            .iter()
            .map(|(_, it)| it.total_us())
            .sum();
        let inside: u64 = roles.iter().map(TimeShares::total_us).sum();
        assert_eq!(inside + outside, flow.response_us() + flow.paused_us);
        let response = breakdown.role_response(1).unwrap();
        assert_eq!(response.percentile_us(50.0), Some(14_000));
    }

    #[test]
    fn only_counted_flows_are_in_it() {
        let info = info(1);
        let mut breakdown = Breakdown::new(&info);
        let mut warm_up = flow(1, FlowOutcome::Completed, &[StepOutcome::Completed]);
        warm_up.counted = false;
        breakdown.record(&info, &warm_up);
        breakdown.record(
            &info,
            &flow(2, FlowOutcome::Interrupted, &[StepOutcome::Completed]),
        );
        assert_eq!(breakdown.flows(), 0);
        assert_eq!(breakdown.step_response(0).unwrap().count(), 1);
    }
}
