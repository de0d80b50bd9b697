//! State machine of one running script. Pure.
//!
//! It holds the dialogue and the action in progress with all its clocks. Its inputs are the events
//! of the program with their times, its effects are applied by the actor. It knows no process, no
//! actor and no clock, so that every timing rule is tested with made-up time.
//!
//! | state | input | what follows |
//! | --- | --- | --- |
//! | idle | `begin` | the interpreter begins; `Output` or another state |
//! | `Output` | output that is awaited | the interpreter goes on |
//! | `Output` | alarm: a read is awaited, and the program waits for input | the interpreter goes on |
//! | `Output` | output or alarm: a prompt is in the unfinished line, and the program can only read | the interpreter goes on |
//! | `Output` | `Exited` | the interpreter goes on, or the action fails |
//! | `Output` | alarm: a deadline, or 500 ms after the output's end | the action fails |
//! | `RoundPause` | alarm: its time is over | the interpreter goes on |
//! | `AtGates` | `Admitted` | the reply is begun: `ReplyHeld`, `EchoOff` or `Typing` |
//! | `ReplyHeld` | `Released` | the reply is typed: `EchoOff` or `Typing` |
//! | `EchoOff` | alarm: echo is off | `Typing` |
//! | `EchoOff` | alarm: 5 s or a deadline | the action fails |
//! | `Typing` | `Written` | the interpreter goes on |
//! | `Settling` | output, or alarm: the screen has settled, or 5 s without a change | the interpreter goes on |
//! | `Settling` | `Exited` | the action fails, or the interpreter goes on after Enter |
//! | `Settling` | alarm: a deadline | the action fails |
//! | `ReplyHeld`, `Typing` | `NotTyped` | `ReplyFailed` |
//! | `ReplyFailed` | `Exited` | the action fails: the program has ended |
//! | `ReplyFailed` | alarm: 500 ms | the action fails: not sent |
//! | `Pause` | alarm: its time is over | the interpreter goes on |
//! | `Pause`, `AtGates` | alarm: the flow's deadline | the action fails |
//! | `Command` | `CommandEnded` | the interpreter goes on, or the action fails |
//! | `Aftermath` | alarm: 100 ms of silence, or 1 s in all; or `Exited` | the action fails |

pub(super) mod reporting;
#[cfg(test)]
mod tests;
mod typing;
mod vocabulary;
mod waits;

use std::sync::Arc;
use std::time::Instant;

use crate::dialogue::{Dialogue, Finding};
use crate::engine::context::shown;
use crate::engine::messages::ActionKind;
use crate::engine::values::NewValues;
use crate::model::{FailureKind, Happening, InstanceId, ProcessRecord, RunEvent, Stream};
use crate::process::TerminalMode;
use crate::scenario::{Masker, Plan, Scope};
use crate::terminal::{Screen, ScreenFrame, ScreenSize};

use super::action_run::{ActionRun, ActionWait};
use super::interpreter::{Effect, Input, TypedReply};
use super::program::Program;
use super::transcript::Transcript;

pub(super) use vocabulary::{DialogueEvents, MachineCall, ScriptEffect, ScriptInput};

/// Settings of a script machine.
pub(super) struct MachineSettings {
    pub plan: Arc<Plan>,
    pub dialogue_events: DialogueEvents,
}

/// The state machine of one running script.
pub(super) struct ScriptMachine {
    settings: MachineSettings,
    instance: InstanceId,
    dialogue: Dialogue,
    /// The record of what happened to the script, if one is kept.
    transcript: Option<Box<Transcript>>,
    /// The secrets as they were when the last action ended.
    masker: Masker,
    /// The program's record, once it has exited.
    exited: Option<Box<ProcessRecord>>,
    action: Option<ActionRun>,
    /// The moment to emit the unfinished line.
    print_at: Option<Instant>,
    /// The picture of the screen that was emitted last.
    printed: String,
}

