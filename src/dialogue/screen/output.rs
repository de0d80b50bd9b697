//! Screen of a program, and the look for the conditions that the present wait has on it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dialogue::role_matcher::RoleMatcher;
use crate::dialogue::wait_set::WaitSet;
use crate::terminal::{KeyModes, Screen, ScreenSize};

use super::condition::{
    Condition, ConditionOwner, LONG_QUIET, Look, RESTLESS, Settled, conditions,
};
use super::evidence::{NearMiss, ScreenMatch, is_shown, is_within};
use super::shown_line::{PastText, lines_of};
use super::typed::{InputKind, TypedText};
use super::wait::{ScreenContent, ScreenWait};

/// Screen of a program with the output that it does not show yet.
///
/// Output is applied one operation at a time, and only as far as a wait needs it: what follows the
/// match of a wait is for the next one. So two frames that are read together are both seen.
#[derive(Debug)]
pub(in crate::dialogue) struct ScreenOutput {
    screen: Screen,
    unapplied: VecDeque<(Instant, Vec<u8>)>,
    typed: TypedText,
    conditions: Vec<Condition>,
    /// The text at the last reply: what has to go may have gone before its wait begins.
    answered_text: PastText,
    wait_began: Instant,
    /// The time of the last output or reply.
    active_at: Instant,
    /// The time of the last reply.
    typed_at: Instant,
    /// True if the program waits for input, with the output so far.
    reads: bool,
    /// True if a condition holds once the screen has settled.
    is_waiting_to_settle: bool,
    /// The end of the output.
    ended_at: Option<Instant>,
    reads_so_far: u64,
    /// Output that is applied already, and that the next wait is to look at, too.
    earlier: Option<EarlierOutput>,
    /// True if the output after the next reply is to be kept so.
    keeps_output: bool,
}

/// Output since the last reply, and a screen on which it can be drawn again.
#[derive(Debug)]
struct EarlierOutput {
    screen: Screen,
    output: VecDeque<(Instant, Vec<u8>)>,
    /// False once a wait looks at it.
    is_open: bool,
}

/// Result of a look at the screen.
#[derive(Debug)]
pub(in crate::dialogue) enum ScreenFinding {
    Nothing,
    /// To be looked at again at this moment.
    LookAt(Instant),
    Match {
        owner: ConditionOwner,
        found: ScreenMatch,
    },
}

impl ScreenOutput {
    pub(in crate::dialogue) fn new(size: ScreenSize, now: Instant) -> ScreenOutput {
        ScreenOutput {
            screen: Screen::new(size, now),
            unapplied: VecDeque::new(),
            typed: TypedText::default(),
            conditions: Vec::new(),
            answered_text: PastText::default(),
            wait_began: now,
            active_at: now,
            typed_at: now,
            reads: false,
            is_waiting_to_settle: false,
            ended_at: None,
            reads_so_far: 0,
            earlier: None,
            keeps_output: false,
        }
    }

    pub(in crate::dialogue) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Adds output that was read at `at`.
    pub(in crate::dialogue) fn feed(&mut self, bytes: &[u8], at: Instant) {
        self.active_at = self.active_at.max(at);
        self.reads = false;
        self.reads_so_far += 1;
        self.unapplied.push_back((at, bytes.to_vec()));
        if let Some(earlier) = self.earlier.as_mut().filter(|it| it.is_open) {
            earlier.output.push_back((at, bytes.to_vec()));
        }
    }

    /// Keeps the output after the next reply for the next wait, though looks at the screen before it
    /// apply that output.
    pub(in crate::dialogue) fn keep_output(&mut self) {
        self.keeps_output = true;
    }

    pub(in crate::dialogue) fn reads_so_far(&self) -> u64 {
        self.reads_so_far
    }

