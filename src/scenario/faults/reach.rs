//! Steps that a fault rule can hit, and its expected frequency.

use crate::model::StepIndex;
use crate::model::TerminalKind;
use crate::scenario::plan::{Alternative, Plan, Role, Step, Then, Turn, TurnKind};

use super::rule::{FaultRule, FaultRules, FaultSpec, Frequency, Target};

/// The steps and roles to which rules refer.
#[derive(Debug, Clone)]
pub struct RuleContext<'p> {
    pub steps: Vec<&'p Step>,
    pub roles: Vec<&'p Role>,
}

impl FaultRules {
    /// Returns the expected share of flows with a hit, if each step is performed once.
    pub fn share_of_flows(&self, context: &RuleContext<'_>) -> f64 {
        let spared: f64 = self
            .rules
            .iter()
            .filter(|rule| rule.target.flow.is_none())
            .map(|rule| match rule.frequency {
                Frequency::Chance(chance) => (1.0 - chance)
                    .powi(i32::try_from(rule.steps(context).len()).unwrap_or(i32::MAX)),
                Frequency::Nth(_) => 0.0,
            })
            .product();
        1.0 - spared
    }
}

impl FaultRule {
    /// Returns the steps that the rule can hit, in their order.
    pub fn steps(&self, context: &RuleContext<'_>) -> Vec<StepIndex> {
        let steps = context.steps.iter();
        let may = steps.filter(|step| {
            let started = !matches!(self.fault, FaultSpec::Refuse) || step.starts_script;
            let role = context.roles.get(step.role.0);
            started && role.is_some_and(|role| self.is_about(step, role))
        });
        may.map(|step| step.index).collect()
    }

    /// Returns `true` if the rule applies to the step of `of`, and the step has what the fault needs.
    pub fn is_about(&self, step: &Step, of: &Role) -> bool {
        let Target {
            step: at,
            role,
            turn,
            ..
        } = &self.target;
        let has_terminal = of.terminal != TerminalKind::Pipes;
        at.is_none_or(|at| at == step.index)
            && (has_terminal || !matches!(self.fault, FaultSpec::Resize { .. }))
            && role.is_none_or(|role| role == step.role)
            && match turn {
                None => !self.fault.needs_reply() || ReplyCount::of(&step.action.turns).possible,
                Some(name) => turn_replies(&step.action.turns, name)
                    .is_some_and(|replies| replies || !self.fault.needs_reply()),
            }
    }

    /// Returns the expected number of hits per flow, if each step is performed once.
    pub fn times_per_flow(&self, context: &RuleContext<'_>) -> f64 {
        match self.frequency {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number of steps needs no 53 bits"
            )]
            Frequency::Chance(chance) => chance * self.steps(context).len() as f64,
            Frequency::Nth(_) => 1.0,
        }
    }
}

impl Plan {
    /// Returns the steps and roles to which fault rules refer.
    pub fn rule_context(&self) -> RuleContext<'_> {
        RuleContext {
            steps: self.steps.iter().collect(),
            roles: self.roles.iter().collect(),
        }
    }
}

/// The number of replies of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyCount {
    /// The minimum number.
    pub at_least: usize,
    /// A reply is possible.
    pub possible: bool,
}

impl ReplyCount {
    /// Counts the replies of a list of turns.
    pub fn of(turns: &[Turn]) -> ReplyCount {
        let none = ReplyCount {
            at_least: 0,
            possible: false,
        };
        turns
            .iter()
            .map(ReplyCount::of_turn)
            .fold(none, |sum, more| {
                let at_least = sum.at_least + more.at_least;
                let possible = sum.possible || more.possible;
                ReplyCount { at_least, possible }
            })
    }

    fn of_turn(turn: &Turn) -> ReplyCount {
        match &turn.kind {
            TurnKind::Exchange { reply, .. } => ReplyCount {
                at_least: usize::from(reply.is_some()),
                possible: reply.is_some(),
            },
            TurnKind::FirstOf(alternatives) => {
                let replies = |it: &Alternative| it.reply.is_some();
                ReplyCount {
                    at_least: usize::from(alternatives.iter().all(replies)),
                    possible: alternatives
                        .iter()
                        .any(|it| replies(it) || then_replies(it)),
                }
            }
            // It may end before its first round replies.
            TurnKind::Repeat { turns, .. } => ReplyCount {
                at_least: 0,
                possible: ReplyCount::of(turns).possible,
            },
            TurnKind::Think { .. }
            | TurnKind::Resize(_)
            | TurnKind::Assert(_)
            | TurnKind::Run { .. } => ReplyCount {
                at_least: 0,
                possible: false,
            },
        }
    }
}

fn then_replies(alternative: &Alternative) -> bool {
    matches!(&alternative.then, Then::Do(turns) | Then::DoAgain(turns) if ReplyCount::of(turns).possible)
}

/// Returns `true` if the first turn of this name replies; `None` if there is none.
pub fn turn_replies(turns: &[Turn], name: &str) -> Option<bool> {
    turns.iter().find_map(|turn| {
        if turn.name.as_deref() == Some(name) {
            return Some(ReplyCount::of_turn(turn).possible);
        }
        match &turn.kind {
            TurnKind::Repeat { turns, .. } => turn_replies(turns, name),
            TurnKind::FirstOf(alternatives) => alternatives.iter().find_map(|it| match &it.then {
                Then::Do(turns) | Then::DoAgain(turns) => turn_replies(turns, name),
                _ => None,
            }),
            _ => None,
        }
    })
}
