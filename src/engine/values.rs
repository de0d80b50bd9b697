//! Snapshots of a flow's values for its scripts, and the values that a script adds.
//!
//! The flow supervisor owns the values. A script performs an action with a snapshot and reports
//! what it has learned, so that a script that panics loses nothing but its own copy.

use std::ops::Deref;
use std::sync::Arc;

use crate::model::NamedValue;
use crate::scenario::{CaptureChanged, Scope};

/// A flow's values as one script sees them. Cheap to make: the values are copied when the script
/// first learns something.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    scope: Arc<Scope>,
    new_values: NewValues,
}

/// Values that a script has learned and that are not among the flow's values yet.
#[derive(Debug, Clone, Default)]
pub(super) struct NewValues {
    pub captures: Vec<NamedValue>,
    /// Texts that were sent as secrets.
    pub secrets: Vec<String>,
}

impl Snapshot {
    pub(super) fn new(scope: &Arc<Scope>) -> Self {
        Snapshot {
            scope: Arc::clone(scope),
            new_values: NewValues::default(),
        }
    }

    /// Takes a captured value.
    ///
    /// # Errors
    /// If the name has another value already and `overwrite` is `false`.
    pub(super) fn capture(
        &mut self,
        capture: NamedValue,
        overwrite: bool,
    ) -> Result<(), CaptureChanged> {
        Arc::make_mut(&mut self.scope).capture(capture.clone(), overwrite)?;
        self.new_values.captures.push(capture);
        Ok(())
    }

    /// Masks this text, too, from now on.
    pub(super) fn add_secret(&mut self, secret: &str) {
        if self.scope.secret_values().all(|known| known != secret) {
            Arc::make_mut(&mut self.scope).add_secret(secret);
            self.new_values.secrets.push(secret.to_owned());
        }
    }

    /// Returns what was learned since the last call.
    pub(super) fn take_new_values(&mut self) -> NewValues {
        std::mem::take(&mut self.new_values)
    }
}

impl Deref for Snapshot {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        &self.scope
    }
}

impl NewValues {
    pub(super) fn is_empty(&self) -> bool {
        self.captures.is_empty() && self.secrets.is_empty()
    }

    /// Adds what was learned later.
    pub(super) fn extend(&mut self, later: NewValues) {
        if self.is_empty() {
            *self = later;
            return;
        }
        self.captures.extend(later.captures);
        self.secrets.extend(later.secrets);
    }

    /// Adds it to the flow's values. Whether a value may change was decided when it was captured.
    pub(super) fn add_to(self, scope: &mut Arc<Scope>) {
        if self.is_empty() {
            return;
        }
        let scope = Arc::make_mut(scope);
        for capture in self.captures {
            // Overwriting captures do not fail.
            let _ = scope.capture(capture, true);
        }
        self.secrets.into_iter().for_each(|it| scope.add_secret(it));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_learns_what_its_script_has_learned() {
        let mut scope = Arc::new(Scope::default());
        Arc::make_mut(&mut scope).set("customer", "Ada");
        let mut snapshot = Snapshot::new(&scope);
        snapshot.capture(("id".into(), "7".into()), false).unwrap();
        snapshot.add_secret("hunter2");
        assert_eq!(snapshot.get("id"), Some("7"));
        assert_eq!(scope.get("id"), None);
        let changed = snapshot.capture(("id".into(), "8".into()), false);
        assert!(changed.is_err());

        let new_values = snapshot.take_new_values();
        assert_eq!(new_values.captures, [("id".into(), "7".into())]);
        new_values.add_to(&mut scope);
        assert_eq!(scope.get("id"), Some("7"));
        assert_eq!(scope.mask("Ada hunter2"), "Ada ***");
        assert!(snapshot.take_new_values().is_empty());
    }

    #[test]
    fn a_snapshot_in_which_nothing_is_learned_copies_nothing() {
        let scope = Arc::new(Scope::default());
        let mut snapshot = Snapshot::new(&scope);
        assert!(snapshot.take_new_values().is_empty());
        assert!(Arc::ptr_eq(&snapshot.scope, &scope));
    }
}
