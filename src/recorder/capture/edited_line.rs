//! A line as it is after the editing keys of a terminal.

use std::fmt;

/// The key after which the next one is text, whatever it is: Ctrl-V.
const LITERAL: char = '\x16';

/// A typed text, with the keys applied that a terminal itself applies while it collects a line.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct EditedLine {
    text: String,
    /// The bytes of a character that is not complete.
    begun: Vec<u8>,
    is_literal: bool,
    /// The characters as a terminal shows them: with a blank over each that was erased.
    shown: String,
}

/// Shows nothing of the text, which may be a secret.
impl fmt::Debug for EditedLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EditedLine(***)")
    }
}

impl EditedLine {
    /// Applies a byte.
    pub(super) fn push(&mut self, byte: u8) {
        self.begun.push(byte);
        let character = match std::str::from_utf8(&self.begun) {
            Ok(text) => text.chars().next().unwrap_or_default(),
            Err(error) if error.error_len().is_none() && self.begun.len() < 4 => return,
            Err(_) => char::REPLACEMENT_CHARACTER,
        };
        self.begun.clear();
        if std::mem::take(&mut self.is_literal) {
            self.insert(character);
            return;
        }
        match character {
            '\x7f' | '\x08' => {
                self.erase_from(self.text.char_indices().last().map_or(0, |it| it.0))
            }
            // Ctrl-U.
            '\x15' => self.erase_from(0),
            // Ctrl-W.
            '\x17' => {
                let kept = self.text.trim_end();
                let kept = kept.rfind(' ').map_or(0, |blank| blank + 1);
                self.erase_from(kept);
            }
            LITERAL => self.is_literal = true,
            character => self.insert(character),
        }
    }

    fn insert(&mut self, character: char) {
        self.text.push(character);
        self.shown.push(character);
    }

    fn erase_from(&mut self, kept: usize) {
        let erased = self.text[kept..].chars().count();
        self.shown.extend(std::iter::repeat_n(' ', erased));
        self.text.truncate(kept);
    }

    /// Returns the text as its echo has it, if that is another one: erased characters are there, too.
    pub(super) fn echoed(&self) -> Option<&str> {
        (self.shown != self.text).then_some(self.shown.as_str())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns whether the next byte is text, whatever it is.
    pub(super) fn is_literal(&self) -> bool {
        self.is_literal
    }

    /// Returns the number of characters.
    pub(super) fn length(&self) -> usize {
        self.text.chars().count()
    }
}

/// Returns whether a byte edits the line that was typed so far.
pub(super) fn is_editing(byte: u8) -> bool {
    matches!(byte, 0x7f | 0x08 | 0x15 | 0x17)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_keys_are_applied_by_characters() {
        for (typed, text) in [
            ("4712\x7f1", "4711"),
            ("grün\x7f\x7fn", "grn"),
            ("wrong\x15right", "right"),
            ("one two \x17three", "one three"),
            ("\x7f\x15\x17", ""),
            ("a\x16\x7f", "a\x7f"),
        ] {
            let mut line = EditedLine::default();
            typed.bytes().for_each(|byte| line.push(byte));
            assert_eq!(line.text(), text, "{typed:?}");
        }
    }
}
