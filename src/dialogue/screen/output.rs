//! Screen of a program, and the conditions that the present wait has on it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dialogue::role_matcher::RoleMatcher;
use crate::dialogue::wait_set::{PlacedPatterns, WaitSet};
use crate::terminal::{KeyModes, Screen, ScreenChange, ScreenSize};

use super::evidence::{Judgement, NearMiss, ScreenMatch, is_shown, is_within, judge};
use super::shown_line::{PastText, lines_of};
use super::typed::TypedText;
use super::wait::{Judging, ScreenContent, ScreenRegion, ScreenWait};

/// Silence, in quiet times, after which a screen counts as complete although the program is not
/// known to wait for input.
const LONG_QUIET: u32 = 10;

/// Time, in quiet times, for which the row of a match has to rest before a reply, or after which a key
/// has had its effect, on a screen that never settles: a clock on it may go on for ever.
const RESTLESS: u32 = 100;

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

/// Owner of a condition, with its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum ConditionOwner {
    Wait(usize),
    Interlude(usize),
}

/// A condition of the present wait.
#[derive(Debug)]
struct Condition {
    owner: ConditionOwner,
    wait: Arc<ScreenWait>,
    /// The moment since which it has held, with the same captures.
    held: Option<(Instant, ScreenMatch)>,
    /// True if a text that has to go was there.
    was_shown: bool,
    near_miss: Option<NearMiss>,
}

impl Condition {
    /// Returns whether the condition depends on what the screen shows in between, before it settles.
    fn depends_on_each_operation(&self) -> bool {
        self.wait.judging == Judging::Drawn
            || self.wait.holds.is_some()
            || matches!(self.wait.content, ScreenContent::Gone(_))
    }

    /// Returns whether the change before this boundary cannot have met the condition.
    fn is_unmoved(&self, screen: &Screen) -> bool {
        let ScreenContent::Shown(text) = &self.wait.content else {
            return false;
        };
        let is_anywhere = self.wait.region == ScreenRegion::default();
        if !is_anywhere || self.wait.holds.is_some() {
            return false;
        }
        match screen.change() {
            // The text may go on in the next row, or have begun in the one before.
            ScreenChange::Printed(row)
                if screen.is_wrapped(row)
                    || row.checked_sub(1).is_some_and(|it| screen.is_wrapped(it)) =>
            {
                false
            }
            ScreenChange::Printed(row) => {
                let row = screen.row(row);
                // A literal with trailing blanks may end at the end of the row.
                let padded = format!("{} ", row.text());
                text.find(&padded, 0..padded.len()).is_none()
            }
            ScreenChange::Scrolled => true,
            ScreenChange::Other => false,
        }
    }

    /// Judges the condition. `is_settled` if the screen is complete.
    fn look(
        &mut self,
        screen: &Screen,
        typed: &TypedText,
        wait_began: Instant,
        settled: &Settled,
    ) -> Look {
        let found = match &self.wait.content {
            ScreenContent::Gone(_) => {
                let is_shown = is_shown(&self.wait, screen);
                self.was_shown |= is_shown;
                let is_gone = !is_shown && (self.was_shown || self.wait.still);
                self.near_miss = (!is_shown && !is_gone).then_some(NearMiss::NeverShown);
                is_gone.then(|| {
                    let found = ScreenMatch {
                        at: screen.last_change().max(wait_began),
                        captures: Vec::new(),
                        row: String::new(),
                        cells: Vec::new(),
                    };
                    (found, false)
                })
            }
            ScreenContent::Shown(_) | ScreenContent::Any => {
                match judge(&self.wait, screen, typed, wait_began) {
                    Judgement::Met(found) => {
                        let is_whole = self.wait.judging == Judging::Drawn;
                        Some((found, is_whole))
                    }
                    Judgement::MetIfSettled(found) => Some((found, false)),
                    Judgement::Unmet { near_miss } => {
                        self.near_miss = near_miss.or(self.near_miss);
                        None
                    }
                }
            }
        };
        match found {
            None => {
                self.held = None;
                Look::Unmet
            }
            Some((found, is_whole)) => {
                let since = match &self.held {
                    Some((since, before)) if before.captures == found.captures => *since,
                    _ => found.at,
                };
                if self.wait.holds.is_some() {
                    self.held = Some((since, found.clone()));
                }
                match self.wait.holds {
                    Some(length) => Look::HoldsUntil(since + length),
                    None if is_whole => Look::Met(found),
                    None => match settled.at(&found, screen) {
                        None => Look::Met(found),
                        Some(at) => Look::MetOnceSettled(at),
                    },
                }
            }
        }
    }
}

