//! Typed text on a screen: the cells that may show what was typed rather than what the program says.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthChar;

use crate::terminal::{Screen, ScreenRow};

/// Number of replies whose text is recognized.
const REPLY_LIMIT: usize = 8;

/// Characters of a text that are recognized, more than a screen holds.
const LENGTH_LIMIT: usize = 20_000;

/// Least length of a text, or of a piece of one, that is recognized where its place is not known.
const RECOGNIZED_LEN: usize = 3;

/// Characters between a label and the text behind it.
const FILLERS: [char; 9] = [' ', '\u{a0}', '_', '.', '[', ':', '│', '|', '┃'];

/// Characters that separate the parts of a row.
const EDGES: [char; 5] = ['│', '|', '┃', '║', ']'];

/// Text that was typed lately, each with its place on the screen.
#[derive(Debug, Default)]
pub(in crate::dialogue) struct TypedText {
    replies: VecDeque<TypedLine>,
}

/// One line of what was typed.
#[derive(Debug)]
struct TypedLine {
    text: String,
    place: Option<TypedPlace>,
}

/// The place of the cursor when a text was typed.
#[derive(Debug)]
struct TypedPlace {
    row: u16,
    column: u16,
    /// The label before it in its row.
    label: String,
}

/// The cells of a screen that may show what was typed.
#[derive(Debug, Default)]
pub(super) struct TypedCells {
    columns: usize,
    cells: Vec<bool>,
}

impl TypedText {
    /// Records text that is about to be typed at the cursor.
    pub(in crate::dialogue) fn type_at_cursor(&mut self, screen: &Screen, text: &str) {
        let cursor = screen.cursor();
        // A program that hides the cursor may draw its input anywhere.
        let mut place = cursor.visible.then(|| {
            let row = screen.row(cursor.row);
            TypedPlace {
                row: cursor.row,
                column: cursor.column,
                label: label_of(&row.text()[..row.byte_of(cursor.column)]).to_owned(),
            }
        });
        for line in text.split(['\n', '\r']) {
            let place = place.take();
            if !line.trim().is_empty() {
                let text = line.chars().filter(|it| !it.is_control());
                self.replies.push_back(TypedLine {
                    text: text.take(LENGTH_LIMIT).collect(),
                    place,
                });
            }
        }
        let surplus = self.replies.len().saturating_sub(REPLY_LIMIT);
        self.replies.drain(..surplus);
    }

    /// Returns whether a text is within the last reply, so that it may be drawn by the program as what was
    /// typed, wherever it is.
    pub(super) fn last_has(&self, text: &str) -> bool {
        let text = text.trim();
        !text.is_empty() && self.replies.back().is_some_and(|it| it.text.contains(text))
    }

    /// Returns the cells of a screen with these rows that may show what was typed.
    pub(super) fn cells(&self, screen: &Screen, rows: &[ScreenRow]) -> TypedCells {
        let columns = usize::from(screen.size().columns);
        let mut cells = TypedCells {
            columns,
            cells: vec![
                false;
                if self.replies.is_empty() {
                    0
                } else {
                    columns * rows.len()
                }
            ],
        };
        for line in &self.replies {
            line.mark(screen, rows, &mut cells);
        }
        cells
    }
}

impl TypedCells {
    /// Returns whether a cell may show what was typed.
    pub(super) fn contains(&self, row: u16, column: u16) -> bool {
        let index = usize::from(row) * self.columns + usize::from(column);
        self.cells.get(index).copied().unwrap_or(false)
    }

    fn mark(&mut self, row: u16, column: u16) {
        let index = usize::from(row) * self.columns + usize::from(column);
        if let Some(cell) = self.cells.get_mut(index) {
            *cell = true;
        }
    }
}

impl TypedLine {
    fn mark(&self, screen: &Screen, rows: &[ScreenRow], cells: &mut TypedCells) {
        for (index, row) in (0..).zip(rows) {
            if row.text().trim() == self.text.trim() {
                let start = row.text().len() - row.text().trim_start().len();
                self.mark_from(screen, index, row.column_of(start), true, cells);
            }
        }
        match &self.place {
            Some(place) => self.mark_placed(place, screen, rows, cells),
            None => self.mark_anywhere(screen, rows, cells),
        }
    }

