//! Turns: checked waits and replies of a role.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::dialogue::{Awaited, On, Pattern, ScreenWait, WaitSet, Which};
use crate::scenario::gates::ReplyGateSpec;
use crate::scenario::location::SourceLocation;
use crate::scenario::scope::Scope;
use crate::scenario::template::{Expression, RenderError, Template};
use crate::terminal::{Key, ScreenSize};

/// A turn of an action.
#[derive(Debug)]
pub struct Turn {
    /// The name under which it is timed separately.
    pub name: Option<Arc<str>>,
    pub kind: TurnKind,
    /// The turn's deadline, from the beginning of its wait.
    pub within: Option<Duration>,
    /// The gates before its reply.
    pub gates: Option<Arc<ReplyGateSpec>>,
    pub place: SourceLocation,
    pub common: CommonWaits,
}

/// The waits of a turn if they are the same for all flows, built when first needed.
#[derive(Debug, Default)]
pub struct CommonWaits(OnceLock<Option<WaitSet>>);

impl Turn {
    /// Returns the turn's waits, in order.
    pub fn waits(&self) -> impl Iterator<Item = &Wait> {
        let (one, several) = match &self.kind {
            TurnKind::Exchange { wait, .. } => (Some(wait), [].as_slice()),
            TurnKind::FirstOf(alternatives) => (None, alternatives.as_slice()),
            _ => (None, [].as_slice()),
        };
        one.into_iter().chain(several.iter().map(|it| &it.wait))
    }

    /// Returns the replies that the turn itself may send.
    pub fn replies(&self) -> impl Iterator<Item = &Reply> {
        let (one, several) = match &self.kind {
            TurnKind::Exchange { reply, .. } => (reply.as_ref(), [].as_slice()),
            TurnKind::FirstOf(alternatives) => (None, alternatives.as_slice()),
            _ => (None, [].as_slice()),
        };
        one.into_iter()
            .chain(several.iter().filter_map(|it| it.reply.as_ref()))
    }

    /// Returns the waits for output, in order, if none of them has placeholders.
    pub fn common_waits(&self) -> Option<&WaitSet> {
        let make = || {
            let awaited = self.waits().filter_map(|wait| match wait {
                Wait::Exit(_) | Wait::Reads => None,
                Wait::For(awaited) => Some(awaited.fixed()),
            });
            let awaited: Option<Vec<Awaited>> = awaited.collect();
            Some(WaitSet::new(&awaited?, Vec::new()))
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
    /// Wait for the first of several alternatives.
    FirstOf(Vec<Alternative>),
    /// Repeat the turns until this appears.
    Repeat {
        turns: Arc<[Turn]>,
        until: AwaitedSpec,
        at_most: u32,
        /// A pause between rounds.
        every: Option<Duration>,
        overwrite: bool,
    },
    /// A simulated pause of the user, drawn evenly from this range.
    Think {
        least: Duration,
        most: Duration,
    },
    /// Give the program's terminal another size.
    Resize(ScreenSize),
    Assert(Expression),
    /// A plain command, ended before the turn ends. Its output must match every `see`.
    Run {
        argv: Vec<Template>,
        see: Vec<PatternSpec>,
        overwrite: bool,
    },
}

/// A wait.
#[derive(Debug)]
pub enum Wait {
    For(AwaitedSpec),
    /// The program's exit with this code.
    Exit(i32),
    /// The program waits for its input, whatever it has printed.
    Reads,
}

/// The target of a wait in the output or on the screen.
#[derive(Debug)]
pub enum AwaitedSpec {
    Text { on: On, pattern: PatternSpec },
    Screen(Box<ScreenWait<PatternSpec>>),
}

impl AwaitedSpec {
    /// Returns it if it has no placeholders.
    pub fn fixed(&self) -> Option<Awaited> {
        self.try_map(|pattern| match pattern {
            PatternSpec::Fixed(pattern) => Ok(pattern.clone()),
            PatternSpec::Literal(_) | PatternSpec::Regex { .. } => Err(()),
        })
        .ok()
    }

    /// Resolves it for one flow.
    ///
    /// # Errors
    /// If a placeholder cannot be computed.
    pub fn resolve(&self, scope: &Scope) -> Result<Awaited, RenderError> {
        self.try_map(|pattern| pattern.resolve(scope))
    }

    /// Returns it with its patterns as `map` resolves them.
    ///
    /// # Errors
    /// The first error of `map`.
    pub fn try_map<E>(
        &self,
        map: impl Fn(&PatternSpec) -> Result<Pattern, E>,
    ) -> Result<Awaited, E> {
        Ok(match self {
            AwaitedSpec::Text { on, pattern } => Awaited::Text(*on, map(pattern)?),
            AwaitedSpec::Screen(wait) => {
                let composed = |pattern: &PatternSpec| Ok(map(pattern)?.composed());
                Awaited::Screen(Arc::new(wait.try_map(composed)?))
            }
        })
    }
}

/// Shows the pattern or condition as in the scenario.
impl fmt::Display for AwaitedSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AwaitedSpec::Text { pattern, .. } => pattern.fmt(f),
            AwaitedSpec::Screen(wait) => wait.fmt(f),
        }
    }
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
    /// This text and Enter, once the terminal's echo is off; the text is masked.
    Secret(Template),
    /// The key of the one menu row with this label, and Enter.
    Choose(Template),
    Pick(Pick),
    Press(Key),
    /// On a screen: moves to the rows with these labels, one after the other, marks them if the list
    /// has marks, and presses Enter.
    Select(Vec<Template>),
    Keys(Box<KeyInput>),
}

