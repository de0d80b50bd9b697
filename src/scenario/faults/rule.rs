//! Rules of fault injection: the fault, its frequency, and the steps it applies to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{FaultKind, FlowNumber, RoleIndex, StepIndex};
use crate::terminal::ScreenSize;

/// The fault rules of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultRules {
    pub rules: Vec<FaultRule>,
}

impl FaultRules {
    /// Returns `true` if no fault is to be injected.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A rule of fault injection.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The rule as written.
    pub text: String,
    pub fault: FaultSpec,
    pub frequency: Frequency,
    pub target: Target,
}

/// A fault with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultSpec {
    Kill(FaultTiming),
    Freeze {
        length: DurationRange,
        when: FaultTiming,
    },
    Close,
    Garbage {
        bytes: usize,
    },
    LongLine {
        bytes: usize,
    },
    Dribble {
        every: Duration,
    },
    SlowRead {
        bytes: usize,
        every: Duration,
    },
    Bytewise,
    Resize {
        size: ScreenSize,
        when: FaultTiming,
    },
    Delay {
        length: DurationRange,
    },
    Refuse,
}

impl FaultSpec {
    /// Returns the kind of the fault.
    pub fn kind(&self) -> FaultKind {
        match self {
            FaultSpec::Kill(_) => FaultKind::Kill,
            FaultSpec::Freeze { .. } => FaultKind::Freeze,
            FaultSpec::Close => FaultKind::Close,
            FaultSpec::Garbage { .. } => FaultKind::Garbage,
            FaultSpec::LongLine { .. } => FaultKind::LongLine,
            FaultSpec::Dribble { .. } => FaultKind::Dribble,
            FaultSpec::SlowRead { .. } => FaultKind::SlowRead,
            FaultSpec::Bytewise => FaultKind::Bytewise,
            FaultSpec::Resize { .. } => FaultKind::Resize,
            FaultSpec::Delay { .. } => FaultKind::Delay,
            FaultSpec::Refuse => FaultKind::Refuse,
        }
    }

    /// Returns `true` if the fault changes a reply, and so needs one.
    pub(super) fn needs_reply(&self) -> bool {
        matches!(
            self,
            FaultSpec::Garbage { .. }
                | FaultSpec::LongLine { .. }
                | FaultSpec::Dribble { .. }
                | FaultSpec::Delay { .. }
        )
    }
}

/// The point of a turn at which a fault is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTiming {
    /// Either of the two, with equal probability.
    Either,
    /// This long after the reply, but not after its evidence has come.
    MidTurn { after: DurationRange },
    /// Before the next reply is sent.
    BetweenTurns,
}

/// A range from which a duration is drawn evenly; both ends are the same for a fixed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationRange {
    pub least: Duration,
    pub most: Duration,
}

impl DurationRange {
    /// The default delay after the reply of a fault in mid-turn.
    pub const SOON: DurationRange = DurationRange {
        least: Duration::ZERO,
        most: Duration::from_millis(10),
    };

    /// Draws a duration from the range.
    pub fn draw(self, rng: &mut fastrand::Rng) -> Duration {
        if self.most <= self.least {
            return self.least;
        }
        self.least + (self.most - self.least).mul_f64(rng.f64())
    }
}

/// The frequency of a rule's hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frequency {
    /// This probability, more than 0 and at most 1, for every execution of a matching step.
    Chance(f64),
    /// The first execution of the nth matching step of each flow, from 1.
    Nth(u64),
}

/// The target of a rule: steps that satisfy every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    pub step: Option<StepIndex>,
    pub role: Option<RoleIndex>,
    /// The first turn of this name, in the steps that have one.
    pub turn: Option<Arc<str>>,
    pub flow: Option<FlowNumber>,
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
