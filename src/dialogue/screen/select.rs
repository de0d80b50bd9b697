//! Selection of rows of a list on a screen, with arrow keys.

use crate::terminal::Screen;

use super::key_step::{KeySequenceError, KeyStep};

/// Selection of the rows with these labels, then Enter.
#[derive(Debug)]
pub struct RowSelector {
    labels: Vec<String>,
}

impl RowSelector {
    pub fn new(labels: Vec<String>) -> RowSelector {
        RowSelector { labels }
    }

    pub(super) fn next(
        &mut self,
        _screen: &Screen,
        _is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        todo!("select {:?}", self.labels)
    }
}