/// Input without Enter: fields of a form, then text, then keys.
#[derive(Debug, Default)]
pub struct KeyInput {
    pub fill: Vec<FieldInput>,
    pub text: Option<TextInput>,
    pub press: Vec<Key>,
}

/// A value for a field of a form on a screen.
#[derive(Debug)]
pub struct FieldInput {
    /// The text before the field.
    pub label: Template,
    pub value: Template,
    /// The text that the field shows then, if that is not the value.
    pub shows: Option<Template>,
}

/// A text that is typed without Enter.
#[derive(Debug)]
pub enum TextInput {
    Typed(Template),
    /// As a terminal pastes it: in brackets, if the program has asked for them.
    Pasted(Template),
}

/// The selection of one row of a listing by its number or position, and Enter.
#[derive(Debug)]
pub struct Pick {
    /// Texts that must all be in the row.
    pub row: Vec<Template>,
    /// For listings without numbers, a pattern of its rows, whose position (from 1) is sent.
    pub count: Option<PatternSpec>,
    pub which: Which,
    pub since: Since,
}

/// The output in which a row is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    #[default]
    LastReply,
    /// All output of the step, the latest first.
    Step,
}

/// A pattern, compiled unless it has placeholders.
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

/// Shows a pattern as in the scenario: a literal text in backticks, a regular expression between
/// slashes.
impl fmt::Display for PatternSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternSpec::Fixed(pattern) => pattern.fmt(f),
            PatternSpec::Literal(template) => write!(f, "`{}`", template.source()),
            PatternSpec::Regex { template, .. } => write!(f, "/{}/", template.source()),
        }
    }
}

impl PatternSpec {
    /// Returns `true` if it has named groups.
    pub fn captures(&self) -> bool {
        match self {
            PatternSpec::Fixed(pattern) => !pattern.names().is_empty(),
            PatternSpec::Literal(_) => false,
            PatternSpec::Regex { names, .. } => !names.is_empty(),
        }
    }

    /// Resolves the pattern for one flow.
    ///
    /// # Errors
    /// If a placeholder cannot be computed.
    pub fn resolve(&self, scope: &Scope) -> Result<Pattern, RenderError> {
        match self {
            PatternSpec::Fixed(pattern) => Ok(pattern.clone()),
            PatternSpec::Literal(template) => Ok(Pattern::literal(&template.render(scope)?)),
            PatternSpec::Regex { template, .. } => {
                let source = template.render_with(scope, |value| regex::escape(value).into())?;
                Pattern::regex(&source).map_err(|error| RenderError::NotComputed(error.to_string()))
            }
        }
    }
}

/// Returns `true` if a turn among these, or within them, is like this.
pub fn any_turn(turns: &[Turn], is_so: &dyn Fn(&Turn) -> bool) -> bool {
    turns.iter().any(|turn| {
        let within = match &turn.kind {
            TurnKind::Repeat { turns, .. } => any_turn(turns, is_so),
            TurnKind::FirstOf(alternatives) => alternatives.iter().any(|alternative| {
                matches!(&alternative.then, Then::Do(turns) | Then::DoAgain(turns)
                    if any_turn(turns, is_so))
            }),
            _ => false,
        };
        within || is_so(turn)
    })
}

/// Returns `true` if a plain command is among these turns.
pub(super) fn runs_command(turns: &[Turn]) -> bool {
    any_turn(turns, &|turn| matches!(turn.kind, TurnKind::Run { .. }))
}
