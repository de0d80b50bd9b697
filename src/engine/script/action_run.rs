//! Action in progress, with its clocks.

use std::time::{Duration, Instant};

use crate::engine::faults::feedback::FaultPoint;
use crate::engine::messages::{Deadline, DeadlineOwner, Perform, TimedTurn, Timing};
use crate::engine::script::interpreter::{ActionError, ActionInterpreter, TypedReply};
use crate::terminal::EchoMode;

/// Time for a program to exit after its output has ended, before it counts as having closed its
/// output while it lives on.
pub(super) const CLOSING_GRACE: Duration = Duration::from_millis(500);

/// Longest time after a deadline in which output is read that may have come before it, as after a
/// stop of this process.
const LAST_READ: Duration = Duration::from_millis(250);

/// Longest wait of a secret for the terminal's echo to go off.
pub(super) const ECHO_PATIENCE: Duration = Duration::from_secs(5);

/// Longest wait for the effect of a key on the screen.
pub(super) const KEY_PATIENCE: Duration = Duration::from_secs(5);
/// The same if the program has read the key and waits for the next one. It may still wait for another
/// machine's answer, as a remote shell does.
pub(super) const KEY_PATIENCE_READING: Duration = Duration::from_secs(1);
/// Time between looks at a program whose key shows no effect yet: whether it reads is no event.
pub(super) const KEY_LOOK: Duration = Duration::from_millis(250);

/// Silence after which the output of a program that has refused counts as complete.
const AFTERMATH_QUIET: Duration = Duration::from_millis(100);
/// Longest time for which that silence is waited for.
const LONGEST_AFTERMATH: Duration = Duration::from_secs(1);

/// An action in progress: a step, a `leave`, or the return to the menu.
pub(super) struct ActionRun {
    pub perform: Perform,
    pub interpreter: ActionInterpreter,
    pub waiting: ActionWait,
    /// The moment to poll the dialogue again if nothing comes.
    pub quiet_at: Option<Instant>,
    /// The moment since which the living program's output has been at its end.
    pub closing_since: Option<Instant>,
    /// The named turns that were taken.
    pub turns: Vec<TimedTurn>,
    /// True from a reply with exclusive access until the evidence after it.
    pub holds_access: bool,
    /// True if faults are planned for it: their points are given to the fault filter.
    pub is_filtered: bool,
    started: Instant,
    paused: Duration,
    /// Waits for gates of replies.
    waited: Duration,
    held: PromptHold,
    throttled: Throttled,
    wait_began: Instant,
    /// The moment right before the last reply was written, until a wait follows it.
    said_at: Option<Instant>,
    /// The begin of a wait for a read of the program, and the number of checks since.
    reading: Option<(Instant, u32)>,
    /// The turn's own deadline.
    turn: Option<Deadline>,
    /// The deadline of the first wait of a program that has just been started.
    startup: Option<Deadline>,
    /// True if the program has discarded typed input since the last reply.
    pub input_discarded: bool,
    /// The end of the last reading after a deadline has passed.
    last_read_until: Option<Instant>,
}

/// Time spent waiting to see if an unfinished line was a prompt.
#[derive(Default)]
struct PromptHold {
    all: Duration,
    /// The part before the last evidence.
    before_evidence: Duration,
}

/// Time for which available output was left unread on purpose.
#[derive(Default)]
struct Throttled {
    /// The program's sum over all of its steps, as of the last report.
    reported: Duration,
    in_wait: Duration,
}

/// The present wait of an action.
pub(super) enum ActionWait {
    Output,
    /// The pause between rounds, ended by `until` of a repeat or this moment.
    RoundPause {
        until: Instant,
    },
    /// A secret waits for the terminal's echo to go off.
    EchoOff {
        since: Instant,
        tries: u32,
        reply: TypedReply,
    },
    /// The reply could not be typed. An exit of the program would be the better reason.
    ReplyFailed {
        since: Instant,
        reason: String,
    },
    Pause {
        until: Instant,
    },
    /// The reply waits for its gates; only the flow's deadline runs.
    AtGates(TypedReply),
    /// The reply waits for faults before it.
    ReplyHeld(TypedReply),
    /// The reply is being handed to the program.
    Typing {
        reply: TypedReply,
        /// Mode of the terminal when it was typed.
        mode: EchoMode,
        /// True if transcript and dialogue know it already.
        is_recorded: bool,
    },
    /// The program has not read the last reply, which no wait follows.
    Unread {
        since: Instant,
        tries: u32,
        /// Looks in a row at which nothing was unread.
        read: u32,
    },
    /// The screen settles after a key of a sequence.
    Settling {
        /// The first look after the key.
        since: Instant,
        /// The number of reads of output at the last look, if more output is awaited first.
        looked_after: Option<u64>,
    },
    /// The end of a command.
    Command,
    /// The output after a failure of the step: the reason often comes last, as in a traceback.
    Aftermath {
        error: ActionError,
        since: Instant,
        last_output: Instant,
    },
}

