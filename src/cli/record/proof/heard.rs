//! Output of the programs in a run, by role.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{InstanceId, RunEvent};
use crate::report::Reporter;

/// Reporter that keeps what each role has printed. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Printed>>>);

/// Output of a role.
#[derive(Default)]
struct Printed {
    role: String,
    /// Its pictures have whatever the program has just drawn, and cannot be compared line by line.
    has_screen: bool,
    text: String,
    /// The last reply, until its echo.
    said: String,
}

impl Heard {
    /// Returns the output of each role that prints lines, secrets masked.
    pub(super) fn take(&self) -> Vec<(String, String)> {
        let roles = std::mem::take(&mut *self.roles());
        let roles = roles.into_iter();
        let roles = roles.filter(|it| !it.has_screen && !it.text.is_empty());
        roles.map(|it| (it.role, it.text)).collect()
    }

    fn roles(&self) -> std::sync::MutexGuard<'_, Vec<Printed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_role(&self, instance: InstanceId, change: impl FnOnce(&mut Printed)) {
        if let Some(printed) = self.roles().get_mut(instance.role.0) {
            change(printed);
        }
    }
}

impl Reporter for Heard {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                let roles = info.roles.iter().map(|it| Printed {
                    role: it.name.clone(),
                    has_screen: it.terminal.as_ref().is_some_and(|it| it.has_screen),
                    ..Printed::default()
                });
                *self.roles() = roles.collect();
            }
            RunEvent::Heard { instance, text } => self.with_role(*instance, |it| {
                let echo = std::mem::take(&mut it.said);
                let rest = text
                    .strip_prefix(echo.as_str())
                    .filter(|_| !echo.is_empty());
                // The line of the prompt has ended already.
                let rest = rest.map(|rest| rest.trim_start_matches('\r'));
                let rest = rest.map(|rest| rest.strip_prefix('\n').unwrap_or(rest));
                it.text += rest.unwrap_or(text);
            }),
            RunEvent::Said { instance, text } => self.with_role(*instance, |it| {
                if !it.text.is_empty() && !it.text.ends_with('\n') {
                    it.text.push('\n');
                }
                it.said.clone_from(text);
            }),
            _ => {}
        }
    }
}
