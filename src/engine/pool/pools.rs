//! Gates and pools of a run as its coordinator keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix::SpawnHandle;

use crate::engine::context::RunContext;
use crate::engine::messages::ScriptHandle;
use crate::scenario::Scope;

use super::gates::Gates;
use super::instances::Slot;

/// The gates of a run, with the needs of pooled scripts between flows.
pub(in crate::engine) struct Pools {
    pub(super) gates: Gates<ScriptHandle>,
    /// The values for the later texts of scripts that were released, by their slots.
    pub(super) scopes: BTreeMap<Slot, Arc<Scope>>,
    /// The slots in which an instance was started before.
    pub(super) used: BTreeSet<Slot>,
    /// The timer for the next moment of the gates.
    pub(super) alarm: Option<SpawnHandle>,
}

impl Pools {
    /// Creates the gates of the plan, if it has any.
    pub(in crate::engine) fn of(run: &RunContext) -> Option<Self> {
        run.plan.has_gates().then(|| Pools {
            gates: Gates::of(&run.plan),
            scopes: BTreeMap::new(),
            used: BTreeSet::new(),
            alarm: None,
        })
    }

    /// Returns whether no pool has a script any more.
    pub(in crate::engine) fn is_over(&self) -> bool {
        self.gates.is_empty()
    }
}
