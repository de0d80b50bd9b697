//! Waits of the action in progress: awaited output, the program's exit, and deadlines.

use crate::dialogue::{Finding, NearMiss};
use crate::engine::messages::DeadlineOwner;
use std::time::Instant;

use crate::engine::script::action_run::{
    ActionWait, CLOSING_GRACE, KEY_LOOK, KEY_PATIENCE, KEY_PATIENCE_READING,
};
use crate::engine::script::interpreter::{ActionError, Input};
use crate::engine::script::program::Program;
use crate::model::{Activity, FailureKind};
use crate::process::TerminalMode;

use super::ScriptMachine;
use super::vocabulary::MachineCall;

/// The remedy for a last reply that was not read.
const UNREAD_HINT: &str = "end the action with a wait for what the program prints after this reply";

/// Least number of looks at a terminal before its input counts as read.
const LEAST_LOOKS: u32 = 2;

/// Returns whether the program waits for input, with all of its output taken in. It has read what
/// was typed before: until it wakes up, the kernel shows the wait before.
fn reads(program: &impl Program) -> bool {
    program.unread() == 0 && program.activity() == Activity::WaitingForInput && !program.has_news()
}

/// Returns whether the program waits for input and for nothing else, with all of its output taken in.
fn only_reads(program: &impl Program) -> bool {
    program.unread() == 0 && program.only_reads() && !program.has_news()
}

/// Returns whether the program can do nothing before input comes, with all of its output taken in. In
/// this order: what it wrote before it began to wait can be read by then.
fn is_blocked(program: &impl Program) -> bool {
    program.unread() == 0 && program.is_blocked_on_input() && !program.has_news()
}

/// The remedy for a reply that was lost.
const DISCARDED_HINT: &str = "the program discarded its typed input after this reply was sent, so the \
     reply may be lost: it changes its terminal's settings after the prompt; wait for something that \
     it prints after that, or pause with `think` before the reply";

/// Returns the remedy for a program that was not seen to wait for its input.
fn reading_hint(program: &impl Program) -> Option<String> {
    let activity = program.activity();
    let is_seen = program.unread() == 0 && activity != Activity::WaitingForInput;
    is_seen.then(|| {
        format!(
            "the kernel shows the program as {activity}, not as waiting for input: if it looks for \
             input now and then, or reads it from elsewhere, wait with `prompt` or `see` for what it \
             prints before, or send after a pause: `- think: 1s`"
        )
    })
}

impl ScriptMachine {
    /// Continues the action if it can go on after something has happened.
    pub(super) fn look(&mut self, call: &mut MachineCall<'_, impl Program>) {
        let has_exited = self.exited.is_some();
        if let Some(action) = &mut self.action
            && let Some((error, at)) = action.aftermath(call.now, has_exited)
        {
            return self.action_over(at, Err(error), call);
        }
        let waiting = self.action.as_ref().map(|action| &action.waiting);
        if let Some(ActionWait::Unread { .. }) = waiting {
            return self.look_for_unread(call);
        }
        let next = self.poll(call);
        self.go_on(next, call);
    }

    /// A pause is over, a deadline has passed, or the alarm came too early.
    pub(super) fn alarm(&mut self, call: &mut MachineCall<'_, impl Program>) {
        if self.print_at.is_some_and(|at| at <= call.now) {
            self.print_at = None;
            self.print_all(call.effects);
        }
        let Some(action) = &mut self.action else {
            return;
        };
        if let Some(message) = action.overdue_in_a_wait(call.now) {
            let error = ActionError::new(FailureKind::Timeout, message);
            return self.action_over(call.now, Err(error), call);
        }
        match &action.waiting {
            ActionWait::Pause { until } if *until <= call.now => {
                return self.drive(Input::Paused, call);
            }
            ActionWait::RoundPause { until } if *until <= call.now => {
                return self.drive(Input::RoundPauseOver, call);
            }
            ActionWait::EchoOff { .. } => return self.try_secret(call),
            ActionWait::Unread { .. } => return self.look_for_unread(call),
            ActionWait::Typing { .. } => return,
            ActionWait::Aftermath { .. } => return self.look(call),
            ActionWait::ReplyFailed { since, reason } if *since + CLOSING_GRACE <= call.now => {
                let error = ActionError::new(
                    FailureKind::NotSent,
                    format!("could not type the reply: {reason}"),
                );
                return self.action_over(call.now, Err(error), call);
            }
            _ => {}
        }
        self.look(call);
        let waiting = self.action.as_ref().map(|action| &action.waiting);
        if matches!(
            waiting,
            Some(
                ActionWait::Pause { .. }
                    | ActionWait::Typing { .. }
                    | ActionWait::AtGates(_)
                    | ActionWait::ReplyHeld(_)
            )
        ) {
            return;
        }
        if let Some(error) = self.overdue(call) {
            self.action_over(call.now, Err(error), call);
        }
    }

