//! Screens: conditions on what a screen shows, and key sequences that follow what it shows.

mod condition;
mod driver;
mod evidence;
mod fill;
mod key_step;
mod output;
mod select;
mod shown_line;
mod typed;
mod wait;

pub(super) use condition::ConditionOwner;
pub use driver::{KeySequence, KeySequencePart};
pub use evidence::NearMiss;
pub(super) use evidence::ScreenMatch;
pub use fill::{FieldValue, FormFiller};
pub use key_step::{KeyPress, KeySequenceError, KeySequenceErrorKind, KeyStep};
pub(super) use output::{ScreenFinding, ScreenOutput};
pub use select::{LitTexts, RowSelector, lit_texts};
pub(super) use typed::InputKind;
pub use wait::{
    CellPosition, CursorCondition, Judging, RowRange, ScreenContent, ScreenRegion, ScreenWait,
};

#[cfg(test)]
mod tests;
