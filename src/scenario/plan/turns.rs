//! Turns: waits and replies of a role, checked and ready to be performed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::dialogue::{On, Pattern, WaitSet, Which};
use crate::scenario::location::SourceLocation;
use crate::scenario::scope::Scope;
use crate::scenario::template::{Expression, RenderError, Template};
use crate::terminal::Key;

/// One thing to do within an action.
#[derive(Debug)]
pub struct Turn {
    /// Under which it is timed on its own, if it is.
    pub name: Option<Arc<str>>,
    pub kind: TurnKind,
    /// The turn's own deadline, from the beginning of its wait.
    pub within: Option<Duration>,
    pub place: SourceLocation,
    pub common: CommonWaits,
}

/// The waits of a turn if they are the same for all flows; made when first needed.
#[derive(Debug, Default)]
pub struct CommonWaits(OnceLock<Option<WaitSet>>);

impl Turn {
    /// The turn's own waits, in order.
    pub fn waits(&self) -> impl Iterator<Item = &Wait> {
        let (one, several) = match &self.kind {
            TurnKind::Exchange { wait, .. } => (Some(wait), [].as_slice()),
            TurnKind::FirstOf(alternatives) => (None, alternatives.as_slice()),
            _ => (None, [].as_slice()),
        };
        one.into_iter().chain(several.iter().map(|it| &it.wait))
    }

    /// All of the output that it waits for, in order, if no value goes into any of it.
    pub fn common_waits(&self) -> Option<&WaitSet> {
        let make = || {
            let patterns = self.waits().filter_map(|wait| match wait {
                Wait::Exit(_) => None,
                Wait::For { on, pattern } => Some(match pattern {
                    PatternSpec::Fixed(pattern) => Some((*on, pattern.clone())),
                    PatternSpec::Literal(_) | PatternSpec::Regex { .. } => None,
                }),
            });
            let patterns: Option<Vec<(On, Pattern)>> = patterns.collect();
            Some(WaitSet::new(&patterns?, Vec::new()))
        };
        self.common.0.get_or_init(make).as_ref()
    }
}

/// The kind of a turn.
#[derive(Debug)]
pub enum TurnKind {
    /// Wait for one thing, then send at most one reply.
    Exchange {
        wait: Wait,
        reply: Option<Reply>,
        overwrite: bool,
    },
    /// Wait for whichever of several comes first.
    FirstOf(Vec<Alternative>),
    /// Repeat the turns until a text appears.
    Repeat {
        turns: Arc<[Turn]>,
        until: PatternSpec,
        on: On,
        at_most: u32,
        /// A pause between rounds.
        every: Option<Duration>,
        overwrite: bool,
    },
    /// A person's pause, drawn evenly from this range; both ends the same for a fixed one.
    Think {
        least: Duration,
        most: Duration,
    },
    Assert(Expression),
    /// A plain command, ended before the turn ends. Its output must hold every `see`.
    Run {
        argv: Vec<Template>,
        see: Vec<PatternSpec>,
        overwrite: bool,
    },
}

/// A wait.
#[derive(Debug)]
pub enum Wait {
    For {
        on: On,
        pattern: PatternSpec,
    },
    /// The program's end, with this exit code.
    Exit(i32),
}

/// One of several waits, with its reply and its continuation.
#[derive(Debug)]
pub struct Alternative {
    pub wait: Wait,
    pub reply: Option<Reply>,
    pub then: Then,
    pub overwrite: bool,
    pub place: SourceLocation,
}

/// The continuation after an alternative has matched and its reply was sent.
#[derive(Debug)]
pub enum Then {
    /// The turn is over.
    GoOn,
    /// Wait for one of the alternatives again.
    Again,
    /// The step fails with this category.
    Fail(String),
    /// These turns follow, then the turn is over.
    Do(Arc<[Turn]>),
    /// These turns follow, then wait for one of the alternatives again.
    DoAgain(Arc<[Turn]>),
}

/// A reply.
#[derive(Debug)]
pub enum Reply {
    /// This text and Enter.
    Send(Template),
    /// This text and Enter, once the terminal's echo is off; masked everywhere.
    Secret(Template),
    /// The key of the one menu row with this label, and Enter.
    Choose(Template),
    Pick(Pick),
    Press(Key),
}

/// The number, or the position, of one row of a listing, and Enter.
#[derive(Debug)]
pub struct Pick {
    /// All of these texts must be in the row.
    pub row: Vec<Template>,
    /// For listings without numbers: the lines that count; their position (from 1) is sent.
    pub count: Option<PatternSpec>,
    pub which: Which,
}

/// A pattern as the scenario writes it: compiled already where no value goes into it.
#[derive(Debug)]
pub enum PatternSpec {
    Fixed(Pattern),
    /// A literal text with placeholders.
    Literal(Template),
    /// A regular expression with placeholders; values are escaped.
    Regex {
        template: Template,
        names: Vec<Arc<str>>,
    },
}

impl PatternSpec {
    /// The pattern for one flow.
    ///
    /// # Errors
    /// If a placeholder cannot be computed.
    pub fn resolve(&self, scope: &Scope) -> Result<Pattern, RenderError> {
        match self {
            PatternSpec::Fixed(pattern) => Ok(pattern.clone()),
            PatternSpec::Literal(template) => Ok(Pattern::literal(&template.render(scope)?)),
            PatternSpec::Regex { template, .. } => {
                let source = template.render_with(scope, |value| regex::escape(value).into())?;
                Pattern::regex(&source).map_err(|error| RenderError::new(error.to_string()))
            }
        }
    }
}

/// Returns whether a plain command is among these turns.
pub(super) fn runs_command(turns: &[Turn]) -> bool {
    turns.iter().any(|turn| {
        match &turn.kind {
        TurnKind::Run { .. } => true,
        TurnKind::Repeat { turns, .. } => runs_command(turns),
        TurnKind::FirstOf(alternatives) => alternatives.iter().any(|Alternative { then, .. }| {
            matches!(then, Then::Do(turns) | Then::DoAgain(turns) if runs_command(turns))
        }),
        TurnKind::Exchange { .. } | TurnKind::Think { .. } | TurnKind::Assert(_) => false,
    }
    })
}
