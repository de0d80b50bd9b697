//! The course of one flow: which order follows on what has happened, decided without doing it.
//!
//! | phase | on | orders | next phase |
//! | --- | --- | --- | --- |
//! | `Stepping` | a step is done or skipped, more follow | begin the next | `Stepping` |
//! | `Stepping` | a pooled role's last step is done | return its script, and as above | as above |
//! | `Stepping` | the last step is done | leave with every role that lives | `Leaving` |
//! | `Stepping` | a step failed, the same script is to perform it again | repeat it | `Stepping` |
//! | `Stepping` | a step failed, a new script is to perform it again | end the script | `Restarting` |
//! | `Stepping` | a step failed, the flow is to begin anew | end or return every script | `Rewinding` |
//! | `Stepping` | a step failed, for good | end every script but idle ones of pools | `Ending` |
//! | `Restarting` | the script has ended | repeat the step | `Stepping` |
//! | `Rewinding` | the last script has ended | rewind | `Stepping`, by `begin` |
//! | `Leaving` | a role has left, well or badly | end its script | `Leaving`, `Ending` after the last |
//! | all but `Ending`, `Over` | an interrupt | end every script | `Ending` |
//! | `Ending` | the last script has ended | finish | `Over` |

use std::collections::BTreeSet;

use crate::model::{FlowOutcome, RoleIndex, StepIndex};

/// What the supervisor shall do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    Begin(StepIndex),
    /// Perform a step again that has failed.
    Repeat(StepIndex),
    /// Forget what the flow has learned, and begin it again.
    Rewind,
    Leave(RoleIndex),
    End(RoleIndex),
    /// Give the script back to its pool.
    Return(RoleIndex),
    /// All is over: nothing of the flow lives any more.
    Finish(FlowOutcome),
}

/// What follows on a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The same script performs the step again.
    Repeat,
    /// A new script does.
    Restart,
    /// The flow begins anew.
    Rewind,
    /// Nothing mends it.
    None(FlowOutcome),
}

/// What a course needs to know of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoleCourse {
    /// It has something to say before it leaves.
    pub leaves: bool,
    /// Its script comes from a pool and goes back there.
    pub is_pooled: bool,
}

/// Where a flow is, and what of it lives.
#[derive(Debug)]
pub(super) struct Course {
    /// The roles of the steps.
    steps: Vec<RoleIndex>,
    roles: Vec<RoleCourse>,
    phase: Phase,
    /// The roles whose script actors have not ended.
    living: BTreeSet<RoleIndex>,
}

#[derive(Debug)]
enum Phase {
    Stepping { at: usize },
    Restarting { at: usize },
    Rewinding,
    Leaving { waiting: BTreeSet<RoleIndex> },
    Ending { outcome: FlowOutcome },
    Over,
}

impl Course {
    /// The course of a flow whose steps are performed by these roles.
    pub(super) fn new(steps: Vec<RoleIndex>, roles: Vec<RoleCourse>) -> Self {
        Course {
            steps,
            roles,
            phase: Phase::Stepping { at: 0 },
            living: BTreeSet::new(),
        }
    }

    /// The flow begins, or begins anew.
    pub(super) fn begin(&mut self) -> Vec<Order> {
        self.step_over(0, Vec::new())
    }

    /// The step under way.
    pub(super) fn step(&self) -> Option<StepIndex> {
        match self.phase {
            Phase::Stepping { at } if at < self.steps.len() => Some(StepIndex(at)),
            _ => None,
        }
    }

    /// A script actor was started for this role, or taken from a pool.
    pub(super) fn script_started(&mut self, role: RoleIndex) {
        self.living.insert(role);
    }

    /// Whether this step is the role's last.
    fn is_last_of_role(&self, at: usize) -> bool {
        !self.steps[at + 1..].contains(&self.steps[at])
    }

    /// The step under way is done, or was skipped.
    pub(super) fn step_done(&mut self) -> Vec<Order> {
        let Phase::Stepping { at } = self.phase else {
            return Vec::new();
        };
        let mut orders = Vec::new();
        if let Some(&role) = self.steps.get(at)
            && self.is_last_of_role(at)
            && self.roles[role.0].is_pooled
            && self.living.remove(&role)
        {
            orders.push(Order::Return(role));
        }
        self.step_over(at + 1, orders)
    }

    fn step_over(&mut self, next: usize, mut orders: Vec<Order>) -> Vec<Order> {
        if next < self.steps.len() {
            self.phase = Phase::Stepping { at: next };
            orders.push(Order::Begin(StepIndex(next)));
            return orders;
        }
        let waiting: BTreeSet<RoleIndex> = self
            .living
            .iter()
            .copied()
            .filter(|role| self.roles[role.0].leaves)
            .collect();
        orders.extend(self.living.iter().map(|role| {
            if waiting.contains(role) {
                Order::Leave(*role)
            } else {
                Order::End(*role)
            }
        }));
        if waiting.is_empty() {
            return self.ending(FlowOutcome::Completed, orders);
        }
        self.phase = Phase::Leaving { waiting };
        orders
    }

