//! The interpreter of an action's turns: decides, without doing anything itself, what comes next.
//!
//! The script machine hands in an [`Input`] for everything that happens, and applies the [`Effect`]
//! that comes back. No clock, no process and no actor is known here, so that every path can be
//! tested
//! with made-up output.
//!
//! | state | input | what follows |
//! | --- | --- | --- |
//! | `Ready` | `Begin` | the next turn is begun |
//! | `Listening` | `Heard(wait)` | captures; then its reply, or what follows it |
//! | `Listening` | `Heard(interlude)` | the interlude's reply, then `Listening` as before |
//! | `Listening` | `Exited` | the `exits` wait is satisfied, or the action fails |
//! | `Listening` | `Lingered` | the pause between two rounds is over, the next round begins |
//! | `Speaking` | `Said` | what follows the reply |
//! | `Speaking` | `Exited` | the action fails: the reply could not be given any more |
//! | `Pausing` | `Paused` | the next turn |
//! | `Commanding` | `Ran` | its captures; the next turn |
//! | any | a fault | `Over`: nothing follows any more |

mod outcome;
mod reply;
#[cfg(test)]
mod tests;
mod vocabulary;
mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dialogue::{Dialogue, On, Pattern, WaitSet};
use crate::model::{FailureKind, NamedValue};
use crate::scenario::{
    Alternative, Plan, Role, Scope, SourceLocation, Step, Then, Turn, TurnKind, Wait,
};

use wait::{Listening, repeats};

pub(in crate::engine) use vocabulary::{
    ActionError, Answers, CommandOutput, Effect, Input, TypedReply,
};

/// A turn by the list in which it stands.
#[derive(Debug, Clone)]
struct TurnRef {
    turns: Arc<[Turn]>,
    index: usize,
}

impl TurnRef {
    fn get(&self) -> &Turn {
        &self.turns[self.index]
    }
}

/// A nesting level of what is performed, innermost last.
#[derive(Debug)]
enum Frame {
    /// A list of turns, and the next one of them.
    Turns { turns: Arc<[Turn]>, next: usize },
    /// A `repeat`, in its `round`th round (from 1).
    Repeat {
        turn: TurnRef,
        round: u32,
        until: Pattern,
    },
    /// A `first_of` that may wait again.
    FirstOf {
        turn: TurnRef,
        /// What it waits for: the same each time, so that the dialogue can go on where it was.
        wait: Option<Listening>,
    },
}

/// The owner of a pattern of the present wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// The turn itself (`Exchange`).
    Exchange,
    /// One of the alternatives of a `first_of`.
    Alternative(usize),
    /// The `until` of the `repeat` at this place in the frames.
    Until(usize),
}

#[derive(Debug)]
enum State {
    Ready,
    /// For what the present wait is for.
    Listening,
    Speaking(AfterReply),
    Pausing,
    Commanding {
        turn: TurnRef,
    },
    Over,
}

/// The continuation after a reply has been typed.
#[derive(Debug)]
enum AfterReply {
    GoOn,
    Then(TurnRef, usize),
    /// The reply was an interlude's: the wait goes on.
    Resume,
}

/// The interpreter of one action of one script instance.
#[derive(Debug)]
pub(super) struct ActionInterpreter {
    plan: Arc<Plan>,
    role: usize,
    tolerated: Vec<String>,
    provides: Vec<String>,
    terminal: bool,
    /// Captures may change, whatever their turns say.
    overwrites: bool,
    rng: fastrand::Rng,
    frames: Vec<Frame>,
    state: State,
    /// Number of answers to each interlude in this action.
    interludes: Vec<u32>,
    /// The present turn's place in the scenario.
    place: Option<SourceLocation>,
    /// The present wait, or the last one.
    wait: Option<Listening>,
    /// The line in which it was heard, if a message is to show it.
    heard_line: String,
    /// The moment of the last awaited evidence.
    evidence_at: Option<Instant>,
    /// The name of the turn that was just heard, if it has one.
    timed: Option<Arc<str>>,
    /// Captures made since they were last taken.
    fresh_captures: Vec<NamedValue>,
}

