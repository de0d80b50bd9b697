//! Keys of the player.

/// A command of the person who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlayerKey {
    Pause,
    Step,
    Faster,
    Slower,
    Back,
    Forward,
    NextRole,
    AllRoles,
    Quit,
}

/// Reader of keys from the bytes of a terminal, in which the bytes of one key may be split.
#[derive(Debug, Default)]
pub(super) struct KeyReader {
    begun: Vec<u8>,
}

impl KeyReader {
    /// Returns the keys that are complete with these bytes. Other keys are ignored.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<PlayerKey> {
        bytes.iter().filter_map(|byte| self.next(*byte)).collect()
    }

    fn next(&mut self, byte: u8) -> Option<PlayerKey> {
        match (self.begun.as_slice(), byte) {
            (_, 0x1b) => {
                self.begun = vec![byte];
                return None;
            }
            ([0x1b], b'[' | b'O') => {
                self.begun.push(byte);
                return None;
            }
            // Parameters of a sequence; only the last byte names the key.
            ([0x1b, ..], 0x20..=0x3f) if self.begun.len() > 1 => return None,
            ([0x1b, _, ..], _) => {
                self.begun.clear();
                return match byte {
                    b'C' => Some(PlayerKey::Forward),
                    b'D' => Some(PlayerKey::Back),
                    _ => None,
                };
            }
            _ => self.begun.clear(),
        }
        Some(match byte {
            b' ' => PlayerKey::Pause,
            b'.' => PlayerKey::Step,
            b'+' | b'=' | b'>' => PlayerKey::Faster,
            b'-' | b'<' => PlayerKey::Slower,
            b'\t' => PlayerKey::NextRole,
            b'a' => PlayerKey::AllRoles,
            // Ctrl-C and Ctrl-D are bytes in raw mode.
            b'q' | 0x03 | 0x04 => PlayerKey::Quit,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_however_their_bytes_are_split() {
        let bytes = b" .+-\x1b[C\x1bOD\x1b[1;5D\x1b[3~\x1bq\ta\x1b[Zxq";
        use PlayerKey::*;
        let expected = [
            Pause, Step, Faster, Slower, Forward, Back, Back, Quit, NextRole, AllRoles, Quit,
        ];
        let mut whole = KeyReader::default();
        assert_eq!(whole.read(bytes), expected);
        let mut split = KeyReader::default();
        let keys: Vec<_> = bytes.iter().flat_map(|byte| split.read(&[*byte])).collect();
        assert_eq!(keys, expected);
    }
}
