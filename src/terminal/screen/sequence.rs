//! Control sequences that the emulator does not act on: queries, and modes of the keyboard.
//!
//! The emulator's parser has the state; only the text of the sequence is kept here, so that the two
//! can never disagree about where a sequence begins and ends.

use avt::parser::State;

use crate::terminal::queries::{COMMAND_LIMIT_BYTES, Query, StringEnd};

/// Limit for the kept text: enough for every sequence that matters, and to know longer ones.
const LIMIT_BYTES: usize = COMMAND_LIMIT_BYTES + 1;

/// Meaning of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Query(Query),
    /// DECKPAM or DECKPNM.
    ApplicationKeypad(bool),
    /// Private mode 2004.
    BracketedPaste(bool),
    /// Private mode 2026.
    SynchronizedUpdate(bool),
}

/// Text of the sequence that is being received.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    text: Vec<u8>,
    /// The text is not whole.
    is_cut: bool,
}

impl Sequence {
    /// Takes a character that moved the parser from one state to another, and returns the meaning of
    /// the sequence that it completes.
    pub(super) fn take(&mut self, character: char, from: State, to: State) -> Option<Meaning> {
        use State::{
            CsiEntry, CsiIntermediate, CsiParam, DcsEntry, DcsIntermediate, DcsParam,
            DcsPassthrough, Escape, Ground, OscString,
        };
        let meaning = match (from, to) {
            (CsiEntry | CsiParam | CsiIntermediate, Ground) => self.control_sequence(character),
            (Escape, Ground) => match character {
                '=' => Some(Meaning::ApplicationKeypad(true)),
                '>' => Some(Meaning::ApplicationKeypad(false)),
                _ => None,
            },
            (OscString, Ground) if character == '\x07' => self.command(StringEnd::Bell),
            // The rest of the terminator follows.
            (OscString, Escape) => self.command(StringEnd::Terminator),
            (DcsPassthrough, Escape) => self.device_string(),
            _ => None,
        };
        match (from, to) {
            (_, Escape) | (Escape, OscString | DcsEntry) => self.clear(),
            (CsiEntry | CsiParam, CsiParam | CsiIntermediate)
            | (CsiIntermediate, CsiIntermediate)
            | (OscString, OscString)
            | (DcsEntry | DcsParam, DcsParam | DcsIntermediate | DcsPassthrough)
            | (DcsIntermediate, DcsIntermediate | DcsPassthrough)
            | (DcsPassthrough, DcsPassthrough) => self.push(character),
            _ => {}
        }
        meaning
    }

    fn clear(&mut self) {
        self.text.clear();
        self.is_cut = false;
    }

    fn push(&mut self, character: char) {
        match u8::try_from(character) {
            // Controls within a sequence do not belong to it.
            Ok(0..0x20) => {}
            Ok(byte) if byte.is_ascii() && self.text.len() < LIMIT_BYTES => self.text.push(byte),
            _ => self.is_cut = true,
        }
    }

    fn control_sequence(&self, last: char) -> Option<Meaning> {
        let last = u8::try_from(last).ok()?;
        if self.is_cut || !(0x40..=0x7e).contains(&last) {
            return None;
        }
        if let (b'h' | b'l', Some(modes)) = (last, self.text.strip_prefix(b"?")) {
            let mut modes = modes.split(|&byte| byte == b';');
            let is_set = last == b'h';
            return modes.find_map(|mode| match mode {
                b"2004" => Some(Meaning::BracketedPaste(is_set)),
                b"2026" => Some(Meaning::SynchronizedUpdate(is_set)),
                _ => None,
            });
        }
        Query::in_control_sequence(&self.text, last).map(Meaning::Query)
    }

    fn command(&self, end: StringEnd) -> Option<Meaning> {
        if self.is_cut || self.text.len() > COMMAND_LIMIT_BYTES {
            return None;
        }
        Query::in_command(&self.text, end).map(Meaning::Query)
    }

    fn device_string(&self) -> Option<Meaning> {
        if self.is_cut || self.text.len() > COMMAND_LIMIT_BYTES {
            return None;
        }
        Query::in_device_string(&self.text).map(Meaning::Query)
    }
}

#[cfg(test)]
mod tests {
    use avt::Parser;

    use super::*;

    fn meanings(text: &str) -> Vec<Meaning> {
        let (mut parser, mut sequence) = (Parser::new(), Sequence::default());
        let take = |character| {
            let from = parser.state;
            parser.feed(character);
            sequence.take(character, from, parser.state)
        };
        text.chars().filter_map(take).collect()
    }

    #[test]
    fn sequences_have_their_meaning_wherever_they_are() {
        use Meaning::{ApplicationKeypad, BracketedPaste};
        let query = Meaning::Query;
        assert_eq!(
            meanings("a\x1b[6n\x1b[?6nb\x1b]11;?\x07\x1b]10;?\x1b\\\x1b[c"),
            [
                query(Query::CursorPosition),
                query(Query::ExtendedCursorPosition),
                query(Query::Color(
                    crate::terminal::queries::DefaultColor::Background,
                    StringEnd::Bell
                )),
                query(Query::Color(
                    crate::terminal::queries::DefaultColor::Foreground,
                    StringEnd::Terminator
                )),
                query(Query::PrimaryAttributes),
            ]
        );
        assert_eq!(
            meanings("\x1bP$qr\x1b\\a\x1bP+q436f\x1b\\\x1b[?2026h\x1b[?2026l"),
            [
                query(Query::Setting(b"r".to_vec())),
                query(Query::Capability("436f".to_owned())),
                Meaning::SynchronizedUpdate(true),
                Meaning::SynchronizedUpdate(false),
            ]
        );
        assert_eq!(
            meanings("\x1b=\x1b>\x1b[?1;2004h\x1b[?2004l\x1b[?25l"),
            [
                ApplicationKeypad(true),
                ApplicationKeypad(false),
                BracketedPaste(true),
                BracketedPaste(false),
            ]
        );
    }

    #[test]
    fn broken_sequences_have_none() {
        assert_eq!(meanings("\x1b[6\x18n\x1b[6\x1b[mn"), []);
        assert_eq!(
            meanings("\x1b[6\n\rn"),
            [Meaning::Query(Query::CursorPosition)]
        );
        assert_eq!(meanings(&format!("\x1b[{}n", "6".repeat(2000))), []);
        assert_eq!(meanings(&format!("\x1b]11;?{}\x07", "x".repeat(5000))), []);
        assert_eq!(meanings("\x1bP\x1b\\\x1b_11;?\x1b\\\x1b]11;?é\x07"), []);
        assert_eq!(meanings("\x1b]11;?\x18\x07"), []);
        assert_eq!(meanings("\x1bP$qr\x18\x1b\\"), []);
        assert_eq!(meanings(&format!("\x1bP+q{}\x1b\\", "6".repeat(2000))), []);
    }
}
