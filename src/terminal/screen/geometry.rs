//! Size, cursor and changes of a screen.

use std::fmt;

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
impl fmt::Display for ScreenSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.columns)
    }
}

/// Cursor of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenCursor {
    /// Row, from 0.
    pub row: u16,
    /// Column, from 0. It is the last one also if the next character goes into the next row.
    pub column: u16,
    pub visible: bool,
}

/// Change of a screen before a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenChange {
    /// Text was printed in this row.
    Printed(u16),
    /// Rows were moved, and nothing else.
    Scrolled,
    Other,
}
