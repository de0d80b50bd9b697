//! Text of one output stream as lines, with arrival times and the places of echoes.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::echo::{Echoes, PossibleEcho};
use super::input::ExpectedEcho;
use super::input_line::{EchoMode, InputText, RowEnd, RowKind};
use super::plain_output::columns;
use super::text_sink::TextSink;

/// Longest line; more text continues as another line.
const OUTPUT_LINE_LIMIT_BYTES: usize = 64 << 10;

/// Lines of text, each ended by `\n`, and from `open` on the unfinished line.
///
/// A position is the number of bytes of text before it since the stream began, kept or not. An
/// index is a place in the kept text.
#[derive(Debug)]
pub(crate) struct Lines {
    text: String,
    /// Position of the first byte of `text`.
    base: usize,
    /// Position where the unfinished line begins.
    open: usize,
    /// Column at which the unfinished line begins, if it continues a sealed line or overwrites one.
    carried: Option<usize>,
    /// Arrival times of complete lines, in order. A stamp is for all lines that end at or before its
    /// `end`, and after the stamp before it.
    stamps: VecDeque<Stamp>,
    /// Arrival time of the bytes that are being added.
    now: Instant,
    /// Time of the last change of the unfinished line.
    changed_at: Instant,
    /// Number of its changes.
    changes: u64,
    echoes: Echoes,
    /// Echoes in complete lines, in order.
    typed: VecDeque<MaybeEcho>,
    /// Columns of the terminal, where lines wrap.
    columns: usize,
    /// Lowest end of the text since the last [`Lines::take_lowest`], if text was removed;
    /// otherwise `usize::MAX`.
    lowest: usize,
}

#[derive(Debug)]
struct Stamp {
    end: usize,
    at: Instant,
}

/// Part of a line that may have been typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MaybeEcho {
    range: Range<usize>,
    source: EchoSource,
}

/// Origin of a part of a line that may have been typed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EchoSource {
    /// A certain echo.
    Terminal,
    /// The input line that it belongs to.
    InputLine(Arc<InputText>),
    /// Text that a program may draw anywhere on the screen.
    Screen(Arc<InputText>),
}

impl Lines {
    /// Creates the lines of a stream. `columns` is the width of its terminal.
    pub(crate) fn new(now: Instant, columns: Option<u16>) -> Lines {
        Lines {
            text: String::new(),
            base: 0,
            open: 0,
            carried: None,
            stamps: VecDeque::new(),
            now,
            changed_at: now,
            changes: 0,
            echoes: Echoes::default(),
            typed: VecDeque::new(),
            columns: columns.map_or(usize::MAX, usize::from),
            lowest: usize::MAX,
        }
    }

    /// Sets the width of the terminal.
    pub(crate) fn set_columns(&mut self, columns: u16) {
        self.columns = usize::from(columns);
    }

    /// Sets the arrival time of the bytes that are added next.
    pub(crate) fn arriving(&mut self, at: Instant) {
        self.now = at;
    }

    /// Returns the position of the first byte that is kept.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Returns the position where the unfinished line begins.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Returns the position where the text ends.
    pub(crate) fn end(&self) -> usize {
        self.base + self.text.len()
    }

    /// Returns the time of the last change of the unfinished line.
    pub(crate) fn changed_at(&self) -> Instant {
        self.changed_at
    }

    /// Returns the number of changes of the unfinished line.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the lowest position behind which text was removed or replaced since the last call, or
    /// `usize::MAX`.
    pub(crate) fn take_lowest(&mut self) -> usize {
        std::mem::replace(&mut self.lowest, usize::MAX)
    }

    /// Returns all text that is kept.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the index of a position in the kept text.
    pub(crate) fn index(&self, position: usize) -> usize {
        position - self.base
    }

    /// Returns the text between two positions.
    pub(crate) fn slice(&self, range: Range<usize>) -> &str {
        &self.text[range.start - self.base..range.end - self.base]
    }

