//! Faults injected into script instances.

use serde::{Deserialize, Serialize};

use super::ids::{InstanceId, StepIndex};

/// The kind of a fault, in the order of reports. It is displayed by its name in scenarios.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// The program is killed, as if by someone else.
    Kill,
    /// The program is stopped for a while.
    Freeze,
    /// The program's input is closed in place of a reply.
    Close,
    /// Garbage is typed before the reply.
    Garbage,
    /// A line that is too long for a terminal is typed before the reply.
    LongLine,
    /// The reply is typed byte by byte.
    Dribble,
    /// The program's output is read slowly.
    SlowRead,
    /// The program's output arrives byte by byte.
    Bytewise,
    /// The program's terminal gets another size.
    Resize,
    /// The reply is delayed.
    Delay,
    /// The program is not started, as if it did not exist.
    Refuse,
}

impl FaultKind {
    /// Returns the name in scenarios and in records.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns `true` if the program or its dialogue has something to recover from; the other kinds
    /// only make Rehearsal a slow partner.
    pub fn is_disruptive(self) -> bool {
        !matches!(
            self,
            FaultKind::Dribble | FaultKind::SlowRead | FaultKind::Bytewise | FaultKind::Delay
        )
    }
}

/// A fault injected into one script instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    pub instance: InstanceId,
    /// The step in progress.
    pub step: StepIndex,
    pub kind: FaultKind,
    /// A description that goes after the script's name: `frozen for 500ms`.
    pub what: String,
    /// The turn's place in the scenario: `order-flow.yaml:42`. Empty before the first turn.
    pub turn: String,
}

/// The outcome of a fault that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InjectionOutcome {
    /// It was injected.
    #[default]
    Injected,
    /// It could not be injected: the program had ended, or the step was over before the fault was
    /// due.
    Missed,
}

/// A fault in the record of its flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InjectionRecord {
    pub kind: FaultKind,
    /// [`InjectionOutcome::Injected`] in files of earlier versions, which have no others.
    #[serde(default)]
    pub outcome: InjectionOutcome,
    /// As in [`Injection::what`].
    pub what: String,
    /// The role's name.
    pub role: String,
    /// The script instance among those of its role, from 1.
    pub attempt: u32,
    /// The step's name.
    pub step: String,
    /// As in [`Injection::turn`].
    pub turn: String,
    /// Since the flow's start.
    pub after_us: u64,
    /// From the injection to the evidence that completed its step, at any attempt. `None` if the
    /// step was not completed.
    pub recovered_after_us: Option<u64>,
}
