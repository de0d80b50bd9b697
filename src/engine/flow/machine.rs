//! State machine of one flow: the effects that follow on an event. Pure.
//!
//! | phase | on | effects | next phase |
//! | --- | --- | --- | --- |
//! | `Stepping` | a step is done or skipped, more follow | begin the next | `Stepping` |
//! | `Stepping` | a pooled role's last step is done | release its script, and as above | as above |
//! | `Stepping` | the last step of a role with `lifetime: steps` is done | leave with it, and as above | as above |
//! | all up to `Leaving` | a role has left or failed to | end its script | as before |
//! | `Stepping` | the last step is done | leave with every living role | `Leaving` |
//! | `Stepping` | a step failed, retry with the same script | repeat it | `Stepping` |
//! | `Stepping` | a step failed, retry with a new script | end the script | `Restarting` |
//! | `Stepping` | a step failed, retry the flow | end or release all scripts | `Rewinding` |
//! | `Stepping` | a step failed, for good | end every script but idle ones of pools | `Ending` |
//! | `Restarting` | the script has ended | repeat the step | `Stepping` |
//! | `Rewinding` | the last script has ended | rewind | `Stepping`, by `begin` |
//! | `Leaving` | the last role has left or failed to | end its script | `Ending` |
//! | all but `Ending`, `Over` | an interrupt | end every script | `Ending` |
//! | `Ending` | the last script has ended | finish | `Over` |

use std::collections::BTreeSet;

use crate::model::{FlowOutcome, RoleIndex, StepIndex};

/// An action of the supervisor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FlowEffect {
    Begin(StepIndex),
    /// Perform a step again that has failed.
    Repeat(StepIndex),
    /// Forget the flow's captures and start it over.
    Rewind,
    Leave(RoleIndex),
    End(RoleIndex),
    /// Give the script back to its pool.
    Release(RoleIndex),
    /// End the flow: all of its scripts have ended.
    Finish(FlowOutcome),
}

/// The reaction to a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// The same script performs the step again.
    Repeat,
    /// A new script performs it again.
    Restart,
    /// The flow starts over.
    Rewind,
    /// The flow ends.
    None(FlowOutcome),
}

/// The properties of a role that the machine depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoleInFlow {
    /// It has a `leave` action.
    pub leaves: bool,
    /// Its script comes from a pool and goes back there.
    pub is_pooled: bool,
    /// Its script ends with its last step, and not with the flow.
    pub ends_with_steps: bool,
}

/// The position of a flow and its living scripts.
#[derive(Debug)]
pub(in crate::engine) struct FlowMachine {
    /// The roles of the steps.
    steps: Vec<RoleIndex>,
    roles: Vec<RoleInFlow>,
    phase: FlowPhase,
    /// The roles whose script actors have not ended.
    living: BTreeSet<RoleIndex>,
    /// Those of them that perform their `leave`.
    leaving: BTreeSet<RoleIndex>,
    /// Those of them that leave or end while the flow goes on.
    done: BTreeSet<RoleIndex>,
}

#[derive(Debug)]
enum FlowPhase {
    Stepping { at: usize },
    Restarting { at: usize },
    Rewinding,
    Leaving,
    Ending { outcome: FlowOutcome },
    Over,
}

impl FlowMachine {
    /// Creates the machine of a flow whose steps are performed by these roles.
    pub(super) fn new(steps: Vec<RoleIndex>, roles: Vec<RoleInFlow>) -> Self {
        FlowMachine {
            steps,
            roles,
            phase: FlowPhase::Stepping { at: 0 },
            living: BTreeSet::new(),
            leaving: BTreeSet::new(),
            done: BTreeSet::new(),
        }
    }

    /// The flow starts, or starts over.
    pub(super) fn begin(&mut self) -> Vec<FlowEffect> {
        self.step_over(0, Vec::new())
    }

    /// Returns the current step.
    pub(in crate::engine) fn step(&self) -> Option<StepIndex> {
        match self.phase {
            FlowPhase::Stepping { at } if at < self.steps.len() => Some(StepIndex(at)),
            _ => None,
        }
    }

