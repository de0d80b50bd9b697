//! Interpreter of an action's turns. Pure.
//!
//! The script machine hands in an [`Input`] for every event and applies the [`Effect`] that comes
//! back. The interpreter knows no clock, no process and no actor, so that every path is tested with
//! made-up output.
//!
//! | state | input | what follows |
//! | --- | --- | --- |
//! | `Ready` | `Begin` | the next turn is begun |
//! | `Waiting` | `Found(wait)` | captures; then its reply, or what follows it |
//! | `Waiting` | `Found(interlude)` | the interlude's reply, then `Waiting` as before |
//! | `Waiting` | `Reads` | the `reads` wait is satisfied |
//! | `Waiting` | `Exited` | the `exits` wait is satisfied, or the action fails |
//! | `Waiting` | `RoundPauseOver` | the pause between two rounds is over, the next round begins |
//! | `Replying` | `Sent` | what follows the reply |
//! | `Replying` | `Exited` | the action fails: the reply could not be given any more |
//! | `TypingKeys` | `Sent` | the screen settles; after the last key, what follows the reply |
//! | `TypingKeys` | `Settled` | the next key, or another look at the screen |
//! | `TypingKeys` | `Exited` | the action fails: the reply could not be given any more |
//! | `Pausing` | `Paused` | the next turn |
//! | `RunningCommand` | `Ran` | its captures; the next turn |
//! | any | a fault | `Over`: nothing follows any more |

mod earlier;
mod frames;
mod hints;
mod keys;
mod outcome;
mod reply;
mod replying;
#[cfg(test)]
mod tests;
mod turns;
mod vocabulary;

use std::sync::Arc;
use std::time::Instant;

use crate::dialogue::{Awaited, Dialogue};
use crate::engine::values::Snapshot;
use crate::model::FailureKind;
use crate::scenario::{Plan, Role, SourceLocation, Step, Turn};

use earlier::EarlierOutput;
use frames::{Frame, OpenWait, TurnRef};
use replying::{AfterReply, KeyTyping};

pub(in crate::engine) use vocabulary::{
    ActionError, Answers, CommandOutput, Effect, Input, TypedReply,
};

#[derive(Debug)]
enum State {
    Ready,
    /// The present wait goes on.
    Waiting,
    Replying(AfterReply),
    /// A reply is typed key by key.
    TypingKeys(Box<KeyTyping>),
    Pausing,
    RunningCommand {
        turn: TurnRef,
    },
    Over,
}

/// The interpreter of one action of one script instance.
#[derive(Debug)]
pub(super) struct ActionInterpreter {
    plan: Arc<Plan>,
    role: usize,
    tolerated: Vec<String>,
    provides: Vec<String>,
    terminal: bool,
    /// True if captures may change even where their turns do not allow it.
    overwrites: bool,
    rng: fastrand::Rng,
    frames: Vec<Frame>,
    state: State,
    /// Number of answers to each interlude in this action.
    interludes: Vec<u32>,
    /// The present turn's place in the scenario.
    place: Option<SourceLocation>,
    /// The present wait, or the last one. None in turns that await nothing, and for a command.
    wait: Option<OpenWait>,
    /// The output before the last reply, if a `pick` looks for its row there.
    earlier: Option<EarlierOutput>,
    /// The awaited result of the present command, in words.
    command_wait: Option<String>,
    /// The line with its evidence, if a message is to show it.
    heard_line: String,
    /// The moment of the last awaited evidence.
    evidence_at: Option<Instant>,
    /// The name of the turn whose evidence has just come, if it has one.
    timed: Option<Arc<str>>,
}