    /// Returns the range of the line at `position`, without its line end.
    pub(crate) fn line_at(&self, position: usize) -> Range<usize> {
        let index = position - self.base;
        let bytes = self.text.as_bytes();
        let start = memchr::memrchr(b'\n', &bytes[..index]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &bytes[index..]).map_or(bytes.len(), |at| index + at);
        self.base + start..self.base + end
    }

    /// Returns the position after the line that ends at `end`, and after its line end if it has one.
    pub(crate) fn past(&self, end: usize) -> usize {
        if end < self.open { end + 1 } else { end }
    }

    /// Returns the arrival time of the last byte of the line that ends at `end`.
    pub(crate) fn arrival(&self, end: usize) -> Instant {
        if end >= self.open {
            return self.changed_at;
        }
        let place = self.stamps.partition_point(|stamp| stamp.end <= end);
        self.stamps
            .get(place)
            .map_or(self.changed_at, |stamp| stamp.at)
    }

    /// Ends the line at `position`, so that the text after it is another line. Returns the position
    /// where that line begins, and whether all text from `position` on moved by one byte.
    pub(crate) fn seal(&mut self, position: usize) -> (usize, bool) {
        let index = position - self.base;
        if index == 0 || self.text.as_bytes()[index - 1] == b'\n' {
            return (position, false);
        }
        if self.text.as_bytes().get(index) == Some(&b'\n') {
            return (position + 1, false);
        }
        if position > self.open {
            let width = self.carried.unwrap_or(0) + columns(self.slice(self.open..position));
            self.carried = Some(width);
            self.stamp(position + 1, self.changed_at);
            self.open = position + 1;
        } else {
            for stamp in self.stamps.iter_mut().rev() {
                if stamp.end <= position {
                    break;
                }
                stamp.end += 1;
            }
            self.open += 1;
        }
        self.text.insert(index, '\n');
        self.changes += 1;
        self.echoes.moved(position);
        for typed in self.typed.iter_mut().rev() {
            if typed.range.end <= position {
                break;
            }
            typed.range.end += 1;
            if typed.range.start >= position {
                typed.range.start += 1;
            }
        }
        (position + 1, true)
    }

    /// Expects an echo from here on. `prompt` is the range of the answered line, if input was typed
    /// behind it.
    pub(crate) fn expect_echo(
        &mut self,
        echo: &ExpectedEcho,
        mode: EchoMode,
        prompt: Option<Range<usize>>,
    ) {
        let end = self.end();
        let prompt = prompt.map(|it| &self.text[it.start - self.base..it.end - self.base]);
        self.echoes.expect(echo, mode, end, prompt);
    }

    /// Reports that the program reads single keys, and so may draw what was typed.
    pub(crate) fn set_raw(&mut self) {
        self.echoes.set_raw();
    }

    /// Returns whether the terminal's own echo of a line is still to come.
    pub(crate) fn awaits_echo(&self) -> bool {
        self.echoes.awaits_line()
    }

    /// Returns whether it matters that the program begins to read single keys.
    pub(crate) fn depends_on_mode(&self) -> bool {
        self.echoes.depends_on_mode()
    }

    /// Returns whether a match at `range`, or one of its captures, may be typed text, and so is no
    /// evidence.
    pub(crate) fn is_typed(
        &self,
        range: &Range<usize>,
        captures: impl FnOnce() -> Vec<String>,
    ) -> bool {
        let unfinished;
        let typed = if range.end > self.open {
            if self.echoes.is_empty() {
                return false;
            }
            let row = self.slice(self.open..self.end());
            let Some(typed) = MaybeEcho::new(self.echoes.unfinished(row, self.open), self.end())
            else {
                return false;
            };
            unfinished = typed;
            &unfinished
        } else {
            let place = self.typed.partition_point(|it| it.range.end <= range.start);
            match self.typed.get(place) {
                Some(typed) => typed,
                None => return false,
            }
        };
        if range.end <= typed.range.start || typed.range.end <= range.start {
            return false;
        }
        match &typed.source {
            EchoSource::Terminal => true,
            EchoSource::InputLine(line) => {
                line.draws(self.slice(range.clone()))
                    || captures().iter().any(|value| line.holds(value))
            }
            EchoSource::Screen(line) => {
                let before = self.slice(self.line_at(range.start).start..range.start);
                line.is_drawn_behind(before, self.slice(range.clone()))
            }
        }
    }

