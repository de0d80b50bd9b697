//! Table of the scripts that run at a moment, for display.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::model::InstanceId;

/// One running script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveScriptEntry {
    /// The role's title.
    pub role: String,
    pub pid: u32,
    /// Its state: the step's name, or `starting`, `idle`, `leaving`, `ending`.
    pub state: String,
    pub started_at: Instant,
}

/// The scripts that run at this moment.
#[derive(Debug, Default)]
pub(super) struct LiveScripts {
    scripts: Mutex<BTreeMap<InstanceId, LiveScriptEntry>>,
}

impl LiveScripts {
    pub(super) fn insert(&self, instance: InstanceId, script: LiveScriptEntry) {
        self.lock().insert(instance, script);
    }

    pub(super) fn set_state(&self, instance: InstanceId, state: &str) {
        if let Some(script) = self.lock().get_mut(&instance) {
            state.clone_into(&mut script.state);
        }
    }

    /// Moves a script to the instance of another flow that it serves now.
    pub(super) fn rename(&self, before: InstanceId, after: InstanceId) {
        let mut scripts = self.lock();
        if let Some(script) = scripts.remove(&before) {
            scripts.insert(after, script);
        }
    }

    pub(super) fn remove(&self, instance: InstanceId) -> Option<LiveScriptEntry> {
        self.lock().remove(&instance)
    }

    pub(super) fn all(&self) -> Vec<(InstanceId, LiveScriptEntry)> {
        let scripts = self.lock();
        scripts
            .iter()
            .map(|(instance, script)| (*instance, script.clone()))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<InstanceId, LiveScriptEntry>> {
        // Every change is a single call on the map, so that a panic cannot leave it half changed.
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
