//! Times at which the cells of a screen were written.

use std::ops::Range;
use std::slice;
use std::time::{Duration, Instant};

use avt::parser::{EdScope, ElScope, Function};
use avt::{Cell, Terminal};
use unicode_width::UnicodeWidthChar;

/// Stamp of a cell that was not written since the last answer.
const STALE: u32 = 0;

/// One stamp a cell, moved with its text.
///
/// A stamp is [`STALE`], or 1 and the microseconds from the last answer to the moment when the cell
/// was written. Erasing writes blanks.
#[derive(Debug)]
pub(super) struct Stamps {
    columns: usize,
    cells: Vec<u32>,
    answered: Instant,
}

/// Modes that decide where a character is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct PrintModes {
    pub(super) insert: bool,
    pub(super) auto_wrap: bool,
}

/// Part of an operation that depends on what the emulator makes of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    Nothing,
    /// Another screen, if anything changed: all of it was drawn earlier.
    Switch,
    /// The changed rows move up by this number of rows.
    Up(usize),
    /// The changed rows move down by this number of rows.
    Down(usize),
    /// A character is printed at the start of the next row, or of the same row if there is no next.
    Wrap {
        width: usize,
        from: usize,
        /// True if the character splits a wide one in the same row, or in the next.
        splits: [bool; 2],
    },
}

impl Stamps {
    pub(super) fn new(rows: usize, columns: usize, now: Instant) -> Stamps {
        Stamps {
            columns,
            cells: vec![STALE; rows * columns],
            answered: now,
        }
    }

    /// Makes all stamps stale.
    pub(super) fn clear(&mut self) {
        self.cells.fill(STALE);
    }

    /// Makes all stamps stale: from now on, times are those since `at`.
    pub(super) fn answered(&mut self, at: Instant) {
        self.answered = at;
        self.clear();
    }

    /// Makes the stamps of these cells stale.
    pub(super) fn forget(&mut self, row: usize, columns: Range<usize>) {
        let end = columns.end.min(self.columns);
        let cells = row * self.columns + columns.start.min(end)..row * self.columns + end;
        if let Some(cells) = self.cells.get_mut(cells) {
            cells.fill(STALE);
        }
    }

    /// Returns the moment of the last answer.
    pub(super) fn answered_at(&self) -> Instant {
        self.answered
    }

    /// Makes all stamps stale, for a screen of another size.
    pub(super) fn resize(&mut self, rows: usize, columns: usize) {
        self.columns = columns;
        self.cells.clear();
        self.cells.shrink_to(rows * columns);
        self.cells.resize(rows * columns, STALE);
    }

    /// Returns when a cell was written, if it was since the last answer.
    pub(super) fn written_at(&self, row: usize, column: usize) -> Option<Instant> {
        if column >= self.columns {
            return None;
        }
        let stamp = *self.cells.get(row * self.columns + column)?;
        let after = Duration::from_micros(stamp.checked_sub(1)?.into());
        Some(self.answered + after)
    }