    /// The step under way has failed.
    pub(super) fn failed(&mut self, remedy: Remedy) -> Vec<Order> {
        let Phase::Stepping { at } = self.phase else {
            return Vec::new();
        };
        let Some(&performing) = self.steps.get(at) else {
            return Vec::new();
        };
        match remedy {
            Remedy::Restart if self.living.contains(&performing) => {
                self.phase = Phase::Restarting { at };
                vec![Order::End(performing)]
            }
            Remedy::Repeat | Remedy::Restart => vec![Order::Repeat(StepIndex(at))],
            Remedy::Rewind => {
                let orders = self.let_go(performing);
                self.rewinding(orders)
            }
            Remedy::None(outcome) => {
                let orders = self.let_go(performing);
                self.ending(outcome, orders)
            }
        }
    }

    /// Scripts of pools that have nothing to do with a failure go back there, all others end.
    fn let_go(&mut self, performing: RoleIndex) -> Vec<Order> {
        let living = std::mem::take(&mut self.living);
        let (back, end): (BTreeSet<_>, _) = living
            .into_iter()
            .partition(|role| self.roles[role.0].is_pooled && *role != performing);
        self.living = end;
        let ends = self.living.iter().copied().map(Order::End);
        back.into_iter().map(Order::Return).chain(ends).collect()
    }

    /// The flow is lost, because the run ends or its own actor cannot go on.
    pub(super) fn lost(&mut self, outcome: FlowOutcome) -> Vec<Order> {
        let orders = self.living.iter().copied().map(Order::End).collect();
        match self.phase {
            Phase::Stepping { .. } | Phase::Restarting { .. } | Phase::Rewinding => {
                self.ending(outcome, orders)
            }
            // All steps were done: what is cut short is only the politeness.
            Phase::Leaving { .. } => self.ending(FlowOutcome::Completed, orders),
            Phase::Ending { .. } => orders,
            Phase::Over => Vec::new(),
        }
    }

    /// A role has performed its `leave`, well or badly.
    pub(super) fn left(&mut self, role: RoleIndex) -> Vec<Order> {
        let Phase::Leaving { waiting } = &mut self.phase else {
            return Vec::new();
        };
        waiting.remove(&role);
        if waiting.is_empty() {
            return self.ending(FlowOutcome::Completed, vec![Order::End(role)]);
        }
        vec![Order::End(role)]
    }

