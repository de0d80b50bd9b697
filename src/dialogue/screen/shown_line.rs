//! Lines of text on a screen: its rows, and long lines that the terminal has wrapped over several.

use std::borrow::Cow;
use std::ops::Range;

use crate::dialogue::pattern::Pattern;
use crate::terminal::{Screen, ScreenRow};

/// One line of text.
pub(super) struct ShownLine<'a> {
    text: Cow<'a, str>,
    parts: Vec<LinePart<'a>>,
}

/// The part of a line that is in one row.
struct LinePart<'a> {
    /// The byte of the line at which it begins.
    begin: usize,
    index: u16,
    row: &'a ScreenRow,
}

/// A match in one of the lines of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineMatch {
    pub line: usize,
    pub range: Range<usize>,
}

/// Text of a screen at a moment that is past, in one piece: every session has one.
#[derive(Debug, Default)]
pub(super) struct PastText {
    /// The rows, each with a line feed behind it.
    text: String,
}

impl PastText {
    /// Records what a screen shows.
    pub(super) fn record(&mut self, screen: &Screen) {
        self.text.clear();
        for row in 0..screen.size().rows {
            self.text.push_str(screen.row(row).text());
            self.text.push('\n');
        }
        self.text.shrink_to_fit();
    }

    /// Returns the rows, from the top.
    pub(super) fn rows(&self) -> Vec<ScreenRow> {
        let rows = self.text.split_terminator('\n');
        rows.map(ScreenRow::with_text).collect()
    }
}

/// Returns the rows of a screen, from the top.
pub(super) fn rows_of(screen: &Screen) -> Vec<ScreenRow> {
    (0..screen.size().rows).map(|row| screen.row(row)).collect()
}

/// Returns the lines of a screen with these rows: each row, and then each line that goes over several.
pub(super) fn lines_of<'a>(screen: &Screen, rows: &'a [ScreenRow]) -> Vec<ShownLine<'a>> {
    let mut lines: Vec<ShownLine<'_>> = (0..).zip(rows).map(ShownLine::of_row).collect();
    let columns = usize::from(screen.size().columns);
    let mut index = 0;
    while index < rows.len() {
        let mut end = index + 1;
        while end < rows.len() && screen.is_wrapped(narrow(end - 1)) {
            end += 1;
        }
        if end - index > 1 {
            lines.push(ShownLine::of_rows(index, &rows[index..end], columns));
        }
        index = end;
    }
    lines
}