/// State of a screen: settled or not.
struct Settled {
    now: Instant,
    quiet: Duration,
    /// The moment of the next look; `None` if the whole screen has settled.
    next_look: Option<Instant>,
    /// False while output is being applied, and where it ends in the middle of drawing.
    is_complete: bool,
}

impl Settled {
    /// Returns `None` if a match counts, else the moment of the next look. On a screen that goes on to
    /// change elsewhere, the row of the match has to rest.
    fn at(&self, found: &ScreenMatch, screen: &Screen) -> Option<Instant> {
        let next_look = self.next_look?;
        if found.cells.is_empty() || !self.is_complete {
            return Some(next_look);
        }
        let columns = 0..screen.size().columns;
        let rows = found.cells.iter().map(|(row, _)| *row);
        let cells = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
        let written = cells.filter_map(|(row, column)| screen.written_at(row, column));
        let rest = if found.captures.is_empty() {
            RESTLESS
        } else {
            LONG_QUIET
        };
        let rests_at = written.max().unwrap_or(found.at).max(found.at) + self.quiet * rest;
        (rests_at > self.now).then(|| rests_at.min(next_look))
    }
}

enum Look {
    Unmet,
    /// To be looked at again at this moment.
    MetOnceSettled(Instant),
    HoldsUntil(Instant),
    Met(ScreenMatch),
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
    pub(in crate::dialogue) fn answered(&mut self, text: &str, at: Instant) {
        self.apply_all();
        self.typed.type_at_cursor(&self.screen, text);
        self.answered_text.record(&self.screen);
        self.screen.answered(at);
        self.typed_at = at;
        self.active_at = self.active_at.max(at);
        self.reads = false;
    }

    /// Records a reply to an interlude, after which older output still counts.
    pub(in crate::dialogue) fn answered_interlude(&mut self, text: &str, at: Instant) {
        self.apply_all();
        self.typed.type_at_cursor(&self.screen, text);
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
        let ScreenOutput {
            screen,
            unapplied,
            typed,
            conditions,
            wait_began,
            ..
        } = self;
        let mut met = None;
        while let Some((at, bytes)) = unapplied.front_mut() {
            let used = screen.feed(bytes, *at, &mut |screen| {
                let settled = Settled {
                    now: *at,
                    quiet: Duration::ZERO,
                    next_look: Some(*at),
                    is_complete: false,
                };
                let conditions = conditions.iter_mut();
                for condition in
                    conditions.filter(|it| it.depends_on_each_operation() && !it.is_unmoved(screen))
                {
                    if let Look::Met(found) = condition.look(screen, typed, *wait_began, &settled) {
                        met = Some(ScreenFinding::Match {
                            owner: condition.owner,
                            found,
                        });
                        return true;
                    }
                }
                false
            });
            if used >= bytes.len() {
                unapplied.pop_front();
            } else {
                bytes.drain(..used);
            }
            if met.is_some() {
                return met;
            }
        }
        None
    }
}

fn conditions(
    patterns: &PlacedPatterns,
    owner: impl Fn(usize) -> ConditionOwner,
) -> Vec<Condition> {
    let screens = patterns.screens();
    let condition = |(index, wait): (usize, &Arc<ScreenWait>)| Condition {
        owner: owner(index),
        wait: Arc::clone(wait),
        held: None,
        was_shown: false,
        near_miss: None,
    };
    screens.map(condition).collect()
}
