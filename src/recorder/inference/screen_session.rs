//! Turns of a session with a program that draws on the whole screen.

use super::anchors::Anchor;
use super::phrases::{Known, WrittenPattern};
use super::sessions::RecordedTurn;
use super::work::{Place, Work};
use crate::recorder::recording::Recording;

/// Returns whether the program uses the alternate screen, or places its cursor on the screen.
pub(super) fn is_screen_program(recording: &Recording) -> bool {
    let _ = recording;
    false
}

/// Returns the turns of a recording.
pub(super) fn turns(recording: &Recording) -> Vec<RecordedTurn> {
    let _ = recording;
    Vec::new()
}

/// Returns the wait for the screen of a turn.
pub(super) fn anchor(work: &Work, place: Place, known: &Known) -> Anchor {
    let _ = (work, place, known);
    Anchor::Nothing
}

/// Returns the text that proves the answer before.
pub(super) fn proof(work: &Work, place: Place, known: &Known) -> Option<WrittenPattern> {
    let _ = (work, place, known);
    None
}
