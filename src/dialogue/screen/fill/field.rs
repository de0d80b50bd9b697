//! Fields of a form: the place of the field behind a label, and its text.

use std::ops::Range;

use crate::terminal::{CellColor, Screen, ScreenRow};

/// Characters between a label and its field.
const FILLERS: &str = " \u{a0}:_.[(<│|┃║";

const OPENING: &str = "[(<│|┃║";

const CLOSING: &str = "])>│|┃║";

/// Characters between the places of a mask, as in `__/__/____`.
const MASK_SEPARATORS: &str = "/-:.,()+";

/// Most columns between the beginning of a label and that of a field below it.
const INDENT_LIMIT: u16 = 4;

/// A label on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LabelPlace {
    pub row: u16,
    start: u16,
    /// The column behind it.
    pub end: u16,
}

/// The cells of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub row: u16,
    pub columns: Range<u16>,
}

/// Style that sets the cells of a field apart from the text around it.
type Ground = (bool, bool, Option<CellColor>);

/// Returns the places of a label: whole words only.
pub(super) fn label_places(screen: &Screen, label: &str) -> Vec<LabelPlace> {
    let label = label.trim();
    if label.is_empty() {
        return Vec::new();
    }
    let mut places = Vec::new();
    for index in 0..screen.size().rows {
        let row = screen.row(index);
        for (at, _) in row.text().match_indices(label) {
            let goes_on = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
            let begins_in_word =
                goes_on(label.chars().next()) && goes_on(row.text()[..at].chars().next_back());
            let ends_in_word = goes_on(label.chars().next_back())
                && goes_on(row.text()[at + label.len()..].chars().next());
            if !begins_in_word && !ends_in_word {
                places.push(LabelPlace {
                    row: index,
                    start: row.column_of(at),
                    end: row.column_of(at + label.len()),
                });
            }
        }
    }
    places
}

impl Field {
    /// Returns the field behind a label if the cursor is in it: in the row of the label or, if there
    /// is nothing behind the label, in the next row with anything but a border.
    pub(super) fn under_cursor(screen: &Screen, label: LabelPlace) -> Option<Field> {
        let cursor = screen.cursor();
        if cursor.row == label.row {
            let field = Field::around(screen, cursor.row, cursor.column, label.end)?;
            let between = label.end..field.columns.start;
            let mut between = between.map(|column| screen.char_at(label.row, column));
            return between.all(|it| FILLERS.contains(it)).then_some(field);
        }
        let is_near = (label.row + 1..=label.row + 3).contains(&cursor.row);
        let is_empty = |row: u16, from: u16| {
            let text = screen.row(row);
            let rest = &text.text()[text.byte_of(from)..];
            rest.chars().all(|it| it == ' ' || is_border(it))
        };
        let is_below = is_near
            && is_empty(label.row, label.end)
            && !has_blank_field(screen, label)
            && (label.row + 1..cursor.row).all(|row| is_empty(row, 0));
        if !is_below {
            return None;
        }
        let before = (0..cursor.column).rev();
        let mut borders = before.filter(|at| is_border(screen.char_at(cursor.row, *at)));
        let first = borders.next().map_or(0, |border| border + 1);
        let field = Field::around(screen, cursor.row, cursor.column, first)?;
        // Not the field of another label, in the row of the cursor.
        let is_aligned = field.columns.start.abs_diff(label.start) <= INDENT_LIMIT;
        (is_aligned && !field.text(screen).contains(": ")).then_some(field)
    }

    /// Returns the field around a column, at `first` or behind it.
    fn around(screen: &Screen, row: u16, column: u16, first: u16) -> Option<Field> {
        if column < first {
            return None;
        }
        let text = screen.row(row);
        let end = screen.size().columns;
        let plain = ground(screen, row, first.saturating_sub(1));
        // The cursor of a full field may be behind it.
        for inside in [column, column.saturating_sub(1)] {
            let own = ground(screen, row, inside);
            if own != plain && inside >= first {
                let is_own = |at: &u16| {
                    ground(screen, row, *at) == own && !is_border(screen.char_at(row, *at))
                };
                let begin = (first..=inside).rev().take_while(is_own).last();
                let last = (inside..end).take_while(is_own).last();
                if let (Some(begin), Some(last)) = (begin, last)
                    && (first > 0 || begin > 0)
                {
                    let columns = begin..last + 1;
                    return Some(Field { row, columns });
                }
            }
        }
        let columns = between_edges(&text, column, first, end)?;
        Some(Field { row, columns })
    }

