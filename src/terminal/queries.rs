//! Queries that programs send to their terminal, and its answers.
//!
//! The queries and the form of the answers are those of xterm,
//! <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>, and of kitty's keyboard protocol. Some
//! programs block until they have an answer. The answers claim no more than is there: a VT100 with
//! colours, light text on a dark ground, and no extension of the keyboard.

/// Limit for stored answers that were not taken yet.
const LIMIT_BYTES: usize = 4096;

/// Longest control string that can be a query.
pub(super) const COMMAND_LIMIT_BYTES: usize = 16;

/// Query of a program to its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Query {
    /// `CSI 5 n`, DSR.
    Status,
    /// `CSI 6 n`, CPR.
    CursorPosition,
    /// `CSI ? 6 n`, DECXCPR.
    ExtendedCursorPosition,
    /// `CSI c`, DA1.
    PrimaryAttributes,
    /// `CSI > c`, DA2.
    SecondaryAttributes,
    /// `CSI > q`, XTVERSION.
    Version,
    /// `CSI 18 t`: the size of the screen in cells.
    Size,
    /// `CSI ? Ps $ p`, DECRQM: the state of a private mode.
    Mode(u16),
    /// `CSI ? u`: the flags of kitty's keyboard protocol.
    KeyboardFlags,
    /// `OSC 10 ; ?` and `OSC 11 ; ?`.
    Color(DefaultColor, StringEnd),
}

/// Default colour of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultColor {
    Foreground,
    Background,
}

/// End of a control string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StringEnd {
    Bell,
    /// `ESC \`, ST.
    Terminator,
}

/// State of a terminal as far as programs can query it.
pub(super) trait QueriedTerminal {
    /// Returns row and column of the cursor, from 1.
    fn position(&self) -> (usize, usize);
    /// Returns the number of rows and columns, if it is known.
    fn size(&self) -> Option<(u16, u16)>;
    /// Returns whether a private mode is set, if it is known.
    fn mode(&self, mode: u16) -> Option<bool>;
}

impl Query {
    /// Returns the query in a control sequence, given its parameter and intermediate bytes and its
    /// final byte.
    pub(super) fn in_control_sequence(parameters: &[u8], last: u8) -> Option<Query> {
        let (prefix, rest) = match parameters {
            [prefix @ b'<'..=b'?', rest @ ..] => (Some(prefix), rest),
            rest => (None, rest),
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, intermediates) = rest.split_at(digits);
        let number = match digits {
            [] => 0,
            digits => std::str::from_utf8(digits).ok()?.parse().ok()?,
        };
        Some(match (prefix, number, intermediates, last) {
            (None, 5, [], b'n') => Query::Status,
            (None, 6, [], b'n') => Query::CursorPosition,
            (Some(b'?'), 6, [], b'n') => Query::ExtendedCursorPosition,
            (None, 0, [], b'c') => Query::PrimaryAttributes,
            (Some(b'>'), 0, [], b'c') => Query::SecondaryAttributes,
            (Some(b'>'), 0, [], b'q') => Query::Version,
            (None, 18, [], b't') => Query::Size,
            (Some(b'?'), mode, b"$", b'p') => Query::Mode(mode),
            (Some(b'?'), 0, [], b'u') => Query::KeyboardFlags,
            _ => return None,
        })
    }

    /// Returns the query in an operating system command.
    pub(super) fn in_command(text: &[u8], end: StringEnd) -> Option<Query> {
        let color = match text {
            b"10;?" => DefaultColor::Foreground,
            b"11;?" => DefaultColor::Background,
            _ => return None,
        };
        Some(Query::Color(color, end))
    }

    /// Returns the answer, if the terminal has one.
    pub(super) fn answer(self, terminal: &impl QueriedTerminal) -> Option<String> {
        Some(match self {
            Query::Status => "\x1b[0n".to_owned(),
            Query::CursorPosition => {
                let (row, column) = terminal.position();
                format!("\x1b[{row};{column}R")
            }
            Query::ExtendedCursorPosition => {
                let (row, column) = terminal.position();
                format!("\x1b[?{row};{column}R")
            }
            Query::PrimaryAttributes => "\x1b[?1;2c".to_owned(),
            Query::SecondaryAttributes => "\x1b[>0;0;0c".to_owned(),
            Query::Version => concat!(
                "\x1bP>|",
                env!("CARGO_PKG_NAME"),
                "(",
                env!("CARGO_PKG_VERSION"),
                ")\x1b\\"
            )
            .to_owned(),
            Query::Size => {
                let (rows, columns) = terminal.size()?;
                format!("\x1b[8;{rows};{columns}t")
            }
            Query::Mode(mode) => {
                let state = match terminal.mode(mode) {
                    None => 0,
                    Some(true) => 1,
                    Some(false) => 2,
                };
                format!("\x1b[?{mode};{state}$y")
            }
            Query::KeyboardFlags => "\x1b[?0u".to_owned(),
            Query::Color(color, end) => {
                let (number, value) = match color {
                    DefaultColor::Foreground => (10, "e5e5/e5e5/e5e5"),
                    DefaultColor::Background => (11, "0000/0000/0000"),
                };
                let end = match end {
                    StringEnd::Bell => "\x07",
                    StringEnd::Terminator => "\x1b\\",
                };
                format!("\x1b]{number};rgb:{value}{end}")
            }
        })
    }
}