    /// Stops to expect the echoes that have not arrived.
    pub(crate) fn forget_echoes(&mut self) {
        self.echoes.clear();
    }

    /// Returns whether the unfinished line may end with an expected echo.
    pub(crate) fn possible_echo(&self) -> Option<PossibleEcho> {
        if self.echoes.is_empty() {
            return None;
        }
        self.echoes
            .possible(self.slice(self.open..self.end()), self.open)
    }

    /// Drops the arrival times of lines that end at or before `position`.
    pub(crate) fn forget_arrivals(&mut self, position: usize) {
        while self.stamps.front().is_some_and(|it| it.end <= position) {
            self.stamps.pop_front();
        }
    }

    /// Drops the text before `position`, once it is enough to be worth moving the rest.
    pub(crate) fn forget(&mut self, position: usize) {
        const LEAST_BYTES: usize = 16 << 10;
        const ROOM_BYTES: usize = 256 << 10;
        let Some(mut index) = position.checked_sub(self.base) else {
            return;
        };
        if index < LEAST_BYTES || index < self.text.len() / 4 {
            return;
        }
        while !self.text.is_char_boundary(index) {
            index -= 1;
        }
        self.text.drain(..index);
        self.base += index;
        if self.text.capacity() > ROOM_BYTES && self.text.len() < self.text.capacity() / 8 {
            self.text.shrink_to(self.text.len() * 2);
        }
        while self
            .typed
            .front()
            .is_some_and(|it| it.range.end <= self.base)
        {
            self.typed.pop_front();
        }
        self.forget_arrivals(self.base);
    }

    fn stamp(&mut self, end: usize, at: Instant) {
        match self.stamps.back_mut() {
            Some(last) if last.at == at => last.end = end,
            _ => self.stamps.push_back(Stamp { end, at }),
        }
    }

    /// Truncates the unfinished line at `position`.
    fn truncate(&mut self, position: usize) {
        self.text.truncate(position - self.base);
        self.lowest = self.lowest.min(position);
        self.echoes.truncate(position);
    }

    fn changed(&mut self) {
        self.changed_at = self.now;
        self.changes += 1;
    }

    fn complete(&mut self, at: Instant) {
        self.text.push('\n');
        self.open = self.end();
        self.carried = None;
        self.stamp(self.open, at);
        self.changed();
    }

    /// Adds a run of [`TextSink::lines`] in one piece.
    fn append(&mut self, run: &str) {
        let from = self.text.len();
        self.text.reserve(run.len());
        let mut rest = run;
        while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
            self.text.push_str(&rest[..at]);
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        if let Some(last) = memchr::memrchr(b'\n', &self.text.as_bytes()[from..]) {
            self.open = self.base + from + last + 1;
            self.stamp(self.open, self.now);
        }
        self.changed();
    }

    /// Ends the unfinished line, and decides which part of it is an echo.
    fn end_row(&mut self, row_end: RowEnd) {
        let mut is_echo = false;
        if !self.echoes.is_empty() || matches!(row_end, RowEnd::Left | RowEnd::LeftUpwards) {
            let fills = self.width() + 1 >= self.columns;
            let row = &self.text[self.open - self.base..];
            let kind = self.echoes.row_ended(row, self.open, row_end, fills);
            if let RowKind::Echo { start } = kind {
                self.truncate(start);
                is_echo = true;
            } else {
                self.typed.extend(MaybeEcho::new(kind, self.end()));
            }
        }
        let is_blank = self.text[self.open - self.base..].trim_end().is_empty();
        if is_blank && (is_echo || self.carried.is_some() || self.is_nothing(row_end)) {
            // The end of a sealed line, or of a line that held only an echo.
            self.truncate(self.open);
            self.carried = None;
            if row_end == RowEnd::LineEnd {
                self.changed();
            }
        } else if row_end == RowEnd::LineEnd {
            self.complete(self.now);
        } else {
            self.complete(self.changed_at);
        }
    }

