//! Decoder of terminal output: removes control sequences, unifies line ends, decodes UTF-8.

use anstyle_parse::state::{Action, State as Step, state_change};

use super::input_line::RowEnd;
use super::plain_output::{has_c1, is_c1, plain_len, style_len};
use super::queries::{Answers, COMMAND_LIMIT_BYTES, QueriedTerminal, Query, StringEnd};
use super::text_sink::TextSink;

/// Limit for a control string (a title, a picture) that does not end; text follows after it.
const STRING_LIMIT_BYTES: usize = 64 << 10;
/// Limit for the blanks of one cursor movement to the right.
const BLANKS_LIMIT: usize = 256;
/// Limit for the stored parameters of a sequence: more than any supported sequence needs.
const PARAMETERS_LIMIT: usize = 32;

/// Position of the cursor, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// At the end of what was printed.
    AtEnd,
    /// At this column of the unfinished line, from 0.
    InLine(usize),
    /// In a row above.
    Above,
    /// Somewhere else.
    Elsewhere,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Ground,
    /// In an escape or control sequence.
    Sequence(Step),
    /// In a control string: how many of its bytes were dropped.
    ControlString {
        dropped: usize,
        kind: StringKind,
    },
}

/// Kind of control string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StringKind {
    /// An operating system command (a title, for example), which also ends at a bell or a line end.
    Command,
    /// A device control string.
    Device,
    Other,
}

/// Terminal as a program finds it that asks: it has one row, the unfinished line.
///
/// A decoder knows where in the line the cursor is, and does not know the row, the size and the
/// modes. Line editors need the column only: they ask for it to see where their prompt ends.
struct OneRow {
    /// Column of the cursor, from 0.
    column: usize,
}

impl QueriedTerminal for OneRow {
    fn position(&self) -> (usize, usize) {
        (1, self.column + 1)
    }
    fn size(&self) -> Option<(u16, u16)> {
        None
    }
    fn mode(&self, _: u16) -> Option<bool> {
        None
    }
    fn ansi_mode(&self, _: u16) -> Option<bool> {
        None
    }
    fn margins(&self) -> Option<(usize, usize)> {
        None
    }
}

/// Decoder of one stream of output.
///
/// The text depends on the bytes only, never on how they were split. Line ends `\n`, `\r\n` and
/// `\r\r\n` become one. A lone `\r`, a cursor movement out of the line and a cleared screen end the
/// line only when text is printed afterwards, so that a prompt remains the unfinished line wherever
/// the cursor is moved.
///
/// Sequences are those of ECMA-48 and xterm:
/// <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    cursor: Cursor,
    /// The beginning of a character that is not complete.
    partial: [u8; 4],
    partial_len: usize,
    /// Parameters of the sequence, or the beginning of the control string.
    parameters: Vec<u8>,
    answers: Answers,
}

impl Decoder {
    pub(crate) fn new() -> Decoder {
        Decoder {
            state: State::Ground,
            cursor: Cursor::AtEnd,
            partial: [0; 4],
            partial_len: 0,
            parameters: Vec::new(),
            answers: Answers::default(),
        }
    }

