//! Enter on a row with a box: it closes most lists, and marks the row in others.

use super::super::key_step::KeySequenceError;
use super::error::{not_restored, taken_by_enter};
use super::marking::Marking;
use super::view::View;

/// Enter that was pressed in a list with boxes, and whose effect is not known yet.
#[derive(Debug)]
pub(super) struct PressedEnter {
    before: View,
    /// True if Enter has marked the lit row or removed its mark, and Space was pressed to undo that.
    is_undone: bool,
}

/// Effect of Enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EnterEffect {
    /// The list has gone, or has the marks that it has to have.
    Over,
    /// The list looks as before.
    Nothing,
    /// The lit row has another mark than before.
    Toggled,
}

impl PressedEnter {
    /// Returns the watch on Enter in this list; `None` if Enter cannot take marks away.
    pub(super) fn watched(view: &View, marking: &Marking) -> Option<PressedEnter> {
        let mark = view.mark_of(view.lit_text())?;
        let is_watched = marking.is_several() || !mark.is_trailing;
        (is_watched && !marking.has_dead_space()).then(|| PressedEnter {
            before: view.clone(),
            is_undone: false,
        })
    }

    pub(super) fn before(&self) -> &View {
        &self.before
    }

    pub(super) fn is_undone(&self) -> bool {
        self.is_undone
    }

    pub(super) fn undone(self) -> PressedEnter {
        PressedEnter {
            is_undone: true,
            ..self
        }
    }

    /// Returns the effect, given the list that is there.
    ///
    /// # Errors
    /// If rows have lost their marks and Space cannot bring them back.
    pub(super) fn effect(
        &self,
        view: Option<&View>,
        marking: &Marking,
    ) -> Result<EnterEffect, KeySequenceError> {
        let lit = self.before.lit_text();
        let Some(view) = view.filter(|view| view.stands_as(&self.before)) else {
            return if self.is_undone {
                Err(not_restored(lit))
            } else {
                Ok(EnterEffect::Over)
            };
        };
        let changed = view.changed_marks(&self.before);
        match changed.as_slice() {
            [] if self.is_undone => Ok(EnterEffect::Over),
            _ if self.is_undone => Err(not_restored(lit)),
            // Enter on a row of a radio list changes nothing if the row is marked.
            [] if !marking.is_several() && view.mark_of(lit).is_some_and(|it| it.is_round) => {
                Ok(EnterEffect::Over)
            }
            [] => Ok(EnterEffect::Nothing),
            [index] if view.is_lit(*index) => Ok(EnterEffect::Toggled),
            changed => {
                let texts = changed.iter().map(|&it| view.items()[it].text.as_str());
                match texts.into_iter().find(|it| marking.has_marked(it)) {
                    Some(text) => Err(taken_by_enter(text)),
                    None => Ok(EnterEffect::Over),
                }
            }
        }
    }
}