    /// Returns the next input for the interpreter: awaited output, or the program's exit.
    pub(super) fn poll(&mut self, call: &MachineCall<'_, impl Program>) -> Option<Input> {
        let action = self.action.as_mut()?;
        match &action.waiting {
            ActionWait::Output | ActionWait::RoundPause { .. } => {}
            ActionWait::ReplyFailed { .. } => return self.exit_input(),
            ActionWait::Settling {
                since,
                looked_after,
            } => {
                let (since, looked_after) = (*since, *looked_after);
                return self.poll_settling(since, looked_after, call);
            }
            ActionWait::Pause { .. }
            | ActionWait::AtGates(_)
            | ActionWait::ReplyHeld(_)
            | ActionWait::Typing { .. }
            | ActionWait::EchoOff { .. }
            | ActionWait::Unread { .. }
            | ActionWait::Command
            | ActionWait::Aftermath { .. } => return None,
        }
        let after_quiet = action.quiet_at.take().is_some();
        if self.dialogue.needs_reading(call.now) && only_reads(call.program) {
            self.dialogue.reading();
        }
        let mut finding = self.dialogue.poll(call.now);
        if let Finding::QuietAt(at) = &mut finding
            && let Some(look_at) = self.dialogue.holds_prompt(call.now)
        {
            *at = look_at.min(*at);
            if is_blocked(call.program) {
                self.dialogue.lines_are_whole();
                finding = self.dialogue.poll(call.now);
            }
        }
        match finding {
            Finding::Nothing if self.exited.is_none() && action.checks_read(call.now) => {
                reads(call.program).then(|| {
                    action.first_wait_over();
                    action.held_back_until_now(call.program.held_back());
                    action.heard(call.now, call.now, false);
                    Input::Reads { at: call.now }
                })
            }
            Finding::Nothing => self.exit_input(),
            Finding::QuietAt(at) => {
                action.quiet_at = Some(at);
                None
            }
            Finding::Ended { .. } => {
                if self.exited.is_none() && !action.interpreter.expects_exit() {
                    action.closing_since.get_or_insert(call.now);
                }
                self.exit_input()
            }
            heard => {
                action.first_wait_over();
                if let Finding::Wait { at, .. } = &heard {
                    action.held_back_until_now(call.program.held_back());
                    action.heard(*at, call.now, after_quiet);
                }
                Some(Input::Found(heard))
            }
        }
    }

    /// Returns the next input if the screen has settled after a key.
    fn poll_settling(
        &mut self,
        since: Instant,
        looked_after: Option<u64>,
        call: &MachineCall<'_, impl Program>,
    ) -> Option<Input> {
        if self.exited.is_some() {
            return self.exit_input();
        }
        if self.dialogue.needs_reading(call.now) && only_reads(call.program) {
            self.dialogue.reading();
        }
        let look_at = self.dialogue.settle(call.now);
        let action = self.action.as_mut()?;
        let patience = if self.dialogue.is_reading() {
            KEY_PATIENCE_READING
        } else {
            KEY_PATIENCE
        };
        let is_overdue = looked_after.is_some() && since + patience <= call.now;
        let is_awaited = looked_after.is_some();
        let is_new = looked_after.is_none_or(|reads| self.dialogue.screen_reads() > reads);
        if is_overdue || (look_at.is_none() && is_new) {
            return Some(Input::Settled { is_overdue });
        }
        let look = (since + patience).min(call.now + KEY_LOOK);
        action.quiet_at = look_at.or(is_awaited.then_some(look));
        None
    }

    /// Completes the action if the program has read its last reply. There is no event to wait for: a
    /// terminal does not report that its input was read.
    fn look_for_unread(&mut self, call: &mut MachineCall<'_, impl Program>) {
        let Some(action) = &mut self.action else {
            return;
        };
        let ActionWait::Unread { tries, read, .. } = &mut action.waiting else {
            return;
        };
        *tries += 1;
        let is_over = self.exited.is_some();
        let is_read = call.program.unread() == 0;
        *read = if is_read { *read + 1 } else { 0 };
        // The kernel hands input over to the terminal a moment after it was written, and reports that
        // it was discarded a moment after that.
        let has_arrived = call.program.echo() == TerminalMode::NoTerminal
            || (*read >= LEAST_LOOKS && !self.dialogue.awaits_echo());
        let is_overdue = action.deadline().at <= call.now;
        let is_lost = is_read && has_arrived && !is_over && self.has_lost_input(call.program);
        if is_read && !is_lost && (is_over || has_arrived || is_overdue) {
            self.action_over(call.now, Ok(()), call);
        } else if is_lost || is_over || is_overdue {
            let (message, hint) = match (is_lost, is_over) {
                (true, _) => ("the program has discarded the last reply", DISCARDED_HINT),
                (false, true) => (
                    "the program ended without reading the last reply",
                    UNREAD_HINT,
                ),
                (false, false) => ("the program has not read the last reply", UNREAD_HINT),
            };
            let error = ActionError::new(FailureKind::NotSent, message).with_hint(hint);
            self.action_over(call.now, Err(error), call);
        }
    }

