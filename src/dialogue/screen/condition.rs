//! Conditions that the present wait has on the screen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dialogue::wait_set::PlacedPatterns;
use crate::terminal::{Screen, ScreenChange};

use super::evidence::{Judgement, NearMiss, ScreenMatch, is_shown, judge};
use super::typed::TypedText;
use super::wait::{Judging, ScreenContent, ScreenRegion, ScreenWait};

/// Silence, in quiet times, after which a screen counts as complete although the program is not
/// known to wait for input.
pub(super) const LONG_QUIET: u32 = 10;

/// Time, in quiet times, for which the row of a match has to rest before a reply, or after which a key
/// has had its effect, on a screen that never settles: a clock on it may go on for ever.
pub(super) const RESTLESS: u32 = 100;

/// Owner of a condition, with its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialogue) enum ConditionOwner {
    Wait(usize),
    Interlude(usize),
}

/// A condition of the present wait.
#[derive(Debug)]
pub(super) struct Condition {
    pub owner: ConditionOwner,
    pub wait: Arc<ScreenWait>,
    /// The moment since which it has held, with the same captures.
    pub held: Option<(Instant, ScreenMatch)>,
    /// True if a text that has to go was there.
    pub was_shown: bool,
    pub near_miss: Option<NearMiss>,
}

impl Condition {
    /// Returns whether the condition depends on what the screen shows in between, before it settles.
    pub(super) fn depends_on_each_operation(&self) -> bool {
        self.wait.judging == Judging::Drawn
            || self.wait.holds.is_some()
            || matches!(self.wait.content, ScreenContent::Gone(_))
    }

    /// Returns whether the change before this boundary cannot have met the condition.
    pub(super) fn is_unmoved(&self, screen: &Screen) -> bool {
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
    pub(super) fn look(
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
pub(super) struct Settled {
    pub now: Instant,
    pub quiet: Duration,
    /// The moment of the next look; `None` if the whole screen has settled.
    pub next_look: Option<Instant>,
    /// False while output is being applied, and where it ends in the middle of drawing.
    pub is_complete: bool,
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

/// Result of a look at the screen for one condition.
pub(super) enum Look {
    Unmet,
    /// To be looked at again at this moment.
    MetOnceSettled(Instant),
    HoldsUntil(Instant),
    Met(ScreenMatch),
}

/// Returns the conditions of patterns, each with its owner.
pub(super) fn conditions(
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
