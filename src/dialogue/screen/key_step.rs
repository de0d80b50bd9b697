//! Steps of a key sequence, and the errors that end it.

use crate::terminal::Key;

/// One thing to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPress {
    Key(Key),
    /// A text without Enter.
    Text(String),
    /// A text as a terminal pastes it.
    Paste(String),
}

/// The next step of a key sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    Press(KeyPress),
    /// The same, and most likely nothing follows it: then all output after it is for what comes next.
    Submit(KeyPress),
    /// The same, and nothing follows it.
    Last(KeyPress),
    /// The screen does not show the effect of the last key yet.
    Wait,
    /// The sequence is over.
    Done,
}

/// Error of a key sequence, which the screen contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySequenceError {
    pub kind: KeySequenceErrorKind,
    pub message: String,
    pub hint: Option<String>,
}

/// Kind of error of a key sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySequenceErrorKind {
    /// The row or label is not on the screen.
    NotFound,
    /// Several rows or labels fit.
    Ambiguous,
    /// A key changed nothing, or not as it should.
    NoEffect,
    /// A field shows another value than the one that was typed.
    NotTaken,
}

impl KeySequenceError {
    pub(super) fn new(kind: KeySequenceErrorKind, message: String) -> KeySequenceError {
        KeySequenceError {
            kind,
            message,
            hint: None,
        }
    }

    pub(super) fn with_hint(self, hint: &str) -> KeySequenceError {
        KeySequenceError {
            hint: Some(hint.to_owned()),
            ..self
        }
    }
}