    /// Returns whether nothing was printed that the cursor could leave.
    fn is_nothing(&self, row_end: RowEnd) -> bool {
        row_end != RowEnd::LineEnd && self.end() == self.open
    }
}

impl MaybeEcho {
    /// Returns the typed part of a line that ends at `end`.
    fn new(kind: RowKind, end: usize) -> Option<MaybeEcho> {
        let (start, source) = match kind {
            RowKind::Output => return None,
            RowKind::Echo { start } | RowKind::EndsWithEcho { start } => {
                (start, EchoSource::Terminal)
            }
            RowKind::Input { start, line } => (start, EchoSource::InputLine(line)),
            RowKind::Addressed { start, line } => (start, EchoSource::Screen(line)),
        };
        Some(MaybeEcho {
            range: start..end,
            source,
        })
    }
}

impl TextSink for Lines {
    fn lines(&mut self, mut run: &str) {
        while !run.is_empty() {
            // None of it can be an echo or end a sealed line, and no line becomes too long.
            let is_plain = self.echoes.is_empty()
                && self.carried.is_none()
                && self.end() - self.open + run.len() <= OUTPUT_LINE_LIMIT_BYTES;
            if is_plain {
                return self.append(run);
            }
            run = self.first_line(run);
        }
    }

    fn text(&mut self, mut run: &str) {
        while !run.is_empty() {
            let room = OUTPUT_LINE_LIMIT_BYTES - (self.end() - self.open);
            let piece = if run.len() <= room {
                run
            } else {
                let mut fits = room;
                while !run.is_char_boundary(fits) {
                    fits -= 1;
                }
                &run[..fits]
            };
            if !piece.is_empty() {
                self.text.push_str(piece);
                self.changed();
                if !self.echoes.is_empty() {
                    let from = self.open - self.base;
                    let was = self.end() - piece.len();
                    self.echoes.text_added(&mut self.text, from, self.open, was);
                    if self.end() < was + piece.len() {
                        self.lowest = self.lowest.min(self.open);
                    }
                }
            }
            run = &run[piece.len()..];
            if !run.is_empty() {
                self.complete(self.now);
            }
        }
    }

    fn line_end(&mut self) {
        self.end_row(RowEnd::LineEnd);
    }

    fn line_break(&mut self, left: RowEnd, column: usize) {
        self.end_row(left);
        if column > 0 {
            self.carried = Some(column);
        }
    }

    fn backspace(&mut self) {
        if self.end() > self.open {
            self.text.pop();
            self.truncate(self.end());
            self.changed();
        }
    }

