//! Secrets on a screen: laid out by the program, or shown in part while they are typed.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_width::UnicodeWidthChar as _;

use crate::terminal::ScreenFrame;

use super::{MIN_INDENTED, MIN_PART, Masker, in_order};

/// The number of rows that a secret may be broken over.
const MAX_ROWS: usize = 5;

/// The minimum length of a part of a secret that is hidden wherever it is.
const MIN_ANYWHERE: usize = 4;

impl Masker {
    /// Hides secrets on a screen. Besides what [`Masker::find_cut`] finds in its text, these are
    /// hidden, in any normal form of Unicode:
    /// - a secret with any number of blanks in place of each of its own;
    /// - a secret broken at the ends of rows, also in a box;
    /// - the beginning of a short secret, of three characters at least, before the cursor or a blank:
    ///   it is being typed;
    /// - any four characters of a secret in a row: it is typed, scrolled in a field, or what is left
    ///   of one that is partly overwritten.
    pub fn hide_on_screen(&self, frame: &mut ScreenFrame) {
        if self.values.is_empty() {
            return;
        }
        let text = frame.text();
        let mut parts = self.find_cut(text.as_bytes());
        let cursor = frame.cursor();
        let grid = Grid::new(&text, (cursor.row.into(), cursor.column.into()));
        for value in self.values() {
            Laid::out(value).find(&grid, &mut parts);
        }
        if !parts.is_empty() {
            frame.hide(&in_order(parts));
        }
    }
}

/// The text of a screen by cells.
struct Grid {
    /// Without the blanks at the ends.
    rows: Vec<Vec<GridCell>>,
    cursor: (usize, usize),
}

struct GridCell {
    character: char,
    column: usize,
    byte: usize,
}

impl Grid {
    fn new(text: &str, cursor: (usize, usize)) -> Grid {
        let mut begin = 0;
        let rows = text.split('\n').map(|row| {
            let mut column = 0;
            let cells = row.char_indices().map(|(at, character)| {
                let cell = GridCell {
                    character,
                    column,
                    byte: begin + at,
                };
                column += character.width().unwrap_or(1);
                cell
            });
            let cells = cells.collect();
            begin += row.len() + 1;
            cells
        });
        let rows = rows.collect();
        Grid { rows, cursor }
    }

    /// Returns a character; `None` at the end of a row.
    fn get(&self, row: usize, at: usize) -> Option<char> {
        self.rows[row].get(at).map(|cell| cell.character)
    }

    /// Returns the bytes of these cells of a row.
    fn bytes(&self, row: usize, cells: Range<usize>) -> Range<usize> {
        let (first, last) = (&self.rows[row][cells.start], &self.rows[row][cells.end - 1]);
        first.byte..last.byte + last.character.len_utf8()
    }

    /// Returns whether the cursor is at this place.
    fn is_cursor(&self, row: usize, at: usize) -> bool {
        let cells = &self.rows[row];
        let column = match cells.get(at) {
            Some(cell) => cell.column,
            None => cells
                .last()
                .map_or(0, |last| last.column + last.character.width().unwrap_or(1)),
        };
        self.cursor == (row, column)
    }

    /// Returns whether a text that ends before this place may be in progress.
    fn is_open(&self, row: usize, at: usize) -> bool {
        self.is_cursor(row, at) || self.get(row, at).is_none_or(is_filler)
    }

    /// Returns the places of the next row at which a text may go on that began at this place.
    fn continuations(&self, row: usize, begin: usize) -> Vec<usize> {
        let Some(next) = self.rows.get(row + 1) else {
            return Vec::new();
        };
        let (before, from) = self.rows[row].split_at(begin);
        let of_column = |column: usize| next.iter().position(|cell| cell.column >= column);
        let after_edge = |at: usize| {
            let mut rest = next.iter().skip(at);
            let inner = rest.position(|cell| cell.character != ' ' && !is_edge(cell.character));
            inner.map(|inner| at + inner)
        };
        let edge = before.iter().rfind(|cell| is_edge(cell.character));
        let mut places = vec![
            next.iter().position(|cell| cell.character != ' '),
            after_edge(0),
            from.first().and_then(|cell| of_column(cell.column)),
            edge.and_then(|edge| after_edge(of_column(edge.column)?)),
        ];
        places.sort_unstable();
        places.dedup();
        places.into_iter().flatten().collect()
    }
}

