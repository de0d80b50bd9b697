//! Fault injection as a filter between a script machine's effects and the program.
//!
//! [`PlannedFaults`] decides which fault is due at which point; the filter injects it.
//!
//! Faults of the program (it is killed, frozen, fed with garbage) count in the times of its
//! steps, as they would for its users. Faults that only slow Rehearsal down (a reply is delayed or
//! typed byte by byte: a pause; output is left unread: held) are taken out of these times.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::engine::script::interpreter::TypedReply;
use crate::model::{FaultKind, InjectionOutcome, StepIndex};
use crate::process::{ReadRate, WriteError};
use crate::terminal::Typed;

use super::choice::{Fault, PlannedFaults, Progress, TimedFault};
use super::feedback::{FaultPoint, Feedback};
use super::target::FaultTarget;

/// A call of the filter: the time, the program, and where its feedback goes.
pub(in crate::engine) struct FaultCall<'a, T: FaultTarget> {
    pub now: Instant,
    pub target: &'a T,
    pub feedback: &'a mut Vec<Feedback>,
}

/// The faults of one script: those of the action in progress, and the state of the program that
/// they have brought about.
#[derive(Default)]
pub(in crate::engine) struct FaultFilter {
    action: Option<ActionFaults>,
    is_killed: bool,
    /// The moment at which the frozen program goes on.
    frozen_until: Option<Instant>,
}

/// The faults of one action.
struct ActionFaults {
    step: StepIndex,
    planned: Box<PlannedFaults>,
    /// Those that are due a little later.
    pending: Vec<PendingFault>,
    /// Those of the reply that is to be given.
    of_reply: Vec<Fault>,
    /// The moment at which the delayed reply is released.
    release_at: Option<Instant>,
    dribble: Option<Dribble>,
}

/// A fault that is due a little later.
struct PendingFault {
    at: Instant,
    fault: TimedFault,
    /// The place of its turn in the scenario.
    place: String,
}

/// A reply that is typed byte by byte.
struct Dribble {
    bytes: Vec<u8>,
    typed: usize,
    every: Duration,
    began: Instant,
    next_at: Instant,
}

/// The rate of single bytes, as fast as they come.
const SINGLE_BYTES: ReadRate = ReadRate {
    bytes: 1,
    every: Duration::ZERO,
};

impl FaultFilter {
    /// Begins an action with the faults of this step, if there are any.
    pub(in crate::engine) fn begin(&mut self, planned: Option<(StepIndex, Box<PlannedFaults>)>) {
        self.action = planned.map(|(step, planned)| ActionFaults {
            step,
            planned,
            pending: Vec::new(),
            of_reply: Vec::new(),
            release_at: None,
            dribble: None,
        });
    }

    /// Ends the action: faults that were not injected by now are missed.
    pub(in crate::engine) fn end(&mut self, call: &mut FaultCall<'_, impl FaultTarget>) {
        let Some(action) = self.action.take() else {
            return;
        };
        call.target.throttle_reads(None);
        let reason = if self.is_killed {
            "it had ended"
        } else {
            "its step was over"
        };
        let pending = action.pending.iter();
        let pending = pending.map(|it| (&it.fault.fault, it.place.as_str()));
        let unplaced = action.planned.left().chain(&action.of_reply);
        let left = unplaced.map(|fault| (fault, "")).chain(pending);
        call.feedback
            .extend(left.map(|(fault, place)| action.missed(fault.kind(), reason, place)));
    }

    /// The earliest moment at which [`FaultFilter::alarm`] is due.
    pub(in crate::engine) fn next_alarm(&self) -> Option<Instant> {
        let of_action = self.action.as_ref().and_then(|action| {
            let pending = action.pending.iter().map(|it| it.at).min();
            let dribble = action.dribble.as_ref().map(|dribble| dribble.next_at);
            [pending, action.release_at, dribble]
                .into_iter()
                .flatten()
                .min()
        });
        [of_action, self.frozen_until].into_iter().flatten().min()
    }

    /// A wait has begun, or a reply was typed as a whole.
    pub(in crate::engine) fn reached(
        &mut self,
        progress: Progress,
        point: &FaultPoint,
        call: &mut FaultCall<'_, impl FaultTarget>,
    ) {
        let Some(action) = &mut self.action else {
            return;
        };
        for fault in action.planned.due(progress, point.turn.as_deref()) {
            if fault.after.is_zero() {
                self.inject(fault, &point.place, call);
            } else if let Some(action) = &mut self.action {
                action.pending.push(PendingFault {
                    at: call.now + fault.after,
                    fault,
                    place: point.place.clone(),
                });
            }
        }
    }

