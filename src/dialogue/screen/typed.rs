//! Typed text on a screen: the cells that may show what was typed rather than what the program says.

use std::collections::VecDeque;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::{Screen, ScreenRow};

/// Number of replies whose text is recognized.
const REPLY_LIMIT: u64 = 8;

/// Number of texts that are recognized, as the values of a form.
const COMPOSITION_LIMIT: usize = 64;

/// Number of pieces of a text that are recognized each by itself.
const PIECE_LIMIT: usize = 32;

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
    compositions: VecDeque<Composition>,
    /// Number of the last reply.
    reply: u64,
}

/// Kind of an input, by its effect on the text that is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    Text,
    /// A key that removes the character before the cursor.
    Erasing,
    /// Any other key.
    Key,
}

/// Text that was typed without another key in between: at once, or character by character.
#[derive(Debug)]
struct Composition {
    reply: u64,
    /// Its lines and pieces, each as it may be drawn.
    lines: Vec<TypedLine>,
    /// All of its last line, if that was typed in pieces.
    joined: Option<TypedLine>,
    /// The place behind its last character, if that is drawn where it was typed.
    end: Option<(u16, u16)>,
    is_over: bool,
    /// True if its last line begins with a copy of an earlier one.
    is_erased: bool,
}

/// One line of what was typed.
#[derive(Debug, Clone)]
struct TypedLine {
    text: String,
    place: Option<TypedPlace>,
}

/// The place of the cursor when a text was typed.
#[derive(Debug, Clone)]
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
    /// Records input that is about to be typed at the cursor: a new reply, or more of the last one.
    pub(in crate::dialogue) fn type_at_cursor(
        &mut self,
        screen: &Screen,
        text: &str,
        kind: InputKind,
        is_more: bool,
    ) {
        self.reply += u64::from(!is_more);
        match kind {
            InputKind::Text => self.type_text(screen, text, is_more),
            InputKind::Erasing => {
                if let Some(last) = self.open_composition() {
                    last.erase();
                }
            }
            InputKind::Key => {
                if let Some(last) = self.open_composition() {
                    last.is_over = true;
                }
            }
        }
        let (reply, count) = (self.reply, self.compositions.len());
        let surplus = count.saturating_sub(COMPOSITION_LIMIT);
        self.compositions.drain(..surplus);
        self.compositions
            .retain(|it| it.reply + REPLY_LIMIT > reply);
    }

    fn type_text(&mut self, screen: &Screen, text: &str, is_more: bool) {
        let cursor = screen.cursor();
        let here = cursor.visible.then_some((cursor.row, cursor.column));
        // A program that hides the cursor may draw its input anywhere.
        let mut place = here.map(|(row, column)| {
            let shown = screen.row(row);
            TypedPlace {
                row,
                column,
                label: label_of(&shown.text()[..shown.byte_of(column)]).to_owned(),
            }
        });
        let (reply, columns) = (self.reply, screen.size().columns);
        for (number, line) in text.split(['\n', '\r']).enumerate() {
            if number > 0
                && let Some(last) = self.open_composition()
            {
                last.is_over = true;
            }
            let characters = line.chars().filter(|it| !it.is_control());
            let line = TypedLine {
                text: characters.take(LENGTH_LIMIT).collect(),
                place: place.take(),
            };
            if line.text.is_empty() {
                continue;
            }
            let end = here.filter(|_| number == 0).map(|(row, column)| {
                let width = u16::try_from(line.text.width()).unwrap_or(u16::MAX);
                (row, column.saturating_add(width).min(columns - 1))
            });
            let open = self.open_composition().filter(|_| number == 0);
            match open.filter(|it| is_more || (it.end.is_some() && it.end == here)) {
                Some(last) => {
                    last.reply = reply;
                    last.go_on(line, here, end);
                }
                None if line.text.trim().is_empty() => {}
                None => self.compositions.push_back(Composition {
                    reply,
                    lines: vec![line],
                    joined: None,
                    end,
                    is_over: false,
                    is_erased: false,
                }),
            }
        }
    }

    fn open_composition(&mut self) -> Option<&mut Composition> {
        self.compositions.back_mut().filter(|it| !it.is_over)
    }

    fn lines(&self) -> impl Iterator<Item = &TypedLine> {
        self.compositions.iter().flat_map(Composition::lines)
    }

    /// Returns whether a text is within the last reply that has any, so that it may be drawn by the
    /// program as what was typed, wherever it is.
    pub(super) fn last_has(&self, text: &str) -> bool {
        let text = text.trim();
        let last = self.compositions.back().map(|it| it.reply);
        let of_last = self.compositions.iter().filter(|it| Some(it.reply) == last);
        let mut lines = of_last.flat_map(Composition::lines);
        !text.is_empty() && lines.any(|it| it.text.contains(text))
    }

    /// Returns the cells of a screen with these rows that may show what was typed.
    pub(super) fn cells(&self, screen: &Screen, rows: &[ScreenRow]) -> TypedCells {
        let columns = usize::from(screen.size().columns);
        let mut cells = TypedCells {
            columns,
            cells: vec![
                false;
                if self.compositions.is_empty() {
                    0
                } else {
                    columns * rows.len()
                }
            ],
        };
        for line in self.lines() {
            line.mark(screen, rows, &mut cells);
        }
        cells
    }
}

impl Composition {
    fn lines(&self) -> impl Iterator<Item = &TypedLine> {
        self.lines.iter().chain(&self.joined)
    }

    /// Adds text that was typed after it.
    fn go_on(&mut self, line: TypedLine, here: Option<(u16, u16)>, end: Option<(u16, u16)>) {
        let is_in_place = self.end.is_some() && self.end == here;
        self.end = end;
        self.is_erased = false;
        let mut whole = self.take_whole();
        whole.append(&line.text);
        match self.lines.last_mut().filter(|_| is_in_place) {
            Some(last) => last.append(&line.text),
            None => self.push(line),
        }
        self.joined = (self.lines.len() > 1).then_some(whole);
    }

    /// Removes the last character. What was there before may have been drawn.
    fn erase(&mut self) {
        let joined = self.joined.clone();
        let mut shorter = self.take_whole();
        let width = shorter.text.pop().and_then(UnicodeWidthChar::width);
        self.end = self.end.zip(width).and_then(|((row, column), width)| {
            Some((row, column.checked_sub(u16::try_from(width).ok()?)?))
        });
        if shorter.text.is_empty() {
            self.is_over = true;
        }
        if self.is_erased {
            self.lines.pop();
        }
        self.is_erased = true;
        for line in joined.into_iter().chain([shorter]) {
            if !line.text.is_empty() {
                self.push(line);
            }
        }
    }

    fn take_whole(&mut self) -> TypedLine {
        let joined = self.joined.take();
        joined.unwrap_or_else(|| self.lines[self.lines.len() - 1].clone())
    }

    fn push(&mut self, line: TypedLine) {
        if self.lines.len() >= PIECE_LIMIT {
            self.lines.remove(0);
        }
        self.lines.push(line);
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
    fn append(&mut self, text: &str) {
        self.text.push_str(text);
        if let Some((end, _)) = self.text.char_indices().nth(LENGTH_LIMIT) {
            self.text.truncate(end);
        }
    }

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
