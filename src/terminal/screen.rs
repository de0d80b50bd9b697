//! Screen of a terminal.

use std::time::Instant;

/// Size of a terminal in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenSize {
    pub rows: u16,
    pub columns: u16,
}

impl ScreenSize {
    /// Parses rows and columns, as `24x80`; `None` if the text is no size.
    pub fn parse(text: &str) -> Option<ScreenSize> {
        let (rows, columns) = text.split_once('x')?;
        let count = |text: &str| text.trim().parse().ok().filter(|count| *count > 0);
        Some(ScreenSize {
            rows: count(rows)?,
            columns: count(columns)?,
        })
    }
}

/// Shows a size as it is written: `24x80`.
impl std::fmt::Display for ScreenSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.rows, self.columns)
    }
}

#[derive(Debug)]
pub(crate) struct Screen {}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScreenCursor {
    pub row: u16,
    pub column: u16,
    pub visible: bool,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CellStyle {}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct KeyModes {
    pub application_cursor: bool,
    pub application_keypad: bool,
    pub bracketed_paste: bool,
}
#[derive(Debug)]
pub(crate) struct ScreenRow {}
impl ScreenRow {
    pub fn text(&self) -> &str {
        todo!()
    }
    pub fn column_of(&self, _byte: usize) -> u16 {
        todo!()
    }
    pub fn byte_of(&self, _column: u16) -> usize {
        todo!()
    }
}
impl Screen {
    pub fn new(_size: ScreenSize, _now: Instant) -> Screen {
        todo!()
    }
    pub fn feed(
        &mut self,
        _bytes: &[u8],
        _at: Instant,
        _judge: &mut dyn FnMut(&Screen) -> bool,
    ) -> usize {
        todo!()
    }
    pub fn is_mid_run(&self) -> bool {
        todo!()
    }
    pub fn answered(&mut self, _at: Instant) {
        todo!()
    }
    pub fn size(&self) -> ScreenSize {
        todo!()
    }
    pub fn resize(&mut self, _size: ScreenSize) {
        todo!()
    }
    pub fn cursor(&self) -> ScreenCursor {
        todo!()
    }
    pub fn row(&self, _row: u16) -> ScreenRow {
        todo!()
    }
    pub fn is_fresh(&self, _row: u16, _column: u16) -> bool {
        todo!()
    }
    pub fn written_at(&self, _row: u16, _column: u16) -> Option<Instant> {
        todo!()
    }
    pub fn last_change(&self) -> Instant {
        todo!()
    }
    pub fn style(&self, _row: u16, _column: u16) -> CellStyle {
        todo!()
    }
    pub fn char_at(&self, _row: u16, _column: u16) -> char {
        todo!()
    }
    pub fn key_modes(&self) -> KeyModes {
        todo!()
    }
    pub fn take_answers(&mut self) -> Vec<u8> {
        todo!()
    }
    pub fn render(&self) -> String {
        todo!()
    }
    pub fn dump(&self) -> String {
        todo!()
    }
}
