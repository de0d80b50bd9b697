//! Marks of the rows of check lists and radio lists, proved on the screen before Enter.

use std::collections::VecDeque;

use super::super::key_step::KeySequenceError;
use super::error::{lost_mark, no_box, not_marked};
use super::view::View;

/// Marks that a selection sets.
#[derive(Debug)]
pub(super) struct Marking {
    /// True if several rows are to be marked.
    is_several: bool,
    /// The texts of the rows that were seen marked.
    marked: Vec<String>,
    /// Those that have to be seen again; `None` until all were marked.
    unseen: Option<VecDeque<String>>,
    /// True if Space does not mark the rows of this list, so that Enter has to.
    has_dead_space: bool,
}

/// The next step on a lit row that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkStep {
    /// The row has to be marked.
    Mark,
    /// It is marked, or needs no mark.
    Go,
}

impl Marking {
    pub(super) fn new(is_several: bool) -> Marking {
        Marking {
            is_several,
            marked: Vec::new(),
            unseen: None,
            has_dead_space: false,
        }
    }

    /// Returns whether several rows are to be marked.
    pub(super) fn is_several(&self) -> bool {
        self.is_several
    }

    pub(super) fn has_dead_space(&self) -> bool {
        self.has_dead_space
    }

    /// Returns whether the row with this text was seen marked.
    pub(super) fn has_marked(&self, text: &str) -> bool {
        self.marked.iter().any(|it| it == text)
    }

    /// Returns the step on the lit row with this text.
    pub(super) fn on(&mut self, view: &View, text: &str) -> MarkStep {
        let mark = view.mark_of(text);
        match mark {
            Some(mark) if mark.is_marked => {
                self.note(text);
                MarkStep::Go
            }
            // In a menu it may tell what is in use.
            Some(mark) if mark.is_trailing && !self.is_several => MarkStep::Go,
            Some(_) if !self.has_dead_space => MarkStep::Mark,
            // A list may show a mark only where there is one.
            None if self.is_several => MarkStep::Mark,
            Some(_) | None => MarkStep::Go,
        }
    }

    /// Checks the effect of Space on the row with this text.
    ///
    /// # Errors
    /// If the row is not marked, or another one has lost its mark.
    pub(super) fn pressed(
        &mut self,
        view: &View,
        text: &str,
        is_overdue: bool,
    ) -> Result<(), KeySequenceError> {
        let mark = view.mark_of(text);
        if mark.is_some_and(|mark| mark.is_marked) {
            self.note(text);
            return self.check(view, Some(text));
        }
        if is_overdue && !self.is_several && view.has_radio(text) {
            self.has_dead_space = true;
            return Ok(());
        }
        Err(match mark {
            None if self.is_several => no_box(text),
            Some(_) | None => not_marked(text),
        })
    }

    /// Returns the next row that was marked and has to be looked at before Enter, if any.
    ///
    /// # Errors
    /// If a visible row has lost its mark.
    pub(super) fn next_unseen(&mut self, view: &View) -> Result<Option<&str>, KeySequenceError> {
        if !self.is_several {
            return Ok(None);
        }
        self.check(view, None)?;
        let marked = &self.marked;
        let unseen = self
            .unseen
            .get_or_insert_with(|| marked.iter().rev().cloned().collect());
        unseen.retain(|text| view.mark_of(text).is_none());
        Ok(unseen.front().map(String::as_str))
    }

    /// Returns whether all rows were marked, and some have to be looked at again.
    pub(super) fn is_proving(&self) -> bool {
        self.unseen.is_some()
    }

    fn note(&mut self, text: &str) {
        if !self.has_marked(text) {
            self.marked.push(text.to_owned());
        }
    }

    /// Checks that all visible rows that were marked still are. `by` is the row that was marked last.
    fn check(&self, view: &View, by: Option<&str>) -> Result<(), KeySequenceError> {
        let lost = self.marked.iter().find(|text| {
            let mark = view.mark_of(text);
            mark.map_or(view.has(text), |mark| !mark.is_marked)
        });
        match lost {
            Some(text) => Err(lost_mark(text, by)),
            None => Ok(()),
        }
    }
}
