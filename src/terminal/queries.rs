//! Queries that programs send to their terminal, and its answers.
//!
//! The queries and the form of the answers are those of xterm,
//! <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>, and of kitty's keyboard protocol. Some
//! programs block until they have an answer. The answers claim no more than is there: a VT100 with
//! colours, light text on a dark ground, and no extension of the keyboard.

/// Limit for stored answers that were not taken yet.
const LIMIT_BYTES: usize = 4096;

/// Longest control string that can be a query.
pub(super) const COMMAND_LIMIT_BYTES: usize = 64;

/// Height and width of a cell in pixels: those of xterm's default font.
const CELL_PIXELS: (u32, u32) = (13, 6);

/// Names of the number of colours in termcap and in terminfo, in hexadecimal digits.
const COLOR_COUNT: [&str; 2] = ["436f", "636f6c6f7273"];

/// Query of a program to its terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// `CSI = c`, DA3.
    TertiaryAttributes,
    /// `CSI Ps x`, DECREQTPARM.
    Parameters(u16),
    /// `CSI 18 t`: the size of the text area in cells; `CSI 19 t`: that of the screen.
    Size(u16),
    /// `CSI 14 t`: the size of the text area in pixels.
    PixelSize,
    /// `CSI 16 t`: the size of a cell in pixels.
    CellSize,
    /// `CSI Ps $ p`, DECRQM: the state of a mode of ECMA-48.
    AnsiMode(u16),
    /// `CSI ? Ps $ p`, DECRQM: the state of a private mode.
    Mode(u16),
    /// `CSI ? u`: the flags of kitty's keyboard protocol.
    KeyboardFlags,
    /// `CSI ? 4 m`, XTQMODKEYS: the state of `modifyOtherKeys`.
    OtherKeys,
    /// `OSC 10 ; ?`, `OSC 11 ; ?` and `OSC 12 ; ?`.
    Color(DefaultColor, StringEnd),
    /// `OSC 4 ; Ps ; ?`: a colour of the palette.
    PaletteColor(u8, StringEnd),
    /// `DCS $ q Pt ST`, DECRQSS: a setting, by the end of the sequence that sets it.
    Setting(Vec<u8>),
    /// `DCS + q Pt ST`, XTGETTCAP: a capability, by its name in hexadecimal digits.
    Capability(String),
}

/// Default colour of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultColor {
    Foreground,
    Background,
    Cursor,
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
    /// Returns whether a mode of ECMA-48 is set, if it is known.
    fn ansi_mode(&self, mode: u16) -> Option<bool>;
    /// Returns the first and the last row of the scrolled region, from 1, if they are known.
    fn margins(&self) -> Option<(usize, usize)>;
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
            (Some(b'='), 0, [], b'c') => Query::TertiaryAttributes,
            (None, kind @ (0 | 1), [], b'x') => Query::Parameters(kind),
            (None, 14, [], b't') => Query::PixelSize,
            (None, 16, [], b't') => Query::CellSize,
            (None, area @ (18 | 19), [], b't') => Query::Size(area),
            (Some(b'?'), 4, [], b'm') => Query::OtherKeys,
            (None, mode, b"$", b'p') => Query::AnsiMode(mode),
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
            b"12;?" => DefaultColor::Cursor,
            _ => {
                let number = text.strip_prefix(b"4;")?.strip_suffix(b";?")?;
                let is_number = number.iter().all(u8::is_ascii_digit);
                let number = std::str::from_utf8(number).ok().filter(|_| is_number)?;
                return Some(Query::PaletteColor(number.parse().ok()?, end));
            }
        };
        Some(Query::Color(color, end))
    }

    /// Returns the query in a device control string.
    pub(super) fn in_device_string(text: &[u8]) -> Option<Query> {
        if let Some(setting) = text.strip_prefix(b"$q") {
            return Some(Query::Setting(setting.to_vec()));
        }
        let names = text.strip_prefix(b"+q")?;
        // Of several names, xterm answers those before the first that it does not know.
        let name = names.split(|&byte| byte == b';').next()?;
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_hexdigit);
        let name = String::from_utf8(name.to_ascii_lowercase()).ok();
        name.filter(|_| is_name).map(Query::Capability)
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
            Query::TertiaryAttributes => "\x1bP!|00000000\x1b\\".to_owned(),
            Query::Parameters(kind) => format!("\x1b[{};1;1;128;128;1;0x", kind + 2),
            Query::Size(area) => {
                let (rows, columns) = terminal.size()?;
                format!("\x1b[{};{rows};{columns}t", area - 10)
            }
            Query::PixelSize => {
                let (rows, columns) = terminal.size()?;
                let (height, width) = CELL_PIXELS;
                let (height, width) = (height * u32::from(rows), width * u32::from(columns));
                format!("\x1b[4;{height};{width}t")
            }
            Query::CellSize => {
                let (height, width) = CELL_PIXELS;
                format!("\x1b[6;{height};{width}t")
            }
            Query::Mode(mode) => {
                format!("\x1b[?{mode};{}$y", state(terminal.mode(mode)))
            }
            Query::AnsiMode(mode) => {
                format!("\x1b[{mode};{}$y", state(terminal.ansi_mode(mode)))
            }
            Query::OtherKeys => "\x1b[>4;0m".to_owned(),
            Query::KeyboardFlags => "\x1b[?0u".to_owned(),
            Query::Color(color, end) => {
                let (number, value) = match color {
                    DefaultColor::Foreground => (10, "e5e5/e5e5/e5e5"),
                    DefaultColor::Background => (11, "0000/0000/0000"),
                    DefaultColor::Cursor => (12, "e5e5/e5e5/e5e5"),
                };
                format!("\x1b]{number};rgb:{value}{}", end.text())
            }
            Query::PaletteColor(number, end) => {
                let [red, green, blue] = palette_color(number);
                let value =
                    format!("{red:02x}{red:02x}/{green:02x}{green:02x}/{blue:02x}{blue:02x}");
                format!("\x1b]4;{number};rgb:{value}{}", end.text())
            }
            Query::Setting(setting) => match (setting.as_slice(), terminal.margins()) {
                (b"r", Some((top, bottom))) => format!("\x1bP1$r{top};{bottom}r\x1b\\"),
                _ => "\x1bP0$r\x1b\\".to_owned(),
            },
            Query::Capability(name) if COLOR_COUNT.contains(&name.as_str()) => {
                // 256, in hexadecimal digits of its characters.
                format!("\x1bP1+r{name}=323536\x1b\\")
            }
            Query::Capability(name) => format!("\x1bP0+r{name}\x1b\\"),
        })
    }
}

