//! Faults injected into script instances.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{InstanceId, StepIndex};

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InjectionKind {
    /// Killed, as if by somebody else.
    Kill,
    /// Stopped for a while.
    Freeze,
    /// Its input closed in place of an answer.
    Close,
    /// Something else typed before the answer.
    Garbage,
    /// A line too long for a terminal typed before the answer.
    LongLine,
    /// The answer typed byte by byte.
    Dribble,
    /// Its output read slowly.
    SlowRead,
    /// The answer held back for a while.
    Delay,
    /// Not started, as if it were not there.
    Refuse,
}

impl InjectionKind {
    /// All of them, in the order in which they are reported.
    pub const ALL: [InjectionKind; 9] = [
        InjectionKind::Kill,
        InjectionKind::Freeze,
        InjectionKind::Close,
        InjectionKind::Garbage,
        InjectionKind::LongLine,
        InjectionKind::Dribble,
        InjectionKind::SlowRead,
        InjectionKind::Delay,
        InjectionKind::Refuse,
    ];

    /// Its name in scenarios and in records.
    pub fn name(self) -> &'static str {
        match self {
            InjectionKind::Kill => "kill",
            InjectionKind::Freeze => "freeze",
            InjectionKind::Close => "close",
            InjectionKind::Garbage => "garbage",
            InjectionKind::LongLine => "long_line",
            InjectionKind::Dribble => "dribble",
            InjectionKind::SlowRead => "slow_read",
            InjectionKind::Delay => "delay",
            InjectionKind::Refuse => "refuse",
        }
    }

    /// Returns `true` if the program or its dialogue has something to recover from. The others
    /// only make
    /// Rehearsal a slow partner.
    pub fn is_disruptive(self) -> bool {
        !matches!(
            self,
            InjectionKind::Dribble | InjectionKind::SlowRead | InjectionKind::Delay
        )
    }
}

impl fmt::Display for InjectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fault injected into one script instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    pub instance: InstanceId,
    /// The step that it performed.
    pub step: StepIndex,
    pub kind: InjectionKind,
    /// A description that goes after the script's name: `frozen for 500ms`.
    pub what: String,
    /// The turn's place in the scenario: `order-flow.yaml:42`. Empty before the first turn.
    pub turn: String,
}

/// A fault in the record of its flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InjectionRecord {
    pub kind: InjectionKind,
    /// As in [`Injection::what`].
    pub what: String,
    /// The role's name.
    pub role: String,
    /// Which of the role's script instances, from 1.
    pub attempt: u32,
    /// The step's name.
    pub step: String,
    /// As in [`Injection::turn`].
    pub turn: String,
    /// From the flow's start.
    pub after_us: u64,
    /// From the injection until the evidence that completed its step, at whichever attempt. `None`
    /// if that never came.
    pub recovered_after_us: Option<u64>,
}
