//! From bytes to text: control sequences out, line ends made one, UTF-8 decoded.

use anstyle_parse::state::{Action, State as Step, state_change};

/// The most that is swallowed of a string sequence (a title, a picture) that doesn't end.
const STRING_LIMIT_BYTES: usize = 64 << 10;
/// The most blanks that one cursor movement to the right makes.
const BLANKS_LIMIT: usize = 256;
/// The most of a sequence's parameters that is kept: more than any that is understood needs.
const PARAMETERS_LIMIT: usize = 32;
/// The amount that is looked at at once for where plain output ends.
const WINDOW_BYTES: usize = 256;
/// The most answers that are kept until somebody takes them.
const ANSWERS_LIMIT_BYTES: usize = 4096;

/// Takes the text that a [`Decoder`] makes, piece by piece.
pub(super) trait TextSink {
    /// Printable text and tabs, without line ends. Never empty.
    fn text(&mut self, run: &str);
    /// A line end was received.
    fn line_end(&mut self);
    /// The cursor had left the line, and now something is printed elsewhere.
    fn line_break(&mut self);
    /// The last character of the unfinished line is taken back, if there is one.
    fn backspace(&mut self);
    /// The columns that the unfinished line takes.
    fn width(&self) -> usize;

    /// Text, tabs and line ends, each `\n` or `\r\n`: the same as each of them on its own, for a
    /// sink that takes many lines at once for less. Never empty.
    fn lines(&mut self, mut run: &str) {
        while !run.is_empty() {
            run = self.first_line(run);
        }
    }

    /// Takes the first of such lines, or the beginning of one, and gives the rest.
    fn first_line<'a>(&mut self, run: &'a str) -> &'a str {
        let (line, rest) = match run.split_once('\n') {
            Some((line, rest)) => (line.strip_suffix('\r').unwrap_or(line), Some(rest)),
            None => (run, None),
        };
        if !line.is_empty() {
            self.text(line);
        }
        match rest {
            Some(rest) => {
                self.line_end();
                rest
            }
            None => "",
        }
    }
}

/// Where the cursor is, as far as that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// At the end of what was printed.
    AtEnd,
    /// Somewhere in the unfinished line.
    InLine,
    /// Somewhere else.
    Elsewhere,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Ground,
    /// In an escape or control sequence.
    Sequence(Step),
    /// In a string sequence: how many bytes of it were swallowed, and whether it is a title or
    /// another operating system command, which also ends at a bell or at the line's end.
    Text {
        swallowed: usize,
        command: bool,
    },
}

