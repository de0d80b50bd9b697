//! Keys: their names and the bytes that a terminal sends for them.
//!
//! The bytes are those of xterm, in its default modes or in those that the program has set:
//! <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.

use std::borrow::Cow;
use std::fmt;

use super::screen::KeyModes;

/// A key, as `press` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    Enter,
    Escape,
    Tab,
    /// Shift with tab.
    BackTab,
    Space,
    Backspace,
    Insert,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    /// Control with a lower-case letter, with one of `\ ] ^ _`, or with a space.
    Ctrl(char),
    /// Alt with a printable ASCII character.
    Alt(char),
    /// A key that moves the cursor, with another one held.
    Held(HeldKey, MotionKey),
    /// `F1` to `F24`, by number.
    Function(u8),
    /// A key of the keypad: a digit, one of `+ - * / .`, or `\r` for its Enter.
    Keypad(char),
    /// A character that is typed without Enter, for programs that read single keys.
    Char(char),
}

/// A key that is held while another one is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldKey {
    Shift,
    Alt,
    Ctrl,
}

/// A key that moves the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MotionKey {
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// Error of an unknown key name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no key `{name}`; did you mean `{nearest}`?")]
pub struct UnknownKey {
    pub name: String,
    /// The most similar known name.
    pub nearest: String,
}

const NAMED: [(&str, Key); 16] = [
    ("enter", Key::Enter),
    ("escape", Key::Escape),
    ("tab", Key::Tab),
    ("shift-tab", Key::BackTab),
    ("space", Key::Space),
    ("backspace", Key::Backspace),
    ("insert", Key::Insert),
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

/// Names as in terminfo and on some keyboards.
const ALIASES: [(&str, Key); 1] = [("backtab", Key::BackTab)];

const MOTIONS: [(&str, MotionKey); 8] = [
    ("up", MotionKey::Up),
    ("down", MotionKey::Down),
    ("left", MotionKey::Left),
    ("right", MotionKey::Right),
    ("home", MotionKey::Home),
    ("end", MotionKey::End),
    ("page-up", MotionKey::PageUp),
    ("page-down", MotionKey::PageDown),
];

const HELD: [(&str, HeldKey); 3] = [
    ("shift", HeldKey::Shift),
    ("alt", HeldKey::Alt),
    ("ctrl", HeldKey::Ctrl),
];

/// The characters on a keypad.
const KEYPAD: &str = "0123456789+-*/.";

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
        if let Some(character) = name.strip_prefix("alt-")
            && let &[character] = character.as_bytes()
            && character.is_ascii_graphic()
        {
            return Ok(Key::Alt(character.into()));
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        alias
            .map(|&(_, key)| key)
            .or_else(|| Key::all().find(|key| key.to_string() == name))
            .ok_or_else(|| UnknownKey {
                name: name.to_owned(),
                nearest: nearest(name),
            })
    }

    /// Returns all keys with a name.
    pub fn all() -> impl Iterator<Item = Key> {
        let motions = MOTIONS.iter().map(|&(_, motion)| motion);
        let held = HELD.iter().map(|&(_, held)| held);
        NAMED
            .iter()
            .map(|&(_, key)| key)
            .chain(('a'..='z').chain("\\]^_ ".chars()).map(Key::Ctrl))
            .chain(('a'..='z').map(Key::Alt))
            .chain(held.flat_map(move |held| {
                let motions = motions.clone();
                motions.map(move |motion| Key::Held(held, motion))
            }))
            .chain((1..=24).map(Key::Function))
            .chain(KEYPAD.chars().chain(['\r']).map(Key::Keypad))
    }

    /// Returns the keys that are neither characters, nor numbered, nor pressed with another one.
    pub fn named() -> impl Iterator<Item = Key> {
        NAMED.iter().map(|&(_, key)| key)
    }

    /// Returns the key as transcripts show it: `<enter>`.
    pub fn shown(self) -> Cow<'static, str> {
        match self {
            // By far the most frequent key.
            Key::Enter => Cow::Borrowed("<enter>"),
            other => Cow::Owned(format!("<{other}>")),
        }
    }

    /// Returns the bytes to send in these modes of a terminal. On pipes Enter is a line feed, as no
    /// terminal translates a carriage return there.
    pub(crate) fn bytes(self, terminal: bool, modes: KeyModes) -> Cow<'static, [u8]> {
        let motion = |motion: MotionKey| Cow::Owned(motion.bytes(modes));
        Cow::Borrowed(match self {
            Key::Enter if terminal => b"\r",
            Key::Enter => b"\n",
            Key::Escape => b"\x1b",
            Key::Tab => b"\t",
            Key::BackTab => b"\x1b[Z",
            Key::Space => b" ",
            Key::Backspace => b"\x7f",
            Key::Insert => b"\x1b[2~",
            Key::Delete => b"\x1b[3~",
            Key::Up => return motion(MotionKey::Up),
            Key::Down => return motion(MotionKey::Down),
            Key::Right => return motion(MotionKey::Right),
            Key::Left => return motion(MotionKey::Left),
            Key::Home => return motion(MotionKey::Home),
            Key::End => return motion(MotionKey::End),
            Key::PageUp => return motion(MotionKey::PageUp),
            Key::PageDown => return motion(MotionKey::PageDown),
            Key::Held(held, motion) => return Cow::Owned(motion.bytes_with(held)),
            Key::Function(number) => return Cow::Owned(function(number)),
            Key::Ctrl(character) => return Cow::Owned(vec![character as u8 & 0x1f]),
            Key::Alt(character) => return Cow::Owned(format!("\x1b{character}").into_bytes()),
            Key::Keypad('\r') if !modes.application_keypad => {
                return Key::Enter.bytes(terminal, modes);
            }
            // The codes are those of the characters, moved up by 64: `p` for 0, `M` for Enter.
            Key::Keypad(character) if modes.application_keypad => {
                return Cow::Owned(vec![b'\x1b', b'O', character as u8 + 0x40]);
            }
            Key::Keypad(character) | Key::Char(character) => {
                return Cow::Owned(character.to_string().into_bytes());
            }
        })
    }
}

