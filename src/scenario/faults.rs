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

pub use parse::ChaosError;

/// All that may be done to the scripts of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chaos {
    pub rules: Vec<ChaosRule>,
}

/// One thing that may be done.
#[derive(Debug, Clone, PartialEq)]
pub struct ChaosRule {
    /// As it was written.
    pub text: String,
    pub what: FaultSpec,
    pub often: Often,
    pub place: Where,
}

/// What is done, with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultSpec {
    Kill(When),
    Freeze { length: Span, when: When },
    Close,
    Garbage { bytes: usize },
    LongLine { bytes: usize },
    Dribble { every: Duration },
    SlowRead { bytes: usize, every: Duration },
    Delay { length: Span },
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

    /// Returns whether it happens where a reply is given, and only there.
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
pub enum When {
    /// Either of the two, as likely.
    Either,
    /// After the reply was sent, so much later, but not after its evidence has come.
    MidTurn { after: Span },
    /// Before the next reply is sent.
    BetweenTurns,
}

/// A duration that is drawn evenly from this range; both ends the same for a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub least: Duration,
    pub most: Duration,
}

impl Span {
    /// The duration: how long after a reply something happens in mid-turn unless it is said.
    pub const SOON: Span = Span {
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

/// The number of times a rule strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Often {
    /// With this probability, more than 0 and at most 1, whenever a step in question is performed.
    Chance(f64),
    /// In each flow at this one of the steps in question, from 1, when it is performed first.
    Nth(u64),
}

/// Which steps are in question; nothing for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Where {
    pub step: Option<StepIndex>,
    pub role: Option<RoleIndex>,
    /// The first turn of this name, in the steps that have one.
    pub turn: Option<Arc<str>>,
    pub flow: Option<FlowNumber>,
}

/// Steps and roles by which rules are read and understood.
#[derive(Debug, Clone)]
pub struct Cast<'p> {
    pub steps: Vec<&'p Step>,
    pub roles: Vec<&'p Role>,
}

impl Chaos {
    /// Reads a list of rules with commas between them.
    ///
    /// # Errors
    /// What is wrong with the first that is none, or that could never strike.
    pub fn parse(text: &str, cast: &Cast<'_>) -> Result<Chaos, ChaosError> {
        parse::chaos(text, cast)
    }

    /// Returns whether nothing is to happen at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The part of the flows that are expected to be struck at all, if each step is performed
    /// once.
    pub fn part_of_flows(&self, cast: &Cast<'_>) -> f64 {
        let spared: f64 =
            self.rules
                .iter()
                .filter(|rule| rule.place.flow.is_none())
                .map(|rule| match rule.often {
                    Often::Chance(chance) => (1.0 - chance)
                        .powi(i32::try_from(rule.steps(cast).len()).unwrap_or(i32::MAX)),
                    Often::Nth(_) => 0.0,
                })
                .product();
        1.0 - spared
    }
}

impl ChaosRule {
    /// The steps at which it may strike, in their order.
    pub fn steps(&self, cast: &Cast<'_>) -> Vec<StepIndex> {
        let steps = cast.steps.iter();
        let may = steps.filter(|step| {
            let started = !matches!(self.what, FaultSpec::Refuse) || step.starts_script;
            started && self.is_about(step)
        });
        may.map(|step| step.index).collect()
    }

    /// Returns whether the step is in question, and has what the injection needs.
    pub fn is_about(&self, step: &Step) -> bool {
        let Where {
            step: at,
            role,
            turn,
            ..
        } = &self.place;
        at.is_none_or(|at| at == step.index)
            && role.is_none_or(|role| role == step.role)
            && match turn {
                None => !self.what.needs_reply() || Replies::of(&step.action.turns).any,
                Some(name) => turn_called(&step.action.turns, name)
                    .is_some_and(|replies| replies || !self.what.needs_reply()),
            }
    }

    /// Returns the number of times it is expected to strike in a flow, if each step is performed
    /// once.
    pub fn times_a_flow(&self, cast: &Cast<'_>) -> f64 {
        match self.often {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number of steps needs no 53 bits"
            )]
            Often::Chance(chance) => chance * self.steps(cast).len() as f64,
            Often::Nth(_) => 1.0,
        }
    }
}

impl fmt::Display for ChaosRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The number of times an action replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replies {
    /// At least.
    pub sure: usize,
    /// True if it may at all.
    pub any: bool,
}

impl Replies {
    /// Those of a list of turns.
    pub fn of(turns: &[Turn]) -> Replies {
        let none = Replies {
            sure: 0,
            any: false,
        };
        turns.iter().map(Replies::of_turn).fold(none, |sum, more| {
            let sure = sum.sure + more.sure;
            let any = sum.any || more.any;
            Replies { sure, any }
        })
    }

    fn of_turn(turn: &Turn) -> Replies {
        match &turn.kind {
            TurnKind::Exchange { reply, .. } => Replies {
                sure: usize::from(reply.is_some()),
                any: reply.is_some(),
            },
            TurnKind::FirstOf(alternatives) => {
                let replies = |it: &Alternative| it.reply.is_some();
                Replies {
                    sure: usize::from(alternatives.iter().all(replies)),
                    any: alternatives
                        .iter()
                        .any(|it| replies(it) || then_replies(it)),
                }
            }
            // What ends it may be there before its first round replies.
            TurnKind::Repeat { turns, .. } => Replies {
                sure: 0,
                any: Replies::of(turns).any,
            },
            TurnKind::Think { .. } | TurnKind::Assert(_) | TurnKind::Run { .. } => Replies {
                sure: 0,
                any: false,
            },
        }
    }
}

fn then_replies(alternative: &Alternative) -> bool {
    matches!(&alternative.then, Then::Do(turns) | Then::DoAgain(turns) if Replies::of(turns).any)
}

/// Returns whether the first turn of this name replies; `None` if there is none.
pub fn turn_called(turns: &[Turn], name: &str) -> Option<bool> {
    turns.iter().find_map(|turn| {
        if turn.name.as_deref() == Some(name) {
            return Some(Replies::of_turn(turn).any);
        }
        match &turn.kind {
            TurnKind::Repeat { turns, .. } => turn_called(turns, name),
            TurnKind::FirstOf(alternatives) => alternatives.iter().find_map(|it| match &it.then {
                Then::Do(turns) | Then::DoAgain(turns) => turn_called(turns, name),
                _ => None,
            }),
            _ => None,
        }
    })
}