impl ScriptMachine {
    pub(super) fn new(
        settings: MachineSettings,
        instance: InstanceId,
        dialogue: Dialogue,
        transcript: Option<Box<Transcript>>,
        masker: Masker,
    ) -> Self {
        ScriptMachine {
            settings,
            instance,
            dialogue,
            transcript,
            masker,
            exited: None,
            action: None,
            print_at: None,
            printed: String::new(),
        }
    }

    /// Begins an action.
    pub(super) fn begin(&mut self, action: ActionRun, call: &mut MachineCall<'_, impl Program>) {
        self.action = Some(action);
        if self.transcript.as_ref().is_some_and(|it| it.is_empty()) {
            // It was begun on a screen that is not blank, maybe with secrets of another flow.
            if let Some(transcript) = &mut self.transcript {
                let secrets = self.masker.values();
                secrets.for_each(|secret| transcript.keep_secret(secret));
            }
            self.note_screen(call.now);
        }
        self.drive(Input::Begin, call);
    }

    /// Takes an input; appends the effects to apply to `effects`.
    pub(super) fn on(&mut self, input: ScriptInput<'_>, call: &mut MachineCall<'_, impl Program>) {
        match input {
            ScriptInput::Output {
                stream,
                bytes,
                at,
                drained,
            } => {
                self.note_terminal_changes(call.program);
                self.output(stream, bytes, at, drained, call.effects);
                self.look(call);
                self.answer_terminal(call.effects);
            }
            ScriptInput::Closed { stream, at } => {
                self.dialogue.closed(stream, at);
                self.look(call);
            }
            ScriptInput::Exited { record, at } => {
                self.print_all(call.effects);
                self.note(
                    Happening::Exited {
                        exit: record.exit,
                        ending: record.ending,
                    },
                    at,
                );
                call.effects.push(ScriptEffect::Emit(RunEvent::ScriptEnded {
                    instance: self.instance,
                    process: record.clone(),
                }));
                self.exited = Some(record);
                self.look(call);
            }
            ScriptInput::Released => {
                if let Some(action) = &mut self.action
                    && let Some(reply) = action.take_held_reply()
                {
                    let next = self.type_reply(reply, call);
                    self.go_on(next, call);
                }
            }
            ScriptInput::Admitted { waited } => match &mut self.action {
                Some(action) => {
                    if let Some(reply) = action.take_held_reply() {
                        action.wait_for_gate(waited);
                        let next = self.begin_reply(reply, call);
                        self.go_on(next, call);
                    }
                }
                None => call.effects.push(ScriptEffect::LeaveGates),
            },
            ScriptInput::Delayed(length) => {
                if let Some(action) = &mut self.action {
                    action.pause_for(length);
                }
            }
            ScriptInput::Preceded(lines) => self.preceded(&lines, call.now, call.effects),
            ScriptInput::Written { at } => {
                let next = self.written(at, call.effects);
                self.go_on(next, call);
            }
            ScriptInput::NotTyped { reason } => {
                if let Some(action) = &mut self.action {
                    action.wait(ActionWait::ReplyFailed {
                        since: call.now,
                        reason,
                    });
                }
                let next = self.exit_input();
                self.go_on(next, call);
            }
            ScriptInput::CommandEnded(Ok(output)) => {
                self.drive(Input::Ran(output), call);
            }
            ScriptInput::CommandEnded(Err(error)) => {
                self.action_over(call.now, Err(error), call);
            }
            ScriptInput::Alarm => self.alarm(call),
        }
    }