impl ActionRun {
    /// Creates an action that begins `now`. `startup`, for the program's first action, holds the
    /// moment at which the program was ordered and the duration that its start may take.
    pub(super) fn new(
        perform: Perform,
        interpreter: ActionInterpreter,
        startup: Option<(Instant, Duration)>,
        now: Instant,
    ) -> Self {
        let started = startup.map_or(now, |(ordered_at, _)| ordered_at);
        ActionRun {
            perform,
            interpreter,
            waiting: ActionWait::Output,
            quiet_at: None,
            closing_since: None,
            turns: Vec::new(),
            holds_access: false,
            is_filtered: false,
            started,
            paused: Duration::ZERO,
            waited: Duration::ZERO,
            held: PromptHold::default(),
            throttled: Throttled::default(),
            wait_began: now,
            said_at: None,
            reading: None,
            turn: None,
            input_discarded: false,
            last_read_until: None,
            startup: startup.map(|(ordered_at, allowed)| Deadline {
                at: ordered_at + allowed,
                owner: DeadlineOwner::Startup,
                allowed,
            }),
        }
    }

    /// Returns the present point for faults, if any are planned.
    pub(super) fn fault_point(&self) -> Option<FaultPoint> {
        self.is_filtered.then(|| FaultPoint {
            turn: self.interpreter.turn_name().map(str::to_owned),
            place: self.interpreter.place(),
        })
    }

    /// Takes the reply that is held for gates or faults.
    pub(super) fn take_held_reply(&mut self) -> Option<TypedReply> {
        match std::mem::replace(&mut self.waiting, ActionWait::Output) {
            ActionWait::AtGates(reply) | ActionWait::ReplyHeld(reply) => Some(reply),
            other => {
                self.waiting = other;
                None
            }
        }
    }

    /// Notes the duration of the turn whose evidence has just come, if it has a name.
    pub(super) fn time_turn(&mut self) {
        if let Some(name) = self.interpreter.take_timed()
            && let Some(evidence) = self.interpreter.evidence_at()
        {
            let took = evidence.saturating_duration_since(self.wait_began);
            self.turns.push(TimedTurn {
                name,
                began: self.wait_began,
                took: took.saturating_sub(self.throttled.in_wait),
            });
        }
    }

    /// Begins to wait until the screen has settled: after more output than at the last look, if that
    /// is given.
    pub(super) fn settle(&mut self, now: Instant, looked_after: Option<u64>) {
        let since = match self.waiting {
            // The patience with a key begins with the first look.
            ActionWait::Settling { since, .. } if looked_after.is_some() => since,
            _ => now,
        };
        let said_at = self.said_at;
        self.wait(ActionWait::Settling {
            since,
            looked_after,
        });
        self.said_at = said_at;
    }

    /// Begins to wait for the end of a command.
    pub(super) fn begin_command(&mut self, now: Instant) {
        self.wait_began = now;
        self.wait(ActionWait::Command);
    }

    /// Notes that a reply was written at `at`; the program may have answered already.
    pub(super) fn said(&mut self, at: Instant) {
        self.said_at = Some(at);
        self.input_discarded = false;
    }

    /// Returns whether a reply was the last thing that happened.
    pub(super) fn ends_with_reply(&self) -> bool {
        self.said_at.is_some()
    }

