//! Identifiers of runs, flows, roles, steps and script instances.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of one run, unique across machines, such as `REAL-E2E-20260131-142530-k3f9x`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

/// The number of a flow in its run, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlowNumber(pub u64);

/// The name of one flow: the run's name and the flow's number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlowId(pub String);

impl FlowId {
    /// Creates the id of flow `number` of `run`.
    pub fn new(run: &RunId, number: FlowNumber) -> Self {
        FlowId(format!("{run}-{:06}", number.0))
    }
}

/// The index of a role in its scenario, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleIndex(pub usize);

/// The index of a step in its flow, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIndex(pub usize);

/// One script instance of a run: its flow, its role, and the attempt, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId {
    pub flow: FlowNumber,
    pub role: RoleIndex,
    pub attempt: u32,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FlowNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InstanceId {
    /// Formats it as `flow.role.attempt`, with roles counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.flow, self.role.0 + 1, self.attempt)
    }
}