impl ActionInterpreter {
    /// Creates an interpreter of `turns` by the role at `role`. `step`, if it is one, says which
    /// failures are tolerated and which values must be provided.
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
            state: State::Ready,
            interludes,
            place: None,
            wait: None,
            earlier: EarlierOutput::if_wanted(&turns),
            command_wait: None,
            heard_line: String::new(),
            evidence_at: None,
            timed: None,
            frames: vec![Frame::Turns { turns, next: 0 }],
            plan,
        }
    }

    /// Puts these turns before the others.
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

    /// Returns the patterns and exits of the present wait in words.
    pub(super) fn awaited(&self) -> Vec<String> {
        if let State::TypingKeys(typing) = &self.state {
            return vec![format!(
                "the effect of its keys on the screen (`{}`)",
                typing.reply
            )];
        }
        let Some(wait) = &self.wait else {
            return self.command_wait.iter().cloned().collect();
        };
        let patterns = wait.set.awaited().iter().map(Awaited::to_string);
        let exits = wait.exits();
        let exits = exits.map(|(_, code)| format!("the program's end with exit code {code}"));
        let reads = wait.reads().map(|_| "a read of its input".to_owned());
        patterns.chain(exits).chain(reads).collect()
    }

    /// Returns the name of the present turn, if it has one.
    pub(super) fn turn_name(&self) -> Option<&str> {
        let turn = self.wait.as_ref()?.turn.as_ref()?;
        turn.get().name.as_deref()
    }

    /// Returns the moment of the last awaited evidence.
    pub(super) fn evidence_at(&self) -> Option<Instant> {
        self.evidence_at
    }

    /// Takes the name of the turn whose evidence has come since the last call, if it has one.
    pub(super) fn take_timed(&mut self) -> Option<Arc<str>> {
        self.timed.take()
    }

    /// Returns `true` if the present wait is for the program's end.
    pub(super) fn expects_exit(&self) -> bool {
        let wait = self.wait.as_ref();
        matches!(self.state, State::Waiting) && wait.is_some_and(|it| it.exits().next().is_some())
    }

    /// Returns `true` if the present wait is also for a read of the program.
    pub(super) fn expects_read(&self) -> bool {
        let wait = self.wait.as_ref();
        matches!(self.state, State::Waiting) && wait.is_some_and(|it| it.reads().is_some())
    }

    /// Returns the effect that follows on `input`.
    pub(super) fn on(
        &mut self,
        input: Input,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Effect {
        match self.advance(input, values, dialogue) {
            Ok(next) => next,
            Err(fault) => {
                self.state = State::Over;
                Effect::Fail(fault)
            }
        }
    }

    /// The reply was typed as a whole.
    fn replied(
        &mut self,
        after: AfterReply,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        match after {
            AfterReply::GoOn => self.next(values, dialogue),
            AfterReply::Then(turn, index) => self.after_alternative(turn, index, values, dialogue),
            AfterReply::Resume => {
                self.state = State::Waiting;
                Ok(Effect::KeepListening)
            }
        }
    }

    fn role(&self) -> &Role {
        &self.plan.roles[self.role]
    }

    fn advance(
        &mut self,
        input: Input,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, input) {
            (State::Ready, Input::Begin) | (State::Pausing, Input::Paused) => {
                self.next(values, dialogue)
            }
            (State::Waiting, Input::Found(heard)) => self.heard(heard, values, dialogue),
            (State::Waiting, Input::Reads { at }) => self.reads(at, values, dialogue),
            (State::Waiting, Input::Exited(exit)) => self.exited(exit, values, dialogue),
            (State::Waiting, Input::RoundPauseOver) => self.next(values, dialogue),
            (State::Replying(after), Input::Sent) => self.replied(after, values, dialogue),
            (State::TypingKeys(typing), Input::Sent) => self.key_typed(*typing, values, dialogue),
            (State::TypingKeys(typing), Input::Settled { is_overdue }) => {
                self.settled(*typing, is_overdue, values, dialogue)
            }
            (State::TypingKeys(typing), Input::Exited(_)) if typing.is_submitted => {
                self.replied(typing.after, values, dialogue)
            }
            (State::Replying(_) | State::TypingKeys(_), Input::Exited(exit)) => {
                Err(ActionError::unanswered(exit))
            }
            (State::RunningCommand { turn }, Input::Ran(output)) => {
                self.ran(&turn, &output, values)?;
                self.next(values, dialogue)
            }
            (state, input) => Err(ActionError::new(
                FailureKind::Internal,
                format!("the input {input:?} does not fit the state {state:?}"),
            )),
        }
    }
}