    /// The evidence of the turn has come: what was to happen before is done now.
    pub(in crate::engine) fn evidence_came(&mut self, call: &mut FaultCall<'_, impl FaultTarget>) {
        if let Some(action) = &mut self.action {
            for PendingFault { fault, place, .. } in std::mem::take(&mut action.pending) {
                self.inject(fault, &place, call);
            }
        }
    }

    /// A reply is about to be typed: releases it, now or later, or refuses it.
    pub(in crate::engine) fn before_reply(
        &mut self,
        point: &FaultPoint,
        call: &mut FaultCall<'_, impl FaultTarget>,
    ) {
        let planned = self.action.as_mut().map(|action| &mut action.planned);
        let due = planned.map_or_else(Vec::new, |it| {
            it.due(Progress::ReplyDue, point.turn.as_deref())
        });
        let delays = due.iter().map(|fault| match fault.fault {
            Fault::Delay { length } => length,
            _ => Duration::ZERO,
        });
        let delay: Duration = delays.sum();
        let before = self.is_killed;
        let kills = due.iter().any(|fault| fault.fault == Fault::Kill);
        for fault in due {
            self.inject(fault, &point.place, call);
        }
        let is_killed = kills && self.is_killed && !before;
        match &mut self.action {
            _ if is_killed => call.feedback.push(Feedback::NotTyped {
                reason: "chaos has killed the program".to_owned(),
            }),
            Some(action) if !delay.is_zero() => {
                action.release_at = Some(call.now + delay);
                call.feedback.push(Feedback::Delayed(delay));
            }
            _ => call.feedback.push(Feedback::Released),
        }
    }

    /// Types a reply together with its faults. Returns `false` if it has none: nothing was done.
    pub(in crate::engine) fn type_reply(
        &mut self,
        reply: &TypedReply,
        is_terminal: bool,
        place: impl FnOnce() -> String,
        call: &mut FaultCall<'_, impl FaultTarget>,
    ) -> bool {
        let Some(action) = self.action.as_mut().filter(|it| !it.of_reply.is_empty()) else {
            return false;
        };
        let (mut lines, mut injected, mut dribble) = (Vec::new(), Vec::new(), None);
        let of_reply = std::mem::take(&mut action.of_reply);
        let place = place();
        for fault in &of_reply {
            match fault {
                Fault::Garbage(bytes) => {
                    let what = format!("fed with {} bytes of garbage", bytes.len());
                    injected.push((FaultKind::Garbage, what));
                    lines.push(Typed::anything(bytes, is_terminal));
                }
                Fault::LongLine { bytes } => {
                    let what = format!("fed with a line of {bytes} bytes");
                    injected.push((FaultKind::LongLine, what));
                    lines.push(Typed::anything(&vec![b'x'; *bytes], is_terminal));
                }
                Fault::Dribble { every } if !reply.closes_input => {
                    let what = format!("typed to byte by byte, every {}", in_words(*every));
                    injected.push((FaultKind::Dribble, what));
                    dribble = Some(*every);
                }
                other => {
                    let reason = "the reply has no bytes";
                    let missed = action.missed(other.kind(), reason, &place);
                    call.feedback.push(missed);
                }
            }
        }
        let written = lines
            .iter()
            .try_for_each(|line| call.target.write_unchecked(line.bytes()).map(drop));
        if let Err(error) = written {
            let missed = injected
                .iter()
                .map(|(kind, _)| action.missed(*kind, "its input is closed or full", &place));
            call.feedback.extend(missed);
            call.feedback.push(not_typed(&error));
            return true;
        }
        for (kind, what) in injected {
            let place = place.clone();
            call.feedback.push(Feedback::Injection {
                step: action.step,
                kind,
                outcome: InjectionOutcome::Injected,
                what,
                place,
            });
        }
        call.feedback.push(Feedback::Preceded(lines));
        if reply.closes_input {
            call.target.close_input();
            call.feedback.push(Feedback::Written { at: call.now });
        } else if let Some(every) = dribble {
            action.dribble = Some(Dribble {
                bytes: reply.typed.bytes().to_vec(),
                typed: 0,
                every,
                began: call.now,
                next_at: call.now,
            });
            action.type_next_bytes(call);
        } else {
            call.feedback
                .push(match call.target.write(reply.typed.bytes()) {
                    Ok(at) => Feedback::Written { at },
                    Err(error) => not_typed(&error),
                });
        }
        true
    }

    /// Does what is due by the time of the call.
    pub(in crate::engine) fn alarm(&mut self, call: &mut FaultCall<'_, impl FaultTarget>) {
        if self.frozen_until.is_some_and(|until| until <= call.now) {
            self.frozen_until = None;
            call.target.thaw();
        }
        let Some(action) = &mut self.action else {
            return;
        };
        action.type_next_bytes(call);
        if action.release_at.is_some_and(|at| at <= call.now) {
            action.release_at = None;
            call.feedback.push(Feedback::Released);
        }
        let due = action.pending.extract_if(.., |it| it.at <= call.now);
        for PendingFault { fault, place, .. } in due.collect::<Vec<_>>() {
            self.inject(fault, &place, call);
        }
    }

