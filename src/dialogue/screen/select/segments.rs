//! Segments of the rows of a screen: what is between borders, gutters and blanks.

use std::ops::Range;

use crate::terminal::{Screen, ScreenRow};

use super::ground::ground_at;
use super::marks::read_box;
use super::panes::panes;

/// Rows that have to have text on both sides of a gutter.
const GUTTER_ROWS: usize = 3;

/// Blank column between two lists that are side by side: the ground of a lit row ends at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gutter {
    /// The first column behind it.
    column: u16,
    rows: Range<u16>,
}

/// Returns the gutters of a screen.
pub(super) fn gutters(screen: &Screen, rows: &[ScreenRow]) -> Vec<Gutter> {
    let mut gutters: Vec<Gutter> = Vec::new();
    for pane in panes(screen) {
        let edges = [pane.columns.start, pane.columns.end];
        gutters.extend(edges.map(|column| Gutter {
            column,
            rows: pane.rows.clone(),
        }));
    }
    let size = screen.size();
    // Bars are at the edges.
    for row in 1..size.rows.saturating_sub(1) {
        for column in 1..size.columns {
            if ground_at(screen, row, column) == ground_at(screen, row, column - 1) {
                continue;
            }
            let is_known = gutters
                .iter()
                .any(|it| it.column == column && it.rows.contains(&row));
            let columns = columns_around(&rows[usize::from(row)], column);
            if !is_known && columns.is_some_and(|it| ends_lit_row(screen, it, row, column)) {
                gutters.extend(gutter(screen, rows, row, column));
            }
        }
    }
    gutters
}

/// Returns whether a ground that fills more than a text ends before this column, with more text
/// behind it. Bars have many grounds.
fn ends_lit_row(screen: &Screen, columns: Range<u16>, row: u16, column: u16) -> bool {
    let lit = ground_at(screen, row, column - 1);
    if lit == ground_at(screen, row, column) || screen.char_at(row, column - 1) != ' ' {
        return false;
    }
    let changes = (columns.start + 1..columns.end)
        .filter(|&it| ground_at(screen, row, it) != ground_at(screen, row, it - 1));
    changes.count() <= 2 && has_text_on_both_sides(screen, &columns, row, column)
}

/// Returns the gutter before a column, if enough rows have text on both sides of it.
fn gutter(screen: &Screen, rows: &[ScreenRow], row: u16, column: u16) -> Option<Gutter> {
    let is_blank = |row: &u16| screen.char_at(*row, column - 1) == ' ';
    let first = (0..row).rev().take_while(is_blank).last().unwrap_or(row);
    let last = (row..screen.size().rows).take_while(is_blank).last()?;
    let has_both = |row: &u16| {
        let columns = columns_around(&rows[usize::from(*row)], column);
        columns.is_some_and(|it| has_text_on_both_sides(screen, &it, *row, column))
    };
    let count = (first..last + 1).filter(has_both).count();
    (count >= GUTTER_ROWS).then_some(Gutter {
        column,
        rows: first..last + 1,
    })
}

/// Returns the columns between the borders around a column.
fn columns_around(row: &ScreenRow, column: u16) -> Option<Range<u16>> {
    let mut parts = parts(row.text()).into_iter();
    parts.find_map(|part| {
        let columns = row.column_of(part.start)..row.column_of(part.end);
        (columns.start < column && column < columns.end).then_some(columns)
    })
}

fn has_text_on_both_sides(screen: &Screen, columns: &Range<u16>, row: u16, column: u16) -> bool {
    let has_text = |range: Range<u16>| {
        range
            .filter(|&it| screen.char_at(row, it).is_alphanumeric())
            .count()
            > 1
    };
    has_text(columns.start..column) && has_text(column..columns.end)
}

/// Part of a row that may be an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// The byte at which the space between two borders begins.
    pub border: usize,
    pub part: Range<usize>,
}

