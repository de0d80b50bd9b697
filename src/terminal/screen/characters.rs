//! UTF-8 decoder that goes on across reads.

/// Decoder of bytes into characters, one at a time.
///
/// Invalid bytes become U+FFFD. The characters do not depend on how the bytes were split.
#[derive(Debug, Default)]
pub(super) struct Characters {
    /// The beginning of a character that is not complete.
    partial: [u8; 4],
    len: usize,
}

impl Characters {
    /// Returns whether no character has begun.
    pub(super) fn is_at_start(&self) -> bool {
        self.len == 0
    }

    /// Decodes one byte: returns the character that it completes, and whether the byte was used. A
    /// byte that is not used ends an invalid character and has to be decoded again.
    pub(super) fn decode(&mut self, byte: u8) -> (Option<char>, bool) {
        if self.len == 0 && byte.is_ascii() {
            return (Some(char::from(byte)), true);
        }
        self.partial[self.len] = byte;
        self.len += 1;
        match std::str::from_utf8(&self.partial[..self.len]) {
            Ok(text) => {
                let character = text.chars().next();
                self.len = 0;
                (character, true)
            }
            Err(error) if error.error_len().is_none() => (None, true),
            Err(_) => {
                let is_first = self.len == 1;
                self.len = 0;
                (Some(char::REPLACEMENT_CHARACTER), is_first)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn characters_are_those_of_the_standard_library(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select("aé€😀".as_bytes().to_vec())],
                0..40,
            ),
        ) {
            let mut characters = Characters::default();
            let mut text = String::new();
            for &byte in &bytes {
                loop {
                    let (character, is_used) = characters.decode(byte);
                    text.extend(character);
                    if is_used {
                        break;
                    }
                }
            }
            if !characters.is_at_start() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