    /// The program has exited: no fault can hit it any more.
    pub(in crate::engine) fn exited(&mut self) {
        self.is_killed = true;
        self.frozen_until = None;
    }

    /// Injects one fault; it is missed if the program has exited or was killed.
    fn inject(
        &mut self,
        fault: TimedFault,
        place: &str,
        call: &mut FaultCall<'_, impl FaultTarget>,
    ) {
        let missed = fault.fault.kind();
        let mut miss = |action: &Option<ActionFaults>| {
            let missed = action
                .as_ref()
                .map(|action| action.missed(missed, "it had ended", place));
            call.feedback.extend(missed);
        };
        if self.is_killed {
            return miss(&self.action);
        }
        let when = if fault.mid_turn {
            "in mid-turn"
        } else {
            "between turns"
        };
        let (kind, what) = match fault.fault {
            Fault::Kill => {
                if !call.target.kill() {
                    return miss(&self.action);
                }
                self.is_killed = true;
                (FaultKind::Kill, format!("killed {when}"))
            }
            Fault::Freeze { length } => {
                if !call.target.freeze() {
                    return miss(&self.action);
                }
                self.frozen_until = self.frozen_until.max(Some(call.now + length));
                let length = in_words(length);
                (FaultKind::Freeze, format!("frozen for {length} {when}"))
            }
            Fault::Close => {
                call.target.refuse_input();
                (FaultKind::Close, "its input closed".to_owned())
            }
            Fault::SlowRead(pace) => {
                call.target.throttle_reads(Some(pace));
                let what = format!(
                    "its output read slowly, {} bytes every {}",
                    pace.bytes,
                    in_words(pace.every)
                );
                (FaultKind::SlowRead, what)
            }
            Fault::Bytewise => {
                call.target.throttle_reads(Some(SINGLE_BYTES));
                let what = "its output read byte by byte".to_owned();
                (FaultKind::Bytewise, what)
            }
            Fault::Resize(size) => {
                call.target.resize(size);
                call.feedback.push(Feedback::Resized(size));
                let what = format!("its terminal resized to {size} {when}");
                (FaultKind::Resize, what)
            }
            unplaced @ (Fault::Garbage(_) | Fault::LongLine { .. } | Fault::Dribble { .. }) => {
                if let Some(action) = &mut self.action {
                    action.of_reply.push(unplaced);
                }
                return;
            }
            Fault::Delay { length } => {
                let what = format!("its answer held back for {}", in_words(length));
                (FaultKind::Delay, what)
            }
        };
        if let Some(action) = &self.action {
            let step = action.step;
            let place = place.to_owned();
            call.feedback.push(Feedback::Injection {
                step,
                kind,
                outcome: InjectionOutcome::Injected,
                what,
                place,
            });
        }
    }
}

impl ActionFaults {
    fn missed(&self, kind: FaultKind, reason: &str, place: &str) -> Feedback {
        Feedback::Injection {
            step: self.step,
            kind,
            outcome: InjectionOutcome::Missed,
            what: format!("not hit by {kind}: {reason}"),
            place: place.to_owned(),
        }
    }

    /// Types the bytes of the reply that are due.
    fn type_next_bytes(&mut self, call: &mut FaultCall<'_, impl FaultTarget>) {
        let Some(dribble) = &mut self.dribble else {
            return;
        };
        while dribble.next_at <= call.now
            && let Some(byte) = dribble.bytes.get(dribble.typed)
        {
            if let Err(error) = call.target.write_unchecked(&[*byte]) {
                self.dribble = None;
                call.feedback.push(not_typed(&error));
                return;
            }
            dribble.typed += 1;
            dribble.next_at = call.now + dribble.every;
        }
        if dribble.typed == dribble.bytes.len() {
            let took = call.now.saturating_duration_since(dribble.began);
            self.dribble = None;
            call.feedback
                .extend([Feedback::Delayed(took), Feedback::Written { at: call.now }]);
        }
    }
}

fn not_typed(error: &WriteError) -> Feedback {
    Feedback::NotTyped {
        reason: error.to_string(),
    }
}

fn in_words(length: Duration) -> String {
    // More digits would be noise.
    let length = if length < Duration::from_millis(10) {
        Duration::from_micros(u64::try_from(length.as_micros()).unwrap_or(u64::MAX))
    } else {
        Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    };
    humantime::format_duration(length).to_string()
}
