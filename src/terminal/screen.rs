//! The screen of a terminal: what a person would see, where the cursor is, and when each cell was
//! written.
//!
//! [`Screen`] applies the output of a program to a terminal emulator, the crate `avt`, and keeps what
//! a test needs beside it: the times of the cells, the modes of the keyboard, and the answers to
//! queries. It knows no waits. Rows and columns are counted from 0, in messages from 1.

mod changes;
mod characters;
mod frame;
mod geometry;
mod modes;
mod row;
mod sequence;
mod stamps;
mod style;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::time::Instant;

use avt::parser::{DecMode, DecModes, Function, State};
use avt::{Cell, Parser, Terminal};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::compose;
use unicode_width::UnicodeWidthChar;

use super::queries::{Answers, QueriedTerminal};
use changes::Changes;
use characters::Characters;
use modes::Modes;
use sequence::{Meaning, Sequence};
use stamps::{PrintModes, Stamps};

pub use frame::ScreenFrame;
pub use geometry::{ScreenChange, ScreenCursor, ScreenSize};
pub use modes::KeyModes;
pub use row::ScreenRow;
pub use style::{CellColor, CellStyle};

/// Screen of one terminal.
///
/// Its content depends on the bytes only, never on how they were split into reads.
pub struct Screen {
    terminal: Terminal,
    parser: Parser,
    characters: Characters,
    sequence: Sequence,
    modes: Modes,
    stamps: Stamps,
    answers: Answers,
    /// A run of printed characters that may go on.
    is_mid_run: bool,
    /// The change before the present boundary.
    change: ScreenChange,
    /// Column of the last printed character, if nothing else happened since.
    last_printed: Option<usize>,
    last_change: Instant,
    judged: JudgedRows,
}

/// Rows that the judge has asked for, kept from one boundary to the next: few rows change between
/// them. Empty unless output is being fed.
#[derive(Default)]
struct JudgedRows {
    rows: RefCell<Vec<Option<ScreenRow>>>,
    is_judging: bool,
}

impl Screen {
    /// Creates a blank screen. A size of no rows or no columns is one of one.
    pub fn new(size: ScreenSize, now: Instant) -> Screen {
        let (rows, columns) = cells(size);
        let terminal = Terminal::new(columns, rows).expect("both are at least one");
        Screen {
            terminal,
            parser: Parser::new(),
            characters: Characters::default(),
            sequence: Sequence::default(),
            modes: Modes::new(rows),
            stamps: Stamps::new(rows, columns, now),
            answers: Answers::default(),
            is_mid_run: false,
            change: ScreenChange::Other,
            last_printed: None,
            last_change: now,
            judged: JudgedRows::default(),
        }
    }

    /// Applies output that was read at `at`.
    ///
    /// Calls `judge` at each boundary: after a run of printed characters, before the control
    /// character or sequence that ends it, and after every other operation that may have changed
    /// cells (erasing, scrolling, inserting, a switch of screens). If it returns true, nothing more
    /// is applied. Returns the number of bytes that were applied; the rest is to be fed again. The
    /// end of `bytes` is no boundary: the run may go on ([`Screen::is_mid_run`]).
    pub fn feed(
        &mut self,
        bytes: &[u8],
        at: Instant,
        judge: &mut dyn FnMut(&Screen) -> bool,
    ) -> usize {
        let mut used = 0;
        while let Some(&byte) = bytes.get(used) {
            if self.is_mid_run && self.ends_run(byte) {
                self.is_mid_run = false;
                if self.is_stopped_by(judge) {
                    break;
                }
            }
            let (character, is_used) = self.characters.decode(byte);
            used += usize::from(is_used);
            if let Some(character) = character
                && self.advance(character, at)
                && self.is_stopped_by(judge)
            {
                break;
            }
        }
        *self.judged.rows.get_mut() = Vec::new();
        used
    }

    fn is_stopped_by(&mut self, judge: &mut dyn FnMut(&Screen) -> bool) -> bool {
        self.judged.is_judging = true;
        let stops = judge(self);
        self.judged.is_judging = false;
        stops
    }

