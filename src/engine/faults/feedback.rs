//! Points at which faults may be injected, and feedback about them.

use std::time::{Duration, Instant};

use crate::model::{FaultKind, InjectionOutcome, StepIndex};
use crate::terminal::{ScreenSize, Typed};

/// A point of an action at which faults may be injected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct FaultPoint {
    /// The turn's name, if it has one.
    pub turn: Option<String>,
    /// The turn's place in the scenario.
    pub place: String,
}

/// Feedback to the script machine and its actor, in this order.
#[derive(Debug)]
pub(in crate::engine) enum Feedback {
    /// A fault that was chosen was injected or missed.
    Injection {
        step: StepIndex,
        kind: FaultKind,
        outcome: InjectionOutcome,
        what: String,
        /// The place of the turn in the scenario.
        place: String,
    },
    /// The program's terminal has this size now.
    Resized(ScreenSize),
    /// The reply may be typed.
    Released,
    /// Typing takes this much longer.
    Delayed(Duration),
    /// These lines were typed before the reply.
    Preceded(Vec<Typed>),
    Written {
        at: Instant,
    },
    NotTyped {
        reason: String,
    },
}