    /// Marks the text at its place, and where its label is drawn again with the text behind it.
    fn mark_placed(
        &self,
        place: &TypedPlace,
        screen: &Screen,
        rows: &[ScreenRow],
        cells: &mut TypedCells,
    ) {
        let here = rows.get(usize::from(place.row));
        let is_label_here = here.is_some_and(|row| {
            let before = &row.text()[..row.byte_of(place.column)];
            label_of(before) == place.label
        });
        self.mark_from(screen, place.row, place.column, !is_label_here, cells);
        if let Some(row) = here.filter(|_| is_label_here) {
            self.mark_pieces(place, row, cells);
        }
        for label in label_variants(&place.label) {
            for (index, row) in (0..).zip(rows) {
                for (at, _) in row.text().match_indices(label) {
                    let rest = &row.text()[at + label.len()..];
                    let text = rest.trim_start_matches(FILLERS);
                    let start = row.text().len() - text.len();
                    self.mark_from(screen, index, row.column_of(start), false, cells);
                }
            }
        }
    }

    /// Marks the beginning of the text that is drawn from a cell on, over the ends of rows; only if
    /// the text is there as a whole, with `whole`.
    fn mark_from(
        &self,
        screen: &Screen,
        row: u16,
        column: u16,
        whole: bool,
        cells: &mut TypedCells,
    ) {
        let size = screen.size();
        let (mut row, mut column) = (row, column);
        let mut drawn = Vec::new();
        for character in self.text.chars() {
            let width = u16::try_from(character.width().unwrap_or(0)).unwrap_or(1);
            if column + width > size.columns {
                (row, column) = (row + 1, 0);
            }
            if row >= size.rows || screen.char_at(row, column) != character {
                if whole {
                    return;
                }
                break;
            }
            drawn.push((row, column));
            column += width;
        }
        for (row, column) in drawn {
            cells.mark(row, column);
        }
    }

    /// Marks pieces of the text behind its label, as in a field that is too narrow for it.
    fn mark_pieces(&self, place: &TypedPlace, row: &ScreenRow, cells: &mut TypedCells) {
        let text = row.text();
        let label = text
            .find(&place.label)
            .map_or(0, |at| at + place.label.len());
        let fillers = text[label..].len() - text[label..].trim_start_matches(FILLERS).len();
        let from = label + fillers;
        let field = &text[from..];
        let end = [field.find(EDGES), field.find("  ")];
        let field = &field[..end.into_iter().flatten().min().unwrap_or(field.len())];
        let least = RECOGNIZED_LEN.min(self.text.chars().count());
        let mut at = 0;
        while at < field.len() {
            let rest = &field[at..];
            let ends = rest.char_indices().map(|(at, it)| at + it.len_utf8());
            let len = ends
                .take_while(|&len| self.text.contains(&rest[..len]))
                .last()
                .unwrap_or(0);
            let first = rest.chars().next().map_or(1, char::len_utf8);
            if rest[..len].chars().count() < least {
                at += first;
                continue;
            }
            for (byte, _) in rest[..len].char_indices() {
                cells.mark(place.row, row.column_of(from + at + byte));
            }
            at += len;
        }
    }

    /// Marks the text wherever it is drawn as a word.
    fn mark_anywhere(&self, screen: &Screen, rows: &[ScreenRow], cells: &mut TypedCells) {
        let text = self.text.trim();
        if text.chars().count() < RECOGNIZED_LEN {
            return;
        }
        for (index, row) in (0..).zip(rows) {
            for (at, _) in row.text().match_indices(text) {
                let before = row.text()[..at].chars().next_back();
                let after = row.text()[at + text.len()..].chars().next();
                let is_word = [before, after]
                    .into_iter()
                    .flatten()
                    .all(|it| !it.is_alphanumeric());
                if is_word {
                    self.mark_from(screen, index, row.column_of(at), true, cells);
                }
            }
        }
    }
}

/// Returns the label at the end of the text before a cursor: without fillers, and without other
/// parts of the row.
fn label_of(before: &str) -> &str {
    let bare = before.trim_end_matches(|it| FILLERS.contains(&it) && it != ':' && it != '.');
    let edge = bare
        .rfind(EDGES)
        .map(|at| at + bare[at..].chars().next().map_or(1, char::len_utf8));
    let gap = bare.rfind("  ").map(|at| at + 2);
    let start = edge.max(gap).unwrap_or(0);
    bare[start..].trim()
}

/// Returns a label as it may be drawn again: as it was, without the mark before it (which changes
/// when a question is answered), and without a default value in brackets behind it.
fn label_variants(label: &str) -> impl Iterator<Item = &str> {
    let unmarked = label.trim_start_matches(|it: char| !it.is_alphanumeric());
    let plain = unmarked
        .strip_suffix(')')
        .and_then(|it| it.rfind('('))
        .map_or("", |at| unmarked[..at].trim_end());
    let mut variants = vec![label, unmarked, plain];
    variants.retain(|it| !it.is_empty());
    variants.dedup();
    variants.into_iter()
}
