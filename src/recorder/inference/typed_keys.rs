//! Keys in the bytes that a person typed.

use std::sync::LazyLock;

use crate::terminal::{Key, KeyModes};

/// The bytes of all keys, the longest first; of equal ones, the one with the plainest name.
static KEYS: LazyLock<Vec<(Vec<u8>, Key)>> = LazyLock::new(|| {
    let application = KeyModes {
        application_cursor: true,
        ..KeyModes::default()
    };
    let modes = [KeyModes::default(), application];
    let mut keys: Vec<(Vec<u8>, Key)> = Vec::new();
    for key in Key::all().filter(|key| !matches!(key, Key::Keypad(_))) {
        for mode in modes {
            let bytes = key.bytes(true, mode).into_owned();
            if !keys.iter().any(|(known, _)| *known == bytes) {
                keys.push((bytes, key));
            }
        }
    }
    keys.push((b"\n".to_vec(), Key::Enter));
    keys.push((vec![0x08], Key::Backspace));
    keys.sort_by_key(|(bytes, _)| std::cmp::Reverse(bytes.len()));
    keys
});

/// Marks of a text that is pasted in brackets.
const PASTE_BRACKETS: [&[u8]; 2] = [b"\x1b[200~", b"\x1b[201~"];

/// Returns the first key of `bytes`, if it is complete, and the number of its bytes. `None` stands
/// for bytes that are no key: marks of a paste, answers of the terminal.
pub(super) fn first_key(bytes: &[u8]) -> Option<(Option<Key>, usize)> {
    let first = *bytes.first()?;
    if let Some(bracket) = PASTE_BRACKETS.iter().find(|it| bytes.starts_with(it)) {
        return Some((None, bracket.len()));
    }
    if let Some(length) = answer_len(bytes) {
        return Some((None, length));
    }
    if let Some((known, key)) = KEYS.iter().find(|(known, _)| bytes.starts_with(known)) {
        return Some((Some(*key), known.len()));
    }
    let length = match first {
        0x00..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let piece = bytes.get(..length)?;
    let character = std::str::from_utf8(piece)
        .ok()
        .and_then(|it| it.chars().next());
    let key = character.filter(|it| !it.is_control()).map(Key::Char);
    Some((key, length))
}

/// Returns the keys of `bytes`.
pub(super) fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let Some((key, length)) = first_key(bytes) {
        keys.extend(key);
        bytes = &bytes[length..];
    }
    keys
}

/// Returns the length of a terminal's answer to a query, which a program has asked and nobody typed:
/// a position, attributes, a status, a mode, a colour.
fn answer_len(bytes: &[u8]) -> Option<usize> {
    if let Some(rest) = bytes.strip_prefix(b"\x1b[") {
        let marks = rest.iter().take_while(|it| b"?>=".contains(it)).count();
        let length = rest
            .iter()
            .take_while(|it| it.is_ascii_digit() || b";?>=$".contains(it))
            .count();
        let is_answer = match rest.get(length)? {
            b'R' => rest[..length].contains(&b';') && !rest.starts_with(b"1;"),
            b'c' | b'y' => true,
            b'n' => length > 0,
            b'u' => marks > 0,
            b'I' | b'O' => length == 0,
            _ => false,
        };
        return is_answer.then_some(2 + length + 1);
    }
    if bytes.starts_with(b"\x1b]") || bytes.starts_with(b"\x1bP") {
        let bell = bytes.iter().position(|it| *it == 0x07).map(|at| at + 1);
        let string_end = bytes.windows(2).skip(2).position(|it| it == b"\x1b\\");
        return bell.or(string_end.map(|at| at + 4));
    }
    None
}

/// Returns the text that these keys leave on an input line or in a field.
pub(in crate::recorder) fn printable(keys: &[Key]) -> String {
    let mut text = String::new();
    for key in keys {
        match key {
            Key::Char(character) => text.push(*character),
            Key::Space => text.push(' '),
            Key::Backspace | Key::Ctrl('h') => {
                text.pop();
            }
            Key::Ctrl('u') => text.clear(),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_bytes() {
        let names = |bytes: &[u8]| -> Vec<String> {
            keys(bytes).into_iter().map(|key| key.to_string()).collect()
        };
        assert_eq!(names(b"\x1b[B\x1bOA\r"), ["down", "up", "enter"]);
        assert_eq!(
            names("aé\x7f\x03".as_bytes()),
            ["a", "é", "backspace", "ctrl-c"]
        );
        assert_eq!(names(b"\x1bOR\x1b[15~\x1b"), ["f3", "f5", "escape"]);
        assert_eq!(names(b"\x1b[200~ab\x1b[201~"), ["a", "b"]);
        assert_eq!(
            names(b"\x1b[24;80Rx\x1b[?62;22cy\x1b]10;rgb:0/0/0\x07z"),
            ["x", "y", "z"]
        );
    }
}
