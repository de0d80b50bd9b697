//! Panes without frames: rectangles that stand before something else, by their ground alone.

use std::ops::Range;

use crate::terminal::Screen;

use super::ground::ground_at;

/// Least number of rows of a pane.
const LEAST_ROWS: usize = 3;

/// Least number of columns: less is a column of a table.
const LEAST_COLUMNS: u16 = 10;

/// Part of a screen on a ground of its own, with something else on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pane {
    pub columns: Range<u16>,
    pub rows: Range<u16>,
}

/// Returns the panes of a screen.
pub(super) fn panes(screen: &Screen) -> Vec<Pane> {
    let mut panes: Vec<Pane> = Vec::new();
    for row in 0..screen.size().rows {
        for columns in inner_runs(screen, row) {
            // A lit row within may be as wide as the shadow of the pane, too.
            let above = panes
                .iter_mut()
                .find(|pane| pane.columns == columns && pane.rows.end + 1 >= row);
            match above {
                Some(pane) => pane.rows.end = row + 1,
                None => panes.push(Pane {
                    columns,
                    rows: row..row + 1,
                }),
            }
        }
    }
    panes.retain(|pane| pane.rows.len() >= LEAST_ROWS && pane.has_margins(screen));
    for pane in &mut panes {
        pane.take_lit_edges(screen);
    }
    panes
}

/// Returns the runs of one ground in a row that touch neither edge of the screen.
fn inner_runs(screen: &Screen, row: u16) -> Vec<Range<u16>> {
    let width = screen.size().columns;
    let edges: Vec<u16> = (1..width)
        .filter(|&it| ground_at(screen, row, it) != ground_at(screen, row, it - 1))
        .collect();
    let pairs = edges.windows(2).map(|pair| pair[0]..pair[1]);
    pairs
        .filter(|it| it.end - it.start >= LEAST_COLUMNS)
        .collect()
}

impl Pane {
    /// Returns whether the first and the last column are blank: parts of a text have grounds of their
    /// own, too.
    fn has_margins(&self, screen: &Screen) -> bool {
        let edges = [self.columns.start, self.columns.end - 1];
        let mut rows = self.rows.clone();
        rows.all(|row| edges.iter().all(|&it| screen.char_at(row, it) == ' '))
    }

    /// Adds the rows above and below that are lit as a whole. Their ground may go on in the shadow of
    /// the pane.
    fn take_lit_edges(&mut self, screen: &Screen) {
        let is_lit = |row: u16| {
            let ground = ground_at(screen, row, self.columns.start);
            let mut inside = self.columns.clone();
            inside.all(|it| ground_at(screen, row, it) == ground)
                && ground_at(screen, row, self.columns.start - 1) != ground
        };
        if self.rows.start > 0 && is_lit(self.rows.start - 1) {
            self.rows.start -= 1;
        }
        if self.rows.end < screen.size().rows && is_lit(self.rows.end) {
            self.rows.end += 1;
        }
    }
}
