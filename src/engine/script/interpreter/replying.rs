//! Replies in progress, and what follows them.

use crate::dialogue::KeySequence;

use super::frames::TurnRef;

/// The continuation after a reply has been typed.
#[derive(Debug)]
pub(super) enum AfterReply {
    GoOn,
    Then(TurnRef, usize),
    /// The reply was an interlude's: the wait goes on.
    Resume,
}

/// A reply that is typed key by key.
#[derive(Debug)]
pub(super) struct KeyTyping {
    pub sequence: KeySequence,
    /// The reply as in the scenario: "choose: Pickles".
    pub reply: String,
    pub after: AfterReply,
    /// True after its last key.
    pub is_over: bool,
    /// True after a key that is most likely the last one: the program may end at it.
    pub is_submitted: bool,
}
