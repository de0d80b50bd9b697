//! The course of one flow: which order follows on what has happened, decided without doing it.
//!
//! | phase | on | orders | next phase |
//! | --- | --- | --- | --- |
//! | `Stepping` | a step is done or skipped, more follow | begin the next | `Stepping` |
//! | `Stepping` | the last step is done | leave with every role that lives | `Leaving` |
//! | `Stepping` | a step failed, an interrupt, a script vanished | end every script | `Ending` |
//! | `Leaving` | a role has left, well or badly | end its script | `Leaving`, `Ending` after the last |
//! | `Leaving` | an interrupt | end every script | `Ending` |
//! | `Ending` | the last script has ended | finish | `Over` |

use std::collections::BTreeSet;

use crate::model::{FlowOutcome, RoleIndex, StepIndex};

/// What the supervisor shall do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    Begin(StepIndex),
    Leave(RoleIndex),
    End(RoleIndex),
    /// All is over: nothing of the flow lives any more.
    Finish(FlowOutcome),
}

/// Where a flow is, and what of it lives.
#[derive(Debug)]
pub(super) struct Course {
    steps: usize,
    /// Whether each role has a `leave` action.
    leaves: Vec<bool>,
    phase: Phase,
    /// The roles whose script actors have not ended.
    living: BTreeSet<RoleIndex>,
}

#[derive(Debug)]
enum Phase {
    Stepping { at: usize },
    Leaving { waiting: BTreeSet<RoleIndex> },
    Ending { outcome: FlowOutcome },
    Over,
}

impl Course {
    /// The course of a flow of so many steps, with whether each role has something to say before
    /// it leaves.
    pub(super) fn new(steps: usize, leaves: Vec<bool>) -> Self {
        Course {
            steps,
            leaves,
            phase: Phase::Stepping { at: 0 },
            living: BTreeSet::new(),
        }
    }

    /// The flow begins.
    pub(super) fn begin(&mut self) -> Vec<Order> {
        self.step_over(0)
    }

    /// The step under way.
    pub(super) fn step(&self) -> Option<StepIndex> {
        match self.phase {
            Phase::Stepping { at } if at < self.steps => Some(StepIndex(at)),
            _ => None,
        }
    }

    /// A script actor was started for this role.
    pub(super) fn script_started(&mut self, role: RoleIndex) {
        self.living.insert(role);
    }

    /// The step under way is done, or was skipped.
    pub(super) fn step_done(&mut self) -> Vec<Order> {
        match self.phase {
            Phase::Stepping { at } => self.step_over(at + 1),
            _ => Vec::new(),
        }
    }

    fn step_over(&mut self, next: usize) -> Vec<Order> {
        if next < self.steps {
            self.phase = Phase::Stepping { at: next };
            return vec![Order::Begin(StepIndex(next))];
        }
        let waiting: BTreeSet<RoleIndex> = self
            .living
            .iter()
            .copied()
            .filter(|role| self.leaves[role.0])
            .collect();
        let orders = self
            .living
            .iter()
            .map(|role| {
                if waiting.contains(role) {
                    Order::Leave(*role)
                } else {
                    Order::End(*role)
                }
            })
            .collect();
        if waiting.is_empty() {
            return self.ending(FlowOutcome::Completed, orders);
        }
        self.phase = Phase::Leaving { waiting };
        orders
    }

    /// The flow is lost: by a failure, or because the run ends.
    pub(super) fn lost(&mut self, outcome: FlowOutcome) -> Vec<Order> {
        match &self.phase {
            Phase::Stepping { .. } => {}
            // All steps were done: what is cut short is only the politeness.
            Phase::Leaving { .. } => {
                let orders = self.living.iter().copied().map(Order::End).collect();
                return self.ending(FlowOutcome::Completed, orders);
            }
            Phase::Ending { .. } => return self.living.iter().copied().map(Order::End).collect(),
            Phase::Over => return Vec::new(),
        }
        let orders = self.living.iter().copied().map(Order::End).collect();
        self.ending(outcome, orders)
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
    use Order::{Begin, End, Finish, Leave};

    const A: RoleIndex = RoleIndex(0);
    const B: RoleIndex = RoleIndex(1);

    fn two_roles_stepping() -> Course {
        let mut course = Course::new(2, vec![true, false]);
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
        let mut course = Course::new(1, vec![true]);
        course.begin();
        assert_eq!(course.step_done(), [Finish(FlowOutcome::Completed)]);
    }
}