/// Answers that the program has not received yet.
///
/// An answer is there as a whole or not at all: a program could take the beginning of one for a key.
#[derive(Debug, Default)]
pub(super) struct Answers(Vec<u8>);

impl Answers {
    /// Adds an answer. More than the program could have asked for sensibly is dropped.
    pub(super) fn push(&mut self, answer: &str) {
        if self.0.len() + answer.len() <= LIMIT_BYTES {
            self.0.extend_from_slice(answer.as_bytes());
        }
    }

    /// Removes and returns the answers since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Small;

    impl QueriedTerminal for Small {
        fn position(&self) -> (usize, usize) {
            (3, 7)
        }
        fn size(&self) -> Option<(u16, u16)> {
            Some((24, 80))
        }
        fn mode(&self, mode: u16) -> Option<bool> {
            [(7, true), (1049, false)]
                .into_iter()
                .find_map(|(known, set)| (known == mode).then_some(set))
        }
    }

    fn answer(parameters: &str, last: char) -> Option<String> {
        Query::in_control_sequence(parameters.as_bytes(), last as u8)?.answer(&Small)
    }

    #[test]
    fn queries_have_the_answers_of_xterm() {
        for (parameters, last, expected) in [
            ("5", 'n', "\x1b[0n"),
            ("6", 'n', "\x1b[3;7R"),
            ("?6", 'n', "\x1b[?3;7R"),
            ("", 'c', "\x1b[?1;2c"),
            ("0", 'c', "\x1b[?1;2c"),
            (">", 'c', "\x1b[>0;0;0c"),
            (">0", 'c', "\x1b[>0;0;0c"),
            ("18", 't', "\x1b[8;24;80t"),
            ("?7$", 'p', "\x1b[?7;1$y"),
            ("?1049$", 'p', "\x1b[?1049;2$y"),
            ("?2026$", 'p', "\x1b[?2026;0$y"),
            ("?", 'u', "\x1b[?0u"),
        ] {
            assert_eq!(
                answer(parameters, last).as_deref(),
                Some(expected),
                "{parameters}{last}"
            );
        }
        assert!(answer(">", 'q').is_some_and(|it| it.starts_with("\x1bP>|rehearsal(")));
    }

    #[test]
    fn other_sequences_are_no_queries() {
        for (parameters, last) in [
            ("", 'n'),
            ("6;1", 'n'),
            ("99999", 'n'),
            ("?6;7", 'c'),
            ("=", 'c'),
            ("8;24;80", 't'),
            ("7$", 'p'),
            ("", 'u'),
            (">1", 'u'),
            ("2 ", 'q'),
            ("!", 'p'),
        ] {
            assert_eq!(answer(parameters, last), None, "{parameters}{last}");
        }
    }

    #[test]
    fn colours_are_answered_with_the_terminator_of_the_query() {
        let answer = |text: &str, end| Query::in_command(text.as_bytes(), end)?.answer(&Small);
        assert_eq!(
            answer("11;?", StringEnd::Bell).as_deref(),
            Some("\x1b]11;rgb:0000/0000/0000\x07")
        );
        assert_eq!(
            answer("10;?", StringEnd::Terminator).as_deref(),
            Some("\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\")
        );
        assert_eq!(answer("10;#ffffff", StringEnd::Bell), None);
        assert_eq!(answer("0;title", StringEnd::Bell), None);
    }

    #[test]
    fn answers_are_bounded_and_never_cut() {
        let mut answers = Answers::default();
        for _ in 0..LIMIT_BYTES {
            answers.push("\x1b[0n");
        }
        let taken = answers.take();
        assert!(taken.len() <= LIMIT_BYTES);
        assert_eq!(taken.len() % "\x1b[0n".len(), 0);
        assert!(answers.take().is_empty());
    }
}