impl<'a> ShownLine<'a> {
    fn of_row((index, row): (u16, &'a ScreenRow)) -> ShownLine<'a> {
        let begin = 0;
        ShownLine {
            text: Cow::Borrowed(row.text()),
            parts: vec![LinePart { begin, index, row }],
        }
    }

    fn of_rows(first: usize, rows: &'a [ScreenRow], columns: usize) -> ShownLine<'a> {
        let (mut text, mut parts) = (String::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            parts.push(LinePart {
                begin: text.len(),
                index: narrow(first + at),
                row,
            });
            text.push_str(row.text());
            let Some(next) = rows.get(at + 1) else { break };
            // A wide character leaves the last column free if it does not fit.
            let first = next.text().chars().next();
            let is_wide =
                first.is_some_and(|_| next.column_of(first.map_or(0, char::len_utf8)) > 1);
            let free = columns.saturating_sub(row.column_of(row.text().len()).into());
            let blanks = free.saturating_sub(usize::from(is_wide));
            text.extend(std::iter::repeat_n(' ', blanks));
        }
        ShownLine {
            text: Cow::Owned(text),
            parts,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns row and column of the character at a byte; at the end of the text, the cell behind it.
    pub(super) fn cell_of(&self, byte: usize) -> (u16, u16) {
        let mut before = self.parts.iter().rev();
        let part = before.find(|part| part.begin <= byte);
        part.map_or((0, 0), |part| {
            // The text of a row has no blanks at its end; those of a wrapped one are in the line.
            let within = byte - part.begin;
            let beyond = within.saturating_sub(part.row.text().len());
            (
                part.index,
                part.row.column_of(within).saturating_add(narrow(beyond)),
            )
        })
    }

    /// Returns row and column behind a match, in the row of its end.
    pub(super) fn end_of(&self, range: &Range<usize>) -> (u16, u16) {
        let last = self.parts.iter().rev().find(|part| part.begin < range.end);
        match last {
            Some(part) if range.end > range.start => {
                let within = range.end - part.begin;
                let beyond = within.saturating_sub(part.row.text().len());
                (
                    part.index,
                    part.row.column_of(within).saturating_add(narrow(beyond)),
                )
            }
            _ => self.cell_of(range.end),
        }
    }

    /// Returns the rows of a match, each with its columns.
    pub(super) fn cells(&self, range: &Range<usize>) -> Vec<(u16, Range<u16>)> {
        let (first, begin) = self.cell_of(range.start);
        let (last, end) = self.end_of(range);
        (first..=last)
            .map(|row| {
                let begin = if row == first { begin } else { 0 };
                (row, begin..if row == last { end } else { u16::MAX })
            })
            .collect()
    }

    /// Returns whether the line goes over several rows.
    pub(super) fn is_wrapped(&self) -> bool {
        self.parts.len() > 1
    }

    /// Returns whether a match goes over several rows.
    pub(super) fn crosses(&self, range: &Range<usize>) -> bool {
        let mut begins = self.parts.iter().skip(1).map(|part| part.begin);
        begins.any(|begin| range.start < begin && begin < range.end)
    }

    /// Returns the byte of the line at which a cell is, if it is in one of the rows.
    pub(super) fn byte_of(&self, row: u16, column: u16) -> Option<usize> {
        let part = self.parts.iter().find(|part| part.index == row)?;
        Some(part.begin + part.row.byte_of(column))
    }

    /// Returns the first match from this byte on. A literal text with blanks at its end may go on into
    /// the blanks at the end of the row, which are not in the row's text.
    pub(super) fn find(&self, text: &Pattern, from: usize) -> Option<Range<usize>> {
        let shown = self.text();
        if from > shown.len() {
            return None;
        }
        if text.is_literal() && text.source().ends_with(' ') {
            let blanks = text.source().len() - text.source().trim_end_matches(' ').len();
            let padded = format!("{shown}{:blanks$}", "");
            return text.find(&padded, from..padded.len());
        }
        text.find(shown, from..shown.len())
    }
}

fn narrow(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::terminal::{ScreenSize, cell_text};

    fn screen(columns: u16, text: &str) -> Screen {
        let now = Instant::now();
        let size = ScreenSize { rows: 8, columns };
        let mut screen = Screen::new(size, now);
        screen.feed(text.as_bytes(), now, &mut |_| false);
        screen
    }

    #[test]
    fn wrapped_rows_are_one_line_after_the_rows() {
        let screen = screen(5, "abc deé\u{1f600}x\r\nend");
        let rows = rows_of(&screen);
        let lines = lines_of(&screen, &rows);
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[8].text(), "abc deé\u{1f600}x");
        let found = lines[8].find(&Pattern::literal("deé"), 0).expect("there");
        assert!(lines[8].crosses(&found));
        assert_eq!(lines[8].cells(&found), [(0, 4..u16::MAX), (1, 0..2)]);
        assert_eq!(lines[8].end_of(&found), (1, 2));
        assert_eq!(lines[8].byte_of(1, 0), Some(5));
        assert_eq!(lines[8].byte_of(2, 0), None);
    }

    #[test]
    fn a_wide_character_that_does_not_fit_leaves_no_gap() {
        let screen = screen(5, "abcd漢字");
        let rows = rows_of(&screen);
        assert_eq!(lines_of(&screen, &rows)[8].text(), "abcd漢字");
    }

    proptest! {
        #[test]
        fn a_long_text_is_found_wherever_it_is_wrapped(
            columns in 4_u16..20,
            before in "[a-c ]{0,30}",
            text in proptest::collection::vec(
                proptest::sample::select(vec![
                    "x", "y", "z", "é", "e\u{301}", "漢", "\u{1f469}\u{200d}\u{1f4bb}",
                    "\u{2611}\u{fe0f}", "\u{1f1e9}\u{1f1ea}",
                ]),
                1..12,
            ),
        ) {
            let text = text.concat();
            let screen = screen(columns, &format!("{before}{text}|"));
            let rows = rows_of(&screen);
            let lines = lines_of(&screen, &rows);
            let pattern = Pattern::literal(&format!("{}|", cell_text(&text)));
            let found = lines.iter().rev().find_map(|line| Some((line, line.find(&pattern, 0)?)));
            let (line, found) = found.expect("the text is shown");
            let (row, column) = line.end_of(&found);
            prop_assert_eq!(screen.char_at(row, column - 1), '|');
            let (row, column) = line.cell_of(found.start);
            prop_assert_eq!(Some(screen.char_at(row, column)), cell_text(&text).chars().next());
        }
    }
}
