//! What may be done to scripts on purpose, how often, and where.
//!
//! ```text
//! chaos     = injection {"," injection}
//! injection = KIND often {how} {where}
//! often     = PERCENT "%" | "once" | "nth" NUMBER
//! how       = "for" TIME | "every" TIME | "of" NUMBER ["bytes"]
//!           | "mid_turn" ["after" TIME] | "between_turns"
//! where     = "at" STEP | "role" ROLE | "turn" TURN | "flow" NUMBER
//! ```
//! A TIME is a duration, or two with `..` between them, from which it is drawn. Names with blanks
//! or commas in them stand in quotes.
//!
//! The unit of chance is a step: of all the times that a step in question is performed, further
//! attempts included, so many per cent are struck, each of them once.

mod parse;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{FlowNumber, InjectionKind, RoleIndex, StepIndex};

use super::plan::{Alternative, Role, Step, Then, Turn, TurnKind};

pub use parse::FaultRuleError;

/// All that may be done to the scripts of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultRules {
    pub rules: Vec<FaultRule>,
}

/// One thing that may be done.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// As it was written.
    pub text: String,
    pub fault: FaultSpec,
    pub frequency: Frequency,
    pub target: Target,
}

/// What is done, with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultSpec {
    Kill(FaultTiming),
    Freeze {
        length: DurationRange,
        when: FaultTiming,
    },
    Close,
    Garbage {
        bytes: usize,
    },
    LongLine {
        bytes: usize,
    },
    Dribble {
        every: Duration,
    },
    SlowRead {
        bytes: usize,
        every: Duration,
    },
    Delay {
        length: DurationRange,
    },
    Refuse,
}

impl FaultSpec {
    /// What kind of thing it is.
    pub fn kind(&self) -> InjectionKind {
        match self {
            FaultSpec::Kill(_) => InjectionKind::Kill,
            FaultSpec::Freeze { .. } => InjectionKind::Freeze,
            FaultSpec::Close => InjectionKind::Close,
            FaultSpec::Garbage { .. } => InjectionKind::Garbage,
            FaultSpec::LongLine { .. } => InjectionKind::LongLine,
            FaultSpec::Dribble { .. } => InjectionKind::Dribble,
            FaultSpec::SlowRead { .. } => InjectionKind::SlowRead,
            FaultSpec::Delay { .. } => InjectionKind::Delay,
            FaultSpec::Refuse => InjectionKind::Refuse,
        }
    }

    /// Whether it happens where a reply is given, and only there.
    fn needs_reply(&self) -> bool {
        matches!(
            self,
            FaultSpec::Garbage { .. }
                | FaultSpec::LongLine { .. }
                | FaultSpec::Dribble { .. }
                | FaultSpec::Delay { .. }
        )
    }
}

/// At which point of a turn something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTiming {
    /// Either of the two, as likely.
    Either,
    /// After the reply was sent, so much later, but not after its evidence has come.
    MidTurn { after: DurationRange },
    /// Before the next reply is sent.
    BetweenTurns,
}

/// A duration that is drawn evenly from this range; both ends the same for a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationRange {
    pub least: Duration,
    pub most: Duration,
}

impl DurationRange {
    /// How long after a reply something happens in mid-turn unless it is said.
    pub const SOON: DurationRange = DurationRange {
        least: Duration::ZERO,
        most: Duration::from_millis(10),
    };

    /// A length from the range.
    pub fn draw(self, rng: &mut fastrand::Rng) -> Duration {
        if self.most <= self.least {
            return self.least;
        }
        self.least + (self.most - self.least).mul_f64(rng.f64())
    }
}

/// How often a rule strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frequency {
    /// With this probability, more than 0 and at most 1, whenever a step in question is performed.
    Chance(f64),
    /// In each flow at this one of the steps in question, from 1, when it is performed first.
    Nth(u64),
}

/// Which steps are in question; nothing for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    pub step: Option<StepIndex>,
    pub role: Option<RoleIndex>,
    /// The first turn of this name, in the steps that have one.
    pub turn: Option<Arc<str>>,
    pub flow: Option<FlowNumber>,
}

/// Steps and roles by which rules are read and understood.
#[derive(Debug, Clone)]
pub struct RuleContext<'p> {
    pub steps: Vec<&'p Step>,
    pub roles: Vec<&'p Role>,
}

impl FaultRules {
    /// Reads a list of rules with commas between them.
    ///
    /// # Errors
    /// What is wrong with the first that is none, or that could never strike.
    pub fn parse(text: &str, context: &RuleContext<'_>) -> Result<FaultRules, FaultRuleError> {
        parse::rules(text, context)
    }

    /// Whether nothing is to happen at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The part of the flows that are expected to be struck at all, if each step is performed
    /// once.
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
    /// The steps at which it may strike, in their order.
    pub fn steps(&self, context: &RuleContext<'_>) -> Vec<StepIndex> {
        let steps = context.steps.iter();
        let may = steps.filter(|step| {
            let started = !matches!(self.fault, FaultSpec::Refuse) || step.starts_script;
            started && self.is_about(step)
        });
        may.map(|step| step.index).collect()
    }

    /// Whether the step is in question, and has what the injection needs.
    pub fn is_about(&self, step: &Step) -> bool {
        let Target {
            step: at,
            role,
            turn,
            ..
        } = &self.target;
        at.is_none_or(|at| at == step.index)
            && role.is_none_or(|role| role == step.role)
            && match turn {
                None => !self.fault.needs_reply() || ReplyCount::of(&step.action.turns).possible,
                Some(name) => turn_replies(&step.action.turns, name)
                    .is_some_and(|replies| replies || !self.fault.needs_reply()),
            }
    }

    /// How often it is expected to strike in a flow, if each step is performed once.
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

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How often an action replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyCount {
    /// At least.
    pub at_least: usize,
    /// Whether it may at all.
    pub possible: bool,
}

impl ReplyCount {
    /// Those of a list of turns.
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
            // What ends it may be there before its first round replies.
            TurnKind::Repeat { turns, .. } => ReplyCount {
                at_least: 0,
                possible: ReplyCount::of(turns).possible,
            },
            TurnKind::Think { .. } | TurnKind::Assert(_) | TurnKind::Run { .. } => ReplyCount {
                at_least: 0,
                possible: false,
            },
        }
    }
}

fn then_replies(alternative: &Alternative) -> bool {
    matches!(&alternative.then, Then::Do(turns) | Then::DoAgain(turns) if ReplyCount::of(turns).possible)
}

/// Whether the first turn of this name replies; `None` if there is none.
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