    /// A script actor was started for this role, or taken from a pool.
    pub(in crate::engine) fn script_started(&mut self, role: RoleIndex) {
        self.living.insert(role);
    }

    /// Returns whether this step is the role's last.
    fn is_last_of_role(&self, at: usize) -> bool {
        !self.steps[at + 1..].contains(&self.steps[at])
    }

    /// The current step is done, or was skipped.
    pub(super) fn step_done(&mut self) -> Vec<FlowEffect> {
        let FlowPhase::Stepping { at } = self.phase else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        if let Some(&role) = self.steps.get(at)
            && self.is_last_of_role(at)
            && self.living.contains(&role)
        {
            if self.roles[role.0].is_pooled {
                self.living.remove(&role);
                effects.push(FlowEffect::Release(role));
            } else if self.roles[role.0].ends_with_steps {
                self.done.insert(role);
                effects.push(self.leave_or_end(role));
            }
        }
        self.step_over(at + 1, effects)
    }

    /// Has a role perform its `leave`, if it has one, and ends it otherwise.
    fn leave_or_end(&mut self, role: RoleIndex) -> FlowEffect {
        if self.roles[role.0].leaves {
            self.leaving.insert(role);
            FlowEffect::Leave(role)
        } else {
            FlowEffect::End(role)
        }
    }

    fn step_over(&mut self, next: usize, mut effects: Vec<FlowEffect>) -> Vec<FlowEffect> {
        if next < self.steps.len() {
            self.phase = FlowPhase::Stepping { at: next };
            effects.push(FlowEffect::Begin(StepIndex(next)));
            return effects;
        }
        let rest: Vec<RoleIndex> = self.living.difference(&self.done).copied().collect();
        effects.extend(rest.into_iter().map(|role| self.leave_or_end(role)));
        self.left_or_leaving(effects)
    }

    /// All steps are done: the flow ends once every role has left.
    fn left_or_leaving(&mut self, effects: Vec<FlowEffect>) -> Vec<FlowEffect> {
        if self.leaving.is_empty() {
            return self.ending(FlowOutcome::Completed, effects);
        }
        self.phase = FlowPhase::Leaving;
        effects
    }

    /// The current step has failed.
    pub(super) fn failed(&mut self, retry: RetryDecision) -> Vec<FlowEffect> {
        let FlowPhase::Stepping { at } = self.phase else {
            return Vec::new();
        };
        let Some(&performing) = self.steps.get(at) else {
            return Vec::new();
        };
        match retry {
            RetryDecision::Restart if self.living.contains(&performing) => {
                self.phase = FlowPhase::Restarting { at };
                vec![FlowEffect::End(performing)]
            }
            RetryDecision::Repeat | RetryDecision::Restart => {
                vec![FlowEffect::Repeat(StepIndex(at))]
            }
            RetryDecision::Rewind => {
                let effects = self.let_go(performing);
                self.rewinding(effects)
            }
            RetryDecision::None(outcome) => {
                let effects = self.let_go(performing);
                self.ending(outcome, effects)
            }
        }
    }

    /// Releases pooled scripts other than the failed one, and ends all others.
    fn let_go(&mut self, performing: RoleIndex) -> Vec<FlowEffect> {
        self.leaving.clear();
        let living = std::mem::take(&mut self.living);
        let (back, end): (BTreeSet<_>, _) = living
            .into_iter()
            .partition(|role| self.roles[role.0].is_pooled && *role != performing);
        self.living = end;
        let ends = self.living.iter().copied().map(FlowEffect::End);
        back.into_iter()
            .map(FlowEffect::Release)
            .chain(ends)
            .collect()
    }

    /// The flow is lost, because the run ends or its own actor cannot go on.
    pub(super) fn lost(&mut self, outcome: FlowOutcome) -> Vec<FlowEffect> {
        let effects = self.living.iter().copied().map(FlowEffect::End).collect();
        self.leaving.clear();
        match self.phase {
            FlowPhase::Stepping { .. } | FlowPhase::Restarting { .. } | FlowPhase::Rewinding => {
                self.ending(outcome, effects)
            }
            // All steps were done: only the leaving is cut short.
            FlowPhase::Leaving => self.ending(FlowOutcome::Completed, effects),
            FlowPhase::Ending { .. } => effects,
            FlowPhase::Over => Vec::new(),
        }
    }