impl ActionInterpreter {
    /// Creates an interpreter of `turns` by the role at `role`; `step` gives what the step
    /// tolerates and
    /// must provide, and is `None` for `leave`.
    pub(super) fn new(
        plan: Arc<Plan>,
        role: usize,
        turns: Arc<[Turn]>,
        step: Option<&Step>,
        terminal: bool,
        seed: u64,
    ) -> Self {
        let interludes = vec![0; plan.roles[role].interludes.len()];
        ActionInterpreter {
            role,
            tolerated: step.map(|s| s.tolerate.clone()).unwrap_or_default(),
            provides: step.map(|s| s.provides.clone()).unwrap_or_default(),
            terminal,
            overwrites: false,
            rng: fastrand::Rng::with_seed(seed),
            frames: vec![Frame::Turns { turns, next: 0 }],
            state: State::Ready,
            interludes,
            place: None,
            wait: None,
            heard_line: String::new(),
            evidence_at: None,
            timed: None,
            fresh_captures: Vec::new(),
            plan,
        }
    }

    /// Performs these turns before the others.
    pub(super) fn begin_with(&mut self, turns: Arc<[Turn]>) {
        self.frames.push(Frame::Turns { turns, next: 0 });
    }

    /// Lets captures take other values than they have.
    pub(super) fn overwrite_all(&mut self) {
        self.overwrites = true;
    }

    /// Returns the present turn's place in the scenario; empty before the first.
    pub(super) fn place(&self) -> String {
        self.place
            .as_ref()
            .map(|place| format!("{}:{}", place.file, place.line))
            .unwrap_or_default()
    }

    /// Returns what the present wait is for, as text for people.
    pub(super) fn awaited(&self) -> Vec<String> {
        let Some(wait) = &self.wait else {
            return Vec::new();
        };
        let patterns = wait.set.patterns().iter();
        let patterns = patterns.map(|(on, pattern)| describe_wait(*on, pattern));
        let exits = wait.exits();
        let exits = exits.map(|(_, code)| format!("the program's end with exit code {code}"));
        patterns.chain(exits).collect()
    }

    /// Returns a hint if the awaited text is there, but not where it was looked for.
    pub(super) fn misplaced(&self, dialogue: &Dialogue) -> Option<String> {
        let lines = dialogue.lines();
        let is_there = |pattern: &Pattern| {
            lines
                .iter()
                .any(|line| pattern.find(line, 0..line.len()).is_some())
        };
        let wait = self.wait.as_ref()?;
        let (on, pattern) = wait
            .set
            .patterns()
            .iter()
            .find(|(_, pattern)| is_there(pattern))?;
        Some(match on {
            On::Prompt => format!(
                "{pattern} is there as a complete line: await it with `see` instead of `prompt`"
            ),
            On::Line => format!(
                "{pattern} is there in the unfinished line: await it with `prompt` instead of `see`"
            ),
        })
    }

    /// The name of the present turn, if it has one.
    pub(super) fn turn_name(&self) -> Option<&str> {
        let turn = self.wait.as_ref()?.turn.as_ref()?;
        turn.get().name.as_deref()
    }

    /// The moment of the last awaited evidence.
    pub(super) fn evidence_at(&self) -> Option<Instant> {
        self.evidence_at
    }

    /// The name of the turn whose evidence came since the last call, if it has one.
    pub(super) fn take_timed(&mut self) -> Option<Arc<str>> {
        self.timed.take()
    }

    /// The captures made since the last call.
    pub(super) fn take_captures(&mut self) -> Vec<NamedValue> {
        std::mem::take(&mut self.fresh_captures)
    }

    /// Returns `true` if the present wait is for the program's end.
    pub(super) fn expects_exit(&self) -> bool {
        let wait = self.wait.as_ref();
        matches!(self.state, State::Listening) && wait.is_some_and(|it| it.exits().next().is_some())
    }

    /// Returns what to do after `input`.
    pub(super) fn on(
        &mut self,
        input: Input,
        scope: &mut Scope,
        dialogue: &mut Dialogue,
    ) -> Effect {
        match self.advance(input, scope, dialogue) {
            Ok(next) => next,
            Err(fault) => {
                self.state = State::Over;
                Effect::Fail(fault)
            }
        }
    }

    fn role(&self) -> &Role {
        &self.plan.roles[self.role]
    }

