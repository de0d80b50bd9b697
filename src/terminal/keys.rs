//! Keys: their names and the bytes that a terminal sends for them.
//!
//! The bytes are those of xterm, in its default modes or in those that the program has set:
//! <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.

mod held;
mod names;

use std::borrow::Cow;
use std::fmt;

use super::screen::KeyModes;

pub use held::{HeldKey, Modifiers};

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
    /// Control with a lower-case letter, with one of `\\ ] ^ _ /`, or with a space.
    Ctrl(char),
    /// Control with backspace.
    CtrlBackspace,
    /// Alt with a printable ASCII character, or with a key that has a name.
    Alt(char),
    /// Control and alt with a lower-case letter.
    CtrlAlt(char),
    /// A key whose code shows that others are held.
    Held(Modifiers, HeldKey),
    /// `F1` to `F24`, by number.
    Function(u8),
    /// A key of the keypad: a digit, one of `+ - * / .`, or `\r` for its Enter.
    Keypad(char),
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
    /// True if the name is that of the nearest key in another program.
    pub is_synonym: bool,
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

/// The named keys that alt puts an escape before, by their characters.
const ALT_NAMED: [(&str, char); 5] = [
    ("enter", '\r'),
    ("tab", '\t'),
    ("backspace", '\x7f'),
    ("escape", '\x1b'),
    ("space", ' '),
];

/// The characters with control that a terminal sends as another one of [`CTRL_SYMBOLS`].
const CTRL_ALIASES: [(char, Key); 9] = [
    ('@', Key::Ctrl(' ')),
    ('2', Key::Ctrl(' ')),
    ('[', Key::Escape),
    ('3', Key::Escape),
    ('4', Key::Ctrl('\\')),
    ('5', Key::Ctrl(']')),
    ('6', Key::Ctrl('^')),
    ('7', Key::Ctrl('_')),
    ('8', Key::Backspace),
];

/// The characters beside letters that have a code with control.
const CTRL_SYMBOLS: &str = "\\]^_/ ";

/// The characters on a keypad.
const KEYPAD: &str = "0123456789+-*/.";

impl Key {
    /// Parses a key name: `enter`, `page-up`, `ctrl-c`, `f5`, and so on. A single character is the
    /// key of that character.
    pub fn parse(name: &str) -> Result<Key, UnknownKey> {
        let mut characters = name.chars();
        if let (Some(only), None) = (characters.next(), characters.next())
            && !only.is_control()
            && only != ' '
        {
            return Ok(Key::Char(only));
        }
        Key::held(name)
            .or_else(|| ALIASES.iter().find(|(it, _)| *it == name).map(|it| it.1))
            .or_else(|| Key::all().find(|key| key.to_string() == name))
            .ok_or_else(|| {
                let synonym = synonym(name);
                UnknownKey {
                    name: name.to_owned(),
                    is_synonym: synonym.is_some(),
                    nearest: synonym.map_or_else(|| nearest(name), |key| key.to_string()),
                }
            })
    }

    /// Returns the key of a name with modifiers, which may stand in any order.
    fn held(name: &str) -> Option<Key> {
        let (held, key) = Modifiers::split(name);
        if held == Modifiers::default() {
            return None;
        }
        if let Some(key) = HeldKey::all().find(|it| it.to_string() == key) {
            return Some(Key::Held(held, key));
        }
        let named = ALT_NAMED.iter().find(|(named, _)| *named == key);
        let character = match *key.as_bytes() {
            [character] if character.is_ascii_graphic() => Some(char::from(character)),
            _ => None,
        };
        match (held.ctrl, held.alt, held.shift) {
            (false, false, true) => (key == "tab").then_some(Key::BackTab),
            (false, true, false) => named.map(|it| it.1).or(character).map(Key::Alt),
            (true, false, false) if key == "backspace" => Some(Key::CtrlBackspace),
            (true, false, false) => {
                let alias = CTRL_ALIASES.iter().find(|(it, _)| Some(*it) == character);
                let own = character.or((key == "space").then_some(' '));
                let own = own.filter(|it| it.is_ascii_lowercase() || CTRL_SYMBOLS.contains(*it));
                alias.map(|it| it.1).or(own.map(Key::Ctrl))
            }
            (true, true, false) => {
                let letter = character.filter(char::is_ascii_lowercase);
                letter.map(Key::CtrlAlt)
            }
            _ => None,
        }
    }

