//! Typing of replies: held for faults and until the echo is off, then typed and recorded.

use std::time::{Duration, Instant};

use crate::dialogue::ReplyPart;
use crate::engine::script::action_run::{ActionWait, ECHO_PATIENCE};
use crate::engine::script::interpreter::{ActionError, Answers, Input, TypedReply};
use crate::engine::script::program::Program;
use crate::model::{FailureKind, RunEvent};
use crate::process::TerminalMode;
use crate::terminal::{EchoMode, Typed};

use super::ScriptMachine;
use super::vocabulary::{DialogueEvents, MachineCall, ScriptEffect};

/// Silence after which an unfinished line is emitted.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

impl ScriptMachine {
    fn print(&mut self, text: Option<String>, effects: &mut Vec<ScriptEffect>) {
        let Some(heard) = text else { return };
        let text = match &self.action {
            Some(action) => action.perform.values.masker().mask_cut(&heard),
            None => self.masker.mask_cut(&heard),
        };
        effects.push(ScriptEffect::Emit(RunEvent::Heard {
            instance: self.instance,
            text,
        }));
    }

    /// Emits all output since the last time, including the unfinished line; for a role with a
    /// screen, its picture if that has changed.
    pub(super) fn print_all(&mut self, effects: &mut Vec<ScriptEffect>) {
        if self.settings.dialogue_events == DialogueEvents::Never {
            return;
        }
        let rest = self.dialogue.take_rest();
        if self.dialogue.screen().is_some() {
            self.print_screen(effects);
        } else {
            self.print(rest, effects);
        }
    }

    fn print_screen(&mut self, effects: &mut Vec<ScriptEffect>) {
        self.dialogue.apply_unless_awaited();
        let Some(picture) = self.frame().map(|frame| frame.picture()) else {
            return;
        };
        if self.printed != picture {
            self.printed.clone_from(&picture);
            effects.push(ScriptEffect::Emit(RunEvent::Heard {
                instance: self.instance,
                text: picture,
            }));
        }
    }

    /// Emits complete lines of output. An unfinished line follows after a silence: it may be the
    /// prompt at which the program waits. A screen is emitted before replies and at the end of an
    /// action only: between them it is half drawn.
    pub(super) fn print_output(&mut self, at: Instant, effects: &mut Vec<ScriptEffect>) {
        if self.dialogue.screen().is_some() {
            return;
        }
        if self.settings.dialogue_events == DialogueEvents::Promptly {
            let lines = self.dialogue.take_lines();
            self.print(lines, effects);
            self.print_at = Some(at + PATIENCE);
        }
    }

    /// Begins a reply, after its gates and the faults that are due before it.
    pub(super) fn begin_reply(
        &mut self,
        mut reply: TypedReply,
        call: &mut MachineCall<'_, impl Program>,
    ) -> Option<Input> {
        let action = self.action.as_mut()?;
        if let Some(gates) = reply.gates.take() {
            action.holds_access = gates.exclusive.is_some();
            call.effects.push(ScriptEffect::PassGates(gates));
            action.wait(ActionWait::AtGates(reply));
            return None;
        }
        if reply.answers == Answers::Wait
            && let Some(point) = action.fault_point()
        {
            call.effects.push(ScriptEffect::BeforeReply(point));
            action.wait(ActionWait::ReplyHeld(reply));
            return None;
        }
        self.type_reply(reply, call)
    }

    /// Types a reply now, or when the terminal's echo is off.
    pub(super) fn type_reply(
        &mut self,
        reply: TypedReply,
        call: &mut MachineCall<'_, impl Program>,
    ) -> Option<Input> {
        let action = self.action.as_mut()?;
        if self.exited.is_some() {
            action.wait(ActionWait::ReplyFailed {
                since: call.now,
                reason: "its input is closed".to_owned(),
            });
            return self.exit_input();
        }
        let echo = call.program.echo();
        if reply.secret && shows_input(echo) {
            action.wait(ActionWait::EchoOff {
                since: call.now,
                tries: 0,
                reply,
            });
            return None;
        }
        let is_filtered = action.is_filtered;
        action.wait(ActionWait::Typing {
            reply,
            mode: echo_mode(echo),
            is_recorded: false,
        });
        if is_filtered {
            // Faults of the reply are recorded after the output before them.
            self.print_all(call.effects);
        }
        call.effects.push(ScriptEffect::Type);
        None
    }