/// Decodes one stream of output.
///
/// What it gives depends on the bytes only, never on how they were split. Line ends `\n`, `\r\n`
/// and `\r\r\n` become one; a lone `\r`, movements of the cursor to elsewhere and a cleared screen
/// end the line only when something is printed there, so that a prompt stays the unfinished line
/// however the cursor wanders off.
///
/// Sequences are those of ECMA-48 and xterm:
/// <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    cursor: Cursor,
    /// The beginning of a character whose end hasn't come.
    partial: [u8; 4],
    partial_len: usize,
    parameters: Vec<u8>,
    answers: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> Decoder {
        Decoder {
            state: State::Ground,
            cursor: Cursor::AtEnd,
            partial: [0; 4],
            partial_len: 0,
            parameters: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Decodes more bytes into `sink`.
    pub(super) fn feed(&mut self, mut bytes: &[u8], sink: &mut impl TextSink) {
        while !bytes.is_empty() {
            let used = match self.state {
                State::Ground => self.ground(bytes, sink),
                State::Sequence(step) => self.sequence(step, bytes[0], sink),
                State::Text { swallowed, command } => self.string(bytes, swallowed, command),
            };
            bytes = &bytes[used..];
        }
    }

    /// The stream has ended: a character whose end never came is an invalid one.
    pub(super) fn finish(&mut self, sink: &mut impl TextSink) {
        self.give_up_partial(sink);
    }

    /// What a terminal would have answered to the queries since the last call.
    pub(super) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
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

    /// Prints a run of what [`plain_len`] measures. Only at the end of what has come, `open`, can
    /// an unfinished character become a whole one.
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
            if holds_c1(valid) {
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
                self.give_up_partial(sink);
                0
            }
        }
    }

    fn give_up_partial(&mut self, sink: &mut impl TextSink) {
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
            self.cursor = Cursor::AtEnd;
            if !matches!(first, b'\r' | b'\n') {
                sink.line_break();
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
            b'\r' => self.leave(Cursor::InLine),
            b'\t' => self.print("\t", sink),
            0x08 if self.cursor == Cursor::AtEnd => sink.backspace(),
            0x1b => self.begin_sequence(),
            _ => {}
        }
    }

    fn leave(&mut self, to: Cursor) {
        if self.cursor != Cursor::Elsewhere {
            self.cursor = to;
        }
    }

    fn begin_sequence(&mut self) {
        self.parameters.clear();
        self.state = State::Sequence(Step::Escape);
    }

    /// Takes one byte of a sequence, or none if it can't be part of one.
    fn sequence(&mut self, step: Step, byte: u8, sink: &mut impl TextSink) -> usize {
        if byte >= 0x80 {
            self.state = State::Ground;
            return 0;
        }
        let (next, action) = state_change(step, byte);
        self.state = match next {
            Step::Anywhere => State::Sequence(step),
            Step::Ground => State::Ground,
            Step::OscString => State::Text {
                swallowed: 0,
                command: true,
            },
            Step::DcsEntry | Step::SosPmApcString => State::Text {
                swallowed: 0,
                command: false,
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
                b'M' | b'c' | b'8' => self.leave(Cursor::Elsewhere),
                _ => {}
            },
            Action::Execute => self.control(byte, sink),
            Action::Nop if byte == 0x1b => self.begin_sequence(),
            _ => {}
        }
        1
    }

    fn string(&mut self, bytes: &[u8], swallowed: usize, command: bool) -> usize {
        let room = STRING_LIMIT_BYTES - swallowed;
        let within = &bytes[..bytes.len().min(room)];
        let end = within.iter().position(|&byte| match byte {
            0x1b | 0x18 | 0x1a => true,
            0x07 | b'\n' => command,
            _ => false,
        });
        match end {
            Some(end) => {
                self.state = State::Ground;
                match within[end] {
                    // The line end is still one.
                    b'\n' => end,
                    0x1b => {
                        self.begin_sequence();
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
                self.state = State::Text {
                    swallowed: swallowed + within.len(),
                    command,
                };
                within.len()
            }
        }
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
                Cursor::InLine => self.column(number.max(1), sink),
                Cursor::Elsewhere => {}
            },
            (b'G' | b'`', false) if self.cursor != Cursor::Elsewhere => {
                self.column(number.max(1) - 1, sink);
            }
            (b'D', false) => self.leave(Cursor::InLine),
            (b'H' | b'f' | b'A' | b'B' | b'E' | b'F' | b'd' | b'e' | b'u', false) => {
                self.leave(Cursor::Elsewhere);
            }
            (b'J', false) if number >= 2 => self.leave(Cursor::Elsewhere),
            (b'h' | b'l', true) if matches!(number, 47 | 1047 | 1049) => {
                self.leave(Cursor::Elsewhere);
            }
            (b'n', false) if number == 6 => self.answer(b"\x1b[1;1R"),
            (b'n', false) if number == 5 => self.answer(b"\x1b[0n"),
            (b'c', false) if number == 0 => self.answer(b"\x1b[?6c"),
            _ => {}
        }
    }

    /// The cursor goes to a column, from 0, of the unfinished line.
    fn column(&mut self, column: usize, sink: &mut impl TextSink) {
        if column == 0 {
            self.cursor = Cursor::InLine;
            return;
        }
        match column.checked_sub(sink.width()) {
            None => self.cursor = Cursor::InLine,
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

    fn answer(&mut self, answer: &[u8]) {
        if self.answers.len() + answer.len() <= ANSWERS_LIMIT_BYTES {
            self.answers.extend_from_slice(answer);
        }
    }
}

/// The length of the colour change or line erasure that `bytes` begin with, if it is there as a
/// whole: by far the most common sequences, and without effect on the text.
fn style_len(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 0;
    }
    let parameters = bytes[2..]
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b';'));
    match parameters {
        Some(len) if matches!(bytes[2 + len], b'm' | b'K') => 2 + len + 1,
        _ => 0,
    }
}

