//! One running program: its process, what it has said, and what it is asked to perform.

use std::time::Instant;

use crate::dialogue::{Dialogue, Heard};
use crate::engine::messages::Whose;
use crate::engine::performance::{Cue, Fault};
use crate::engine::transcript::Transcript;
use crate::model::{Activity, FailureKind, ProcessRecord};
use crate::process::Child;
use crate::scenario::Masker;

use super::CLOSING_GRACE;
use super::job::{Job, Waiting};

/// A process, what it has said, and what it is asked to perform.
pub(super) struct Script {
    pub(super) child: Child,
    pub(super) dialogue: Dialogue,
    /// What happened to it, if that is recorded.
    pub(super) transcript: Option<Box<Transcript>>,
    /// The secrets as they were when the last job ended.
    pub(super) masker: Masker,
    pub(super) ordered_at: Instant,
    pub(super) first_output_at: Option<Instant>,
    /// Its record, once it has ended.
    pub(super) ended: Option<Box<ProcessRecord>>,
    pub(super) job: Option<Job>,
    /// The record has to go to the supervisor when the process has ended.
    pub(super) end_ordered: bool,
    /// When it was first told to go, politely or not.
    pub(super) leaves_since: Option<Instant>,
    /// Chaos has killed it.
    pub(super) struck_down: bool,
    /// Until when chaos has it frozen.
    pub(super) frozen_until: Option<Instant>,
}

impl Script {
    /// What has been heard of what the job waits for, or that the program has ended.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Cue> {
        let job = self.job.as_mut()?;
        match &job.waiting {
            Waiting::Output | Waiting::Linger { .. } => {}
            Waiting::Unsaid { .. } => return self.poll_end(),
            Waiting::Pause { .. }
            | Waiting::HeldBack { .. }
            | Waiting::Dribbling(_)
            | Waiting::EchoOff { .. }
            | Waiting::Command(_)
            | Waiting::Aftermath { .. } => return None,
        }
        let after_quiet = job.quiet_at.take().is_some();
        match self.dialogue.poll(now) {
            Heard::Nothing => self.poll_end(),
            Heard::QuietAt(at) => {
                job.quiet_at = Some(at);
                None
            }
            Heard::Ended { .. } => {
                if self.ended.is_none() && !job.performance.expects_exit() {
                    job.closing_since.get_or_insert(now);
                }
                self.poll_end()
            }
            heard => {
                job.first_wait_over();
                if let Heard::Wait { at, .. } = &heard {
                    job.sent(self.child.sent_at());
                    job.held_back_until_now(self.child.held_back());
                    job.heard(*at, now, after_quiet);
                }
                Some(Cue::Heard(heard))
            }
        }
    }

    pub(super) fn poll_end(&self) -> Option<Cue> {
        self.ended.as_ref().map(|record| Cue::Exited(record.exit))
    }

    /// What the program is doing.
    pub(super) fn activity(&self) -> Activity {
        if self.ended.is_some() {
            Activity::Gone
        } else {
            self.child.activity()
        }
    }

    pub(super) fn next_moment(&self) -> Option<Instant> {
        self.job.as_ref().and_then(Job::next_moment)
    }

    /// Why the job has to be given up now, if it has.
    pub(super) fn overdue(&self, now: Instant) -> Option<Fault> {
        let job = self.job.as_ref()?;
        if job
            .closing_since
            .is_some_and(|since| since + CLOSING_GRACE <= now)
        {
            return Some(Fault::new(
                FailureKind::EndedEarly,
                "the program closed its output, though it lives on, before it said what was awaited",
            ));
        }
        let deadline = job.deadline();
        if deadline.at > now {
            return None;
        }
        let kind = match deadline.whose {
            Whose::Startup => FailureKind::StartupTimeout,
            Whose::Turn | Whose::Step | Whose::Settle | Whose::Leave | Whose::Flow => {
                FailureKind::Timeout
            }
        };
        let mut message = job.overdue_message(&deadline);
        let unwritten = self.child.unwritten();
        if unwritten > 0 {
            message.push_str(&format!(
                "; the program has not read the last {unwritten} bytes typed"
            ));
        }
        let fault = Fault::new(kind, message);
        Some(match job.performance.misplaced(&self.dialogue) {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        })
    }
}
