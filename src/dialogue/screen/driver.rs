//! Key sequences on a screen: each key is pressed when the screen shows the effect of the one before.

use std::collections::VecDeque;

use crate::terminal::Screen;

use super::fill::FormFiller;
use super::key_step::{KeyPress, KeySequenceError, KeyStep};
use super::select::RowSelector;

/// Part of a key sequence.
#[derive(Debug)]
pub enum KeySequencePart {
    Select(Box<RowSelector>),
    Fill(FormFiller),
    Press(KeyPress),
}

/// Sequence of keys on a screen. Pure: its owner types each step, waits until the screen has
/// settled, and asks for the next one.
#[derive(Debug)]
pub struct KeySequence {
    parts: VecDeque<KeySequencePart>,
}

impl KeySequence {
    pub fn new(parts: impl IntoIterator<Item = KeySequencePart>) -> KeySequence {
        KeySequence {
            parts: parts.into_iter().collect(),
        }
    }

    /// Returns the next step on a settled screen. `is_overdue` if the screen has had enough time to
    /// show the effect of the last key: then a step is never [`KeyStep::Wait`].
    ///
    /// # Errors
    /// If the screen shows that the sequence cannot go on.
    pub(crate) fn next(
        &mut self,
        screen: &Screen,
        is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        loop {
            let step = match self.parts.front_mut() {
                None => return Ok(KeyStep::Done),
                Some(KeySequencePart::Select(selector)) => selector.next(screen, is_overdue)?,
                Some(KeySequencePart::Fill(filler)) => filler.next(screen, is_overdue)?,
                Some(KeySequencePart::Press(press)) => KeyStep::Last(press.clone()),
            };
            match step {
                KeyStep::Done => {
                    self.parts.pop_front();
                }
                KeyStep::Last(press) => {
                    self.parts.pop_front();
                    return Ok(if self.parts.is_empty() {
                        KeyStep::Last(press)
                    } else {
                        KeyStep::Press(press)
                    });
                }
                step => return Ok(step),
            }
        }
    }
}