    /// A role has performed its `leave`, successfully or not.
    pub(super) fn left(&mut self, role: RoleIndex) -> Vec<FlowEffect> {
        if !self.leaving.remove(&role) {
            return Vec::new();
        }
        let effects = vec![FlowEffect::End(role)];
        match self.phase {
            FlowPhase::Leaving => self.left_or_leaving(effects),
            _ => effects,
        }
    }

    /// A script actor has ended, and its process with it.
    pub(super) fn script_ended(&mut self, role: RoleIndex) -> Vec<FlowEffect> {
        self.living.remove(&role);
        self.leaving.remove(&role);
        self.done.remove(&role);
        match std::mem::replace(&mut self.phase, FlowPhase::Over) {
            FlowPhase::Ending { outcome } => self.ending(outcome, Vec::new()),
            FlowPhase::Rewinding => self.rewinding(Vec::new()),
            FlowPhase::Restarting { at } if self.steps[at] == role => {
                self.phase = FlowPhase::Stepping { at };
                vec![FlowEffect::Repeat(StepIndex(at))]
            }
            FlowPhase::Leaving => self.left_or_leaving(Vec::new()),
            phase => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    fn rewinding(&mut self, mut effects: Vec<FlowEffect>) -> Vec<FlowEffect> {
        self.phase = FlowPhase::Rewinding;
        if self.living.is_empty() {
            effects.push(FlowEffect::Rewind);
        }
        effects
    }

    fn ending(&mut self, outcome: FlowOutcome, mut effects: Vec<FlowEffect>) -> Vec<FlowEffect> {
        if self.living.is_empty() {
            self.phase = FlowPhase::Over;
            effects.push(FlowEffect::Finish(outcome));
        } else {
            self.phase = FlowPhase::Ending { outcome };
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, FailureKind};
    use FlowEffect::{Begin, End, Finish, Leave, Release, Repeat, Rewind};

    const A: RoleIndex = RoleIndex(0);
    const B: RoleIndex = RoleIndex(1);

    const OWN: RoleInFlow = RoleInFlow {
        leaves: false,
        is_pooled: false,
        ends_with_steps: false,
    };
    const POLITE: RoleInFlow = RoleInFlow {
        leaves: true,
        ..OWN
    };
    const EARLY: RoleInFlow = RoleInFlow {
        ends_with_steps: true,
        ..POLITE
    };
    const POOLED: RoleInFlow = RoleInFlow {
        is_pooled: true,
        ..OWN
    };

    fn two_roles_stepping() -> FlowMachine {
        let mut machine = FlowMachine::new(vec![A, B], vec![POLITE, OWN]);
        assert_eq!(machine.begin(), [Begin(StepIndex(0))]);
        machine.script_started(A);
        assert_eq!(machine.step_done(), [Begin(StepIndex(1))]);
        machine.script_started(B);
        machine
    }

    #[test]
    fn a_completed_flow_leaves_and_ends() {
        let mut machine = two_roles_stepping();
        assert_eq!(machine.step_done(), [Leave(A), End(B)]);
        assert_eq!(machine.script_ended(B), []);
        assert_eq!(machine.left(A), [End(A)]);
        assert_eq!(machine.script_ended(A), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_lost_flow_ends_every_script_and_only_then_finishes() {
        let mut machine = two_roles_stepping();
        assert_eq!(machine.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
        assert_eq!(machine.script_ended(A), []);
        assert_eq!(machine.script_ended(B), [Finish(FlowOutcome::Interrupted)]);
        assert_eq!(machine.lost(FlowOutcome::Interrupted), []);
    }

    #[test]
    fn an_interrupt_while_leaving_does_not_undo_what_was_completed() {
        let mut machine = two_roles_stepping();
        machine.step_done();
        assert_eq!(machine.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
        machine.script_ended(A);
        assert_eq!(machine.script_ended(B), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_second_interrupt_ends_the_living_again() {
        let mut machine = two_roles_stepping();
        machine.lost(FlowOutcome::Interrupted);
        machine.script_ended(A);
        assert_eq!(machine.lost(FlowOutcome::Interrupted), [End(B)]);
    }

    #[test]
    fn a_script_that_ends_between_steps_does_not_end_the_flow() {
        let mut machine = two_roles_stepping();
        assert_eq!(machine.script_ended(A), []);
        assert_eq!(machine.step_done(), [End(B)]);
        assert_eq!(machine.script_ended(B), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_script_that_vanishes_while_leaving_is_not_waited_for() {
        let mut machine = two_roles_stepping();
        machine.step_done();
        machine.script_ended(B);
        assert_eq!(machine.script_ended(A), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_flow_whose_steps_are_all_skipped_is_completed() {
        let mut machine = FlowMachine::new(vec![A], vec![POLITE]);
        machine.begin();
        assert_eq!(machine.step_done(), [Finish(FlowOutcome::Completed)]);
    }

    fn failure() -> FlowOutcome {
        FlowOutcome::Failed(Box::new(Failure::new(
            FailureKind::Internal,
            "for the test",
        )))
    }

    #[test]
    fn a_step_is_performed_again_by_a_new_script_once_the_old_one_has_ended() {
        let mut machine = two_roles_stepping();
        assert_eq!(machine.failed(RetryDecision::Restart), [End(B)]);
        assert_eq!(machine.step(), None);
        assert_eq!(
            machine.script_ended(A),
            [],
            "it is idle, and not waited for"
        );
        assert_eq!(machine.script_ended(B), [Repeat(StepIndex(1))]);
        assert_eq!(machine.step(), Some(StepIndex(1)));
        assert_eq!(
            machine.failed(RetryDecision::Restart),
            [Repeat(StepIndex(1))]
        );
        machine.script_started(B);
        assert_eq!(
            machine.failed(RetryDecision::Repeat),
            [Repeat(StepIndex(1))]
        );
        assert_eq!(machine.step_done(), [End(B)]);
    }

    #[test]
    fn a_flow_starts_over_when_all_its_scripts_have_ended() {
        let mut machine = two_roles_stepping();
        assert_eq!(machine.failed(RetryDecision::Rewind), [End(A), End(B)]);
        assert_eq!(machine.script_ended(B), []);
        assert_eq!(machine.script_ended(A), [Rewind]);
        assert_eq!(machine.begin(), [Begin(StepIndex(0))]);
    }

    #[test]
    fn an_interrupt_ends_a_flow_that_is_being_retried() {
        for retry in [RetryDecision::Restart, RetryDecision::Rewind] {
            let mut machine = two_roles_stepping();
            machine.failed(retry);
            assert_eq!(machine.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
            machine.script_ended(B);
            assert_eq!(machine.script_ended(A), [Finish(FlowOutcome::Interrupted)]);
        }
    }

    #[test]
    fn the_script_of_a_pool_goes_back_after_its_last_step() {
        let mut machine = FlowMachine::new(vec![B, A, B, A], vec![OWN, POOLED]);
        machine.begin();
        machine.script_started(B);
        assert_eq!(machine.step_done(), [Begin(StepIndex(1))]);
        machine.script_started(A);
        assert_eq!(machine.step_done(), [Begin(StepIndex(2))]);
        assert_eq!(machine.step_done(), [Release(B), Begin(StepIndex(3))]);
        assert_eq!(machine.step_done(), [End(A)]);
    }

    #[test]
    fn only_the_failed_script_of_pools_ends() {
        let started = || {
            let mut machine = FlowMachine::new(vec![A, B, A, B], vec![POOLED, POOLED]);
            machine.begin();
            machine.script_started(A);
            machine.step_done();
            machine.script_started(B);
            machine
        };
        let mut machine = started();
        assert_eq!(
            machine.failed(RetryDecision::None(failure())),
            [Release(A), End(B)]
        );
        assert_eq!(machine.script_ended(B), [Finish(failure())]);
        let mut machine = started();
        assert_eq!(machine.failed(RetryDecision::Rewind), [Release(A), End(B)]);
        let mut machine = started();
        assert_eq!(machine.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
    }

    /// The first role leaves after its only step, and the second one performs the next.
    fn leaving_amid_steps(first: RoleInFlow) -> FlowMachine {
        let mut machine = FlowMachine::new(vec![A, B], vec![first, POLITE]);
        machine.begin();
        machine.script_started(A);
        let order = if first.leaves { Leave(A) } else { End(A) };
        assert_eq!(machine.step_done(), [order, Begin(StepIndex(1))]);
        machine.script_started(B);
        machine
    }

    #[test]
    fn a_role_that_ends_with_its_steps_leaves_while_the_flow_goes_on() {
        let mut machine = leaving_amid_steps(EARLY);
        assert_eq!(machine.left(A), [End(A)]);
        assert_eq!(machine.script_ended(A), []);
        assert_eq!(machine.step_done(), [Leave(B)]);
        assert_eq!(machine.left(B), [End(B)]);
        assert_eq!(machine.script_ended(B), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_flow_is_completed_once_those_that_began_to_leave_before_have_left() {
        let mut machine = leaving_amid_steps(EARLY);
        assert_eq!(machine.step_done(), [Leave(B)]);
        assert_eq!(machine.left(B), [End(B)]);
        assert_eq!(machine.script_ended(B), []);
        assert_eq!(machine.left(A), [End(A)]);
        assert_eq!(machine.script_ended(A), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_role_that_is_ended_amid_steps_is_ended_once_and_waited_for() {
        let impolite = RoleInFlow {
            leaves: false,
            ..EARLY
        };
        let mut machine = leaving_amid_steps(impolite);
        assert_eq!(machine.step_done(), [Leave(B)]);
        assert_eq!(machine.left(B), [End(B)]);
        assert_eq!(machine.script_ended(B), []);
        assert_eq!(machine.script_ended(A), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_script_that_vanishes_while_it_leaves_amid_steps_is_not_waited_for() {
        let mut machine = leaving_amid_steps(EARLY);
        assert_eq!(machine.script_ended(A), []);
        assert_eq!(machine.left(A), []);
        assert_eq!(machine.step_done(), [Leave(B)]);
        assert_eq!(machine.script_ended(B), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_failure_cuts_the_leaving_of_earlier_roles_short() {
        let mut machine = leaving_amid_steps(EARLY);
        let ends = machine.failed(RetryDecision::None(failure()));
        assert_eq!(ends, [End(A), End(B)]);
        assert_eq!(machine.left(A), []);
        machine.script_ended(B);
        assert_eq!(machine.script_ended(A), [Finish(failure())]);
    }

    #[test]
    fn a_flow_that_starts_over_leaves_again() {
        let mut machine = leaving_amid_steps(EARLY);
        machine.left(A);
        assert_eq!(machine.failed(RetryDecision::Rewind), [End(A), End(B)]);
        machine.script_ended(B);
        assert_eq!(machine.script_ended(A), [Rewind]);
        assert_eq!(machine.begin(), [Begin(StepIndex(0))]);
        machine.script_started(A);
        assert_eq!(machine.step_done(), [Leave(A), Begin(StepIndex(1))]);
    }

    #[test]
    fn a_step_is_repeated_while_an_earlier_role_leaves() {
        let mut machine = leaving_amid_steps(EARLY);
        assert_eq!(machine.failed(RetryDecision::Restart), [End(B)]);
        assert_eq!(machine.left(A), [End(A)]);
        assert_eq!(machine.script_ended(A), []);
        assert_eq!(machine.script_ended(B), [Repeat(StepIndex(1))]);
        machine.script_started(B);
        assert_eq!(machine.step_done(), [Leave(B)]);
    }

    #[test]
    fn a_role_whose_last_step_is_skipped_leaves_then() {
        let mut machine = FlowMachine::new(vec![A, B, A, B], vec![EARLY, OWN]);
        machine.begin();
        machine.script_started(A);
        assert_eq!(machine.step_done(), [Begin(StepIndex(1))]);
        machine.script_started(B);
        assert_eq!(machine.step_done(), [Begin(StepIndex(2))]);
        assert_eq!(machine.step_done(), [Leave(A), Begin(StepIndex(3))]);
    }
}
