//! Rows that an operation of the emulator changes.

use std::ops::Range;

use avt::{Observation, Observer};

use super::row::ScreenRow;

/// The first ranges of rows that an operation has changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    first: [Range<usize>; 2],
    count: usize,
}

impl Changes {
    pub(super) fn ranges(&self) -> &[Range<usize>] {
        &self.first[..self.count.min(self.first.len())]
    }

    /// Returns whether any row has changed.
    pub(super) fn has_any(&self) -> bool {
        self.count > 0
    }

    /// Removes the changed rows, all if not all ranges are known.
    pub(super) fn forget(&self, rows: &mut Vec<Option<ScreenRow>>) {
        if self.count > self.first.len() {
            rows.clear();
        }
        for range in self.ranges() {
            let end = range.end.min(rows.len());
            rows[range.start.min(end)..end].fill(None);
        }
    }
}

impl Observer for Changes {
    type Output = ();

    fn dirty(&mut self, rows: Range<usize>) {
        if let Some(range) = self.first.get_mut(self.count) {
            *range = rows;
        }
        self.count += 1;
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}
