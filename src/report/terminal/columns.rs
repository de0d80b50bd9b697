//! Layout of tables with a column of names and several of figures.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr as _;

use super::text::cut;

/// The minimum width of names.
const MIN_NAME_WIDTH: usize = 8;

/// Blanks between columns.
const GAP: u16 = 2;

/// One line of a table.
pub(super) struct Row {
    /// Sanitized texts.
    pub cells: Vec<String>,
    /// The cell to highlight as a problem.
    pub highlighted: Option<usize>,
}

impl Row {
    pub(super) fn new(cells: Vec<String>) -> Self {
        Row {
            cells,
            highlighted: None,
        }
    }
}

/// Lays out a table, indented by two blanks, and returns whether it fits into the width. The first
/// `names` columns are aligned to the left, the others to the right.
pub(super) fn layout(
    headings: &[&str],
    rows: &[Row],
    names: usize,
    width: usize,
) -> (String, bool) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .enforce_styling();
    table.set_header(headings.iter().map(Cell::new));
    for row in rows {
        let cells = row.cells.iter().enumerate().map(|(index, text)| {
            let cell = Cell::new(text);
            if row.highlighted == Some(index) {
                cell.fg(Color::Red)
            } else {
                cell
            }
        });
        table.add_row(cells);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if index >= names {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<_> = table
        .lines()
        .map(|line| format!("  {}", line.trim_end()))
        .collect();
    let widest = lines
        .iter()
        .map(|line| shown_width(line))
        .max()
        .unwrap_or(0);
    (lines.join("\n"), widest <= width)
}

/// Like [`layout`] with one column of names, which are shortened as far as necessary.
pub(super) fn layout_to_fit(headings: &[&str], rows: Vec<Row>, width: usize) -> String {
    layout_with_short(headings, rows, 1, 0, width)
}

/// Like [`layout`], with the texts in one column shortened as far as necessary.
pub(super) fn layout_with_short(
    headings: &[&str],
    mut rows: Vec<Row>,
    names: usize,
    column: usize,
    width: usize,
) -> String {
    let name_width = |row: &Row| row.cells.get(column).map_or(0, |name| name.width());
    let mut widest = rows.iter().map(name_width).max().unwrap_or(0);
    loop {
        let (text, fits) = layout(headings, &rows, names, width);
        if fits || widest <= MIN_NAME_WIDTH {
            return text;
        }
        widest -= 1;
        for row in &mut rows {
            if let Some(name) = row.cells.get_mut(column) {
                *name = cut(name, widest);
            }
        }
    }
}

/// Returns the width of a line of ANSI text in columns.
fn shown_width(line: &str) -> usize {
    anstream::adapter::strip_str(line).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened() {
        let row = |name: &str| Row::new(vec![name.into(), "12 ms".into()]);
        let rows = vec![row("09_start_delivery_personnel"), row("दार्जिलिंग")];
        let text = layout_to_fit(&["Step", "Max"], rows, 30);
        assert!(text.lines().all(|line| line.width() <= 30), "{text}");
        assert!(text.contains("09_start_delivery_pe…"), "{text}");
    }
}
