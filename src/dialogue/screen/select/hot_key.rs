//! Keys of menus without a lit row: `1. Label`, `[A] Label`.

use crate::dialogue::rows::{self, RowFormat};
use crate::terminal::Screen;

/// A key that was typed, and what the screen showed before.
#[derive(Debug)]
pub(super) struct HotKey {
    pub key: String,
    rows: Vec<String>,
    cursor: (u16, u16),
}

/// Effect of a typed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HotKeyEffect {
    /// It is at the cursor, and Enter is to follow.
    Typed,
    /// The menu has gone.
    Chosen,
    /// The rows of the menu are still there; another one may be lit.
    Remains,
}

impl HotKey {
    /// Returns the key of the row with this label; `None` if there is not exactly one.
    pub(super) fn find(screen: &Screen, format: &RowFormat, label: &str) -> Option<HotKey> {
        let rows = texts(screen);
        let lines: Vec<&str> = rows.iter().map(|row| without_pointer(row)).collect();
        let key = rows::choose(&lines, format, label).ok()?;
        let cursor = (screen.cursor().row, screen.cursor().column);
        Some(HotKey { key, rows, cursor })
    }

    /// Returns what the key has done.
    pub(super) fn effect(&self, screen: &Screen) -> HotKeyEffect {
        let cursor = screen.cursor();
        let rows = texts(screen);
        let len = u16::try_from(self.key.chars().count()).unwrap_or(u16::MAX);
        let (row, column) = self.cursor;
        let shown = (column..column.saturating_add(len)).map(|it| screen.char_at(row, it));
        let is_typed = cursor.row == row
            && cursor.column == column.saturating_add(len)
            && shown.collect::<String>() == self.key;
        if is_typed {
            HotKeyEffect::Typed
        } else if !self.has_same_rows(&rows, cursor.row) {
            HotKeyEffect::Chosen
        } else {
            HotKeyEffect::Remains
        }
    }

    /// Returns whether the rows are those from before, but for their pointers and the key in the
    /// row of the cursor.
    fn has_same_rows(&self, rows: &[String], cursor_row: u16) -> bool {
        let is_input = |row: usize| {
            let is_there = row == usize::from(cursor_row) && cursor_row == self.cursor.0;
            is_there && rows[row].ends_with(&self.key)
        };
        let mut pairs = rows.iter().zip(&self.rows).enumerate();
        rows.len() == self.rows.len()
            && pairs.all(|(row, (new, old))| {
                without_pointer(new) == without_pointer(old) || is_input(row)
            })
    }
}

/// Returns whether the cursor is where an answer is typed: behind the text of its row.
pub(super) fn is_at_input(screen: &Screen) -> bool {
    let cursor = screen.cursor();
    let row = screen.row(cursor.row);
    let text = row.text().trim_end();
    !text.is_empty() && cursor.visible && cursor.column >= row.column_of(text.len())
}

fn texts(screen: &Screen) -> Vec<String> {
    let rows = 0..screen.size().rows;
    rows.map(|row| screen.row(row).text().trim_end().to_owned())
        .collect()
}

fn without_pointer(row: &str) -> &str {
    row.trim_start_matches(|it: char| it.is_whitespace() || "❯›»▶►➤→>│|".contains(it))
}
