//! Failures grouped by step, cause and signature.

use std::collections::HashMap;

use crate::model::{Failure, FailureKind, FlowRecord};

use super::signature::Signature;
use super::summary::{FailureGroup, FailureSummary};

/// The maximum number of failure groups; failures of further groups are counted together.
pub const MAX_GROUPS: usize = 100;

/// The maximum number of texts distinguished per step and cause, so that a program with ever
/// different output leaves room for the failures of others.
pub const MAX_TEXTS: usize = 10;

/// Groups of failures, each with a count and its first example. Its size is bounded.
#[derive(Debug, Default)]
pub struct Failures {
    groups: Vec<FailureGroup>,
    /// Indices into `groups` by step, cause and whether a fault was injected before, then by the
    /// text that was seen.
    places: HashMap<(String, FailureKind, bool), HashMap<Option<String>, usize>>,
    others: u64,
}

impl Failures {
    /// Counts the failure of a flow.
    pub fn record(&mut self, flow: &FlowRecord, failure: &Failure) {
        let Signature { step, cause, saw } = Signature::of(flow, failure);
        self.merge(FailureGroup {
            step,
            role: failure.role.clone(),
            cause,
            saw,
            after_chaos: flow.was_hit(),
            count: 1,
            bundle: None,
            first_at: flow.started_at,
            last_at: flow.started_at,
            example_flow: flow.id.clone(),
            example: failure.clone(),
        });
    }

    /// Adds the failures of another run, or of a saved one.
    pub(super) fn add(&mut self, summary: &FailureSummary) {
        self.others += summary.others;
        for group in &summary.groups {
            self.merge(group.clone());
        }
    }

    fn merge(&mut self, mut group: FailureGroup) {
        let key = (
            group.step.clone(),
            group.example.kind.clone(),
            group.after_chaos,
        );
        let texts = self.places.entry(key).or_default();
        if !texts.contains_key(&group.saw) && texts.len() >= MAX_TEXTS {
            group.saw = None;
        }
        if let Some(&place) = texts.get(&group.saw) {
            let known = &mut self.groups[place];
            known.count += group.count;
            known.first_at = known.first_at.min(group.first_at);
            known.last_at = known.last_at.max(group.last_at);
            known.bundle = known.bundle.take().or(group.bundle);
        } else if self.groups.len() == MAX_GROUPS {
            self.others += group.count;
        } else {
            texts.insert(group.saw.clone(), self.groups.len());
            self.groups.push(group);
        }
    }

    /// Returns the groups, the most frequent first; equally frequent ones in the order of their
    /// appearance. Failures without a group are in none of them.
    pub fn most_frequent(&self) -> Vec<&FailureGroup> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }

    /// Lists the most frequent first; equally frequent ones in the order of their appearance.
    pub(super) fn summary(&self) -> FailureSummary {
        FailureSummary {
            groups: self.most_frequent().into_iter().cloned().collect(),
            others: self.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, flow};
    use super::*;
    use crate::model::{FlowId, FlowOutcome};

    fn record(failures: &mut Failures, number: u64, failure: &Failure) {
        let outcome = FlowOutcome::Failed(Box::new(failure.clone()));
        failures.record(&flow(number, outcome, &[]), failure);
    }

    fn seeing(step: &str, tail: String) -> Failure {
        let mut failure = failure(step, FailureKind::Timeout);
        failure.tail = tail;
        failure
    }

    #[test]
    fn groups_by_step_cause_and_text_and_keeps_the_first_example() {
        let mut failures = Failures::default();
        record(
            &mut failures,
            1,
            &failure("02_create_order", FailureKind::Timeout),
        );
        let mut other_text = failure("01_login", FailureKind::Business("wrong_password".into()));
        other_text.message = "the program said `Invalid credentials`".into();
        record(&mut failures, 2, &other_text);
        other_text.message = "in other words: `Invalid credentials`".into();
        record(&mut failures, 3, &other_text);
        for number in 4..8 {
            let tail = format!("Order ORD-{number} is already approved");
            record(&mut failures, number, &seeing("02_create_order", tail));
        }

        let summary = failures.summary();
        let groups: Vec<_> = summary
            .groups
            .iter()
            .map(|group| {
                let saw = group.saw.as_deref().unwrap_or("many");
                (group.step.as_str(), group.cause.as_str(), saw, group.count)
            })
            .collect();
        assert_eq!(
            groups,
            [
                (
                    "02_create_order",
                    "timeout",
                    "Order <id> is already approved",
                    4
                ),
                ("01_login", "wrong_password", "Invalid credentials", 2),
                ("02_create_order", "timeout", "Login name:", 1),
            ]
        );
        assert_eq!(summary.groups[1].example_flow, FlowId("flow-2".into()));
        assert!(
            summary.groups[1]
                .example
                .message
                .starts_with("the program said")
        );
    }

    #[test]
    fn thousands_of_failures_take_little_room_and_hide_no_others() {
        let mut failures = Failures::default();
        let wild = |number: u64| "xyzw".repeat(1 + usize::try_from(number % 25).unwrap());
        for number in 0..5_000 {
            let tail = if number % 2 == 0 {
                wild(number / 2)
            } else {
                format!("Order ORD-{number} is already approved")
            };
            record(&mut failures, number, &seeing("06_approve", tail));
        }
        record(&mut failures, 5_001, &seeing("07_plan", "no slot".into()));
        let summary = failures.summary();
        assert_eq!(summary.groups.len(), MAX_TEXTS + 2);
        assert_eq!((summary.count(), summary.others), (5_001, 0));
        let known = summary
            .groups
            .iter()
            .find(|group| group.saw.as_deref() == Some("Order <id> is already approved"));
        assert_eq!(known.map(|group| group.count), Some(2_500));
        assert!(summary.groups.iter().any(|group| group.step == "07_plan"));
        assert!(summary.groups.iter().any(|group| group.saw.is_none()));
    }

    #[test]
    fn is_bounded_and_counts_the_rest() {
        let mut failures = Failures::default();
        for number in 0..MAX_GROUPS + 7 {
            let step = format!("step-{number}");
            record(&mut failures, 1, &failure(&step, FailureKind::Timeout));
        }
        let summary = failures.summary();
        assert_eq!((summary.groups.len(), summary.others), (MAX_GROUPS, 7));
        assert_eq!(summary.count(), MAX_GROUPS as u64 + 7);
    }
}