impl StringEnd {
    fn text(self) -> &'static str {
        match self {
            StringEnd::Bell => "\x07",
            StringEnd::Terminator => "\x1b\\",
        }
    }
}

/// Returns the state of a mode as DECRPM reports it.
fn state(mode: Option<bool>) -> u8 {
    match mode {
        None => 0,
        Some(true) => 1,
        Some(false) => 2,
    }
}

/// Returns a colour of xterm's default palette: red, green and blue.
fn palette_color(number: u8) -> [u8; 3] {
    const NAMED: [[u8; 3]; 16] = [
        [0x00, 0x00, 0x00],
        [0xcd, 0x00, 0x00],
        [0x00, 0xcd, 0x00],
        [0xcd, 0xcd, 0x00],
        [0x00, 0x00, 0xee],
        [0xcd, 0x00, 0xcd],
        [0x00, 0xcd, 0xcd],
        [0xe5, 0xe5, 0xe5],
        [0x7f, 0x7f, 0x7f],
        [0xff, 0x00, 0x00],
        [0x00, 0xff, 0x00],
        [0xff, 0xff, 0x00],
        [0x5c, 0x5c, 0xff],
        [0xff, 0x00, 0xff],
        [0x00, 0xff, 0xff],
        [0xff, 0xff, 0xff],
    ];
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match number {
        0..=15 => NAMED[usize::from(number)],
        16..=231 => {
            let place = number - 16;
            [level(place / 36), level(place / 6 % 6), level(place % 6)]
        }
        232.. => [8 + 10 * (number - 232); 3],
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
        fn ansi_mode(&self, mode: u16) -> Option<bool> {
            (mode == 4).then_some(false)
        }
        fn margins(&self) -> Option<(usize, usize)> {
            Some((2, 20))
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
            ("=", 'c', "\x1bP!|00000000\x1b\\"),
            ("", 'x', "\x1b[2;1;1;128;128;1;0x"),
            ("1", 'x', "\x1b[3;1;1;128;128;1;0x"),
            ("14", 't', "\x1b[4;312;480t"),
            ("16", 't', "\x1b[6;13;6t"),
            ("18", 't', "\x1b[8;24;80t"),
            ("19", 't', "\x1b[9;24;80t"),
            ("4$", 'p', "\x1b[4;2$y"),
            ("20$", 'p', "\x1b[20;0$y"),
            ("?4", 'm', "\x1b[>4;0m"),
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
            ("=1", 'c'),
            ("8;24;80", 't'),
            ("14;2", 't'),
            ("20", 't'),
            ("21", 't'),
            ("4", 'm'),
            (">4;2", 'm'),
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
    fn colours_of_the_palette_are_those_of_xterm() {
        let answer =
            |text: &str| Query::in_command(text.as_bytes(), StringEnd::Bell)?.answer(&Small);
        for (number, value) in [
            (1, "cdcd/0000/0000"),
            (12, "5c5c/5c5c/ffff"),
            (16, "0000/0000/0000"),
            (110, "8787/afaf/d7d7"),
            (231, "ffff/ffff/ffff"),
            (232, "0808/0808/0808"),
            (255, "eeee/eeee/eeee"),
        ] {
            let expected = format!("\x1b]4;{number};rgb:{value}\x07");
            assert_eq!(answer(&format!("4;{number};?")), Some(expected));
        }
        assert_eq!(
            answer("12;?").as_deref(),
            Some("\x1b]12;rgb:e5e5/e5e5/e5e5\x07")
        );
        for other in ["4;256;?", "4;;?", "4;+1;?", "4;1;#ff0000", "52;c;?", "4;?"] {
            assert_eq!(answer(other), None, "{other}");
        }
    }

    #[test]
    fn settings_and_capabilities_are_answered_also_if_unknown() {
        let answer = |text: &str| Query::in_device_string(text.as_bytes())?.answer(&Small);
        for (text, expected) in [
            ("$qr", Some("\x1bP1$r2;20r\x1b\\")),
            ("$qm", Some("\x1bP0$r\x1b\\")),
            ("$q q", Some("\x1bP0$r\x1b\\")),
            ("+q436F", Some("\x1bP1+r436f=323536\x1b\\")),
            (
                "+q636f6c6f7273;544e",
                Some("\x1bP1+r636f6c6f7273=323536\x1b\\"),
            ),
            ("+q544e", Some("\x1bP0+r544e\x1b\\")),
            ("+q", None),
            ("+qzz", None),
            ("q#1", None),
        ] {
            assert_eq!(answer(text).as_deref(), expected, "{text}");
        }
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
