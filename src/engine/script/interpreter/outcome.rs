//! Outcomes of waits: evidence, interludes, failures, and the program's end.

use std::sync::Arc;
use std::time::Instant;

use crate::dialogue::{Dialogue, Finding, Pattern};
use crate::engine::values::Snapshot;
use crate::model::{ExitCause, FailureKind, NamedValue};
use crate::scenario::{Reply, ReplyGateSpec, Then, TurnKind};

use super::frames::{Frame, TurnRef, WaitOwner, alternatives, loops};
use super::replying::AfterReply;
use super::vocabulary::{ActionError, Answers, CommandOutput, Effect, TypedReply, exit_in_words};
use super::{ActionInterpreter, State};

impl ActionInterpreter {
    /// A finding of the dialogue has come.
    pub(super) fn heard(
        &mut self,
        heard: Finding,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        match heard {
            Finding::Wait {
                index,
                at,
                captures,
            } => {
                self.evidence_at = Some(at);
                let wait = self.wait.as_ref();
                let (owner, turn) = wait
                    .and_then(|wait| Some((wait.owner(index, &self.frames)?, wait.turn.clone())))
                    .ok_or_else(|| {
                        let message = "something was heard that nothing waits for";
                        ActionError::new(FailureKind::Internal, message)
                    })?;
                self.satisfied(owner, turn, captures, values, dialogue)
            }
            Finding::Interlude { index, .. } => self.interlude(index, values, dialogue),
            Finding::FailOn { category, line, .. } => {
                let shown = values.mask(line.trim()).into_owned();
                Err(ActionError::new(
                    FailureKind::Business(category),
                    format!("the program said `{shown}`"),
                ))
            }
            other => Err(ActionError::new(
                FailureKind::Internal,
                format!("{other:?} is no outcome of a wait"),
            )),
        }
    }

    /// The program waits for its input.
    pub(super) fn reads(
        &mut self,
        at: Instant,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let wait = self.wait.as_ref();
        let owner = wait.and_then(|wait| Some((wait.reads()?, wait.turn.clone())));
        let Some((owner, turn)) = owner else {
            let message = "no turn waits for a read of the program";
            return Err(ActionError::new(FailureKind::Internal, message));
        };
        self.evidence_at = Some(at);
        dialogue.input_awaited();
        self.satisfied(owner, turn, Vec::new(), values, dialogue)
    }

    pub(super) fn interlude(
        &mut self,
        index: usize,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let plan = Arc::clone(&self.plan);
        let interlude = &plan.roles[self.role].interludes[index];
        self.interludes[index] += 1;
        if self.interludes[index] > interlude.at_most {
            return Err(ActionError::new(
                FailureKind::TooOften,
                format!(
                    "the interlude at {}:{} came more than {} times in this step",
                    interlude.place.file, interlude.place.line, interlude.at_most
                ),
            )
            .with_hint("raise its `at_most`, or find out why the program asks again and again"));
        }
        let Some(reply) = &interlude.reply else {
            self.state = State::Waiting;
            return Ok(Effect::KeepListening);
        };
        let reply = self.utter(reply, values, dialogue)?;
        self.state = State::Replying(AfterReply::Resume);
        Ok(Effect::Say(TypedReply {
            answers: Answers::Interlude,
            ..reply
        }))
    }

    /// The wait for `owner` is satisfied.
    pub(super) fn satisfied(
        &mut self,
        owner: WaitOwner,
        turn: Option<TurnRef>,
        captures: Vec<NamedValue>,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        if let WaitOwner::Until(at) = owner {
            let overwrite = match &self.frames[at] {
                Frame::Repeat { turn, .. } => {
                    matches!(
                        &turn.get().kind,
                        TurnKind::Repeat {
                            overwrite: true,
                            ..
                        }
                    )
                }
                _ => false,
            };
            self.capture(captures, overwrite, values)?;
            self.leave_frames(at, dialogue);
            return self.next(values, dialogue);
        }
        self.check_rounds()?;
        let Some(turn) = turn else {
            return Err(ActionError::new(
                FailureKind::Internal,
                "a wait without a turn was satisfied",
            ));
        };
        self.timed.clone_from(&turn.get().name);
        match owner {
            WaitOwner::Exchange => {
                let TurnKind::Exchange {
                    reply, overwrite, ..
                } = &turn.get().kind
                else {
                    unreachable!("only an exchange has this owner");
                };
                self.capture(captures, *overwrite, values)?;
                match reply {
                    None => self.next(values, dialogue),
                    Some(reply) => {
                        let gates = turn.get().gates.clone();
                        self.reply(reply, gates, AfterReply::GoOn, values, dialogue)
                    }
                }
            }
            WaitOwner::Alternative(index) => {
                let alternative = &alternatives(&turn)[index];
                self.place = Some(alternative.place.clone());
                if let Then::Fail(_) = &alternative.then {
                    self.heard_line = dialogue.matched_line().to_owned();
                }
                self.capture(captures, alternative.overwrite, values)?;
                match &alternative.reply {
                    None => self.after_alternative(turn.clone(), index, values, dialogue),
                    Some(reply) => {
                        let after = AfterReply::Then(turn.clone(), index);
                        self.reply(reply, None, after, values, dialogue)
                    }
                }
            }
            WaitOwner::Until(_) => unreachable!("handled above"),
        }
    }

    /// Begins the reply to a wait of the scenario.
    fn reply(
        &mut self,
        reply: &Reply,
        gates: Option<Arc<ReplyGateSpec>>,
        after: AfterReply,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let mut effect = match self.key_sequence(reply, values, dialogue)? {
            Some(sequence) => self.begin_keys(sequence, after, values, dialogue)?,
            None => {
                let reply = self.answer(reply, values, dialogue)?;
                self.state = State::Replying(after);
                Effect::Say(reply)
            }
        };
        if let Effect::Say(reply) = &mut effect {
            reply.gates = gates;
        }
        Ok(effect)
    }

