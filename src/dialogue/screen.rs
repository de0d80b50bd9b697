//! Screens: conditions on what a screen shows, and key sequences that follow what it shows.

mod driver;
mod evidence;
mod fill;
mod output;
mod select;
mod typed;
mod wait;

pub use driver::{
    KeyPress, KeySequence, KeySequenceError, KeySequenceErrorKind, KeySequencePart, KeyStep,
};
pub use evidence::NearMiss;
pub(in crate::dialogue) use evidence::{Judgement, ScreenMatch, is_shown, judge};
pub use fill::{FieldValue, FormFiller};
pub(super) use output::{ScreenFinding, ScreenOutput};
pub use select::RowSelector;
pub(in crate::dialogue) use typed::TypedText;
pub use wait::{
    CellPosition, CursorCondition, Judging, RowRange, ScreenContent, ScreenRegion, ScreenWait,
};