    /// Begins a new wait; its time counts from the reply before it, if there was one.
    pub(super) fn listen(&mut self, now: Instant, within: Option<Duration>) {
        self.wait_began = self.said_at.take().unwrap_or(now);
        self.turn = within.map(|allowed| Deadline {
            at: now + allowed,
            owner: DeadlineOwner::Turn,
            allowed,
        });
        self.last_read_until = None;
        self.reading = self.interpreter.expects_read().then_some((now, 0));
        self.wait(ActionWait::Output);
    }

    /// Returns whether a read of the program is waited for and has to be checked. There is no event
    /// for it.
    pub(super) fn checks_read(&mut self, now: Instant) -> bool {
        let Some((since, tries)) = &mut self.reading else {
            return false;
        };
        let is_due = *since + poll_delay(*tries) <= now;
        *tries += u32::from(is_due);
        is_due
    }

    pub(super) fn wait(&mut self, waiting: ActionWait) {
        self.quiet_at = None;
        self.said_at = None;
        self.waiting = waiting;
    }

    /// Begins an intentional pause; only the flow's deadline runs in it.
    pub(super) fn pause(&mut self, now: Instant, length: Duration) {
        self.pause_for(length);
        self.turn = None;
        self.wait(ActionWait::Pause {
            until: now + length,
        });
    }

    /// Excludes this much time of the step from the program's, as an intentional pause.
    pub(super) fn pause_for(&mut self, length: Duration) {
        self.paused += length;
        self.put_off(length);
    }

    /// The same for a wait for a gate.
    pub(super) fn wait_for_gate(&mut self, length: Duration) {
        self.waited += length;
        self.put_off(length);
    }

    /// Moves the deadlines of the step and the turn.
    fn put_off(&mut self, length: Duration) {
        self.perform.deadline.at += length;
        if let Some(turn) = &mut self.turn {
            turn.at += length;
        }
    }

    /// Notes the total time for which output was left unread before the present wait.
    pub(super) fn held_back_before(&mut self, reported: Duration) {
        self.throttled = Throttled {
            reported,
            in_wait: Duration::ZERO,
        };
    }

    /// Notes the total time for which output was left unread until the evidence came.
    pub(super) fn held_back_until_now(&mut self, reported: Duration) {
        let more = reported.saturating_sub(self.throttled.reported);
        self.throttled.reported = reported;
        self.throttled.in_wait += more;
        self.held.all += more;
    }

    /// Notes that the program has started: its first evidence has come.
    pub(super) fn first_wait_over(&mut self) {
        self.startup = None;
    }

    /// Keeps the failure of the step while the program goes on to print its reasons.
    pub(super) fn hear_out(&mut self, error: ActionError, now: Instant) {
        self.wait(ActionWait::Aftermath {
            error,
            since: now,
            last_output: now,
        });
    }

    /// Returns the moment at which the program has been heard out.
    fn heard_out_at(&self) -> Option<Instant> {
        match &self.waiting {
            ActionWait::Aftermath {
                since, last_output, ..
            } => Some((*last_output + AFTERMATH_QUIET).min(*since + LONGEST_AFTERMATH)),
            _ => None,
        }
    }

    /// Takes the failure and its moment, if the program has been heard out.
    pub(super) fn aftermath(
        &mut self,
        now: Instant,
        ended: bool,
    ) -> Option<(ActionError, Instant)> {
        if !ended && self.heard_out_at()? > now {
            return None;
        }
        match std::mem::replace(&mut self.waiting, ActionWait::Output) {
            ActionWait::Aftermath { error, since, .. } => Some((error, since)),
            other => {
                self.waiting = other;
                None
            }
        }
    }

    /// Notes that the evidence came: it was printed at `said_at` and is acted on `now`. A wait for
    /// quiet in between is no time of the program.
    pub(super) fn heard(&mut self, said_at: Instant, now: Instant, after_quiet: bool) {
        self.held.before_evidence = self.held.all;
        if after_quiet {
            self.held.all += now.saturating_duration_since(said_at.max(self.wait_began));
        }
    }

    /// Returns whether a deadline that has passed is not to be judged yet: output that came in time may
    /// still be unread, or not have been quiet for long enough.
    pub(super) fn reads_on(&mut self, now: Instant, has_news: impl FnOnce() -> bool) -> bool {
        let until = *self.last_read_until.get_or_insert(now + LAST_READ);
        now < until && (self.quiet_at.is_some_and(|at| at > now) || has_news())
    }