    /// Returns the change before the boundary at which the judge is called.
    pub fn change(&self) -> ScreenChange {
        self.change
    }

    /// Returns whether text was written since the last boundary: a run of text that may go on.
    pub fn is_mid_run(&self) -> bool {
        self.is_mid_run
    }

    /// Returns whether the output so far ends within a control sequence or a character.
    pub fn is_mid_sequence(&self) -> bool {
        self.parser.state != State::Ground || !self.characters.is_at_start()
    }

    /// Returns whether the program has more to draw before what it has drawn is whole: within a
    /// control sequence or a character, and while a synchronized update is open.
    pub fn is_incomplete(&self) -> bool {
        self.is_mid_sequence() || self.modes.synchronized
    }

    /// Records that a reply was sent at `at`: no cell was written since.
    pub fn answered(&mut self, at: Instant) {
        self.stamps.answered(at);
    }

    /// Takes these cells out of those that were written since the last answer.
    pub fn forget(&mut self, row: u16, columns: Range<u16>) {
        let columns = usize::from(columns.start)..usize::from(columns.end);
        self.stamps.forget(usize::from(row), columns);
    }

    /// Returns whether a cell or the cursor has changed since the last answer.
    pub fn has_changed(&self) -> bool {
        self.last_change > self.stamps.answered_at()
    }

    /// Returns the size.
    pub fn size(&self) -> ScreenSize {
        let (columns, rows) = self.terminal.size();
        ScreenSize {
            rows: narrow(rows),
            columns: narrow(columns),
        }
    }

    /// Changes the size. No cell counts as written since the last answer: the emulator has moved
    /// the text, not the program.
    pub fn resize(&mut self, size: ScreenSize) {
        let (rows, columns) = cells(size);
        self.terminal.resize(columns, rows);
        self.modes.resize(rows);
        self.stamps.resize(rows, columns);
        self.last_printed = None;
    }

    /// Returns the cursor.
    pub fn cursor(&self) -> ScreenCursor {
        let cursor = self.terminal.cursor();
        let (columns, _) = self.terminal.size();
        ScreenCursor {
            row: narrow(cursor.row),
            column: narrow(cursor.col.min(columns - 1)),
            visible: cursor.visible,
        }
    }

    /// Returns a row as text, empty for a row that is not there.
    pub fn row(&self, row: u16) -> ScreenRow {
        let row = usize::from(row);
        let (_, rows) = self.terminal.size();
        if !self.judged.is_judging || row >= rows {
            return self.read_row(row);
        }
        let mut judged = self.judged.rows.borrow_mut();
        judged.resize(rows, None);
        judged[row]
            .get_or_insert_with(|| self.read_row(row))
            .clone()
    }

    /// Returns whether the text of a row goes on in the next one, as the terminal has wrapped it.
    pub fn is_wrapped(&self, row: u16) -> bool {
        let line = self.terminal.screen().line(row.into());
        line.is_some_and(avt::Line::is_wrapped)
    }

    fn read_row(&self, row: usize) -> ScreenRow {
        let line = self.terminal.screen().line(row);
        line.map(ScreenRow::new).unwrap_or_default()
    }

    /// Returns whether a cell was written since the last answer.
    pub fn is_fresh(&self, row: u16, column: u16) -> bool {
        self.written_at(row, column).is_some()
    }

    /// Returns the moment at which a cell was last written, if it was since the last answer.
    pub fn written_at(&self, row: u16, column: u16) -> Option<Instant> {
        self.stamps.written_at(row.into(), column.into())
    }

    /// Returns the last moment at which any cell was written or the cursor changed.
    pub fn last_change(&self) -> Instant {
        self.last_change
    }

    /// Returns the style of a cell, the default for a cell that is not there.
    pub fn style(&self, row: u16, column: u16) -> CellStyle {
        self.cell(row, column)
            .map(|cell| CellStyle::from(cell.pen()))
            .unwrap_or_default()
    }

    /// Returns the character of a cell: a blank for the second half of a wide character, and for a
    /// cell that is not there.
    pub fn char_at(&self, row: u16, column: u16) -> char {
        self.cell(row, column).map_or(' ', Cell::char)
    }

