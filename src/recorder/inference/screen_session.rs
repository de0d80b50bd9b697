//! Turns of a session with a program that draws on the whole screen.

use super::sessions::RecordedTurn;
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
