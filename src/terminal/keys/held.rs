//! Keys that are pressed while shift, alt or ctrl is held.
//!
//! The codes are those of xterm's table "PC-Style Function Keys", without `modifyOtherKeys`:
//! <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.

use std::fmt;

use crate::terminal::screen::KeyModes;

/// Keys that are held while another one is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Modifiers {
    pub shift: bool,
    pub alt: bool,
    pub ctrl: bool,
}

/// A key whose code changes with the modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldKey {
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Insert,
    Delete,
    /// `F1` to `F12`, by number.
    Function(u8),
}

/// The end of a code: `CSI letter`, or `CSI number ~`.
enum Code {
    Letter(char),
    Number(u8),
}

pub(super) const HELD: [(&str, HeldKey); 10] = [
    ("up", HeldKey::Up),
    ("down", HeldKey::Down),
    ("left", HeldKey::Left),
    ("right", HeldKey::Right),
    ("home", HeldKey::Home),
    ("end", HeldKey::End),
    ("page-up", HeldKey::PageUp),
    ("page-down", HeldKey::PageDown),
    ("insert", HeldKey::Insert),
    ("delete", HeldKey::Delete),
];

impl Modifiers {
    /// Returns all combinations but none.
    pub(super) fn all() -> impl Iterator<Item = Modifiers> {
        (1..8).map(|bits| Modifiers {
            shift: bits & 1 != 0,
            alt: bits & 2 != 0,
            ctrl: bits & 4 != 0,
        })
    }

    /// Splits `ctrl-shift-up`, in any order, into the modifiers and the rest. Each stands once.
    pub(super) fn split(name: &str) -> (Modifiers, &str) {
        let (mut held, mut rest) = (Modifiers::default(), name);
        while let Some((word, after)) = rest.split_once('-') {
            let flag = match word {
                "shift" => &mut held.shift,
                "alt" => &mut held.alt,
                "ctrl" => &mut held.ctrl,
                _ => break,
            };
            if *flag || after.is_empty() {
                break;
            }
            *flag = true;
            rest = after;
        }
        (held, rest)
    }

    fn code(self) -> u8 {
        1 + u8::from(self.shift) + 2 * u8::from(self.alt) + 4 * u8::from(self.ctrl)
    }
}

impl fmt::Display for Modifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.ctrl, "ctrl-"),
            (self.alt, "alt-"),
            (self.shift, "shift-"),
        ];
        let held = words.iter().filter(|(is_held, _)| *is_held);
        held.map(|(_, word)| *word)
            .try_for_each(|word| f.write_str(word))
    }
}

impl HeldKey {
    /// Returns all of them.
    pub(super) fn all() -> impl Iterator<Item = HeldKey> {
        let functions = (1..=12).map(HeldKey::Function);
        HELD.iter().map(|&(_, key)| key).chain(functions)
    }

    fn code(self) -> Code {
        match self {
            HeldKey::Up => Code::Letter('A'),
            HeldKey::Down => Code::Letter('B'),
            HeldKey::Right => Code::Letter('C'),
            HeldKey::Left => Code::Letter('D'),
            HeldKey::Home => Code::Letter('H'),
            HeldKey::End => Code::Letter('F'),
            HeldKey::Insert => Code::Number(2),
            HeldKey::Delete => Code::Number(3),
            HeldKey::PageUp => Code::Number(5),
            HeldKey::PageDown => Code::Number(6),
            HeldKey::Function(number @ 1..=4) => Code::Letter(char::from(b'P' + number - 1)),
            HeldKey::Function(5) => Code::Number(15),
            // There are gaps in the numbers, where the keyboard of the VT220 had gaps.
            HeldKey::Function(number @ 6..=10) => Code::Number(11 + number),
            HeldKey::Function(number) => Code::Number(12 + number),
        }
    }

    /// Returns the bytes of the key alone.
    pub(super) fn bytes(self, modes: KeyModes) -> Vec<u8> {
        let is_function = matches!(self, HeldKey::Function(_));
        match self.code() {
            Code::Number(number) => format!("\x1b[{number}~"),
            Code::Letter(letter) if is_function || modes.application_cursor => {
                format!("\x1bO{letter}")
            }
            Code::Letter(letter) => format!("\x1b[{letter}"),
        }
        .into_bytes()
    }

    /// Returns the bytes of the key with others held.
    pub(super) fn bytes_with(self, held: Modifiers) -> Vec<u8> {
        let held = held.code();
        match self.code() {
            Code::Number(number) => format!("\x1b[{number};{held}~"),
            Code::Letter(letter) => format!("\x1b[1;{held}{letter}"),
        }
        .into_bytes()
    }
}

impl fmt::Display for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeldKey::Function(number) => write!(f, "f{number}"),
            named => HELD
                .iter()
                .find(|(_, key)| key == named)
                .map_or(Ok(()), |(name, _)| f.write_str(name)),
        }
    }
}