    /// Returns the modes that change what keys send.
    pub fn key_modes(&self) -> KeyModes {
        self.modes.keys
    }

    /// Removes and returns the answers to the queries since the last call, to be sent in one write.
    pub fn take_answers(&mut self) -> Vec<u8> {
        self.answers.take()
    }

    /// Returns the screen as the output that draws it on a terminal of the same size.
    pub fn dump(&self) -> String {
        self.terminal.dump()
    }

    /// Returns a screen that shows the same, on which nothing was written since `at`.
    pub fn redrawn(&self, at: Instant) -> Screen {
        let mut screen = Screen::new(Screen::size(self), at);
        screen.feed(self.dump().as_bytes(), at, &mut |_| false);
        screen.answered(at);
        screen
    }

    fn cell(&self, row: u16, column: u16) -> Option<&Cell> {
        let line = self.terminal.screen().line(row.into())?;
        line.cells().get(usize::from(column))
    }

    /// Returns whether a byte begins an operation that is not a print.
    fn ends_run(&self, byte: u8) -> bool {
        // From backspace to shift-in, all are operations.
        matches!(byte, 0x08..=0x0f | 0x1b) && self.characters.is_at_start()
    }

    /// Takes one character of the output. Returns whether a boundary follows.
    fn advance(&mut self, character: char, at: Instant) -> bool {
        // Controls of eight bits, which no program sends in UTF-8, and a filler.
        if matches!(character, '\u{7f}'..='\u{9f}') {
            return false;
        }
        let from = self.parser.state;
        if from == State::Ground && character >= ' ' {
            self.print(character, at);
            return false;
        }
        let function = self.parser.feed(character);
        let meaning = self.sequence.take(character, from, self.parser.state);
        match meaning {
            Some(Meaning::Query(query)) => {
                if let Some(answer) = query.answer(self) {
                    self.answers.push(&answer);
                }
            }
            Some(Meaning::ApplicationKeypad(is_set)) => {
                self.modes.keys.application_keypad = is_set;
            }
            Some(Meaning::BracketedPaste(is_set)) => self.modes.keys.bracketed_paste = is_set,
            Some(Meaning::SynchronizedUpdate(is_open)) => self.modes.synchronized = is_open,
            None => {}
        }
        function.is_some_and(|function| self.operate(function, at))
    }

    /// Performs an operation that is not a print. Returns whether it may have changed cells.
    fn operate(&mut self, function: Function, at: Instant) -> bool {
        self.last_printed = None;
        self.change = match function {
            Function::Lf | Function::Nel | Function::Ri | Function::Su(_) | Function::Sd(_) => {
                ScreenChange::Scrolled
            }
            _ => ScreenChange::Other,
        };
        let row = self.terminal.cursor().row;
        match function {
            Function::Rep(count) => {
                self.repeat(count.max(1), at);
                false
            }
            // Outside of the scrolled region they do nothing, which the emulator does not know.
            Function::Il(_) | Function::Dl(_) if !self.modes.is_scrolled(row) => false,
            Function::Ri => {
                let is_changed = self.apply(Function::Ri, at);
                // With rows counted from the scrolled region, the emulator moves down.
                let below = (self.terminal.cursor().row + 1).saturating_sub(row);
                if !is_changed && row > 0 && below > 0 {
                    self.apply(Function::Cuu(narrow(below)), at);
                }
                is_changed
            }
            Function::Decstbm(top, bottom) => {
                // The emulator moves the cursor also if there is no such region.
                let rows = Screen::size(self).rows;
                let bottom = if bottom == 0 { rows } else { bottom.min(rows) };
                top.max(1) < bottom && self.apply(Function::Decstbm(top, bottom), at)
            }
            Function::Decstr => {
                self.apply(Function::Decstr, at);
                let keys = DecModes::from(vec![DecMode::CursorKeys]);
                self.apply(Function::Decrst(keys), at)
            }
            function => self.apply(function, at),
        }
    }