    /// Decodes more bytes into `sink`.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], sink: &mut impl TextSink) {
        while !bytes.is_empty() {
            let used = match self.state {
                State::Ground => self.ground(bytes, sink),
                State::Sequence(step) => self.sequence(step, bytes[0], sink),
                State::ControlString { dropped, kind } => self.string(bytes, dropped, kind),
            };
            bytes = &bytes[used..];
        }
    }

    /// Ends the stream: an incomplete character is invalid.
    pub(crate) fn finish(&mut self, sink: &mut impl TextSink) {
        self.replace_partial(sink);
    }

    /// Returns the answers of a terminal to the queries since the last call.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        self.answers.take()
    }

    fn ground(&mut self, bytes: &[u8], sink: &mut impl TextSink) -> usize {
        if self.partial_len > 0 {
            return self.continue_partial(bytes[0], sink);
        }
        let plain = plain_len(bytes);
        if plain > 0 {
            self.print_bytes(&bytes[..plain], plain == bytes.len(), sink);
        }
        match bytes.get(plain) {
            None => plain,
            Some(0x1b) => {
                let style = style_len(&bytes[plain..]);
                if style == 0 {
                    self.begin_sequence();
                }
                plain + style.max(1)
            }
            Some(&byte) => {
                self.control(byte, sink);
                plain + 1
            }
        }
    }

    /// Prints a run as measured by [`plain_len`]. Only if it is `open`, at the end of the received
    /// bytes, can the rest of an incomplete character follow.
    fn print_bytes(&mut self, mut run: &[u8], open: bool, sink: &mut impl TextSink) {
        loop {
            let (valid, error) = match std::str::from_utf8(run) {
                Ok(text) => (text, None),
                Err(error) => {
                    let valid = &run[..error.valid_up_to()];
                    let text = std::str::from_utf8(valid).unwrap_or_default();
                    (text, Some((error.valid_up_to(), error.error_len())))
                }
            };
            if has_c1(valid) {
                for piece in valid.split(is_c1) {
                    self.print(piece, sink);
                }
            } else {
                self.print(valid, sink);
            }
            match error {
                None => return,
                Some((from, None)) if open => {
                    let rest = &run[from..];
                    self.partial[..rest.len()].copy_from_slice(rest);
                    self.partial_len = rest.len();
                    return;
                }
                Some((_, None)) => {
                    self.print("\u{fffd}", sink);
                    return;
                }
                Some((from, Some(len))) => {
                    self.print("\u{fffd}", sink);
                    run = &run[from + len..];
                }
            }
        }
    }

    fn continue_partial(&mut self, byte: u8, sink: &mut impl TextSink) -> usize {
        let len = self.partial_len + 1;
        self.partial[self.partial_len] = byte;
        let partial = self.partial;
        match std::str::from_utf8(&partial[..len]) {
            Ok(_) => {
                self.partial_len = 0;
                self.print_bytes(&partial[..len], false, sink);
                1
            }
            Err(error) if error.error_len().is_none() => {
                self.partial_len = len;
                1
            }
            Err(_) => {
                self.replace_partial(sink);
                0
            }
        }
    }

    fn replace_partial(&mut self, sink: &mut impl TextSink) {
        if self.partial_len > 0 {
            self.partial_len = 0;
            self.print("\u{fffd}", sink);
        }
    }

    /// Prints text with its line ends.
    fn print(&mut self, text: &str, sink: &mut impl TextSink) {
        let Some(first) = text.as_bytes().first() else {
            return;
        };
        if self.cursor != Cursor::AtEnd {
            let (left, column) = match self.cursor {
                Cursor::Above => (RowEnd::LeftUpwards, 0),
                Cursor::Elsewhere => (RowEnd::Left, 0),
                Cursor::AtEnd => (RowEnd::Overwritten, 0),
                Cursor::InLine(column) => (RowEnd::Overwritten, column),
            };
            self.cursor = Cursor::AtEnd;
            if !matches!(first, b'\r' | b'\n') {
                sink.line_break(left, column);
            }
        }
        sink.lines(text);
    }

    fn control(&mut self, byte: u8, sink: &mut impl TextSink) {
        match byte {
            b'\n' => {
                self.cursor = Cursor::AtEnd;
                sink.line_end();
            }
            b'\r' => self.leave(Cursor::InLine(0)),
            b'\t' => self.print("\t", sink),
            0x08 if self.cursor == Cursor::AtEnd => sink.backspace(),
            0x1b => self.begin_sequence(),
            _ => {}
        }
    }

    fn leave(&mut self, to: Cursor) {
        if !self.is_outside() || to == Cursor::Elsewhere {
            self.cursor = to;
        }
    }

    /// Returns whether the cursor has left the unfinished line.
    fn is_outside(&self) -> bool {
        matches!(self.cursor, Cursor::Above | Cursor::Elsewhere)
    }

    fn begin_sequence(&mut self) {
        self.parameters.clear();
        self.state = State::Sequence(Step::Escape);
    }

    /// Consumes one byte of a sequence, or none if the byte cannot be part of one.
    fn sequence(&mut self, step: Step, byte: u8, sink: &mut impl TextSink) -> usize {
        if byte >= 0x80 {
            self.state = State::Ground;
            return 0;
        }
        let (next, action) = state_change(step, byte);
        self.state = match next {
            Step::Anywhere => State::Sequence(step),
            Step::Ground => State::Ground,
            Step::OscString => State::ControlString {
                dropped: 0,
                kind: StringKind::Command,
            },
            Step::DcsEntry => State::ControlString {
                dropped: 0,
                kind: StringKind::Device,
            },
            Step::SosPmApcString => State::ControlString {
                dropped: 0,
                kind: StringKind::Other,
            },
            other => State::Sequence(other),
        };
        match action {
            Action::Param | Action::Collect if self.parameters.len() < PARAMETERS_LIMIT => {
                self.parameters.push(byte);
            }
            Action::CsiDispatch => self.control_sequence(byte, sink),
            Action::EscDispatch if self.parameters.is_empty() => match byte {
                b'E' | b'D' => self.control(b'\n', sink),
                b'M' => self.leave(Cursor::Above),
                b'c' | b'8' => self.leave(Cursor::Elsewhere),
                _ => {}
            },
            Action::Execute => self.control(byte, sink),
            Action::Nop if byte == 0x1b => self.begin_sequence(),
            _ => {}
        }
        1
    }

    fn string(&mut self, bytes: &[u8], dropped: usize, kind: StringKind) -> usize {
        let room = STRING_LIMIT_BYTES - dropped;
        let within = &bytes[..bytes.len().min(room)];
        let end = within.iter().position(|&byte| match byte {
            0x1b | 0x18 | 0x1a => true,
            0x07 | b'\n' => kind == StringKind::Command,
            _ => false,
        });
        match end {
            Some(end) => {
                self.state = State::Ground;
                self.keep(&within[..end], kind);
                match within[end] {
                    // The line end counts as text.
                    b'\n' => end,
                    0x1b => {
                        self.end_string(kind, StringEnd::Terminator);
                        self.begin_sequence();
                        end + 1
                    }
                    0x07 => {
                        self.end_string(kind, StringEnd::Bell);
                        end + 1
                    }
                    _ => end + 1,
                }
            }
            None if within.len() == room => {
                self.state = State::Ground;
                room
            }
            None => {
                self.keep(within, kind);
                self.state = State::ControlString {
                    dropped: dropped + within.len(),
                    kind,
                };
                within.len()
            }
        }
    }

    /// Keeps the beginning of a control string, one byte more than a query can have.
    fn keep(&mut self, text: &[u8], kind: StringKind) {
        if kind != StringKind::Other {
            let room = (COMMAND_LIMIT_BYTES + 1).saturating_sub(self.parameters.len());
            self.parameters
                .extend_from_slice(&text[..text.len().min(room)]);
        }
    }

    fn end_string(&mut self, kind: StringKind, end: StringEnd) {
        let text = self.parameters.as_slice();
        let query = match kind {
            _ if text.len() > COMMAND_LIMIT_BYTES => None,
            StringKind::Command => Query::in_command(text, end),
            StringKind::Device => Query::in_device_string(text),
            StringKind::Other => None,
        };
        self.answer(query, 0);
    }

    fn control_sequence(&mut self, last: u8, sink: &mut impl TextSink) {
        let private = matches!(self.parameters.first(), Some(b'<'..=b'?'));
        let number = self
            .parameters
            .iter()
            .skip(usize::from(private))
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0_usize, |number, &digit| {
                (number * 10 + usize::from(digit - b'0')).min(99_999)
            });
        match (last, private) {
            (b'C' | b'a', false) => match self.cursor {
                Cursor::AtEnd => self.blanks(number.max(1), sink),
                Cursor::InLine(column) => self.column(column + number.max(1), sink),
                Cursor::Above | Cursor::Elsewhere => {}
            },
            (b'G' | b'`', false) if !self.is_outside() => {
                self.column(number.max(1) - 1, sink);
            }
            (b'D', false) => {
                let column = match self.cursor {
                    Cursor::InLine(column) => column,
                    Cursor::AtEnd | Cursor::Above | Cursor::Elsewhere => sink.width(),
                };
                self.leave(Cursor::InLine(column.saturating_sub(number.max(1))));
            }
            (b'A' | b'F', false) => self.leave(Cursor::Above),
            (b'H' | b'f' | b'B' | b'E' | b'd' | b'e' | b'u', false) => {
                self.leave(Cursor::Elsewhere);
            }
            (b'J', false) if number >= 2 => self.leave(Cursor::Elsewhere),
            (b'h' | b'l', true) if matches!(number, 47 | 1047 | 1049) => {
                self.leave(Cursor::Elsewhere);
            }
            _ => {
                let query = Query::in_control_sequence(&self.parameters, last);
                self.answer(query, self.cursor_column(sink));
            }
        }
    }

    /// Moves the cursor to a column of the unfinished line, counted from 0.
    fn column(&mut self, column: usize, sink: &mut impl TextSink) {
        if column == 0 {
            self.cursor = Cursor::InLine(0);
            return;
        }
        match column.checked_sub(sink.width()) {
            None => self.cursor = Cursor::InLine(column),
            Some(beyond) => {
                self.cursor = Cursor::AtEnd;
                self.blanks(beyond, sink);
            }
        }
    }

    fn blanks(&mut self, count: usize, sink: &mut impl TextSink) {
        const BLANKS: &str = match std::str::from_utf8(&[b' '; BLANKS_LIMIT]) {
            Ok(blanks) => blanks,
            Err(_) => "",
        };
        self.print(&BLANKS[..count.min(BLANKS_LIMIT)], sink);
    }

    /// Returns the column of the cursor, 0 if it is not in the unfinished line.
    fn cursor_column(&self, sink: &impl TextSink) -> usize {
        match self.cursor {
            Cursor::AtEnd => sink.width(),
            Cursor::InLine(column) => column,
            Cursor::Above | Cursor::Elsewhere => 0,
        }
    }

    fn answer(&mut self, query: Option<Query>, column: usize) {
        if let Some(answer) = query.and_then(|query| query.answer(&OneRow { column })) {
            self.answers.push(&answer);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decoded text, and the index of its unfinished line.
    #[derive(Default)]
    struct Plain(String, usize);

    impl TextSink for Plain {
        fn text(&mut self, run: &str) {
            assert!(!run.is_empty());
            self.0.push_str(run);
        }
        fn line_end(&mut self) {
            self.0.push('\n');
            self.1 = self.0.len();
        }
        fn line_break(&mut self, _: RowEnd, _: usize) {
            if self.0.len() > self.1 {
                self.line_end();
            }
        }
        fn backspace(&mut self) {
            if self.0.len() > self.1 {
                self.0.pop();
            }
        }
        fn width(&self) -> usize {
            self.0[self.1..].chars().count()
        }
    }

    fn shown<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Vec<u8>) {
        let mut decoder = Decoder::new();
        let mut plain = Plain::default();
        for piece in pieces {
            decoder.feed(piece, &mut plain);
        }
        decoder.finish(&mut plain);
        (plain.0, decoder.take_answers())
    }

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, text: &str) {
        let bytes = bytes.as_ref();
        assert_eq!(shown([bytes]).0, text, "whole");
        assert_eq!(shown(bytes.chunks(1)).0, text, "byte by byte");
    }

    #[test]
    fn control_sequences_leave_no_trace() {
        check(
            "\x1b[1;31mred\x1b[0m and \x1b[38;5;4mblue\x1b[m",
            "red and blue",
        );
        check(
            "\x1b]0;a title — “x”\x07one\x1b]8;;http://x\x1b\\two",
            "onetwo",
        );
        check(
            "\x1bP1$r0m\x1b\\a\x1b_app\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d",
            "abcd",
        );
        check("\x1b(B\x1b)0a\x1b=\x1b>b\x1b7c", "abc");
        check("\x1b[?25l\x1b[?2004hx\x1b[2 qy\x1b[>4;1mz", "xyz");
        check("a\x07\0\x0e\x0f\x7fb\tc", "ab\tc");
        check("a\x1b[12\x18b\x1b[3\x1b[0mc", "abc");
        check("a\u{9b}b\u{85}c", "abc");
        check("a\x1b[é", "aé");
    }

    #[test]
    fn line_ends_become_one() {
        check("a\r\nb\r\r\nc\nd\n\re", "a\nb\nc\nd\ne");
        check("a\r\n\r\nb", "a\n\nb");
        check("10%\r20%\r30%\r\ndone", "10%\n20%\n30%\ndone");
        check("\r\x1b[Kx\r", "x");
        check("a\x1bEb", "a\nb");
    }

    #[test]
    fn movements_end_a_line_only_when_something_is_printed() {
        check("Name: \x1b[2;1H", "Name: ");
        check("Name: \x1b[2;1H\x1b[KAge: ", "Name: \nAge: ");
        check("id 7\x1b[2J\x1b[HMenu", "id 7\nMenu");
        check("id 7\x1b[H\x1b[2J\r\nMenu", "id 7\nMenu");
        check("id 7\x1bcMenu", "id 7\nMenu");
        check("\x1b[2J\x1b[HMenu", "Menu");
        check("a\x1b[Ab\x1b[Bc\x1b[3dd\x1b[?1049he", "a\nb\nc\nd\ne");
        check("a\x1b[Jb\x1b[0Jc\x1b[?1u", "abc");
    }

    #[test]
    fn movements_within_the_line_keep_it() {
        check("a\x1b[3Cb\x1b[Cc", "a   b c");
        check("a\x1b[99999999999Cb", &format!("a{}b", " ".repeat(256)));
        check("> bob\x1b[0K\r\x1b[5C", "> bob");
        check("> bob\r\x1b[5C!", "> bob!");
        check("> bob\r\x1b[2C!", "> bob\n!");
        check("\x1b[1G\x1b[0J> \x1b[3Gx", "> x");
        check("a\x1b[5Gb", "a   b");
        check("Name: [__]\x1b[3D", "Name: [__]");
    }

    #[test]
    fn backspace_removes_the_last_character() {
        check("abc\x08\x08\x08 \x08x", "x");
        check("aé\x08b", "ab");
        check("a\n\x08b", "a\nb");
        check("ab\r\x08c", "ab\nc");
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        check(b"a\xffb", "a\u{fffd}b");
        check(b"a\xe2\x82", "a\u{fffd}");
        check(b"a\xe2\x82\nb", "a\u{fffd}\nb");
        check(
            b"\xe2\x82\xac \xe2\x28\xa1 \xf0\x9f\x98\x80",
            "€ \u{fffd}(\u{fffd} 😀",
        );
        check(b"\xe0\x80\xc3\xa9", "\u{fffd}\u{fffd}é");
        check(b"\xc3\x1b[m\xa9", "\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_string_that_never_ends_is_bounded() {
        check("a\x1b]0;title\nb", "a\nb");
        let long = format!("a\x1bP{}b", "x".repeat(STRING_LIMIT_BYTES));
        check(&long, "ab");
    }

    #[test]
    fn queries_are_answered() {
        let bytes = b"a\x1b[6nb\x1b[5nc\x1b[c\x1b[0c\x1b[>c\x1b[18t\x1b[?2026$p\x1b[?u";
        let expected = "\x1b[1;2R\x1b[0n\x1b[?1;2c\x1b[?1;2c\x1b[>0;0;0c\x1b[?2026;0$y\x1b[?0u";
        let expected = ("abc".to_owned(), expected.as_bytes().to_vec());
        assert_eq!(shown([&bytes[..]]), expected);
        assert_eq!(shown(bytes.chunks(1)), expected);
    }

    #[test]
    fn the_cursor_is_where_the_unfinished_line_says() {
        let bytes = b"one\r\n> \x1b[6nab\x1b[D\x1b[?6n\r\x1b[6n\x1b[9;9H\x1b[6n";
        let expected = b"\x1b[1;3R\x1b[?1;4R\x1b[1;1R\x1b[1;1R";
        assert_eq!(shown([&bytes[..]]).1, expected);
        assert_eq!(shown(bytes.chunks(1)).1, expected);
    }

    #[test]
    fn colours_are_answered_and_titles_are_not() {
        let bytes = b"\x1b]11;?\x07a\x1b]10;?\x1b\\b\x1b]0;10;?\x07\x1b]11;?\nc\x1bP10;?\x1b\\";
        let expected = b"\x1b]11;rgb:0000/0000/0000\x07\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\";
        let expected = ("ab\nc".to_owned(), expected.to_vec());
        assert_eq!(shown([&bytes[..]]), expected);
        assert_eq!(shown(bytes.chunks(1)), expected);
    }

    /// Output as programs print it, and as they should not.
    pub(in crate::terminal) fn output() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => "[a-c é€😀]{1,6}".prop_map(String::into_bytes),
            2 => proptest::sample::select(vec![
                &b"\r\n"[..], b"\n", b"\r", b"\r\r\n", b"\x08", b"\t", b"\x1b[1;31m", b"\x1b[m",
                b"\x1b[2J", b"\x1b[3;4H", b"\x1b[2C", b"\x1b[4G", b"\x1b]0;x\x07", b"\x1b]0;x\x1b\\",
                b"\x1bPq#\x1b\\", b"\x1b(B", b"\x1b[6n", b"\x1b]11;?\x07", b"\x1b", b"\x1b[", b"\x1b]", b"\xe2", b"\x82",
                b"\xff", b"\xf0\x9f", b"\x18", b"\x1bc", b"\x1b[?1049h", b"\xc2\x9b",
            ]).prop_map(<[u8]>::to_vec),
            1 => proptest::collection::vec(any::<u8>(), 1..4),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_text_does_not_depend_on_the_split(
            bytes in output(),
            splits in proptest::collection::vec(0_usize..80, 0..4),
        ) {
            let whole = shown([&bytes[..]]);
            prop_assert_eq!(&shown(bytes.chunks(1)), &whole);
            let mut splits: Vec<usize> = splits.iter().map(|&at| at.min(bytes.len())).collect();
            splits.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for at in splits {
                pieces.push(&bytes[from..at]);
                from = at;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(&shown(pieces), &whole);
            prop_assert!(!whole.0.contains(['\x1b', '\r', '\x08']));
        }
    }
}