    fn advance(
        &mut self,
        input: Input,
        scope: &mut Scope,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, input) {
            (State::Ready, Input::Begin) | (State::Pausing, Input::Paused) => {
                self.next(scope, dialogue)
            }
            (State::Listening, Input::Heard(heard)) => self.heard(heard, scope, dialogue),
            (State::Listening, Input::Exited(exit)) => self.exited(exit, scope, dialogue),
            (State::Listening, Input::Lingered) => self.next(scope, dialogue),
            (State::Speaking(after), Input::Said) => match after {
                AfterReply::GoOn => self.next(scope, dialogue),
                AfterReply::Then(turn, index) => {
                    self.after_alternative(turn, index, scope, dialogue)
                }
                AfterReply::Resume => {
                    self.state = State::Listening;
                    Ok(Effect::KeepListening)
                }
            },
            (State::Speaking(_), Input::Exited(exit)) => Err(outcome::unanswered(exit)),
            (State::Commanding { turn }, Input::Ran(output)) => {
                self.ran(&turn, &output, scope)?;
                self.next(scope, dialogue)
            }
            (state, input) => Err(ActionError::new(
                FailureKind::Internal,
                format!("the input {input:?} does not fit the state {state:?}"),
            )),
        }
    }

    /// Begins whatever comes next.
    fn next(&mut self, scope: &mut Scope, dialogue: &mut Dialogue) -> Result<Effect, ActionError> {
        loop {
            let Some(top) = self.frames.last_mut() else {
                return self.finish(scope);
            };
            match top {
                Frame::Turns { turns, next } => {
                    if *next < turns.len() {
                        let turn = TurnRef {
                            turns: Arc::clone(turns),
                            index: *next,
                        };
                        *next += 1;
                        if let Some(next) = self.begin_turn(turn, scope, dialogue)? {
                            return Ok(next);
                        }
                    } else {
                        self.frames.pop();
                    }
                }
                Frame::Repeat { turn, round, .. } => {
                    let turn = turn.clone();
                    let TurnKind::Repeat {
                        turns,
                        at_most,
                        every,
                        ..
                    } = &turn.get().kind
                    else {
                        unreachable!("a repeat frame holds a repeat turn");
                    };
                    *round += 1;
                    // The round after the last allowed one is begun only to hear whether `until`
                    // came as the answer to the last one: see `heard`.
                    if *round > *at_most + 1 {
                        return Err(too_many_rounds(*at_most));
                    }
                    let pause = every.filter(|_| *round > 1);
                    self.frames.push(Frame::Turns {
                        turns: Arc::clone(turns),
                        next: 0,
                    });
                    if let Some(at_most) = pause {
                        self.listen(None, scope, dialogue)?;
                        return Ok(Effect::Linger { at_most });
                    }
                }
                Frame::FirstOf { turn, wait } => {
                    let turn = turn.clone();
                    if let Some(wait) = wait.clone() {
                        self.begin_wait(wait, dialogue);
                        return Ok(Effect::Listen {
                            within: turn.get().within,
                        });
                    }
                    let within = turn.get().within;
                    self.listen(Some(turn), scope, dialogue)?;
                    let begun = self.wait.clone();
                    if let Some(Frame::FirstOf { wait, .. }) = self.frames.last_mut() {
                        *wait = begun;
                    }
                    return Ok(Effect::Listen { within });
                }
            }
        }
    }

    /// All turns are done: the step is, if it provides what it promised.
    fn finish(&mut self, scope: &Scope) -> Result<Effect, ActionError> {
        let missing: Vec<&str> = self
            .provides
            .iter()
            .map(String::as_str)
            .filter(|name| {
                !scope
                    .captures()
                    .iter()
                    .any(|(captured, _)| **captured == **name)
            })
            .collect();
        if missing.is_empty() {
            self.state = State::Over;
            return Ok(Effect::Done);
        }
        Err(ActionError::new(
            FailureKind::NotProvided,
            format!("the step ended without a value for {}", missing.join(", ")),
        )
        .with_hint("the branch that was taken captures no such value: let every alternative that counts as success capture it"))
    }

    /// Begins one turn; `None` if it is over already.
    fn begin_turn(
        &mut self,
        turn: TurnRef,
        scope: &mut Scope,
        dialogue: &mut Dialogue,
    ) -> Result<Option<Effect>, ActionError> {
        let entry = turn.get();
        self.place = Some(entry.place.clone());
        match &entry.kind {
            TurnKind::Exchange { .. } => {
                let within = entry.within;
                self.listen(Some(turn), scope, dialogue)?;
                Ok(Some(Effect::Listen { within }))
            }
            TurnKind::FirstOf(alternatives) => {
                if alternatives.iter().any(loops) {
                    dialogue.enter_loop();
                    self.frames.push(Frame::FirstOf { turn, wait: None });
                    return Ok(None);
                }
                let within = entry.within;
                self.listen(Some(turn), scope, dialogue)?;
                Ok(Some(Effect::Listen { within }))
            }
            TurnKind::Repeat { until, .. } => {
                let until = until.resolve(scope)?;
                dialogue.enter_loop();
                self.frames.push(Frame::Repeat {
                    turn,
                    round: 0,
                    until,
                });
                Ok(None)
            }
            TurnKind::Think { least, most } => {
                self.state = State::Pausing;
                Ok(Some(Effect::Pause(self.draw(*least, *most))))
            }
            TurnKind::Assert(expression) => {
                if expression.is_true(scope)? {
                    return Ok(None);
                }
                Err(ActionError::new(
                    FailureKind::AssertionFailed,
                    format!(
                        "`{}` is not true: {}",
                        expression.source(),
                        expression.values(scope)
                    ),
                ))
            }
            TurnKind::Run { argv, .. } => {
                let argv = argv
                    .iter()
                    .map(|word| word.render(scope))
                    .collect::<Result<_, _>>()?;
                self.state = State::Commanding { turn };
                Ok(Some(Effect::Run(argv)))
            }
        }
    }

    fn draw(&mut self, least: Duration, most: Duration) -> Duration {
        if most <= least {
            return least;
        }
        least + (most - least).mul_f64(self.rng.f64())
    }

    /// Begins the wait of `turn`, in which the `until` of every `repeat` around it counts as well.
    fn listen(
        &mut self,
        turn: Option<TurnRef>,
        scope: &Scope,
        dialogue: &mut Dialogue,
    ) -> Result<(), ActionError> {
        let untils = repeats(&self.frames).count();
        let common = turn.as_ref().filter(|_| untils == 0);
        let set = match common.and_then(|turn| turn.get().common_waits()) {
            Some(set) if self.tolerated.is_empty() => set.clone(),
            Some(set) => set.again(self.tolerated.clone()),
            None => {
                let patterns = self.patterns(turn.as_ref(), scope)?;
                WaitSet::new(&patterns, self.tolerated.clone())
            }
        };
        self.begin_wait(Listening { turn, untils, set }, dialogue);
        Ok(())
    }

    /// Builds the wait of `turn`, with the values of this flow. Every `until` first: what ends a
    /// repeat wins over what goes on with it at the same place.
    fn patterns(
        &self,
        turn: Option<&TurnRef>,
        scope: &Scope,
    ) -> Result<Vec<(On, Pattern)>, ActionError> {
        let mut patterns = Vec::new();
        for frame in &self.frames {
            if let Frame::Repeat { turn, until, .. } = frame
                && let TurnKind::Repeat { on, .. } = &turn.get().kind
            {
                patterns.push((*on, until.clone()));
            }
        }
        for wait in turn.into_iter().flat_map(|turn| turn.get().waits()) {
            if let Wait::For { on, pattern } = wait {
                patterns.push((*on, pattern.resolve(scope)?));
            }
        }
        Ok(patterns)
    }

    fn begin_wait(&mut self, wait: Listening, dialogue: &mut Dialogue) {
        if let Some(turn) = &wait.turn {
            self.place = Some(turn.get().place.clone());
        }
        dialogue.begin(&wait.set);
        self.wait = Some(wait);
        self.state = State::Listening;
    }
}

fn alternatives(turn: &TurnRef) -> &[Alternative] {
    match &turn.get().kind {
        TurnKind::FirstOf(alternatives) => alternatives,
        _ => unreachable!("only a first_of has alternatives"),
    }
}

fn loops(alternative: &Alternative) -> bool {
    matches!(alternative.then, Then::Again | Then::DoAgain(_))
}

/// A wait in words: "prompt `Password:`", "line /Order ID: (?<order_id>.+)/".
fn describe_wait(on: On, pattern: &Pattern) -> String {
    match on {
        On::Prompt => format!("prompt {pattern}"),
        On::Line => format!("line {pattern}"),
    }
}

fn too_many_rounds(at_most: u32) -> ActionError {
    ActionError::new(
        FailureKind::TooOften,
        format!("what the repeat waits for did not come within {at_most} rounds"),
    )
}
