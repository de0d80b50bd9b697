//! How a script actor types.

use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::engine::performance::{Answers, Cue, Fault, Utterance};
use crate::model::{FailureKind, RunEvent};
use crate::process::Echo;

use super::job::{self, Waiting};
use super::{ScriptActor, State};

/// How long an unfinished line may be quiet until it is told as it stands.
const PATIENCE: Duration = Duration::from_millis(300);

/// How much of what was heard is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Complete lines.
    Lines,
    /// The unfinished line, too.
    All,
}

impl ScriptActor {
    /// Tells those who want to know what was heard since the last time.
    pub(super) fn tell_heard(&mut self, told: Told) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        if !self.run.recording.dialogue {
            return;
        }
        let heard = match told {
            Told::Lines => script.dialogue.take_lines(),
            Told::All => script.dialogue.take_rest(),
        };
        if let Some(heard) = heard {
            let text = match &script.job {
                Some(job) => job.perform.scope.masker().mask_cut(&heard),
                None => script.masker.mask_cut(&heard),
            };
            let instance = self.instance;
            self.run.emit(RunEvent::Heard { instance, text });
        }
    }

    /// Tells what was heard. An unfinished line is told when nothing has come for a while: it may
    /// be what the program waits behind.
    pub(super) fn tell_output(&mut self, at: Instant, ctx: &mut Context<Self>) {
        if !self.run.recording.dialogue || self.run.captures_secrets {
            // What may hold a secret that is yet to be captured is told with the next reply, after
            // which nothing more is read from it, or at the end.
            return;
        }
        self.tell_heard(Told::Lines);
        self.heard_at = at;
        if !self.is_patient {
            self.is_patient = true;
            self.tell_when_quiet(ctx);
        }
    }

    fn tell_when_quiet(&mut self, ctx: &mut Context<Self>) {
        let quiet_at = self.heard_at + PATIENCE;
        let wait = quiet_at.saturating_duration_since(Instant::now());
        ctx.run_later(wait, |actor, ctx| {
            if actor.heard_at + PATIENCE > Instant::now() {
                return actor.tell_when_quiet(ctx);
            }
            actor.is_patient = false;
            actor.tell_heard(Told::All);
        });
    }

    /// Types something now, or when the terminal's echo is off.
    pub(super) fn say(&mut self, utterance: Utterance) -> Option<Cue> {
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        let job = script.job.as_mut()?;
        if script.ended.is_some() {
            job.wait(Waiting::Unsaid {
                since: Instant::now(),
                reason: "its input is closed".to_owned(),
            });
            return script.poll_end();
        }
        if utterance.secret {
            // What was said before it may be what makes the program hide what is typed.
            script.child.send_batched();
        }
        let echo = script.child.echo();
        let may_come_back = matches!(echo, Echo::On | Echo::Raw);
        if utterance.secret && echo == Echo::On {
            job.wait(Waiting::EchoOff {
                since: Instant::now(),
                tries: 0,
                utterance,
            });
            return None;
        }
        if !job.meddling.is_empty() {
            return self.say_meddled(utterance, echo);
        }
        let written = if utterance.closes_input {
            script.child.close_input();
            Ok(Instant::now())
        } else if utterance.is_awaited {
            let posted = script.child.write_batched(utterance.typed.bytes());
            posted.map(|()| Instant::now())
        } else {
            script.child.write(utterance.typed.bytes())
        };
        match written {
            Ok(at) => job.said(at),
            Err(error) => {
                job.wait(Waiting::Unsaid {
                    since: Instant::now(),
                    reason: error.to_string(),
                });
                return None;
            }
        }
        self.tell_heard(Told::All);
        let State::Alive(script) = &mut self.state else {
            return None;
        };
        if let (Some(transcript), Ok(at)) = (&mut script.transcript, written) {
            transcript.said(&utterance.shown, at);
            if utterance.secret {
                transcript.keep_secret(utterance.typed.text());
            }
        }
        match utterance.answers {
            Answers::Wait => script.dialogue.answered(&utterance.typed, may_come_back),
            Answers::Interlude => {
                script
                    .dialogue
                    .answered_interlude(&utterance.typed, may_come_back);
            }
        }
        if self.run.recording.dialogue {
            let instance = self.instance;
            self.run.emit(RunEvent::Said {
                instance,
                text: utterance.shown.into_owned(),
            });
        }
        Some(Cue::Said)
    }

    /// Looks again whether the terminal's echo is off. There is no event to wait for: a terminal
    /// does not tell its other end of a change of its settings.
    pub(super) fn try_secret(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let State::Alive(script) = &mut self.state else {
            return;
        };
        let overdue = script.overdue(now);
        let Some(job) = &mut script.job else { return };
        let Waiting::EchoOff {
            utterance,
            since,
            tries,
        } = std::mem::replace(&mut job.waiting, Waiting::Output)
        else {
            return;
        };
        if script.child.echo() == Echo::On {
            let waited = now.duration_since(since);
            job.waiting = Waiting::EchoOff {
                utterance,
                since,
                tries: tries + 1,
            };
            if overdue.is_some() || waited > job::ECHO_PATIENCE {
                let fault = Fault::new(
                    FailureKind::EchoStayedOn,
                    "the secret was not typed: the terminal would have shown it",
                )
                .with_hint(
                    "the program reads this with echo on: use `send` instead of `secret` (a value \
                     listed under `secrets` stays masked)",
                );
                return self.job_over(Err(fault), ctx);
            }
            return self.set_alarm(ctx);
        }
        match self.say(utterance) {
            Some(cue) => self.drive(cue, ctx),
            None => self.set_alarm(ctx),
        }
    }
}