    fn width(&self) -> usize {
        self.carried.unwrap_or(0) + columns(&self.text[self.open - self.base..])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::super::decoder::{Decoder, tests::output};
    use super::*;

    /// Sink that adds one line at a time.
    struct OneByOne(Lines);

    impl TextSink for OneByOne {
        fn text(&mut self, run: &str) {
            TextSink::text(&mut self.0, run);
        }
        fn line_end(&mut self) {
            self.0.line_end();
        }
        fn line_break(&mut self, left: RowEnd, column: usize) {
            self.0.line_break(left, column);
        }
        fn backspace(&mut self) {
            self.0.backspace();
        }
        fn width(&self) -> usize {
            self.0.width()
        }
    }

    #[derive(Debug, Clone)]
    enum Event {
        Comes(Vec<u8>),
        /// The unfinished line is answered; the echo may follow or not.
        IsAnswered(ExpectedEcho, EchoMode),
        /// Input is typed ahead.
        IsTyped(ExpectedEcho, EchoMode),
        /// The program reads single keys.
        IsRaw,
    }

    fn event() -> impl Strategy<Value = Event> {
        let line = "[a-c é]{0,9}(\n|\r\n)".prop_map(String::into_bytes);
        let lines = proptest::collection::vec(line, 1..6).prop_map(|lines| lines.concat());
        let long = (
            OUTPUT_LINE_LIMIT_BYTES - 9..OUTPUT_LINE_LIMIT_BYTES + 9,
            0_usize..30,
        )
            .prop_map(|(length, end)| [vec![b'x'; length], b"a\r\nbb\n".repeat(end)].concat());
        let echo = prop_oneof![
            2 => Just(ExpectedEcho::Nothing),
            3 => "[a-c]{0,3}".prop_map(ExpectedEcho::Line),
            1 => "[a-c^]{1,2}".prop_map(ExpectedEcho::Text),
        ];
        prop_oneof![
            40 => output().prop_map(Event::Comes),
            40 => lines.prop_map(Event::Comes),
            1 => long.prop_map(Event::Comes),
            20 => (echo.clone(), mode()).prop_map(|(echo, mode)| Event::IsAnswered(echo, mode)),
            5 => (echo, mode()).prop_map(|(echo, mode)| Event::IsTyped(echo, mode)),
            5 => Just(Event::IsRaw),
        ]
    }

    fn mode() -> impl Strategy<Value = EchoMode> {
        proptest::sample::select(vec![
            EchoMode::Lines,
            EchoMode::Keys,
            EchoMode::Raw,
            EchoMode::Hidden,
        ])
    }

    /// Returns the observable state of lines.
    fn state(lines: &mut Lines, width: usize) -> impl PartialEq + std::fmt::Debug + use<> {
        let arrivals: Vec<_> = lines.stamps.iter().map(|it| (it.end, it.at)).collect();
        (
            (lines.text.clone(), lines.open, lines.end(), lines.carried),
            (arrivals, lines.changed_at, lines.take_lowest()),
            (lines.possible_echo(), width, lines.typed.clone()),
        )
    }

    proptest! {
        #[test]
        fn many_lines_at_once_are_the_same_as_one_by_one(
            events in proptest::collection::vec(event(), 1..12),
        ) {
            let mut now = Instant::now();
            let (mut decoder, mut lines) = (Decoder::new(), Lines::new(now, Some(20)));
            let (mut other_decoder, mut others) = (Decoder::new(), OneByOne(Lines::new(now, Some(20))));
            for event in events {
                now += Duration::from_millis(1);
                let changes = (lines.changes(), others.0.changes());
                match event {
                    Event::Comes(bytes) => {
                        lines.arriving(now);
                        decoder.feed(&bytes, &mut lines);
                        others.0.arriving(now);
                        other_decoder.feed(&bytes, &mut others);
                    }
                    Event::IsAnswered(echo, mode) => for it in [&mut lines, &mut others.0] {
                        let prompt = it.open()..it.end();
                        it.seal(it.end());
                        it.expect_echo(&echo, mode, Some(prompt));
                    },
                    Event::IsTyped(echo, mode) => for it in [&mut lines, &mut others.0] {
                        it.expect_echo(&echo, mode, None);
                    },
                    Event::IsRaw => for it in [&mut lines, &mut others.0] {
                        it.set_raw();
                    },
                }
                let has_changed = (changes.0 != lines.changes(), changes.1 != others.0.changes());
                prop_assert_eq!(has_changed.0, has_changed.1);
                let (width, other_width) = (lines.width(), others.width());
                prop_assert_eq!(state(&mut lines, width), state(&mut others.0, other_width));
            }
        }

        #[test]
        fn columns_are_those_of_a_terminal(text in "[ -~\t]{0,20}") {
            prop_assert_eq!(columns(&text), text.width());
        }
    }
}