    fn print(&mut self, character: char, at: Instant) {
        if character.width() == Some(0) {
            self.combine(character, at);
            return;
        }
        let before = self.terminal.cursor().row;
        self.apply(Function::Print(character), at);
        let row = ScreenChange::Printed(narrow(before));
        let is_in_row = self.terminal.cursor().row == before;
        self.change = match self.is_mid_run {
            _ if !is_in_row => ScreenChange::Other,
            true if self.change != row => ScreenChange::Other,
            _ => row,
        };
        self.is_mid_run = true;
        let width = character.width().unwrap_or(1);
        self.last_printed = self.terminal.cursor().col.checked_sub(width);
    }

    /// Adds a mark to the last printed character, if the two are also one character. The cells of
    /// the emulator have one character each.
    fn combine(&mut self, mark: char, at: Instant) {
        let Some(column) = self.last_printed else {
            return;
        };
        let cursor = self.terminal.cursor();
        let line = self.terminal.screen().line(cursor.row);
        let Some(cell) = line.and_then(|line| line.cells().get(column)) else {
            return;
        };
        let Some(both) = compose(cell.char(), mark) else {
            return;
        };
        let is_same_width = both.width().unwrap_or(1) == usize::from(cell.width());
        if is_same_width && !self.modes.is_insert() && self.modes.is_auto_wrap() {
            self.apply(Function::Cha(narrow(column + 1)), at);
            self.apply(Function::Print(both), at);
            self.is_mid_run = true;
        }
    }

    /// Prints the character before the cursor again.
    fn repeat(&mut self, count: u16, at: Instant) {
        let cursor = self.terminal.cursor();
        let line = self.terminal.screen().line(cursor.row);
        let before = line.and_then(|line| line.cells().get(..cursor.col));
        let character = before.and_then(|cells| {
            let last = cells.iter().rev().find(|cell| cell.width() > 0);
            last.map(Cell::char)
        });
        if let Some(character) = character {
            for _ in 0..count {
                self.print(character, at);
            }
        }
    }

    /// Performs an operation as the emulator does. Returns whether it may have changed cells.
    fn apply(&mut self, function: Function, at: Instant) -> bool {
        let now = self.stamps.stamp(at);
        let modes = PrintModes {
            insert: self.modes.is_insert(),
            auto_wrap: self.modes.is_auto_wrap(),
        };
        let before = self.terminal.cursor();
        let rest = self.stamps.before(&function, &self.terminal, modes, now);
        self.modes.follow(&function);
        let mut changes = Changes::default();
        self.terminal.execute_with(function, &mut changes);
        let after = self.terminal.cursor();
        self.stamps.after(rest, changes.ranges(), after.row, now);
        changes.forget(self.judged.rows.get_mut());
        let is_changed = changes.has_any();
        if is_changed || after != before {
            self.last_change = at;
        }
        is_changed
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen")
            .field("size", &self.size())
            .field("cursor", &self.cursor())
            .field("modes", &self.modes)
            .finish_non_exhaustive()
    }
}

impl QueriedTerminal for Screen {
    fn position(&self) -> (usize, usize) {
        let cursor = self.cursor();
        let row = usize::from(cursor.row).saturating_sub(self.modes.first_row());
        (row + 1, usize::from(cursor.column) + 1)
    }

    fn size(&self) -> Option<(u16, u16)> {
        let size = Screen::size(self);
        Some((size.rows, size.columns))
    }

    fn mode(&self, mode: u16) -> Option<bool> {
        self.modes.private(mode, self.terminal.cursor().visible)
    }

    fn ansi_mode(&self, mode: u16) -> Option<bool> {
        self.modes.ansi(mode)
    }

    fn margins(&self) -> Option<(usize, usize)> {
        let (first, last) = self.modes.margins();
        Some((first + 1, last + 1))
    }
}

/// Returns a text as the cells of a screen hold it: marks composed with their characters, and nothing
/// without a width of its own, such as the joiners of emoji.
pub fn cell_text(text: &str) -> String {
    let takes_a_cell = |it: &char| it.width() != Some(0);
    text.nfc().filter(takes_a_cell).collect()
}

/// Returns the numbers of rows and columns, each at least one.
fn cells(size: ScreenSize) -> (usize, usize) {
    (size.rows.max(1).into(), size.columns.max(1).into())
}

fn narrow(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