    /// Applies all output so far.
    pub(in crate::dialogue) fn apply_all(&mut self) {
        for (at, bytes) in self.unapplied.drain(..) {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let used = self.screen.feed(rest, at, &mut |_| false);
                rest = &rest[used..];
            }
        }
    }

    /// Begins to look for the conditions of a wait.
    pub(in crate::dialogue) fn begin(&mut self, wait: &WaitSet, matcher: &RoleMatcher) {
        if self.earlier.is_some() {
            self.apply_all();
        }
        if let Some(earlier) = &mut self.earlier {
            earlier.is_open = false;
        }
        self.wait_began = self.active_at;
        self.is_waiting_to_settle = false;
        self.conditions = conditions(wait.placed(), ConditionOwner::Wait);
        self.conditions
            .extend(conditions(&matcher.interludes, ConditionOwner::Interlude));
        for condition in &mut self.conditions {
            if let ScreenContent::Gone(_) = condition.wait.content {
                let before = self.answered_text.rows();
                let before = lines_of(&self.screen, &before);
                let was_answered = is_within(&condition.wait, &before);
                condition.was_shown = was_answered || is_shown(&condition.wait, &self.screen);
            }
        }
    }

    pub(in crate::dialogue) fn end(&mut self, at: Instant) {
        self.ended_at = Some(at);
    }

    /// Records a reply that was typed at `at`.
    pub(in crate::dialogue) fn answered(
        &mut self,
        (text, kind): (&str, InputKind),
        is_more: bool,
        at: Instant,
    ) {
        self.apply_all();
        self.typed.type_at_cursor(&self.screen, text, kind, is_more);
        self.answered_text.record(&self.screen);
        self.screen.answered(at);
        let is_kept = std::mem::take(&mut self.keeps_output) && !self.screen.is_incomplete();
        self.earlier = is_kept.then(|| EarlierOutput {
            screen: self.screen.redrawn(at),
            output: VecDeque::new(),
            is_open: true,
        });
        self.typed_at = at;
        self.active_at = self.active_at.max(at);
        self.reads = false;
    }

    /// Records a reply to an interlude, after which older output still counts.
    pub(in crate::dialogue) fn answered_interlude(
        &mut self,
        (text, kind): (&str, InputKind),
        at: Instant,
    ) {
        self.apply_all();
        self.typed.type_at_cursor(&self.screen, text, kind, false);
        self.active_at = self.active_at.max(at);
        self.reads = false;
    }

    /// Takes a match out of the evidence, where matched text does not match again.
    pub(in crate::dialogue) fn consume(&mut self, found: &ScreenMatch) {
        for (row, columns) in found.cells.iter().cloned() {
            self.screen.forget(row, columns);
        }
    }

    /// Returns the answers to the program's queries since the last call.
    pub(in crate::dialogue) fn take_answers(&mut self) -> Vec<u8> {
        self.screen.take_answers()
    }

    pub(in crate::dialogue) fn resize(&mut self, size: ScreenSize, at: Instant) {
        self.apply_all();
        self.answered_text.record(&self.screen);
        self.screen.resize(size);
        self.screen.answered(at);
        self.active_at = self.active_at.max(at);
        self.reads = false;
    }

    pub(in crate::dialogue) fn key_modes(&self) -> KeyModes {
        self.screen.key_modes()
    }

    /// Returns whether it matters now that the program waits for input.
    pub(in crate::dialogue) fn needs_reading(&self, now: Instant, quiet: Duration) -> bool {
        !self.reads && self.is_waiting_to_settle && now >= self.active_at + quiet
    }

    /// Reports that the program waits for input, with all of its output taken in.
    pub(in crate::dialogue) fn reading(&mut self) {
        self.reads = true;
    }

    pub(in crate::dialogue) fn is_reading(&self) -> bool {
        self.reads
    }

    /// Returns `None` if the screen has settled: all output is read, it does not end in the middle of
    /// drawing, and the program waits for input, has been silent for long or has ended. Otherwise the
    /// moment at which to look again.
    pub(in crate::dialogue) fn settles_at(&self, now: Instant, quiet: Duration) -> Option<Instant> {
        let quiet_at = self.active_at + quiet;
        let silent_at = self.active_at + quiet * LONG_QUIET;
        if self.screen.is_incomplete() {
            return Some(silent_at.max(now + quiet * LONG_QUIET));
        }
        if self.ended_at.is_some() || now >= silent_at || (self.reads && now >= quiet_at) {
            return None;
        }
        Some(if now < quiet_at {
            quiet_at
        } else {
            silent_at.min(now + quiet)
        })
    }

    /// Waits for the screen to settle, for a sequence of keys. See [`ScreenOutput::settles_at`].
    pub(in crate::dialogue) fn settle(
        &mut self,
        now: Instant,
        quiet: Duration,
        is_drained: bool,
    ) -> Option<Instant> {
        self.apply_all();
        let is_restless = now >= self.typed_at + quiet * RESTLESS && !self.screen.is_incomplete();
        let at = self.settles_at(now, quiet).filter(|_| !is_restless);
        self.is_waiting_to_settle = at.is_some();
        match at {
            None if !is_drained && self.ended_at.is_none() => Some(now + quiet),
            at => at,
        }
    }

    /// Looks for the conditions of the present wait.
    pub(in crate::dialogue) fn poll(
        &mut self,
        now: Instant,
        quiet: Duration,
        is_drained: bool,
    ) -> ScreenFinding {
        if let Some(finding) = self.apply_until_met() {
            return finding;
        }
        self.is_waiting_to_settle = false;
        if self.conditions.is_empty() || !(is_drained || self.ended_at.is_some()) {
            return ScreenFinding::Nothing;
        }
        let settles_at = self.settles_at(now, quiet);
        let is_settled = settles_at.is_none();
        let is_unfinished = self.screen.is_incomplete();
        let settled = Settled {
            now,
            quiet,
            next_look: settles_at,
            is_complete: !is_unfinished,
        };
        let mut look_at: Option<Instant> = None;
        let mut waits_to_settle = false;
        for condition in &mut self.conditions {
            // A run of text at the end of the output may go on.
            let may_go_on = |found: &ScreenMatch| {
                let cursor = self.screen.cursor();
                let cells = &found.cells;
                !is_settled
                    && self.screen.is_mid_run()
                    && (cells.is_empty() || cells.iter().any(|(row, _)| *row == cursor.row))
                    && found.at + quiet * LONG_QUIET > now
            };
            let look = condition.look(&self.screen, &self.typed, self.wait_began, &settled);
            let at = match look {
                Look::Met(found) if !may_go_on(&found) => {
                    let owner = condition.owner;
                    return ScreenFinding::Match { owner, found };
                }
                Look::Met(_) => {
                    waits_to_settle = true;
                    settles_at
                }
                // It would need the end of what the program has begun to draw.
                Look::MetOnceSettled(_) | Look::HoldsUntil(_) if is_unfinished => {
                    condition.near_miss = Some(NearMiss::Unfinished);
                    settles_at.filter(|_| self.ended_at.is_none())
                }
                Look::MetOnceSettled(at) => {
                    waits_to_settle = true;
                    Some(at)
                }
                Look::HoldsUntil(at) if at <= now => {
                    // It has to hold while the program lives.
                    if self.ended_at.is_some_and(|ended| ended < at) {
                        None
                    } else if let Some((_, found)) = condition.held.clone() {
                        let owner = condition.owner;
                        return ScreenFinding::Match { owner, found };
                    } else {
                        None
                    }
                }
                Look::HoldsUntil(at) => Some(at),
                Look::Unmet => None,
            };
            look_at = look_at.into_iter().chain(at).min();
        }
        self.is_waiting_to_settle = waits_to_settle;
        look_at.map_or(ScreenFinding::Nothing, ScreenFinding::LookAt)
    }

    /// Returns the reason why a text on the screen is no evidence for the present wait.
    pub(in crate::dialogue) fn near_miss(&self) -> Option<(&ScreenWait, NearMiss)> {
        let mut conditions = self.conditions.iter();
        conditions.find_map(|condition| Some((&*condition.wait, condition.near_miss?)))
    }

    /// Applies output up to the first operation after which a condition holds that is judged then.
    fn apply_until_met(&mut self) -> Option<ScreenFinding> {
        let mut judge = |screen: &Screen, at: Instant| {
            let settled = Settled {
                now: at,
                quiet: Duration::ZERO,
                next_look: Some(at),
                is_complete: false,
            };
            let conditions = self.conditions.iter_mut();
            let mut conditions =
                conditions.filter(|it| it.depends_on_each_operation() && !it.is_unmoved(screen));
            conditions.find_map(|condition| {
                match condition.look(screen, &self.typed, self.wait_began, &settled) {
                    Look::Met(found) => Some(ScreenFinding::Match {
                        owner: condition.owner,
                        found,
                    }),
                    _ => None,
                }
            })
        };
        if let Some(earlier) = &mut self.earlier {
            let EarlierOutput { screen, output, .. } = earlier;
            let met = apply_until(screen, output, &mut judge);
            if met.is_some() {
                return met;
            }
            self.earlier = None;
        }
        apply_until(&mut self.screen, &mut self.unapplied, &mut judge)
    }
}

/// Applies output to a screen up to the first operation after which the judge finds something.
fn apply_until(
    screen: &mut Screen,
    output: &mut VecDeque<(Instant, Vec<u8>)>,
    judge: &mut dyn FnMut(&Screen, Instant) -> Option<ScreenFinding>,
) -> Option<ScreenFinding> {
    while let Some((at, bytes)) = output.front_mut() {
        let at = *at;
        let mut met = None;
        let used = screen.feed(bytes, at, &mut |screen| {
            met = judge(screen, at);
            met.is_some()
        });
        if used >= bytes.len() {
            output.pop_front();
        } else {
            bytes.drain(..used);
        }
        if met.is_some() {
            return met;
        }
    }
    None
}