/// Returns whether a character may be that of an edge of a box.
fn is_edge(character: char) -> bool {
    matches!(character, '|' | '\u{2500}'..='\u{259f}')
}

/// Returns whether a character may fill the rest of a field, or end it.
fn is_filler(character: char) -> bool {
    is_edge(character) || matches!(character, ' ' | '_' | '.' | ']' | ')' | '>' | '}')
}

/// A secret as a screen shows it: composed, with one blank for each gap.
struct Laid {
    characters: Vec<char>,
    /// The minimum length of a beginning that is being typed.
    least_typed: usize,
}

/// The way of a secret over the cells of a screen.
#[derive(Default)]
struct Way {
    /// Characters that were found.
    count: usize,
    parts: Vec<Range<usize>>,
    /// The row and the place after the last of them.
    end: (usize, usize),
}

impl Laid {
    fn out(value: &str) -> Laid {
        let mut characters: Vec<char> = Vec::new();
        for character in value.nfc() {
            let is_gap = character.is_whitespace() || character.is_control();
            match character.width() {
                _ if is_gap => {
                    if characters.last().is_some_and(|last| *last != ' ') {
                        characters.push(' ');
                    }
                }
                Some(0) => {}
                _ => characters.push(character),
            }
        }
        if characters.last() == Some(&' ') {
            characters.pop();
        }
        let half = characters.len().div_ceil(2);
        Laid {
            least_typed: MIN_ANYWHERE.min(half).max(MIN_PART),
            characters,
        }
    }

    /// Adds the parts of the screen's text that show it.
    fn find(&self, grid: &Grid, found: &mut Vec<Range<usize>>) {
        if self.characters.len() < MIN_PART {
            return;
        }
        let rows = match self.characters.len() {
            MIN_INDENTED.. => MAX_ROWS,
            _ => 1,
        };
        for (row, cells) in grid.rows.iter().enumerate() {
            for (at, cell) in cells.iter().enumerate() {
                for (from, first) in self.characters.iter().enumerate() {
                    if cell.character != *first || *first == ' ' {
                        continue;
                    }
                    let rows = if from == 0 { rows } else { 1 };
                    // What follows in the next row may be there by accident.
                    for rows in [1, rows].into_iter().take(rows.min(2)) {
                        let way = follow(&self.characters[from..], grid, (row, at), rows);
                        if self.is_shown(&way, from, grid) {
                            found.extend(way.parts);
                        }
                    }
                }
            }
        }
    }

    /// Returns whether this way, from one of the characters on, shows too much.
    fn is_shown(&self, way: &Way, from: usize, grid: &Grid) -> bool {
        let (row, at) = way.end;
        let is_whole = way.count == self.characters.len();
        let is_typed = from == 0 && way.count >= self.least_typed && grid.is_open(row, at);
        is_whole || is_typed || way.count >= MIN_ANYWHERE
    }
}

/// Follows characters from a place on, over so many rows. Returns the longest way.
fn follow(characters: &[char], grid: &Grid, begin: (usize, usize), rows: usize) -> Way {
    let (row, begin) = begin;
    let (mut at, mut end) = (begin, begin);
    let (mut used, mut count) = (0, 0);
    while let Some(character) = characters.get(used) {
        match grid.get(row, at) {
            Some(' ') if *character == ' ' => {
                while grid.get(row, at) == Some(' ') {
                    at += 1;
                }
                used += 1;
            }
            Some(shown) if shown == *character => {
                (at, used) = (at + 1, used + 1);
                (end, count) = (at, used);
            }
            _ => break,
        }
    }
    if count == 0 {
        return Way::default();
    }
    let mut way = Way {
        count,
        parts: vec![grid.bytes(row, begin..end)],
        end: (row, end),
    };
    let rest = &characters[count..];
    let gap = usize::from(rest.first() == Some(&' '));
    let is_broken = grid.get(row, end).is_none_or(|it| !it.is_alphanumeric());
    if rest.is_empty() || rows <= 1 || !is_broken {
        return way;
    }
    let continuations = grid.continuations(row, begin).into_iter();
    let further = continuations.map(|at| follow(&rest[gap..], grid, (row + 1, at), rows - 1));
    if let Some(further) = further.max_by_key(|further| further.count)
        && further.count > 0
    {
        way.count += gap + further.count;
        way.parts.extend(further.parts);
        way.end = further.end;
    }
    way
}

#[cfg(test)]
mod tests;