/// Returns the amount that plain output `bytes` begin with: no C0 controls but tabs and the line
/// ends `\n` and
/// `\r\n`.
fn plain_len(bytes: &[u8]) -> usize {
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + WINDOW_BYTES);
        // Most of what is not plain begins with an escape, which is found many bytes at a time. So
        // is that nothing else stands before it, as long as nothing stops at the first.
        let escape = memchr::memchr(0x1b, &bytes[from..to]);
        let end = escape.map_or(to, |at| from + at);
        // What stands behind the last byte that has come is not known.
        let followed = end.min(bytes.len() - 1);
        let pairs = || bytes[from..followed].iter().zip(&bytes[from + 1..]);
        let odd = |(&byte, &next): (&u8, &u8)| !is_plain(byte, next);
        if pairs().fold(false, |any, pair| any | odd(pair)) {
            return from + pairs().position(odd).unwrap_or_default();
        }
        if followed < end && !is_plain(bytes[followed], 0) {
            return followed;
        }
        if escape.is_some() {
            return end;
        }
        from = to;
    }
    from
}

/// Returns whether a byte is text, a tab or of a line end, with `next` behind it.
fn is_plain(byte: u8, next: u8) -> bool {
    let control = (byte < 0x20) | (byte == 0x7f);
    let line_end = (byte == b'\n') | ((byte == b'\r') & (next == b'\n'));
    !control | line_end | (byte == b'\t')
}

/// Returns whether there is any C1 control. UTF-8 writes them with two bytes, the first of which is
/// this.
fn holds_c1(text: &str) -> bool {
    const FIRST: u8 = 0xc2;
    let bytes = text.as_bytes();
    memchr::memchr_iter(FIRST, bytes).any(|at| bytes.get(at + 1).is_some_and(|&next| next < 0xa0))
}

fn is_c1(character: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&character)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All text, and where the unfinished line begins.
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
        fn line_break(&mut self) {
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
        let mut view = Decoder::new();
        let mut plain = Plain::default();
        for piece in pieces {
            view.feed(piece, &mut plain);
        }
        view.finish(&mut plain);
        (plain.0, view.take_answers())
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
    fn backspace_takes_back_what_is_there() {
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
        let bytes = b"a\x1b[6nb\x1b[5nc\x1b[c\x1b[0c\x1b[>c\x1b[?6n";
        let expected = b"\x1b[1;1R\x1b[0n\x1b[?6c\x1b[?6c".to_vec();
        assert_eq!(shown([&bytes[..]]), ("abc".to_owned(), expected.clone()));
        assert_eq!(shown(bytes.chunks(1)), ("abc".to_owned(), expected));
    }

    /// Pieces of what programs print, and of what they shouldn't.
    pub(in crate::dialogue) fn output() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => "[a-c é€😀]{1,6}".prop_map(String::into_bytes),
            2 => proptest::sample::select(vec![
                &b"\r\n"[..], b"\n", b"\r", b"\r\r\n", b"\x08", b"\t", b"\x1b[1;31m", b"\x1b[m",
                b"\x1b[2J", b"\x1b[3;4H", b"\x1b[2C", b"\x1b[4G", b"\x1b]0;x\x07", b"\x1b]0;x\x1b\\",
                b"\x1bPq#\x1b\\", b"\x1b(B", b"\x1b[6n", b"\x1b", b"\x1b[", b"\x1b]", b"\xe2", b"\x82",
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

    #[test]
    fn what_is_not_plain_is_found_wherever_it_stands() {
        for length in [0, 1, 40, WINDOW_BYTES - 1, WINDOW_BYTES, 3 * WINDOW_BYTES] {
            let plain = [vec![b'x'; length], b"\t\n\r\n".to_vec()].concat();
            assert_eq!(plain_len(&plain), plain.len());
            for end in ["\x1b", "\0", "\x08", "\x1f", "\x7f", "\r", "\rx", "\r\r\n"] {
                let text = [&plain[..], end.as_bytes()].concat();
                assert_eq!(plain_len(&text), plain.len(), "{end:?}");
                let text = [&text[..], b"x\x1b\n\x08"].concat();
                assert_eq!(plain_len(&text), plain.len(), "{end:?}");
            }
        }
    }
}
