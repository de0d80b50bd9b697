//! Keys: their names and the bytes that a terminal sends for them.
//!
//! The bytes are those of xterm in its default modes:
//! <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.

use std::borrow::Cow;
use std::fmt;

/// A key, as `press` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    Enter,
    Escape,
    Tab,
    Space,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    /// Control with a lower-case letter, `a` to `z`.
    Ctrl(char),
    /// `F1` to `F12`, by number.
    Function(u8),
    /// A character that is typed without Enter, for programs that read single keys.
    Char(char),
}

/// Error of an unknown key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no key `{name}`; did you mean `{nearest}`?")]
pub struct UnknownKey {
    pub name: String,
    /// The most similar known name.
    pub nearest: String,
}

const NAMED: [(&str, Key); 14] = [
    ("enter", Key::Enter),
    ("escape", Key::Escape),
    ("tab", Key::Tab),
    ("space", Key::Space),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("page-up", Key::PageUp),
    ("page-down", Key::PageDown),
];

impl Key {
    /// Parses a key name: `enter`, `page-up`, `ctrl-c`, `f5`, and so on. A single character is the
    /// key of that character.
    pub fn parse(name: &str) -> Result<Key, UnknownKey> {
        let mut characters = name.chars();
        if let (Some(only), None) = (characters.next(), characters.next())
            && !only.is_control()
            && !only.is_whitespace()
        {
            return Ok(Key::Char(only));
        }
        Key::all()
            .find(|key| key.to_string() == name)
            .ok_or_else(|| UnknownKey {
                name: name.to_owned(),
                nearest: nearest(name),
            })
    }

    /// Returns all keys with a name.
    pub fn all() -> impl Iterator<Item = Key> {
        NAMED
            .iter()
            .map(|&(_, key)| key)
            .chain(('a'..='z').map(Key::Ctrl))
            .chain((1..=12).map(Key::Function))
    }

    /// Returns the key as transcripts show it: `<enter>`.
    pub fn shown(self) -> Cow<'static, str> {
        match self {
            // By far the most frequent key.
            Key::Enter => Cow::Borrowed("<enter>"),
            other => Cow::Owned(format!("<{other}>")),
        }
    }

    /// Returns the bytes to send. On pipes Enter is a line feed, as no terminal translates a carriage
    /// return there.
    pub fn bytes(self, terminal: bool) -> Cow<'static, [u8]> {
        Cow::Borrowed(match self {
            Key::Enter if terminal => b"\r",
            Key::Enter => b"\n",
            Key::Escape => b"\x1b",
            Key::Tab => b"\t",
            Key::Space => b" ",
            Key::Backspace => b"\x7f",
            Key::Delete => b"\x1b[3~",
            Key::Up => b"\x1b[A",
            Key::Down => b"\x1b[B",
            Key::Right => b"\x1b[C",
            Key::Left => b"\x1b[D",
            Key::Home => b"\x1b[H",
            Key::End => b"\x1b[F",
            Key::PageUp => b"\x1b[5~",
            Key::PageDown => b"\x1b[6~",
            Key::Function(1) => b"\x1bOP",
            Key::Function(2) => b"\x1bOQ",
            Key::Function(3) => b"\x1bOR",
            Key::Function(4) => b"\x1bOS",
            Key::Function(5) => b"\x1b[15~",
            Key::Function(6) => b"\x1b[17~",
            Key::Function(7) => b"\x1b[18~",
            Key::Function(8) => b"\x1b[19~",
            Key::Function(9) => b"\x1b[20~",
            Key::Function(10) => b"\x1b[21~",
            Key::Function(11) => b"\x1b[23~",
            Key::Function(_) => b"\x1b[24~",
            Key::Ctrl(letter) => return Cow::Owned(vec![letter as u8 & 0x1f]),
            Key::Char(character) => return Cow::Owned(character.to_string().into_bytes()),
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Ctrl(letter) => write!(f, "ctrl-{letter}"),
            Key::Function(number) => write!(f, "f{number}"),
            Key::Char(character) => write!(f, "{character}"),
            named => NAMED
                .iter()
                .find(|(_, key)| key == named)
                .map_or(Ok(()), |(name, _)| f.write_str(name)),
        }
    }
}

fn nearest(name: &str) -> String {
    let lower = name.to_lowercase().replace(['_', ' ', '+'], "-");
    Key::all()
        .map(|key| key.to_string())
        .max_by(|a, b| strsim::jaro_winkler(a, &lower).total_cmp(&strsim::jaro_winkler(b, &lower)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_own_name_and_bytes() {
        let mut seen = std::collections::HashSet::new();
        for key in Key::all() {
            assert_eq!(Key::parse(&key.to_string()), Ok(key));
            assert!(seen.insert(key.to_string()));
            assert!(!key.bytes(true).is_empty());
        }
        assert_eq!(seen.len(), 14 + 26 + 12);
    }

    #[test]
    fn enter_is_the_line_end_of_the_other_side() {
        assert_eq!(*Key::Enter.bytes(true), *b"\r");
        assert_eq!(*Key::Enter.bytes(false), *b"\n");
        assert_eq!(*Key::Ctrl('c').bytes(true), [3]);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        for (name, nearest) in [
            ("entre", "enter"),
            ("Esc", "escape"),
            ("ctrl+c", "ctrl-c"),
            ("pageup", "page-up"),
            ("F1", "f1"),
        ] {
            assert_eq!(Key::parse(name).unwrap_err().nearest, nearest);
        }
        assert_eq!(
            Key::parse("entre").unwrap_err().to_string(),
            "there is no key `entre`; did you mean `enter`?"
        );
    }
}
