//! Filling of the fields of a form on a screen.

use crate::terminal::Screen;

use super::key_step::{KeySequenceError, KeyStep};

/// Filling of the fields behind these labels.
#[derive(Debug)]
pub struct FormFiller {
    fields: Vec<FieldValue>,
}

/// A value for the field behind a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    pub label: String,
    pub value: String,
}

impl FormFiller {
    pub fn new(fields: Vec<FieldValue>) -> FormFiller {
        FormFiller { fields }
    }

    pub(super) fn next(
        &mut self,
        _screen: &Screen,
        _is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        todo!("fill {:?}", self.fields)
    }
}
