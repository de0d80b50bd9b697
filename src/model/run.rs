//! The description of a run, known before its first flow starts.

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use super::ids::{RoleIndex, RunId, StepIndex};
use super::integrity::IntegrityInfo;

/// A role in reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleInfo {
    /// Its key in the scenario: `customer`.
    pub name: String,
    /// Its name for people: `Customer`.
    pub title: String,
    /// The command as the scenario writes it, one line.
    pub command: String,
    /// The terminal of its programs; `None` on pipes, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalInfo>,
}

/// The terminal of a role's programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalInfo {
    /// Rows when a program starts.
    pub rows: u16,
    /// Columns when a program starts.
    pub columns: u16,
    /// The kind of terminal, as the programs find it in `TERM`.
    pub term: String,
    /// True if the role's output is a screen, beside its lines.
    pub has_screen: bool,
}

/// A stage of the load: the quantity changes until its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageInfo {
    /// Since the run's start.
    pub ends_after_us: u64,
    /// The flows in parallel, or the flows per second, at its end.
    pub to: f64,
}

/// A step in reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepInfo {
    pub name: String,
    /// The role's name.
    pub role: String,
    pub action: String,
    /// The names of its named turns, in the order of the action.
    pub turns: Vec<String>,
}

/// A run, as known before its first flow starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunInfo {
    pub id: RunId,
    /// The scenario's name.
    pub scenario: String,
    /// The planned number of flows, if it is known beforehand.
    pub flows: Option<u64>,
    /// The time during which flows are started, if that limits the load.
    pub duration_us: Option<u64>,
    /// The time from the run's start in which due flows are performed and not counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warm_up_us: u64,
    /// The stages of the load; empty if it is constant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageInfo>,
    /// The maximum number of flows in flight at once.
    pub parallel: u64,
    /// The load in words: `50 at once`, `5/s, at most 200 in flight`.
    pub load: String,
    /// The average rate of flow starts of a load with a rate.
    pub wanted_per_second: Option<f64>,
    /// The part of a larger run that this one is, such as `2/8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// `None` for merged runs.
    pub seed: Option<u64>,
    /// The fault injection rules as written; empty without any.
    #[serde(default)]
    pub chaos: Vec<String>,
    pub started_at: DateTime<Local>,
    pub roles: Vec<RoleInfo>,
    pub steps: Vec<StepInfo>,
    /// The integrity checks on its flows' values.
    pub integrity: IntegrityInfo,
}

impl RunInfo {
    /// Returns the index of the step with this name.
    pub fn step(&self, name: &str) -> Option<StepIndex> {
        let place = self.steps.iter().position(|step| step.name == name);
        place.map(StepIndex)
    }

    /// Returns the title of the role of `step`; an empty one if there is no such role.
    pub fn title_of(&self, step: &StepInfo) -> &str {
        let role = self.roles.iter().find(|role| role.name == step.role);
        role.map_or("", |role| &role.title)
    }

    /// Returns the index of the role with this name.
    pub fn role(&self, name: &str) -> Option<RoleIndex> {
        let place = self.roles.iter().position(|role| role.name == name);
        place.map(RoleIndex)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde expects"
)]
fn is_zero(us: &u64) -> bool {
    *us == 0
}
