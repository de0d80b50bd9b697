//! Failures grouped by where and why.

use std::collections::HashMap;

use crate::model::{Failure, FailureKind, FlowId};

use super::summary::{FailureGroup, FailureSummary};

/// How many groups of failures are told apart; failures of further kinds are counted together.
pub const MOST_GROUPS: usize = 100;

/// Groups of failures, each with a count and its first example. Of bounded size.
#[derive(Debug, Default)]
pub(super) struct Failures {
    groups: Vec<FailureGroup>,
    /// Where in `groups` the failures of a step and cause stand.
    places: HashMap<(String, FailureKind), usize>,
    others: u64,
}

impl Failures {
    pub(super) fn record(&mut self, flow: &FlowId, failure: &Failure) {
        let key = (failure.step.clone(), failure.kind.clone());
        if let Some(&place) = self.places.get(&key) {
            self.groups[place].count += 1;
        } else if self.groups.len() == MOST_GROUPS {
            self.others += 1;
        } else {
            self.places.insert(key, self.groups.len());
            self.groups.push(FailureGroup {
                step: failure.step.clone(),
                role: failure.role.clone(),
                cause: failure.kind.name().to_owned(),
                count: 1,
                example_flow: flow.clone(),
                example: failure.clone(),
            });
        }
    }

    /// Adds those of another run, or of one that was kept.
    pub(super) fn add(&mut self, summary: &FailureSummary) {
        self.others += summary.others;
        for group in &summary.groups {
            let key = (group.step.clone(), group.example.kind.clone());
            if let Some(&place) = self.places.get(&key) {
                self.groups[place].count += group.count;
            } else if self.groups.len() == MOST_GROUPS {
                self.others += group.count;
            } else {
                self.places.insert(key, self.groups.len());
                self.groups.push(group.clone());
            }
        }
    }

    /// The most frequent first; those of the same frequency in the order of their appearance.
    pub(super) fn summary(&self) -> FailureSummary {
        let mut groups = self.groups.clone();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        FailureSummary {
            groups,
            others: self.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::failure;
    use super::*;

    #[test]
    fn groups_by_step_and_cause_and_keeps_the_first_example() {
        let mut failures = Failures::default();
        let flow = |number: u32| FlowId(format!("flow-{number}"));
        failures.record(&flow(1), &failure("02_create_order", FailureKind::Timeout));
        let mut other_text = failure("01_login", FailureKind::Business("wrong_password".into()));
        failures.record(&flow(2), &other_text);
        other_text.message = "said in other words".into();
        failures.record(&flow(3), &other_text);

        let summary = failures.summary();
        let told: Vec<_> = summary
            .groups
            .iter()
            .map(|group| (group.step.as_str(), group.cause.as_str(), group.count))
            .collect();
        assert_eq!(
            told,
            [
                ("01_login", "wrong_password", 2),
                ("02_create_order", "timeout", 1)
            ]
        );
        assert_eq!(summary.groups[0].example_flow, flow(2));
        assert_ne!(summary.groups[0].example.message, "said in other words");
    }

    #[test]
    fn is_bounded_and_counts_the_rest() {
        let mut failures = Failures::default();
        for number in 0..MOST_GROUPS + 7 {
            let step = format!("step-{number}");
            failures.record(&FlowId("f".into()), &failure(&step, FailureKind::Timeout));
        }
        let summary = failures.summary();
        assert_eq!((summary.groups.len(), summary.others), (MOST_GROUPS, 7));
        assert_eq!(summary.count(), MOST_GROUPS as u64 + 7);
    }
}
