//! Control sequences in output of which a part is left out.

use memchr::memrchr;

const ESCAPE: u8 = 0x1b;

/// Place within a control sequence (ECMA-48, 5.4 and 5.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SequencePlace {
    /// In none.
    #[default]
    Text,
    Escape,
    Sequence,
    Message,
}

impl SequencePlace {
    /// Returns the place behind a byte.
    pub(super) fn after(self, byte: u8) -> SequencePlace {
        use SequencePlace::{Escape, Message, Sequence, Text};
        match (self, byte) {
            (_, ESCAPE) => Escape,
            // They end any sequence.
            (_, 0x18 | 0x1a) | (Message, 0x07) => Text,
            (Escape, b'[') => Sequence,
            (Escape, b']' | b'P' | b'X' | b'^' | b'_') => Message,
            (Escape, 0x20..=0x2f) => Escape,
            (Sequence, 0x00..=0x3f) => Sequence,
            (Message, _) => Message,
            (Escape | Sequence | Text, _) => Text,
        }
    }

    /// Returns the place behind these bytes. Most of them are not looked at: an escape begins anew.
    pub(super) fn after_all(self, bytes: &[u8]) -> SequencePlace {
        let (mut place, begin) = match memrchr(ESCAPE, bytes) {
            Some(escape) => (SequencePlace::Text, escape),
            None => (self, 0),
        };
        for &byte in &bytes[begin..] {
            place = place.after(byte);
            if place == SequencePlace::Text {
                break;
            }
        }
        place
    }

    /// Removes the rest of the sequence that these pieces of output begin within, or of a character
    /// of which the beginning is missing. Returns the number of bytes that were removed.
    pub(super) fn remove_rest<'a>(self, pieces: impl Iterator<Item = &'a mut Vec<u8>>) -> usize {
        let mut place = self;
        let mut removed = 0;
        let mut has_text = false;
        for piece in pieces {
            let rest = piece.iter().position(|&byte| {
                let is_rest_of_character = !has_text && (0x80..=0xbf).contains(&byte);
                let is_within = place != SequencePlace::Text;
                // An escape may end a message, or begin something else.
                let begins = byte == ESCAPE && place != SequencePlace::Message;
                place = place.after(byte);
                has_text = begins || !(is_within || is_rest_of_character);
                has_text
            });
            let length = rest.unwrap_or(piece.len());
            piece.drain(..length);
            removed += length;
            if has_text {
                break;
            }
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str =
        "a\x1b[38;5;16;48;5;231mб8\x1b]0;a title\x07b\x1b(B\x1bPq#0;2\x1b\\₹c\x1b[1\x18d";

    #[test]
    fn the_rest_after_any_cut_begins_with_text_or_a_sequence() {
        let output = OUTPUT.as_bytes();
        for cut in 0..=output.len() {
            let place = SequencePlace::Text.after_all(&output[..cut]);
            for size in [1, 3, 100] {
                let mut pieces: Vec<_> = output[cut..].chunks(size).map(<[u8]>::to_vec).collect();
                let removed = place.remove_rest(pieces.iter_mut());
                let rest = pieces.concat();
                assert_eq!(rest, output[cut + removed..]);
                let rest = String::from_utf8(rest).expect("whole characters");
                let begins = [
                    "a", "\x1b[38", "б", "8", "\x1b]", "b", "\x1b(", "\x1bP", "₹", "c", "\x1b[1",
                    "d",
                ];
                let is_whole = rest.is_empty() || begins.iter().any(|it| rest.starts_with(it));
                assert!(is_whole, "after {cut} bytes: {rest:?}");
            }
        }
    }

    #[test]
    fn places_do_not_depend_on_how_output_is_split() {
        let output = OUTPUT.as_bytes();
        for cut in 0..=output.len() {
            let (one, other) = output.split_at(cut);
            let split = SequencePlace::Text.after_all(one).after_all(other);
            assert_eq!(split, SequencePlace::Text.after_all(output), "{cut}");
        }
        let bytes = |place: SequencePlace| output.iter().fold(place, |it, &byte| it.after(byte));
        assert_eq!(bytes(SequencePlace::Text), SequencePlace::Text);
    }
}
