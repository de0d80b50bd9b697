//! Evidence on a screen: text that the program has drawn since the last reply.

use std::time::Instant;

use crate::model::NamedValue;
use crate::terminal::Screen;

use super::ScreenWait;

/// Text that was typed, and its place on the screen.
#[derive(Debug, Default)]
pub(in crate::dialogue) struct TypedText {}

impl TypedText {
    /// Records text that is about to be typed at the cursor.
    pub(in crate::dialogue) fn type_at_cursor(&mut self, _screen: &Screen, _text: &str) {}
}

/// Result of judging a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) enum Judgement {
    /// It does not hold. `near_miss` if its text is there, but is no evidence.
    Unmet { near_miss: Option<NearMiss> },
    /// It holds, by text that was drawn as a whole since the last reply.
    Met(ScreenMatch),
    /// It holds if the screen is complete: a part of its text was there before.
    MetIfSettled(ScreenMatch),
}

/// Reason why a text on the screen is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearMiss {
    /// It was there before the last reply.
    Stale,
    /// It may be what was typed.
    Typed,
    /// It is elsewhere on the screen.
    Elsewhere,
    /// The cursor is elsewhere.
    CursorElsewhere,
}

/// A condition that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dialogue) struct ScreenMatch {
    /// The moment when the last needed cell was written.
    pub at: Instant,
    pub captures: Vec<NamedValue>,
    /// The row of the match, as text.
    pub row: String,
}

/// Judges a condition, apart from `Gone` (see the owner of the wait) and from how long it holds.
pub(in crate::dialogue) fn judge(
    _wait: &ScreenWait,
    _screen: &Screen,
    _typed: &TypedText,
    _wait_began: Instant,
) -> Judgement {
    todo!()
}

/// Returns whether the text of a condition is within its region, old or new.
pub(in crate::dialogue) fn is_shown(_wait: &ScreenWait, _screen: &Screen) -> bool {
    todo!()
}