    /// Returns the deadline that comes first.
    pub(super) fn deadline(&self) -> Deadline {
        let mut nearest = self.perform.deadline;
        let flow = &self.perform.flow_deadline;
        for deadline in self.startup.iter().chain(&self.turn).chain(flow) {
            if deadline.at < nearest.at {
                nearest = *deadline;
            }
        }
        nearest
    }

    fn flow_deadline_at(&self) -> Option<Instant> {
        self.perform.flow_deadline.map(|deadline| deadline.at)
    }

    /// Returns the message about the flow's deadline if it has passed in a pause or at gates.
    pub(super) fn overdue_in_a_wait(&self, now: Instant) -> Option<String> {
        let wait = match self.waiting {
            ActionWait::Pause { .. } => "in a pause",
            ActionWait::AtGates(_) => {
                "waiting for other flows at the `rate` or `exclusive` of a turn"
            }
            _ => return None,
        };
        let deadline = self.perform.flow_deadline.filter(|it| it.at <= now)?;
        let allowed = humantime::format_duration(deadline.allowed);
        Some(format!("the flow timed out after {allowed}, {wait}"))
    }

    /// Returns the earliest moment at which this action has to be checked.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        let own = match &self.waiting {
            ActionWait::Pause { until } => {
                let flow = self.flow_deadline_at();
                return Some(flow.map_or(*until, |at| at.min(*until)));
            }
            ActionWait::AtGates(_) => return self.flow_deadline_at(),
            ActionWait::ReplyHeld(_) | ActionWait::Typing { .. } => return None,
            ActionWait::Aftermath { .. } => return self.heard_out_at(),
            ActionWait::RoundPause { until } => Some(*until),
            ActionWait::EchoOff { since, tries, .. } | ActionWait::Unread { since, tries, .. } => {
                Some(*since + poll_delay(*tries))
            }
            ActionWait::ReplyFailed { since, .. } => Some(*since + CLOSING_GRACE),
            ActionWait::Output => self.reading.map(|(since, tries)| since + poll_delay(tries)),
            ActionWait::Settling { .. } | ActionWait::Command => None,
        };
        let closing = self.closing_since.map(|since| since + CLOSING_GRACE);
        [Some(self.deadline().at), own, self.quiet_at, closing]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.wait_began)
    }

    /// Returns the times of the action; a successful step ends with its last evidence.
    pub(super) fn timing(&self, well: bool, now: Instant) -> Timing {
        let evidence = self.interpreter.evidence_at().filter(|_| well);
        let ended = evidence.unwrap_or(now).max(self.started);
        let held = if evidence.is_some() {
            self.held.before_evidence
        } else {
            self.held.all
        };
        Timing {
            started: self.started,
            ended,
            paused: self.paused,
            waited: self.waited,
            held,
            held_after: self.held.all.saturating_sub(held),
        }
    }

    pub(super) fn overdue_message(&self, deadline: &Deadline) -> String {
        let allowed = humantime::format_duration(deadline.allowed);
        let awaited = match self.interpreter.awaited().as_slice() {
            [] => "the command's end".to_owned(),
            [only] => only.clone(),
            several => format!("one of: {}", several.join(", ")),
        };
        match deadline.owner {
            DeadlineOwner::Startup => {
                format!("not ready {allowed} after its start: waited for {awaited}")
            }
            DeadlineOwner::Turn => format!("waited {allowed} for {awaited}"),
            DeadlineOwner::Step => {
                format!("the step timed out after {allowed}, waiting for {awaited}")
            }
            DeadlineOwner::ReturnToMenu | DeadlineOwner::Leave => {
                format!("took longer than {allowed}, still waiting for {awaited}")
            }
            DeadlineOwner::Flow => {
                format!("the flow timed out after {allowed}, waiting for {awaited}")
            }
        }
    }
}

/// Returns the delay before check number `tries`, from 0, of something without an event: short at
/// first, since a program switches off the echo, or reads, right before or right after its prompt.
fn poll_delay(tries: u32) -> Duration {
    const DOUBLINGS: u32 = 8;
    let doubled = Duration::from_micros(200) * (2u32.pow(tries.min(DOUBLINGS) + 1) - 1);
    doubled + Duration::from_millis(50) * tries.saturating_sub(DOUBLINGS)
}