    /// Returns whether the program has discarded its input since the last reply, printed nothing, and
    /// waits for input again.
    fn has_lost_input(&mut self, program: &impl Program) -> bool {
        self.note_terminal_changes(program);
        let is_discarded = self
            .action
            .as_ref()
            .is_some_and(|action| action.input_discarded);
        let mut printed = self.dialogue.lines().into_iter();
        is_discarded
            && printed.all(|line| line.trim().is_empty())
            && program.activity() == Activity::WaitingForInput
    }

    /// Notes what the terminal reports about the program's reading.
    pub(super) fn note_terminal_changes(&mut self, program: &impl Program) {
        let changes = program.take_terminal_changes();
        if let Some(action) = &mut self.action {
            action.input_discarded |= changes.discarded_input();
        }
        if self.dialogue.depends_on_mode()
            && (changes.switched_keys()
                || matches!(program.echo(), TerminalMode::Raw | TerminalMode::OnForKeys))
        {
            self.dialogue.set_raw();
        }
    }

    pub(super) fn exit_input(&self) -> Option<Input> {
        let record = self.exited.as_ref();
        record.map(|record| Input::Exited(record.exit))
    }

    pub(super) fn activity(&self, program: &impl Program) -> Activity {
        if self.exited.is_some() {
            Activity::Gone
        } else {
            program.activity()
        }
    }

    /// Returns the failure if a deadline or the closing grace has passed.
    pub(super) fn overdue(&mut self, call: &MachineCall<'_, impl Program>) -> Option<ActionError> {
        let is_over = self.exited.is_some();
        let action = self.action.as_mut()?;
        if action
            .closing_since
            .is_some_and(|since| since + CLOSING_GRACE <= call.now)
        {
            return Some(ActionError::new(
                FailureKind::EndedEarly,
                "the program closed its output but is still running, before it printed the expected text",
            ));
        }
        let deadline = action.deadline();
        if deadline.at > call.now
            || action.reads_on(call.now, || !is_over && call.program.has_news())
        {
            return None;
        }
        self.note_terminal_changes(call.program);
        let action = self.action.as_ref()?;
        let kind = match deadline.owner {
            DeadlineOwner::Startup => FailureKind::StartupTimeout,
            DeadlineOwner::Turn
            | DeadlineOwner::Step
            | DeadlineOwner::ReturnToMenu
            | DeadlineOwner::Leave
            | DeadlineOwner::Flow => FailureKind::Timeout,
        };
        let mut message = action.overdue_message(&deadline);
        let unwritten = call.program.unread();
        if unwritten > 0 {
            message.push_str(&format!(
                "; the program has not read the last {unwritten} bytes typed"
            ));
        }
        let error = ActionError::new(kind, message);
        let mut printed = self.dialogue.lines().into_iter();
        let is_lost = action.input_discarded && printed.all(|line| line.trim().is_empty());
        let discarded = is_lost.then(|| DISCARDED_HINT.to_owned());
        let hint = discarded
            .or_else(|| self.screen_hint())
            .or_else(|| {
                let reads = action.interpreter.expects_read();
                reads.then(|| reading_hint(call.program)).flatten()
            })
            .or_else(|| self.typed_hint())
            .or_else(|| action.interpreter.misplaced(&self.dialogue));
        Some(match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        })
    }

    /// Returns the remedy if what was awaited is on the screen, but is no evidence.
    fn screen_hint(&self) -> Option<String> {
        let (wait, reason) = self.dialogue.screen_near_miss()?;
        Some(match reason {
            NearMiss::Stale => format!(
                "{wait}: it is there, and was there before the last reply; write `still: true` if that \
                 is enough, or wait for something that is drawn after the reply"
            ),
            NearMiss::Typed => format!(
                "{wait}: it is there, but it may be what was typed; wait for a text that was not typed"
            ),
            NearMiss::Elsewhere => format!("{wait}: the text is elsewhere on the screen"),
            NearMiss::CursorElsewhere => format!("{wait}: the cursor is elsewhere"),
            NearMiss::Unfinished => format!(
                "{wait}: it is there, but the program has stopped in the middle of drawing: within a \
                 control sequence, a character, or a synchronized update (`CSI ? 2026 h`)"
            ),
            NearMiss::NeverShown => format!(
                "{wait}: it is not there, and was not there at the last reply nor since this wait began; \
                 write `still: true` if that is enough, or wait for what is shown in its place"
            ),
        })
    }

    /// Returns the remedy if what was awaited has appeared only where it may be typed text.
    fn typed_hint(&self) -> Option<String> {
        const MAX_CHARS: usize = 80;
        let line: String = self
            .dialogue
            .typed_match()?
            .chars()
            .take(MAX_CHARS)
            .collect();
        Some(format!(
            "`{line}` matches, but does not count as evidence: it may be the echo of the reply, as the program \
             reads single keys and draws them itself; wait for a text that was not typed"
        ))
    }
}