    /// Returns the earliest moment at which [`ScriptInput::Alarm`] is due.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        let action = self.action.as_ref().and_then(ActionRun::next_moment);
        [action, self.print_at].into_iter().flatten().min()
    }

    /// Returns the reply that is being typed.
    pub(super) fn reply(&self) -> Option<&TypedReply> {
        match &self.action.as_ref()?.waiting {
            ActionWait::Typing { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// Returns `true` if no action is in progress.
    pub(super) fn is_idle(&self) -> bool {
        self.action.is_none()
    }

    pub(super) fn has_exited(&self) -> bool {
        self.exited.is_some()
    }

    /// Returns the flow's values while an action is in progress.
    pub(super) fn scope(&self) -> Option<&Scope> {
        self.action.as_ref().map(|action| &*action.perform.values)
    }

    /// Returns the present turn's place in the scenario; empty without an action.
    pub(super) fn place(&self) -> String {
        let action = self.action.as_ref();
        action.map_or_else(String::new, |it| it.interpreter.place())
    }

    /// Records something in the transcript.
    pub(super) fn note(&mut self, happening: Happening, at: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.note(happening, at);
        }
    }

    /// Records the present screen in the transcript, with the secrets to hide on it.
    pub(super) fn note_screen(&mut self, at: Instant) {
        let masker = self.present_masker();
        let Some(screen) = self.dialogue.screen() else {
            return;
        };
        if let Some(transcript) = &mut self.transcript {
            masker
                .values()
                .for_each(|secret| transcript.keep_secret(secret));
            let drawing = screen.frame().drawing();
            transcript.note(Happening::Screen { drawing }, at);
        }
    }

    /// Returns the present screen, secrets hidden.
    fn frame(&self) -> Option<ScreenFrame> {
        let mut frame = self.dialogue.screen()?.frame();
        self.present_masker().hide_on_screen(&mut frame);
        Some(frame)
    }

    fn present_masker(&self) -> Masker {
        match &self.action {
            Some(action) => action.perform.values.masker(),
            None => self.masker.clone(),
        }
    }

    /// Records another size of the program's terminal.
    pub(super) fn resized(&mut self, size: ScreenSize, at: Instant) {
        self.dialogue.resized(size, at);
        let ScreenSize { rows, columns } = size;
        self.note(Happening::Resized { rows, columns }, at);
    }

    /// Gives up the action in progress without a report.
    pub(super) fn abandon(&mut self) {
        if let Some(action) = self.action.take() {
            // Further output may show secrets of this action.
            self.masker = action.perform.values.masker();
        }
    }

    /// Serves another flow from now on.
    pub(super) fn assign(&mut self, instance: InstanceId) {
        self.instance = instance;
        if let Some(transcript) = &mut self.transcript {
            let size = self.dialogue.screen().map(Screen::size);
            **transcript = Transcript::new(instance, size);
        }
    }

    /// Takes the lines that were matched so far out of the evidence for the next flow.
    pub(super) fn discard_matched_lines(&mut self) {
        self.dialogue.discard_matched_lines();
    }

    pub(super) fn take_record(&mut self) -> Option<Box<ProcessRecord>> {
        self.exited.take()
    }

    pub(super) fn into_transcript(self) -> Option<Box<Transcript>> {
        self.transcript
    }

    fn output(
        &mut self,
        stream: Stream,
        bytes: &[u8],
        at: Instant,
        drained: bool,
        effects: &mut Vec<ScriptEffect>,
    ) {
        if let Some(transcript) = &mut self.transcript {
            transcript.heard(stream, bytes, at);
        }
        self.dialogue.feed(stream, bytes, at);
        if let Some(action) = &mut self.action
            && let ActionWait::Aftermath { last_output, .. } = &mut action.waiting
        {
            *last_output = at;
        }
        if drained {
            self.dialogue.drained();
        }
        self.print_output(at, effects);
    }

    /// Answers what the program has asked its terminal.
    fn answer_terminal(&mut self, effects: &mut Vec<ScriptEffect>) {
        if self.action.is_none() {
            self.dialogue.apply_to_screen();
        }
        let answer = self.dialogue.take_terminal_answers();
        if !answer.is_empty() {
            effects.push(ScriptEffect::AnswerTerminal(answer));
        }
    }

    fn go_on(&mut self, input: Option<Input>, call: &mut MachineCall<'_, impl Program>) {
        if let Some(input) = input {
            self.drive(input, call);
        }
    }

    /// Drives the interpreter until there is something to wait for.
    fn drive(&mut self, mut input: Input, call: &mut MachineCall<'_, impl Program>) {
        loop {
            let lives = self.exited.is_none();
            let Some(action) = &mut self.action else {
                return;
            };
            let is_evidence = matches!(
                input,
                Input::Found(Finding::Wait { .. }) | Input::Reads { .. } | Input::Exited(_)
            );
            if is_evidence && std::mem::take(&mut action.holds_access) {
                call.effects.push(ScriptEffect::LeaveGates);
            }
            if let Some(point) = action.fault_point() {
                match &input {
                    Input::Found(Finding::Wait { .. }) => {
                        call.effects.push(ScriptEffect::EvidenceCame);
                    }
                    Input::Sent => call.effects.push(ScriptEffect::ReplySent(point)),
                    _ => {}
                }
            }
            let values = &mut action.perform.values;
            let next = action.interpreter.on(input, values, &mut self.dialogue);
            action.time_turn();
            let new_values = action.perform.values.take_new_values();
            if !new_values.is_empty() {
                self.new_values(new_values, call.effects);
            }
            let Some(action) = &mut self.action else {
                return;
            };
            let ready = match next {
                Effect::Listen { within } => {
                    action.listen(call.now, within);
                    action.held_back_before(call.program.held_back());
                    if let Some(point) = action.fault_point() {
                        call.effects.push(ScriptEffect::WaitBegan(point));
                    }
                    self.poll(call)
                }
                Effect::RoundPause { at_most } => {
                    action.wait(ActionWait::RoundPause {
                        until: call.now + at_most,
                    });
                    self.poll(call)
                }
                Effect::KeepListening => {
                    action.wait(ActionWait::Output);
                    self.poll(call)
                }
                Effect::Say(mut reply) => {
                    if let Some(text) = reply.remark.take() {
                        self.note(Happening::Remark { text }, call.now);
                    }
                    self.begin_reply(reply, call)
                }
                Effect::Settle => {
                    action.settle(call.now, None);
                    self.poll(call)
                }
                Effect::SettleAgain => {
                    action.settle(call.now, Some(self.dialogue.screen_reads()));
                    self.poll(call)
                }
                Effect::Resize(size) => {
                    self.resized(size, call.now);
                    call.effects.push(ScriptEffect::Resize(size));
                    Some(Input::Paused)
                }
                Effect::Pause(length) => {
                    action.pause(call.now, length);
                    None
                }
                Effect::Run(argv) => {
                    action.begin_command(call.now);
                    call.effects.push(ScriptEffect::Run(argv));
                    None
                }
                Effect::Done
                    if lives
                        && action.ends_with_reply()
                        && (call.program.echo() != TerminalMode::NoTerminal
                            || call.program.unread() > 0) =>
                {
                    action.wait(ActionWait::Unread {
                        since: call.now,
                        tries: 0,
                        read: 0,
                    });
                    None
                }
                Effect::Done => return self.action_over(call.now, Ok(()), call),
                Effect::Fail(error) if lives && matches!(error.kind, FailureKind::Business(_)) => {
                    action.hear_out(error, call.now);
                    None
                }
                Effect::Fail(error) => return self.action_over(call.now, Err(error), call),
            };
            match ready {
                Some(next) => input = next,
                None => return,
            }
        }
    }

    /// Reports and emits values that the action has learned.
    fn new_values(&self, new_values: NewValues, effects: &mut Vec<ScriptEffect>) {
        let Some(action) = &self.action else { return };
        let place = effects.len();
        if let ActionKind::Step(step) = action.perform.kind {
            effects.extend(new_values.captures.iter().cloned().map(|capture| {
                let (name, value) = shown(&action.perform.values, capture);
                ScriptEffect::Emit(RunEvent::Captured {
                    flow: self.instance.flow,
                    step,
                    name,
                    value,
                })
            }));
        }
        // An event must not be emitted before its value is safe.
        effects.insert(place, ScriptEffect::NewValues(new_values));
    }
}