    /// Returns the text in the field, without fillers.
    pub(super) fn text(&self, screen: &Screen) -> String {
        let row = screen.row(self.row);
        let text = self.content(&row);
        let text = text.trim_end_matches([' ', '_', '\u{a0}']);
        let undotted = text.trim_end_matches('.');
        let text = if text.len() - undotted.len() > 2 {
            undotted
        } else {
            text
        };
        text.trim().to_owned()
    }

    /// Returns whether the field shows a mask without a value: `__/__/____`. No key removes it.
    pub(super) fn has_empty_mask(&self, screen: &Screen) -> bool {
        let row = screen.row(self.row);
        let content = self.content(&row);
        let is_part = |it: char| matches!(it, '_' | ' ') || MASK_SEPARATORS.contains(it);
        content.contains('_') && content.chars().all(is_part)
    }

    fn content<'a>(&self, row: &'a ScreenRow) -> &'a str {
        let bytes = row.byte_of(self.columns.start)..row.byte_of(self.columns.end);
        row.text().get(bytes).unwrap_or_default()
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }
}

/// Returns whether an empty field, seen by its ground, is behind a label.
fn has_blank_field(screen: &Screen, label: LabelPlace) -> bool {
    let plain = ground(screen, label.row, label.end.saturating_sub(1));
    let columns = label.end..screen.size().columns;
    let mut within = columns.take_while(|&at| !is_border(screen.char_at(label.row, at)));
    within.any(|at| ground(screen, label.row, at) != plain)
}

/// Returns the columns around a column up to the edges of a field, or to other text.
fn between_edges(row: &ScreenRow, column: u16, first: u16, end: u16) -> Option<Range<u16>> {
    let text = row.text();
    let characters: Vec<(u16, char)> = text
        .char_indices()
        .map(|(byte, it)| (row.column_of(byte), it))
        .filter(|(at, _)| *at >= first)
        .collect();
    let opened = characters
        .iter()
        .rev()
        .find(|(at, it)| *at < column && OPENING.contains(*it));
    let mut start = match opened {
        Some((at, _)) => at + 1,
        None => {
            let content = characters.iter().find(|(_, it)| !FILLERS.contains(*it));
            content.map_or(column, |(at, _)| (*at).min(column))
        }
    };
    let is_opened = opened.is_some();
    let closed = characters
        .iter()
        .find(|(at, it)| *at >= column && (is_border(*it) || (is_opened && CLOSING.contains(*it))));
    let mut end = closed.map_or(end, |(at, _)| *at);
    if !is_opened {
        let from_cursor = characters.iter().filter(|(at, _)| *at >= column);
        let rest: String = from_cursor.map(|(_, it)| *it).collect();
        if let Some(begin) = rest
            .find("___")
            .filter(|&begin| !rest[..begin].contains("  "))
        {
            let run = rest[begin..].bytes().take_while(|it| *it == b'_').count();
            let len = rest[..begin].chars().count() + run;
            end = end.min(column + u16::try_from(len).unwrap_or(u16::MAX));
        }
        // Two blanks with other text behind them: that is no part of the field.
        let mut blanks = 0;
        let content = start;
        for (at, it) in characters.iter().filter(|(at, _)| *at >= content) {
            if *it == ' ' {
                blanks += 1;
                continue;
            }
            if blanks > 1 && *at <= column {
                start = *at;
            } else if blanks > 1 {
                end = end.min(at - 1);
                break;
            }
            blanks = 0;
        }
    }
    (start <= end).then_some(start..end)
}

fn is_border(character: char) -> bool {
    matches!(character, '\u{2500}'..='\u{257f}' | '|')
}

fn ground(screen: &Screen, row: u16, column: u16) -> Ground {
    let style = screen.style(row, column);
    (style.inverse, style.underline, style.background)
}
