//! How a script actor does to its program what chaos wants.
//!
//! What is done, and at which point of the performance, is decided by the
//! [`Fate`](crate::engine::chaos::Fate); here it is done, and told.
//!
//! What the program suffers (it is killed, frozen, fed with garbage) counts in the times of its
//! steps, as it does for its users. What only makes Rehearsal slow (an answer is delayed or
//! dribbles: a pause; output is left unread: held) is taken out of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::dialogue::Typed;
use crate::engine::chaos::{Act, Attempt, Strike};
use crate::engine::messages::{Injected, Part, Perform};
use crate::engine::performance::{Answers, Cue, Utterance};
use crate::model::{Happening, Injection, InjectionKind, RunEvent};
use crate::process::{Echo, WriteError};
use crate::scenario::{Plan, TerminalKind};

use super::job::Waiting;
use super::typing::Told;
use super::{ScriptActor, State};

/// A strike that is due a little later.
pub(super) struct Pending {
    at: Instant,
    strike: Strike,
}

/// A reply that is typed byte by byte.
pub(super) struct Dribble {
    bytes: Vec<u8>,
    typed: usize,
    every: Duration,
    began: Instant,
    /// When the next byte is due.
    pub(super) at: Instant,
}

impl ScriptActor {
    /// The attempt at a step that is to be performed; `None` where chaos has no say.
    pub(super) fn attempt<'p>(&self, plan: &'p Plan, perform: &Perform) -> Option<Attempt<'p>> {
        let Part::Step(step) = perform.what else {
            return None;
        };
        (!self.run.plan.chaos.is_empty()).then(|| Attempt {
            plan,
            seed: self.run.seed,
            flow: self.instance.flow,
            step: &plan.steps[step.0],
            number: perform.attempt,
        })
    }

    /// Whether the program is not to be started for this step; if so, that is told.
    pub(super) fn refuses(&mut self, perform: &Perform) -> bool {
        let plan = Arc::clone(&self.run.plan);
        let refused = self
            .attempt(&plan, perform)
            .is_some_and(|attempt| attempt.is_refused(&self.run.plan.chaos));
        if refused {
            let what = "not started, as if it were not there".to_owned();
            self.tell_injection(perform.what, InjectionKind::Refuse, what, String::new());
        }
        refused
    }

    /// A wait has begun.
    pub(super) fn wait_begins(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        if let Some(job) = &mut script.job
            && let Some(fate) = &mut job.fate
        {
            let due = fate.wait_begins(job.performance.turn_name());
            self.prepare(due, ctx);
        }
    }

    /// A reply was sent as a whole.
    pub(super) fn reply_sent(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        if let Some(job) = &mut script.job
            && let Some(fate) = &mut job.fate
        {
            let due = fate.after_reply(job.performance.turn_name());
            self.prepare(due, ctx);
        }
    }

    /// Does what is due now, and has the rest done when it is due.
    fn prepare(&mut self, strikes: Vec<Strike>, ctx: &mut Context<Self>) {
        for strike in strikes {
            if strike.after.is_zero() {
                self.strike(strike, ctx);
                continue;
            }
            let State::Alive(script) = &mut self.state else {
                return;
            };
            let Some(job) = &mut script.job else { return };
            let at = Instant::now() + strike.after;
            ctx.run_later(strike.after, move |actor, ctx| actor.strike_due(at, ctx));
            job.pending.push(Pending { at, strike });
        }
    }

    /// Does what was put off until `by`.
    fn strike_due(&mut self, by: Instant, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(job) = &mut script.job else { return };
        let due: Vec<_> = job.pending.extract_if(.., |it| it.at <= by).collect();
        for Pending { strike, .. } in due {
            self.strike(strike, ctx);
        }
    }

    /// The evidence of the turn has come: what was to happen before is done now.
    pub(super) fn evidence_came(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(job) = &mut script.job else { return };
        for Pending { strike, .. } in std::mem::take(&mut job.pending) {
            self.strike(strike, ctx);
        }
    }

    /// Does one thing to the program, unless it has ended.
    fn strike(&mut self, strike: Strike, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(job) = &mut script.job else { return };
        if script.ended.is_some() || script.struck_down {
            return;
        }
        let when = if strike.mid_turn {
            "in mid-turn"
        } else {
            "between turns"
        };
        let (kind, what) = match strike.act {
            Act::Kill => {
                if !script.child.inject_kill() {
                    return;
                }
                script.struck_down = true;
                (InjectionKind::Kill, format!("killed {when}"))
            }
            Act::Freeze { length } => {
                if !script.child.freeze() {
                    return;
                }
                let until = Instant::now() + length;
                script.frozen_until = script.frozen_until.max(Some(until));
                ctx.run_later(length, |actor, _| actor.thaw());
                let length = in_words(length);
                (InjectionKind::Freeze, format!("frozen for {length} {when}"))
            }
            Act::Close => {
                script.child.refuse_input();
                (InjectionKind::Close, "its input closed".to_owned())
            }
            Act::SlowRead(pace) => {
                script.child.throttle_reads(Some(pace));
                let what = format!(
                    "its output read slowly, {} bytes every {}",
                    pace.bytes,
                    in_words(pace.every)
                );
                (InjectionKind::SlowRead, what)
            }
            act @ (Act::Garbage(_) | Act::LongLine { .. } | Act::Dribble { .. }) => {
                job.meddling.push(act);
                return;
            }
            Act::Delay { length } => {
                let what = format!("its answer held back for {}", in_words(length));
                (InjectionKind::Delay, what)
            }
        };
        let (part, turn) = (job.perform.what, job.performance.place());
        self.tell_injection(part, kind, what, turn);
    }

    /// Lets a frozen program go on, unless it was frozen once more.
    fn thaw(&mut self) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        if script
            .frozen_until
            .is_some_and(|until| until <= Instant::now())
        {
            script.frozen_until = None;
            script.child.thaw();
        }
    }

    /// Gives an answer, after what is to happen before.
    pub(super) fn answer(&mut self, utterance: Utterance, ctx: &mut Context<Self>) -> Option<Cue> {
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        let due = match &mut job.fate {
            Some(fate) if utterance.answers == Answers::Wait => {
                fate.before_reply(job.performance.turn_name())
            }
            _ => Vec::new(),
        };
        if due.is_empty() {
            return self.say(utterance);
        }
        let delays = due.iter().map(|strike| match strike.act {
            Act::Delay { length } => length,
            _ => Duration::ZERO,
        });
        let delay: Duration = delays.sum();
        let is_killed = due.iter().any(|strike| strike.act == Act::Kill);
        for strike in due {
            self.strike(strike, ctx);
        }
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        if is_killed && script.ended.is_none() {
            job.wait(Waiting::Unsaid {
                since: Instant::now(),
                reason: "chaos has killed the program".to_owned(),
            });
            return None;
        }
        if delay.is_zero() {
            return self.say(utterance);
        }
        let until = Instant::now() + delay;
        job.pause_for(delay);
        job.wait(Waiting::HeldBack { until, utterance });
        None
    }

    /// Gives the answer that was held back.
    pub(super) fn answer_at_last(&mut self, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let Some(job) = &mut script.job else { return };
        let waiting = std::mem::replace(&mut job.waiting, Waiting::Output);
        let Waiting::HeldBack { utterance, .. } = waiting else {
            job.waiting = waiting;
            return;
        };
        match self.say(utterance) {
            Some(cue) => self.drive(cue, ctx),
            None => self.set_alarm(ctx),
        }
    }

    /// Types something together with what chaos has for it.
    pub(super) fn say_meddled(&mut self, utterance: Utterance, echo: Echo) -> Option<Cue> {
        let is_terminal = matches!(self.role().terminal, TerminalKind::Pty { .. });
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        let (mut lines, mut told, mut dribble) = (Vec::new(), Vec::new(), None);
        for act in std::mem::take(&mut job.meddling) {
            match act {
                Act::Garbage(bytes) => {
                    let what = format!("fed with {} bytes of garbage", bytes.len());
                    told.push((InjectionKind::Garbage, what));
                    lines.push(Typed::anything(&bytes, is_terminal));
                }
                Act::LongLine { bytes } => {
                    let what = format!("fed with a line of {bytes} bytes");
                    told.push((InjectionKind::LongLine, what));
                    lines.push(Typed::anything(&vec![b'x'; bytes], is_terminal));
                }
                Act::Dribble { every } if !utterance.closes_input => {
                    let what = format!("typed to byte by byte, every {}", in_words(every));
                    told.push((InjectionKind::Dribble, what));
                    dribble = Some(every);
                }
                _ => {}
            }
        }
        self.tell_heard(Told::All);
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        let written = lines
            .iter()
            .try_for_each(|line| script.child.write_unchecked(line.bytes()).map(drop));
        if let Err(error) = written {
            job.not_said(&error);
            return script.poll_end();
        }
        let may_come_back = matches!(echo, Echo::On | Echo::Raw);
        for (place, line) in lines.iter().chain([&utterance.typed]).enumerate() {
            if place == 0 {
                script.dialogue.answered(line, may_come_back);
            } else {
                script.dialogue.also_typed(line, may_come_back);
            }
        }
        let (part, turn) = (job.perform.what, job.performance.place());
        let shown = lines.iter().map(|line| shown(line.bytes()));
        let shown: Vec<_> = shown.chain([utterance.shown.into_owned()]).collect();
        for (kind, what) in told {
            self.tell_injection(part, kind, what, turn.clone());
        }
        if let State::Alive(script) = &mut self.state
            && let Some(transcript) = &mut script.transcript
        {
            let at = Instant::now();
            shown.iter().for_each(|text| transcript.said(text, at));
            if utterance.secret {
                transcript.keep_secret(utterance.typed.text());
            }
        }
        if self.run.recording.dialogue {
            let instance = self.instance;
            for text in shown {
                self.run.emit(RunEvent::Said { instance, text });
            }
        }
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        if utterance.closes_input {
            script.child.close_input();
            job.said(Instant::now());
            return Some(Cue::Said);
        }
        if let Some(every) = dribble {
            let now = Instant::now();
            job.wait(Waiting::Dribbling(Dribble {
                bytes: utterance.typed.bytes().to_vec(),
                typed: 0,
                every,
                began: now,
                at: now,
            }));
            return self.dribble();
        }
        match script.child.write(utterance.typed.bytes()) {
            Ok(at) => {
                job.said(at);
                Some(Cue::Said)
            }
            Err(error) => {
                job.not_said(&error);
                script.poll_end()
            }
        }
    }

    /// Types the bytes that are due.
    pub(super) fn dribble(&mut self) -> Option<Cue> {
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        let now = Instant::now();
        let Waiting::Dribbling(dribble) = &mut job.waiting else {
            return None;
        };
        while dribble.at <= now
            && let Some(byte) = dribble.bytes.get(dribble.typed)
        {
            if let Err(error) = script.child.write_unchecked(&[*byte]) {
                job.not_said(&error);
                return script.poll_end();
            }
            dribble.typed += 1;
            dribble.at = now + dribble.every;
        }
        if dribble.typed < dribble.bytes.len() {
            return None;
        }
        let took = now.saturating_duration_since(dribble.began);
        job.pause_for(took);
        job.said(now);
        Some(Cue::Said)
    }

    /// Tells everybody what was done.
    fn tell_injection(&mut self, part: Part, kind: InjectionKind, what: String, turn: String) {
        let Part::Step(step) = part else { return };
        let injection = Box::new(Injection {
            instance: self.instance,
            step,
            kind,
            what,
            turn,
        });
        self.run.emit(RunEvent::Injected(injection.clone()));
        let at = Instant::now();
        if let State::Alive(script) = &mut self.state
            && let Some(transcript) = &mut script.transcript
        {
            let text = injection.what.clone();
            transcript.note(Happening::Injected { kind, text }, at);
        }
        self.obituary.injected(Injected { injection, at });
    }
}

impl super::job::Job {
    /// The reply could not be typed.
    pub(super) fn not_said(&mut self, error: &WriteError) {
        self.wait(Waiting::Unsaid {
            since: Instant::now(),
            reason: error.to_string(),
        });
    }
}

fn in_words(length: Duration) -> String {
    // Nobody cares for less.
    let length = if length < Duration::from_millis(10) {
        Duration::from_micros(u64::try_from(length.as_micros()).unwrap_or(u64::MAX))
    } else {
        Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    };
    humantime::format_duration(length).to_string()
}

/// What was typed, as much of it as is worth showing.
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
