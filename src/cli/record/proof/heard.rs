//! Output of the programs in a run, by role.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{InstanceId, RunEvent};
use crate::report::Reporter;

/// Reporter that keeps what each role has printed. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<(String, String)>>>);

impl Heard {
    /// Returns the output of each role, secrets masked.
    pub(super) fn take(&self) -> Vec<(String, String)> {
        let mut roles = std::mem::take(&mut *self.roles());
        roles.retain(|(_, text)| !text.is_empty());
        roles
    }

    fn roles(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_text(&self, instance: InstanceId, change: impl FnOnce(&mut String)) {
        if let Some((_, text)) = self.roles().get_mut(instance.role.0) {
            change(text);
        }
    }
}

impl Reporter for Heard {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                let names = info.roles.iter().map(|it| (it.name.clone(), String::new()));
                *self.roles() = names.collect();
            }
            RunEvent::Heard { instance, text } => self.with_text(*instance, |it| *it += text),
            // The terminal ends the line of the prompt.
            RunEvent::Said { instance, .. } => self.with_text(*instance, |it| {
                if !it.is_empty() && !it.ends_with('\n') {
                    it.push('\n');
                }
            }),
            _ => {}
        }
    }
}
