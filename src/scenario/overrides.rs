//! Overrides of a scenario by its caller, applied once to the plan.

use std::time::Duration;

use super::faults::rule::FaultRules;
use super::load::Load;
use super::plan::Plan;

/// Values that replace those of the scenario where they are set.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Values of variables by name; the last one of a name wins.
    pub variables: Vec<(String, String)>,
    /// The time limit of every step. Like `defaults: {step: …}` it also bounds `leave` and the
    /// return of pooled instances to their menu.
    pub step_timeout: Option<Duration>,
    /// The pause before every step but the first.
    pub delay: Option<Duration>,
    pub load: Option<Load>,
    /// Fault injection; replaces the scenario's rules.
    pub faults: Option<FaultRules>,
}

impl Plan {
    /// Applies overrides, so that the plan's users need not know them.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.given.extend(overrides.variables);
        if let Some(timeout) = overrides.step_timeout {
            self.defaults.step = timeout;
            self.steps
                .iter_mut()
                .for_each(|step| step.timeout = timeout);
        }
        if let Some(delay) = overrides.delay {
            self.defaults.delay = delay;
            self.steps.iter_mut().for_each(|step| step.delay = delay);
        }
        if let Some(load) = overrides.load {
            let load_is_whole = load.segment.is_whole();
            self.load = load;
            if !load_is_whole {
                // It needs the flows of all segments.
                self.audit = None;
                self.integrity.audit = None;
            }
        }
        if let Some(faults) = overrides.faults {
            self.faults = faults;
        }
        self
    }

    /// Returns the overriding value of a variable.
    pub(super) fn given(&self, variable: &str) -> Option<&str> {
        let last = self.given.iter().rev().find(|(name, _)| name == variable);
        last.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{CompileOptions, compile};

    const SOURCE: &str = "
name: test
variables: {who: ann}
roles:
  user:
    run: [program]
    actions:
      go: [{prompt: 'Name:', send: '${who}'}, {see: Hello}]
flow:
  - {step: 1_go, role: user, do: go, timeout: 7s, delay: 3s}
  - {step: 2_go, role: user, do: go}
";

    fn plan() -> Plan {
        let compiled = compile(SOURCE, None, CompileOptions::default());
        compiled.expect("a sound scenario").plan
    }

    #[test]
    fn no_override_changes_nothing() {
        let plan = plan().with_overrides(Overrides::default());
        assert_eq!(plan.steps[0].timeout, Duration::from_secs(7));
        assert_eq!(plan.steps[0].delay, Duration::from_secs(3));
        assert_eq!(plan.load, self::plan().load);
        assert_eq!(plan.given("who"), None);
    }

    #[test]
    fn a_step_timeout_bounds_all_steps_and_is_the_default() {
        let timeout = Duration::from_secs(1);
        let plan = plan().with_overrides(Overrides {
            step_timeout: Some(timeout),
            delay: Some(Duration::ZERO),
            ..Overrides::default()
        });
        assert_eq!(plan.defaults.step, timeout);
        assert!(plan.steps.iter().all(|step| step.timeout == timeout));
        assert!(plan.steps.iter().all(|step| step.delay.is_zero()));
    }

    #[test]
    fn the_last_value_of_a_variable_wins() {
        let give = |value: &str| ("who".to_owned(), value.to_owned());
        let plan = plan().with_overrides(Overrides {
            variables: vec![give("bob"), give("eve")],
            ..Overrides::default()
        });
        assert_eq!(plan.given("who"), Some("eve"));
        assert_eq!(plan.given("other"), None);
    }
}