    /// Returns all keys with a name.
    pub fn all() -> impl Iterator<Item = Key> {
        let alt = ALT_NAMED.iter().map(|&(_, character)| character);
        NAMED
            .iter()
            .map(|&(_, key)| key)
            .chain(('a'..='z').chain(CTRL_SYMBOLS.chars()).map(Key::Ctrl))
            .chain([Key::CtrlBackspace])
            .chain(('a'..='z').chain(alt).map(Key::Alt))
            .chain(('a'..='z').map(Key::CtrlAlt))
            .chain(
                Modifiers::all()
                    .flat_map(|held| HeldKey::all().map(move |key| Key::Held(held, key))),
            )
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
        let motion = |key: HeldKey| Cow::Owned(key.bytes(modes));
        Cow::Borrowed(match self {
            Key::Enter if terminal => b"\r",
            Key::Enter => b"\n",
            Key::Escape => b"\x1b",
            Key::Tab => b"\t",
            Key::BackTab => b"\x1b[Z",
            Key::Space => b" ",
            Key::Backspace => b"\x7f",
            Key::CtrlBackspace => b"\x08",
            Key::Insert => return motion(HeldKey::Insert),
            Key::Delete => return motion(HeldKey::Delete),
            Key::Up => return motion(HeldKey::Up),
            Key::Down => return motion(HeldKey::Down),
            Key::Right => return motion(HeldKey::Right),
            Key::Left => return motion(HeldKey::Left),
            Key::Home => return motion(HeldKey::Home),
            Key::End => return motion(HeldKey::End),
            Key::PageUp => return motion(HeldKey::PageUp),
            Key::PageDown => return motion(HeldKey::PageDown),
            Key::Held(held, key) => return Cow::Owned(key.bytes_with(held)),
            // From `F13` on, they are the first twelve with shift.
            Key::Function(number @ 13..) => {
                let shift = Modifiers {
                    shift: true,
                    ..Modifiers::default()
                };
                return Cow::Owned(HeldKey::Function(number - 12).bytes_with(shift));
            }
            Key::Function(number) => return motion(HeldKey::Function(number)),
            // A terminal sends the code of `_`.
            Key::Ctrl('/') => b"\x1f",
            Key::Ctrl(character) => return Cow::Owned(vec![character as u8 & 0x1f]),
            Key::Alt(character) => return Cow::Owned(format!("\x1b{character}").into_bytes()),
            Key::CtrlAlt(character) => {
                return Cow::Owned(vec![b'\x1b', character as u8 & 0x1f]);
            }
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

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Ctrl(' ') => f.write_str("ctrl-space"),
            Key::Ctrl(character) => write!(f, "ctrl-{character}"),
            Key::CtrlBackspace => f.write_str("ctrl-backspace"),
            Key::Alt(character) => match ALT_NAMED.iter().find(|(_, it)| it == character) {
                Some((name, _)) => write!(f, "alt-{name}"),
                None => write!(f, "alt-{character}"),
            },
            Key::CtrlAlt(character) => write!(f, "ctrl-alt-{character}"),
            Key::Held(held, key) => write!(f, "{held}{key}"),
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

/// Returns the key that has this name in another program. What is held with a key that a terminal
/// sends alike alone is left out.
fn synonym(name: &str) -> Option<Key> {
    let translated = names::translated(name);
    let (_, key) = Modifiers::split(&translated);
    Key::held(&translated)
        .or_else(|| Key::all().find(|it| it.to_string() == translated))
        .or_else(|| Key::named().find(|it| it.to_string() == key))
}

/// Returns the name of the most similar key.
fn nearest(name: &str) -> String {
    let translated = names::translated(name);
    let similarity = |key: &Key| strsim::jaro_winkler(&key.to_string(), &translated);
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
        assert_eq!(
            seen.len(),
            16 + (26 + 6) + 1 + (26 + 5) + 26 + 7 * 22 + 24 + 16
        );
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
            ("shift-f1", "\x1b[1;2P", "\x1b[1;2P"),
            ("shift-f6", "\x1b[17;2~", "\x1b[17;2~"),
            ("ctrl-f12", "\x1b[24;5~", "\x1b[24;5~"),
            ("alt-f4", "\x1b[1;3S", "\x1b[1;3S"),
            ("ctrl-delete", "\x1b[3;5~", "\x1b[3;5~"),
            ("shift-insert", "\x1b[2;2~", "\x1b[2;2~"),
            ("shift-end", "\x1b[1;2F", "\x1b[1;2F"),
            ("ctrl-shift-left", "\x1b[1;6D", "\x1b[1;6D"),
            ("shift-ctrl-left", "\x1b[1;6D", "\x1b[1;6D"),
            ("ctrl-alt-shift-page-up", "\x1b[5;8~", "\x1b[5;8~"),
            ("alt-x", "\x1bx", "\x1bx"),
            ("alt-X", "\x1bX", "\x1bX"),
            ("alt-enter", "\x1b\r", "\x1b\r"),
            ("alt-backspace", "\x1b\x7f", "\x1b\x7f"),
            ("ctrl-backspace", "\x08", "\x08"),
            ("ctrl-alt-b", "\x1b\x02", "\x1b\x02"),
            ("ctrl-/", "\x1f", "\x1f"),
            ("ctrl-@", "\0", "\0"),
            ("ctrl-[", "\x1b", "\x1b"),
            ("ctrl-5", "\x1d", "\x1d"),
            ("ctrl-8", "\x7f", "\x7f"),
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
            ("return", "enter"),
            ("<Return>", "enter"),
            ("esc", "escape"),
            ("pgdn", "page-down"),
            ("PgUp", "page-up"),
            ("KEY_NPAGE", "page-down"),
            ("del", "delete"),
            ("ins", "insert"),
            ("bs", "backspace"),
            ("^C", "ctrl-c"),
            ("C-x", "ctrl-x"),
            ("<C-w>", "ctrl-w"),
            ("M-x", "alt-x"),
            ("Shift+F6", "shift-f6"),
            ("Ctrl+Alt+Del", "ctrl-alt-delete"),
            ("ctrl-pgdn", "ctrl-page-down"),
            ("ctrl-C", "ctrl-c"),
            ("kp-enter", "keypad-enter"),
            // A terminal sends the same for both.
            ("ctrl-enter", "enter"),
            ("shift-enter", "enter"),
            ("ctrl-tab", "tab"),
        ] {
            assert_eq!(Key::parse(name).unwrap_err().nearest, nearest, "{name}");
        }
        assert_eq!(
            Key::parse("entre").unwrap_err().to_string(),
            "there is no key `entre`; did you mean `enter`?"
        );
    }
}
