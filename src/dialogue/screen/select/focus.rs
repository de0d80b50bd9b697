//! Keys that lead to a row of buttons.

use std::sync::Arc;

use crate::terminal::{Key, Screen};

use super::motion::row_looks;

/// Key that was to lead to the buttons, and the look of the screen before it.
#[derive(Debug)]
pub(super) struct FocusPress {
    pub key: Key,
    rows: Arc<[u64]>,
    cursor: (u16, u16),
}

impl FocusPress {
    pub(super) fn new(key: Key, screen: &Screen) -> FocusPress {
        FocusPress {
            key,
            rows: row_looks(screen),
            cursor: cursor(screen),
        }
    }

    /// Returns whether the key has changed anything.
    pub(super) fn has_changed(&self, screen: &Screen) -> bool {
        self.cursor != cursor(screen) || self.rows != row_looks(screen)
    }
}

fn cursor(screen: &Screen) -> (u16, u16) {
    let cursor = screen.cursor();
    (cursor.row, cursor.column)
}