    /// Fails in the round that only waits for the last round's answer: anything but `until` is too
    /// much there.
    pub(super) fn check_rounds(&self) -> Result<(), ActionError> {
        for frame in &self.frames {
            if let Frame::Repeat { turn, round, .. } = frame
                && let TurnKind::Repeat { at_most, .. } = &turn.get().kind
                && round > at_most
            {
                return Err(ActionError::too_many_rounds(*at_most));
            }
        }
        Ok(())
    }

    pub(super) fn after_alternative(
        &mut self,
        turn: TurnRef,
        index: usize,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let in_loop = alternatives(&turn).iter().any(loops);
        match &alternatives(&turn)[index].then {
            Then::GoOn => self.leave_first_of(in_loop, dialogue),
            Then::Again => {}
            Then::Fail(category) => {
                let line = self.heard_line.trim();
                return Err(ActionError::new(
                    FailureKind::Business(category.clone()),
                    format!("the program said `{line}`"),
                ));
            }
            Then::Do(turns) => {
                self.leave_first_of(in_loop, dialogue);
                self.frames.push(Frame::Turns {
                    turns: Arc::clone(turns),
                    next: 0,
                });
            }
            Then::DoAgain(turns) => {
                self.frames.push(Frame::Turns {
                    turns: Arc::clone(turns),
                    next: 0,
                });
            }
        }
        self.next(values, dialogue)
    }

    pub(super) fn leave_first_of(&mut self, in_loop: bool, dialogue: &mut Dialogue) {
        if in_loop {
            let innermost = self
                .frames
                .iter()
                .rposition(|f| matches!(f, Frame::FirstOf { .. }));
            self.leave_frames(
                innermost.expect("a looping first_of has its frame"),
                dialogue,
            );
        }
    }

    /// Leaves the frame at `at` and all within it.
    pub(super) fn leave_frames(&mut self, at: usize, dialogue: &mut Dialogue) {
        for frame in self.frames.drain(at..) {
            if !matches!(frame, Frame::Turns { .. }) {
                dialogue.leave_loop();
            }
        }
    }

    pub(super) fn capture(
        &mut self,
        captures: Vec<NamedValue>,
        overwrite: bool,
        values: &mut Snapshot,
    ) -> Result<(), ActionError> {
        for capture in captures {
            let captured = values.capture(capture, overwrite || self.overwrites);
            captured.map_err(|change| {
                ActionError::new(
                    FailureKind::CaptureChanged,
                    values.mask(&change.to_string()).into_owned(),
                )
                .with_hint("if it may change, write `overwrite: true` beside it")
            })?;
        }
        Ok(())
    }

    /// The program has ended; `None` if its exit is not known.
    pub(super) fn exited(
        &mut self,
        exit: Option<ExitCause>,
        values: &mut Snapshot,
        dialogue: &mut Dialogue,
    ) -> Result<Effect, ActionError> {
        let wanted = |(_, code): &(WaitOwner, i32)| exit == Some(ExitCause::Code(*code));
        let wait = self.wait.as_ref();
        let satisfied = wait.and_then(|wait| {
            let (owner, _) = wait.exits().find(wanted)?;
            Some((owner, wait.turn.clone()))
        });
        if let Some((owner, turn)) = satisfied {
            self.evidence_at = Some(Instant::now());
            return self.satisfied(owner, turn, Vec::new(), values, dialogue);
        }
        let how = exit_in_words(exit);
        if wait.is_none_or(|wait| wait.exits().next().is_none()) {
            let message = format!("the program ended {how} before it printed the expected text");
            return Err(ActionError::new(FailureKind::EndedEarly, message));
        }
        Err(ActionError::new(
            FailureKind::WrongExit,
            format!("the program ended {how}"),
        ))
    }

    pub(super) fn ran(
        &mut self,
        turn: &TurnRef,
        output: &CommandOutput,
        values: &mut Snapshot,
    ) -> Result<(), ActionError> {
        let TurnKind::Run { see, overwrite, .. } = &turn.get().kind else {
            unreachable!("only a run turn runs a command");
        };
        let end = match values.mask(last_lines(&output.text, 3)) {
            printed if printed.trim().is_empty() => "it printed nothing".to_owned(),
            printed => format!("it printed `{printed}`"),
        };
        if output.exit != ExitCause::Code(0) {
            return Err(ActionError::new(
                FailureKind::CommandFailed,
                format!("the command ended with {}; {end}", output.exit),
            ));
        }
        for spec in see {
            let pattern = spec.resolve(values)?;
            let found = output
                .text
                .lines()
                .find_map(|line| found_in(&pattern, line));
            match found {
                Some(captures) => self.capture(captures, *overwrite, values)?,
                None => {
                    return Err(ActionError::new(
                        FailureKind::CommandFailed,
                        format!("the command did not print {pattern}; {end}"),
                    ));
                }
            }
        }
        self.evidence_at = Some(Instant::now());
        self.timed.clone_from(&turn.get().name);
        Ok(())
    }
}

/// Returns the captures of the first match in the line, if there is one.
fn found_in(pattern: &Pattern, line: &str) -> Option<Vec<NamedValue>> {
    let range = pattern.find(line, 0..line.len())?;
    Some(pattern.captures(line, range.start, range.end))
}

fn last_lines(text: &str, count: usize) -> &str {
    let text = text.trim_end();
    match text.rmatch_indices('\n').nth(count - 1) {
        Some((at, _)) => &text[at + 1..],
        None => text,
    }
}
