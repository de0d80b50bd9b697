//! Picture of a screen for messages and logs.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::Screen;
use super::style::{CellColor, CellStyle};

/// Most rows that are listed as lit.
const LIT_LIMIT: usize = 5;

/// A ground in more rows than this is that of a window or of the screen.
const LIT_ROWS: usize = 3;

/// What makes text stand out: its ground.
type Ground = (Option<CellColor>, bool);

fn ground(style: CellStyle) -> Ground {
    (style.background, style.inverse)
}

impl Screen {
    /// Returns a picture: a line with the size and the cursor, the rows in a box, and below it the
    /// texts that are lit, such as the selected entry of a menu. Rows and columns count from 1.
    pub fn render(&self) -> String {
        let size = self.size();
        let rows: Vec<_> = (0..size.rows).map(|row| self.row(row)).collect();
        let mut picture = format!(" {}x{}, ", size.rows, size.columns);
        let cursor = self.cursor();
        if cursor.visible {
            let (row, column) = (cursor.row + 1, cursor.column + 1);
            let _ = write!(picture, "cursor at row {row}, column {column}");
        } else {
            picture.push_str("cursor hidden");
        }
        let shown = rows.iter().rposition(|row| !row.text().is_empty());
        let Some(last) = shown else {
            picture.push_str(", nothing on the screen\n");
            return picture;
        };
        let rows = &rows[..=last];
        let width = rows.iter().map(|row| row.column_of(usize::MAX)).max();
        let width = usize::from(width.unwrap_or_default());
        let edge = "─".repeat(width + 2);
        let _ = writeln!(picture, "\n┌{edge}┐");
        for row in rows {
            let blank = width - usize::from(row.column_of(usize::MAX));
            let _ = writeln!(picture, "│ {}{:blank$} │", row.text(), "");
        }
        let _ = writeln!(picture, "└{edge}┘");
        for (row, text) in self.lit() {
            let _ = writeln!(picture, " lit: row {} `{text}`", row + 1);
        }
        picture
    }

    /// Returns the first rows with text on a ground that few rows have, with that text.
    fn lit(&self) -> Vec<(u16, String)> {
        let size = self.size();
        let mut rows_of: HashMap<Ground, usize> = HashMap::new();
        for row in 0..size.rows {
            let grounds = (0..size.columns).map(|column| ground(self.style(row, column)));
            for ground in grounds.collect::<HashSet<_>>() {
                *rows_of.entry(ground).or_default() += 1;
            }
        }
        rows_of.retain(|_, rows| *rows <= LIT_ROWS);
        let lit = (0..size.rows).filter_map(|row| {
            let shown = self.row(row);
            let is_lit = |byte| {
                let style = self.style(row, shown.column_of(byte));
                rows_of.contains_key(&ground(style))
            };
            let characters = shown.text().char_indices();
            // What is not lit ends a part.
            let text: String = characters
                .map(|(byte, it)| if is_lit(byte) { it } else { '\0' })
                .collect();
            let parts = text.split('\0').map(str::trim).filter(|it| !it.is_empty());
            let text = parts.collect::<Vec<_>>().join("  ");
            (!text.is_empty()).then_some((row, text))
        });
        lit.take(LIT_LIMIT).collect()
    }
}