    /// A script actor has ended, and its process with it.
    pub(super) fn script_ended(&mut self, role: RoleIndex) -> Vec<Order> {
        self.living.remove(&role);
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Ending { outcome } => self.ending(outcome, Vec::new()),
            Phase::Rewinding => self.rewinding(Vec::new()),
            Phase::Restarting { at } if self.steps[at] == role => {
                self.phase = Phase::Stepping { at };
                vec![Order::Repeat(StepIndex(at))]
            }
            Phase::Leaving { mut waiting } => {
                waiting.remove(&role);
                if waiting.is_empty() {
                    return self.ending(FlowOutcome::Completed, Vec::new());
                }
                self.phase = Phase::Leaving { waiting };
                Vec::new()
            }
            phase => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    fn rewinding(&mut self, mut orders: Vec<Order>) -> Vec<Order> {
        self.phase = Phase::Rewinding;
        if self.living.is_empty() {
            orders.push(Order::Rewind);
        }
        orders
    }

    fn ending(&mut self, outcome: FlowOutcome, mut orders: Vec<Order>) -> Vec<Order> {
        if self.living.is_empty() {
            self.phase = Phase::Over;
            orders.push(Order::Finish(outcome));
        } else {
            self.phase = Phase::Ending { outcome };
        }
        orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Order::{Begin, End, Finish, Leave, Repeat, Return, Rewind};

    const A: RoleIndex = RoleIndex(0);
    const B: RoleIndex = RoleIndex(1);

    const OWN: RoleCourse = RoleCourse {
        leaves: false,
        is_pooled: false,
    };
    const POLITE: RoleCourse = RoleCourse {
        leaves: true,
        ..OWN
    };
    const POOLED: RoleCourse = RoleCourse {
        is_pooled: true,
        ..OWN
    };

    fn two_roles_stepping() -> Course {
        let mut course = Course::new(vec![A, B], vec![POLITE, OWN]);
        assert_eq!(course.begin(), [Begin(StepIndex(0))]);
        course.script_started(A);
        assert_eq!(course.step_done(), [Begin(StepIndex(1))]);
        course.script_started(B);
        course
    }

    #[test]
    fn a_flow_that_goes_well_leaves_and_ends() {
        let mut course = two_roles_stepping();
        assert_eq!(course.step_done(), [Leave(A), End(B)]);
        assert_eq!(course.script_ended(B), []);
        assert_eq!(course.left(A), [End(A)]);
        assert_eq!(course.script_ended(A), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_lost_flow_ends_every_script_and_only_then_finishes() {
        let mut course = two_roles_stepping();
        assert_eq!(course.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
        assert_eq!(course.script_ended(A), []);
        assert_eq!(course.script_ended(B), [Finish(FlowOutcome::Interrupted)]);
        assert_eq!(course.lost(FlowOutcome::Interrupted), []);
    }

    #[test]
    fn an_interrupt_while_leaving_does_not_undo_what_was_completed() {
        let mut course = two_roles_stepping();
        course.step_done();
        assert_eq!(course.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
        course.script_ended(A);
        assert_eq!(course.script_ended(B), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_second_interrupt_tells_the_living_again() {
        let mut course = two_roles_stepping();
        course.lost(FlowOutcome::Interrupted);
        course.script_ended(A);
        assert_eq!(course.lost(FlowOutcome::Interrupted), [End(B)]);
    }

    #[test]
    fn a_script_that_ends_between_steps_does_not_end_the_flow() {
        let mut course = two_roles_stepping();
        assert_eq!(course.script_ended(A), []);
        assert_eq!(course.step_done(), [End(B)]);
        assert_eq!(course.script_ended(B), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_script_that_vanishes_while_leaving_is_not_waited_for() {
        let mut course = two_roles_stepping();
        course.step_done();
        course.script_ended(B);
        assert_eq!(course.script_ended(A), [Finish(FlowOutcome::Completed)]);
    }

    #[test]
    fn a_flow_whose_steps_are_all_skipped_is_completed() {
        let mut course = Course::new(vec![A], vec![POLITE]);
        course.begin();
        assert_eq!(course.step_done(), [Finish(FlowOutcome::Completed)]);
    }

    fn failure() -> FlowOutcome {
        FlowOutcome::Failed(crate::engine::flow_supervisor::internal(
            "as made up",
            String::new(),
        ))
    }

    #[test]
    fn a_step_is_performed_again_by_a_new_script_once_the_old_one_has_ended() {
        let mut course = two_roles_stepping();
        assert_eq!(course.failed(Remedy::Restart), [End(B)]);
        assert_eq!(course.step(), None);
        assert_eq!(course.script_ended(A), [], "it is idle, and not waited for");
        assert_eq!(course.script_ended(B), [Repeat(StepIndex(1))]);
        assert_eq!(course.step(), Some(StepIndex(1)));
        assert_eq!(course.failed(Remedy::Restart), [Repeat(StepIndex(1))]);
        course.script_started(B);
        assert_eq!(course.failed(Remedy::Repeat), [Repeat(StepIndex(1))]);
        assert_eq!(course.step_done(), [End(B)]);
    }

    #[test]
    fn a_flow_begins_anew_when_nothing_of_it_lives() {
        let mut course = two_roles_stepping();
        assert_eq!(course.failed(Remedy::Rewind), [End(A), End(B)]);
        assert_eq!(course.script_ended(B), []);
        assert_eq!(course.script_ended(A), [Rewind]);
        assert_eq!(course.begin(), [Begin(StepIndex(0))]);
    }

    #[test]
    fn an_interrupt_ends_a_flow_that_is_being_mended() {
        for remedy in [Remedy::Restart, Remedy::Rewind] {
            let mut course = two_roles_stepping();
            course.failed(remedy);
            assert_eq!(course.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
            course.script_ended(B);
            assert_eq!(course.script_ended(A), [Finish(FlowOutcome::Interrupted)]);
        }
    }

    #[test]
    fn the_script_of_a_pool_goes_back_after_its_last_step() {
        let mut course = Course::new(vec![B, A, B, A], vec![OWN, POOLED]);
        course.begin();
        course.script_started(B);
        assert_eq!(course.step_done(), [Begin(StepIndex(1))]);
        course.script_started(A);
        assert_eq!(course.step_done(), [Begin(StepIndex(2))]);
        assert_eq!(course.step_done(), [Return(B), Begin(StepIndex(3))]);
        assert_eq!(course.step_done(), [End(A)]);
    }

    #[test]
    fn of_a_pool_only_the_script_that_failed_ends() {
        let started = || {
            let mut course = Course::new(vec![A, B, A, B], vec![POOLED, POOLED]);
            course.begin();
            course.script_started(A);
            course.step_done();
            course.script_started(B);
            course
        };
        let mut course = started();
        assert_eq!(course.failed(Remedy::None(failure())), [Return(A), End(B)]);
        assert_eq!(course.script_ended(B), [Finish(failure())]);
        let mut course = started();
        assert_eq!(course.failed(Remedy::Rewind), [Return(A), End(B)]);
        let mut course = started();
        assert_eq!(course.lost(FlowOutcome::Interrupted), [End(A), End(B)]);
    }
}