    /// Returns the stamp of this moment.
    pub(super) fn stamp(&self, at: Instant) -> u32 {
        let after = at.saturating_duration_since(self.answered).as_micros();
        u32::try_from(after).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Stamps what an operation is going to write, as far as that is known beforehand.
    pub(super) fn before(
        &mut self,
        function: &Function,
        terminal: &Terminal,
        modes: PrintModes,
        now: u32,
    ) -> Rest {
        let cursor = terminal.cursor();
        let mut row = self.row(terminal, cursor.row);
        let (at, columns) = (cursor.col, row.stamps.len());
        let inside = at.min(columns - 1);
        match *function {
            Function::Print(character) => {
                return self.print(character, terminal, modes, now);
            }
            Function::Lf | Function::Nel => return Rest::Up(1),
            Function::Ri => return Rest::Down(1),
            Function::Su(count) | Function::Dl(count) => return Rest::Up(count.max(1).into()),
            Function::Sd(count) | Function::Il(count) => return Rest::Down(count.max(1).into()),
            Function::Ich(count) => row.insert(inside, count.max(1).into(), now),
            Function::Dch(count) => row.delete(inside, count.max(1).into(), now),
            Function::Ech(count) => {
                row.erase(at..(at + usize::from(count.max(1))).min(columns), now);
            }
            Function::El(ElScope::ToRight) => row.erase(at..columns, now),
            Function::El(ElScope::ToLeft) => row.erase(0..inside + 1, now),
            Function::El(ElScope::All) => row.erase(0..columns, now),
            Function::Ed(EdScope::Below) => {
                row.erase(at..columns, now);
                self.cells[(cursor.row + 1) * columns..].fill(now);
            }
            Function::Ed(EdScope::Above) => {
                row.erase(0..inside + 1, now);
                self.cells[..cursor.row * columns].fill(now);
            }
            Function::Ed(EdScope::All) | Function::Ris | Function::Decaln => self.cells.fill(now),
            Function::Decset(_) | Function::Decrst(_) => return Rest::Switch,
            _ => {}
        }
        Rest::Nothing
    }

    /// Stamps the rest of an operation. It was performed, changed these ranges of rows, and left the
    /// cursor in `row`.
    pub(super) fn after(&mut self, rest: Rest, changed: &[Range<usize>], row: usize, now: u32) {
        match (rest, changed) {
            (Rest::Switch, [_, ..]) => self.clear(),
            (Rest::Up(by), [rows, ..]) => self.scroll(rows.clone(), now, |cells, columns| {
                let moved = cells.len().min(by * columns);
                cells.rotate_left(moved);
                cells.len() - moved..cells.len()
            }),
            (Rest::Down(by), [rows, ..]) => self.scroll(rows.clone(), now, |cells, columns| {
                let moved = cells.len().min(by * columns);
                cells.rotate_right(moved);
                0..moved
            }),
            (Rest::Wrap { width, .. }, _) if width > self.columns => {}
            (
                Rest::Wrap {
                    width,
                    from,
                    splits,
                },
                _,
            ) => {
                // The last range is the printed row; one before it was scrolled.
                let is_split = if let [scrolled, _, ..] = changed {
                    self.after(Rest::Up(1), slice::from_ref(scrolled), row, now);
                    false
                } else {
                    splits[usize::from(row != from)]
                };
                let begin = row * self.columns;
                self.cells[begin..begin + width + usize::from(is_split)].fill(now);
            }
            (Rest::Nothing | Rest::Switch | Rest::Up(_) | Rest::Down(_), _) => {}
        }
    }

    /// Moves the stamps of rows, and stamps those that the move has blanked.
    fn scroll(
        &mut self,
        rows: Range<usize>,
        now: u32,
        rotate: impl FnOnce(&mut [u32], usize) -> Range<usize>,
    ) {
        let columns = self.columns;
        let cells = &mut self.cells[rows.start * columns..rows.end * columns];
        let blanked = rotate(cells, columns);
        cells[blanked].fill(now);
    }

    fn row<'a>(&'a mut self, terminal: &'a Terminal, row: usize) -> RowStamps<'a> {
        let begin = row * self.columns;
        RowStamps {
            cells: cells_of(terminal, row),
            stamps: &mut self.cells[begin..begin + self.columns],
        }
    }

    fn print(&mut self, character: char, terminal: &Terminal, modes: PrintModes, now: u32) -> Rest {
        let width = width_of(character);
        let cursor = terminal.cursor();
        let mut row = self.row(terminal, cursor.row);
        let columns = row.stamps.len();
        if modes.insert && cursor.col < columns {
            row.shift(cursor.col, 1, now);
        }
        if cursor.col + width <= columns {
            row.write(cursor.col, width, modes.insert, now);
        } else if modes.auto_wrap {
            let splits = |row: usize| {
                let cell = cells_of(terminal, row).get(width - 1);
                cell.is_some_and(|cell| cell.width() == 2)
            };
            return Rest::Wrap {
                width,
                from: cursor.row,
                splits: [splits(cursor.row), splits(cursor.row + 1)],
            };
        } else if width <= columns {
            row.write(columns - width, width, false, now);
        }
        Rest::Nothing
    }
}

fn cells_of(terminal: &Terminal, row: usize) -> &[Cell] {
    terminal.screen().line(row).map_or(&[], avt::Line::cells)
}

/// Returns the number of columns of a printed character, as the emulator counts it.
pub(super) fn width_of(character: char) -> usize {
    match character.width() {
        Some(2) => 2,
        _ => 1,
    }
}

/// Stamps of a row, and its cells before the operation.
struct RowStamps<'a> {
    cells: &'a [Cell],
    stamps: &'a mut [u32],
}

impl RowStamps<'_> {
    /// Returns whether a column is the second half of a wide character.
    fn is_tail(&self, column: usize) -> bool {
        self.cells.get(column).is_some_and(|cell| cell.width() == 0)
    }

    /// Returns whether a column is the first half of a wide character.
    fn is_head(&self, column: usize) -> bool {
        self.cells.get(column).is_some_and(|cell| cell.width() == 2)
    }

    /// Erases columns, and the other halves of wide characters at both ends.
    fn erase(&mut self, columns: Range<usize>, now: u32) {
        if columns.start >= self.stamps.len() {
            return;
        }
        let begin = columns.start - usize::from(self.is_tail(columns.start));
        let end = columns.end + usize::from(self.is_tail(columns.end));
        self.stamps[begin..end].fill(now);
    }

    /// Writes a character over what is there. If the row was `shifted` for it, the cell under it is
    /// the one that was moved there, and the next one was under it.
    fn write(&mut self, column: usize, width: usize, shifted: bool, now: u32) {
        let last = column + width - 1;
        let (begin, end) = if shifted {
            (
                column,
                last + usize::from(width == 2 && self.is_head(column)),
            )
        } else {
            (
                column - usize::from(self.is_tail(column)),
                last + usize::from(self.is_head(last)),
            )
        };
        let end = end.min(self.stamps.len() - 1);
        self.stamps[begin..=end].fill(now);
    }

    /// Moves what is at a column and after it to the right, and rotates in what does not fit.
    fn shift(&mut self, column: usize, count: usize, now: u32) {
        let len = self.stamps.len();
        let count = count.min(len - column);
        let is_split = self.is_tail(column);
        if is_split {
            self.stamps[column - 1..=column].fill(now);
        }
        let is_cut = self.is_tail(len - count) && !(is_split && len - count == column);
        self.stamps[column..].rotate_right(count);
        if is_cut {
            self.stamps[column] = now;
            self.stamps[len - 1] = now;
        }
    }

    fn insert(&mut self, column: usize, count: usize, now: u32) {
        self.shift(column, count, now);
        let end = (column + count).min(self.stamps.len());
        self.stamps[column..end].fill(now);
    }

    fn delete(&mut self, column: usize, count: usize, now: u32) {
        let len = self.stamps.len();
        let count = count.min(len - column);
        if self.is_tail(column) {
            self.stamps[column - 1] = now;
        }
        self.stamps[column..].rotate_left(count);
        if self.is_tail(column + count) {
            self.stamps[column] = now;
        }
        self.stamps[len - count..].fill(now);
    }
}