/// Returns the segments of a row: parts between borders and gutters, the name of a list before its
/// first box apart.
pub(super) fn segments(row: &ScreenRow, index: u16, gutters: &[Gutter]) -> Vec<Segment> {
    let text = row.text();
    let mut segments = Vec::new();
    for part in parts(text) {
        let mut start = part.start;
        let mut here: Vec<u16> = gutters
            .iter()
            .filter(|it| it.rows.contains(&index))
            .map(|it| it.column)
            .collect();
        here.sort_unstable();
        here.dedup();
        let cuts = text[part.clone()].char_indices().filter_map(|(at, _)| {
            let at = part.start + at;
            here.binary_search(&row.column_of(at)).ok().map(|_| at)
        });
        for cut in cuts.chain([part.end]) {
            let name_end = start + name_len(&text[start..cut]);
            let border = start;
            let both = [start..name_end, name_end..cut];
            segments.extend(both.map(|part| Segment { border, part }));
            start = cut;
        }
    }
    segments.retain(|it: &Segment| !text[it.part.clone()].trim().is_empty());
    segments
}

/// Returns the length of the name before the one box of a text: `Drink:   (X) Tea`.
fn name_len(text: &str) -> usize {
    let mut boxes = text.match_indices(['[', '(']).filter(|(at, _)| {
        let found = read_box(&text[*at..]);
        found.is_some_and(|(_, box_)| text[at + box_.end..].starts_with(' '))
    });
    let (Some((at, _)), None) = (boxes.next(), boxes.next()) else {
        return 0;
    };
    let name = &text[..at];
    let has_name = name.chars().filter(|it| it.is_alphanumeric()).count() > 1;
    let has_text = text[at..].contains(char::is_alphanumeric);
    if has_name && has_text && name.ends_with("  ") {
        at
    } else {
        0
    }
}

/// Returns the parts of a row between its borders.
fn parts(text: &str) -> Vec<Range<usize>> {
    // Only a row that is in a box of ASCII characters has such borders.
    let bare = text.trim();
    let is_ascii_box = bare.len() > 1 && bare.starts_with('|') && bare.ends_with('|');
    let is_border = |it: char| is_line(it) || (is_ascii_box && it == '|');
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices() {
        // Lines behind a box are those of a tree, or of a column of boxes.
        if is_border(character) && !is_box_before_lines(&text[start..at]) {
            parts.push(start..at);
            start = at + character.len_utf8();
        }
    }
    parts.push(start..text.len());
    parts.retain(|part| !text[part.clone()].trim().is_empty());
    parts
}

/// Returns whether a text is a box, with nothing but lines behind it.
fn is_box_before_lines(text: &str) -> bool {
    let text = text.trim_start();
    read_box(text).is_some_and(|(mark, box_)| {
        let mut behind = text[box_.end..].chars();
        mark.is_bracketed && behind.all(|it| it == ' ' || is_line(it))
    })
}

/// Returns whether a character is a line of a box or of a tree.
pub(super) fn is_line(character: char) -> bool {
    matches!(character, '\u{2500}'..='\u{257f}')
}

/// Separator before one of several pieces of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Blanks,
    Slash,
    Pointer,
}

/// Splits a text at blanks, slashes and brackets.
pub(super) fn pieces(text: &str) -> Vec<(Separator, Range<usize>)> {
    let separators = [
        ("  ", Separator::Blanks),
        (" / ", Separator::Slash),
        (" | ", Separator::Slash),
        (" ‣ ", Separator::Pointer),
        (" › ", Separator::Pointer),
        (" » ", Separator::Pointer),
        (" … ", Separator::Pointer),
    ];
    let mut pieces = Vec::new();
    let mut before = Separator::Blanks;
    let mut start = 0;
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        if at < start {
            continue;
        }
        let piece = text[start..at].trim_start();
        match character {
            '<' | '[' | '(' => depth += 1,
            '>' | ']' | ')' if depth > 0 => {
                depth -= 1;
                if depth == 0
                    && piece.starts_with(['<', '[', '('])
                    && read_box(text[start..=at].trim_start()).is_none()
                {
                    pieces.push((before, start..at + 1));
                    before = Separator::Blanks;
                    start = at + 1;
                }
            }
            _ => {}
        }
        let mut separators = separators.iter();
        let found = separators.find(|(it, _)| depth == 0 && text[at..].starts_with(it));
        if let Some((separator, kind)) = found
            && at >= start
        {
            pieces.push((before, start..at));
            before = *kind;
            start = at + separator.len();
        }
    }
    pieces.push((before, start..text.len()));
    pieces.retain(|(separator, piece)| {
        *separator != Separator::Blanks || !text[piece.clone()].trim().is_empty()
    });
    pieces
}