impl MotionKey {
    /// Returns the part of its code that names it: a letter, or a number before `~`.
    fn code(self) -> (u8, u8) {
        match self {
            MotionKey::Up => (1, b'A'),
            MotionKey::Down => (1, b'B'),
            MotionKey::Right => (1, b'C'),
            MotionKey::Left => (1, b'D'),
            MotionKey::Home => (1, b'H'),
            MotionKey::End => (1, b'F'),
            MotionKey::PageUp => (5, b'~'),
            MotionKey::PageDown => (6, b'~'),
        }
    }

    fn bytes(self, modes: KeyModes) -> Vec<u8> {
        match self.code() {
            (number, b'~') => format!("\x1b[{number}~").into_bytes(),
            (_, letter) if modes.application_cursor => vec![b'\x1b', b'O', letter],
            (_, letter) => vec![b'\x1b', b'[', letter],
        }
    }

    fn bytes_with(self, held: HeldKey) -> Vec<u8> {
        let held = match held {
            HeldKey::Shift => 2,
            HeldKey::Alt => 3,
            HeldKey::Ctrl => 5,
        };
        let (number, letter) = self.code();
        format!("\x1b[{number};{held}{}", letter as char).into_bytes()
    }
}

/// Returns the code of a function key. From `F13` on, they are the first twelve with shift.
fn function(number: u8) -> Vec<u8> {
    let (number, is_shifted) = match number {
        13.. => (number - 12, true),
        _ => (number, false),
    };
    let code = match number {
        1..=4 => {
            let letter = char::from(b'P' + number - 1);
            return match is_shifted {
                true => format!("\x1b[1;2{letter}"),
                false => format!("\x1bO{letter}"),
            }
            .into_bytes();
        }
        5 => 15,
        // There are gaps in the numbers, where the keyboard of the VT220 had gaps.
        6..=10 => 11 + number,
        _ => 12 + number,
    };
    match is_shifted {
        true => format!("\x1b[{code};2~"),
        false => format!("\x1b[{code}~"),
    }
    .into_bytes()
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Ctrl(' ') => f.write_str("ctrl-space"),
            Key::Ctrl(character) => write!(f, "ctrl-{character}"),
            Key::Alt(character) => write!(f, "alt-{character}"),
            Key::Held(held, motion) => {
                let held = HELD.iter().find(|(_, it)| it == held);
                let motion = MOTIONS.iter().find(|(_, it)| it == motion);
                let names = held.zip(motion);
                names.map_or(Ok(()), |((held, _), (motion, _))| {
                    write!(f, "{held}-{motion}")
                })
            }
            Key::Function(number) => write!(f, "f{number}"),
            Key::Keypad('\r') => f.write_str("keypad-enter"),
            Key::Keypad(character) => write!(f, "keypad-{character}"),
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
    let similarity = |key: &Key| strsim::jaro_winkler(&key.to_string(), &lower);
    // Of equally similar ones, the first.
    let keys = Key::all().map(|key| (similarity(&key), key));
    let best = keys.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or(String::new(), |(_, key)| key.to_string())
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
            assert!(!key.bytes(true, KeyModes::default()).is_empty());
        }
        assert_eq!(seen.len(), 16 + 31 + 26 + 3 * 8 + 24 + 16);
        assert_eq!(Key::parse("backtab"), Ok(Key::BackTab));
        assert_eq!(Key::parse("alt-."), Ok(Key::Alt('.')));
    }

    #[test]
    fn enter_is_the_line_end_of_the_other_side() {
        let bytes = |key: Key, terminal| key.bytes(terminal, KeyModes::default()).into_owned();
        assert_eq!(bytes(Key::Enter, true), b"\r");
        assert_eq!(bytes(Key::Enter, false), b"\n");
        assert_eq!(bytes(Key::Keypad('\r'), false), b"\n");
    }

    /// The codes of terminfo's `xterm-256color` (`infocmp -x`), where it has them.
    #[test]
    fn codes_are_those_of_xterm() {
        let application = KeyModes {
            application_cursor: true,
            application_keypad: true,
            ..KeyModes::default()
        };
        for (name, default, in_application_mode) in [
            ("up", "\x1b[A", "\x1bOA"),
            ("left", "\x1b[D", "\x1bOD"),
            ("home", "\x1b[H", "\x1bOH"),
            ("end", "\x1b[F", "\x1bOF"),
            ("page-up", "\x1b[5~", "\x1b[5~"),
            ("insert", "\x1b[2~", "\x1b[2~"),
            ("shift-tab", "\x1b[Z", "\x1b[Z"),
            ("shift-up", "\x1b[1;2A", "\x1b[1;2A"),
            ("ctrl-right", "\x1b[1;5C", "\x1b[1;5C"),
            ("alt-home", "\x1b[1;3H", "\x1b[1;3H"),
            ("ctrl-page-down", "\x1b[6;5~", "\x1b[6;5~"),
            ("alt-x", "\x1bx", "\x1bx"),
            ("ctrl-c", "\x03", "\x03"),
            ("ctrl-space", "\0", "\0"),
            ("ctrl-_", "\x1f", "\x1f"),
            ("f1", "\x1bOP", "\x1bOP"),
            ("f4", "\x1bOS", "\x1bOS"),
            ("f5", "\x1b[15~", "\x1b[15~"),
            ("f6", "\x1b[17~", "\x1b[17~"),
            ("f10", "\x1b[21~", "\x1b[21~"),
            ("f11", "\x1b[23~", "\x1b[23~"),
            ("f12", "\x1b[24~", "\x1b[24~"),
            ("f13", "\x1b[1;2P", "\x1b[1;2P"),
            ("f17", "\x1b[15;2~", "\x1b[15;2~"),
            ("f24", "\x1b[24;2~", "\x1b[24;2~"),
            ("keypad-0", "0", "\x1bOp"),
            ("keypad-+", "+", "\x1bOk"),
            ("keypad-enter", "\r", "\x1bOM"),
        ] {
            let key = Key::parse(name).expect("a key");
            let bytes = |modes| String::from_utf8_lossy(&key.bytes(true, modes)).into_owned();
            assert_eq!(bytes(KeyModes::default()), default, "{name}");
            assert_eq!(bytes(application), in_application_mode, "{name}");
        }
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