    /// Records lines that a fault has typed before the reply, and the reply after them.
    pub(super) fn preceded(
        &mut self,
        lines: &[Typed],
        now: Instant,
        effects: &mut Vec<ScriptEffect>,
    ) {
        let Some(action) = &mut self.action else {
            return;
        };
        let ActionWait::Typing {
            reply,
            mode,
            is_recorded,
        } = &mut action.waiting
        else {
            return;
        };
        *is_recorded = true;
        for (place, line) in lines.iter().chain([&reply.typed]).enumerate() {
            if place == 0 {
                self.dialogue.typed_on_screen(line, ReplyPart::First, now);
                self.dialogue.answered(line, *mode);
            } else {
                self.dialogue.typed_on_screen(line, ReplyPart::Further, now);
                self.dialogue.also_typed(line, *mode);
            }
        }
        let shown = lines.iter().map(|line| shown(line.bytes()));
        for text in shown.chain([reply.shown.clone().into_owned()]) {
            if let Some(transcript) = &mut self.transcript {
                transcript.said(&text, now);
            }
            if self.settings.dialogue_events != DialogueEvents::Never {
                effects.push(ScriptEffect::Emit(RunEvent::Said {
                    instance: self.instance,
                    text,
                }));
            }
        }
        if let Some(transcript) = &mut self.transcript
            && reply.secret
        {
            transcript.keep_secret(reply.typed.line_text());
        }
    }

    /// Records the reply that was typed at `at`.
    pub(super) fn written(
        &mut self,
        at: Instant,
        effects: &mut Vec<ScriptEffect>,
    ) -> Option<Input> {
        let action = self.action.as_mut()?;
        let waiting = std::mem::replace(&mut action.waiting, ActionWait::Output);
        let ActionWait::Typing {
            reply,
            mode,
            is_recorded,
        } = waiting
        else {
            action.waiting = waiting;
            return None;
        };
        action.said(at);
        if is_recorded {
            return Some(Input::Sent);
        }
        self.print_all(effects);
        if let Some(transcript) = &mut self.transcript {
            transcript.said(&reply.shown, at);
            if reply.secret {
                transcript.keep_secret(reply.typed.line_text());
            }
        }
        let part = match reply.answers {
            Answers::Wait => ReplyPart::First,
            Answers::Further => ReplyPart::Further,
            Answers::Interlude => ReplyPart::Interlude,
        };
        self.dialogue.typed_on_screen(&reply.typed, part, at);
        match reply.answers {
            Answers::Wait | Answers::Further => self.dialogue.answered(&reply.typed, mode),
            Answers::Interlude => self.dialogue.answered_interlude(&reply.typed, mode),
        }
        if self.settings.dialogue_events != DialogueEvents::Never {
            effects.push(ScriptEffect::Emit(RunEvent::Said {
                instance: self.instance,
                text: reply.shown.into_owned(),
            }));
        }
        Some(Input::Sent)
    }

    /// Looks again whether the terminal's echo is off. There is no event to wait for: a terminal
    /// does not notify its other end of a change of its settings.
    pub(super) fn try_secret(&mut self, call: &mut MachineCall<'_, impl Program>) {
        let is_overdue = self.overdue(call).is_some();
        let Some(action) = &mut self.action else {
            return;
        };
        let ActionWait::EchoOff { since, tries, .. } = &mut action.waiting else {
            return;
        };
        if shows_input(call.program.echo()) {
            *tries += 1;
            if is_overdue || call.now.saturating_duration_since(*since) > ECHO_PATIENCE {
                let error = ActionError::new(
                    FailureKind::EchoStayedOn,
                    "the secret was not typed: the terminal would have shown it",
                )
                .with_hint(
                    "the program reads this with echo on: use `send` instead of `secret` (a value \
                     listed under `secrets` stays masked)",
                );
                self.action_over(call.now, Err(error), call);
            }
            return;
        }
        let waiting = std::mem::replace(&mut action.waiting, ActionWait::Output);
        if let ActionWait::EchoOff { reply, .. } = waiting {
            let next = self.type_reply(reply, call);
            self.go_on(next, call);
        }
    }
}

/// Returns whether the terminal would show a secret.
fn shows_input(echo: TerminalMode) -> bool {
    matches!(echo, TerminalMode::On | TerminalMode::OnForKeys)
}

/// Returns the mode of a terminal as far as it concerns the echo.
fn echo_mode(echo: TerminalMode) -> EchoMode {
    match echo {
        TerminalMode::On => EchoMode::Lines,
        TerminalMode::OnForKeys => EchoMode::Keys,
        TerminalMode::Raw => EchoMode::Raw,
        TerminalMode::Off | TerminalMode::NoTerminal => EchoMode::Hidden,
    }
}

/// Renders typed bytes, cut to what is worth showing.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 80;
    let line = bytes.strip_suffix(b"\n").or(bytes.strip_suffix(b"\r"));
    let line = line.unwrap_or(bytes);
    let text = String::from_utf8_lossy(&line[..line.len().min(MOST)]);
    if line.len() > MOST {
        format!("{text}… ({} bytes)", line.len())
    } else {
        text.into_owned()
    }
}
