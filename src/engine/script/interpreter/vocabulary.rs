//! Inputs and effects of the action interpreter.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dialogue::Finding;
use crate::model::{ExitCause, FailureKind};
use crate::scenario::{RenderError, ReplyGateSpec};
use crate::terminal::{ScreenSize, Typed};

/// An event of the script.
#[derive(Debug)]
pub(in crate::engine) enum Input {
    Begin,
    Found(Finding),
    /// The program waits for its input.
    Reads {
        at: Instant,
    },
    /// The reply has been handed to the program.
    Sent,
    /// The screen has settled; `is_overdue` if it has had time enough for the effect of the last key.
    Settled {
        is_overdue: bool,
    },
    Paused,
    /// The pause between two rounds of a `repeat` is over.
    RoundPauseOver,
    /// The program has ended and all of its output was taken in.
    Exited(Option<ExitCause>),
    /// A `run` command has ended.
    Ran(CommandOutput),
}

/// The result of a `run` command.
#[derive(Debug)]
pub(in crate::engine) struct CommandOutput {
    pub exit: ExitCause,
    /// Standard output, then standard error, as clean text.
    pub text: String,
}

/// The next effect for the script machine to apply.
#[derive(Debug)]
pub(in crate::engine) enum Effect {
    /// A new wait has begun: poll the dialogue, fail after `within`.
    Listen {
        within: Option<Duration>,
    },
    /// Listen, but go on after this time if nothing comes.
    RoundPause {
        at_most: Duration,
    },
    /// The wait that was interrupted goes on; its deadline stays.
    KeepListening,
    Say(TypedReply),
    /// Wait until the screen has settled.
    Settle,
    /// Wait until the screen has changed and settled again, or its time for that is over.
    SettleAgain,
    /// Give the terminal another size.
    Resize(ScreenSize),
    Pause(Duration),
    Run(Vec<String>),
    Done,
    Fail(ActionError),
}

/// A reply, ready to be typed.
#[derive(Debug)]
pub(in crate::engine) struct TypedReply {
    pub typed: Typed,
    /// The text to show, with secrets masked.
    pub shown: Cow<'static, str>,
    /// The gates to pass before it is typed.
    pub gates: Option<Arc<ReplyGateSpec>>,
    /// A remark for the transcript.
    pub remark: Option<String>,
    /// True if it must not be sent before the terminal's echo is off.
    pub secret: bool,
    /// True if it closes the input, where there is no terminal to type it at.
    pub closes_input: bool,
    pub answers: Answers,
}

/// The kind of wait that a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Answers {
    /// A wait of the scenario: output before it is consumed.
    Wait,
    /// An interlude: the scenario's own waits still see the output before it.
    Interlude,
    /// The same as the key before it in a sequence.
    Further,
}

/// The failure of an action, before the state of the program is added.
#[derive(Debug)]
pub(in crate::engine) struct ActionError {
    pub kind: FailureKind,
    pub message: String,
    pub hint: Option<String>,
}

impl ActionError {
    pub(in crate::engine) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        ActionError {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// The failure of a `repeat` that has had all its rounds.
    pub(super) fn too_many_rounds(at_most: u32) -> Self {
        let message = format!("what the repeat waits for did not come within {at_most} rounds");
        ActionError::new(FailureKind::TooOften, message)
    }

    /// The failure of a reply to a program that has ended.
    pub(super) fn unanswered(exit: Option<ExitCause>) -> Self {
        let how = exit_in_words(exit);
        let message = format!("the program ended {how} before it could be answered");
        ActionError::new(FailureKind::EndedEarly, message)
    }

    pub(in crate::engine) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<RenderError> for ActionError {
    fn from(error: RenderError) -> Self {
        ActionError::new(FailureKind::Expression, error.to_string())
    }
}

/// An exit as a part of a sentence.
pub(super) fn exit_in_words(exit: Option<ExitCause>) -> String {
    exit.map_or("in a way that is not known".to_owned(), |exit| {
        format!("with {exit}")
    })
}
