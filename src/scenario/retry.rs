//! Retry policies of steps and flows.

use std::time::Duration;

use crate::model::FailureKind;

/// A retry policy of a step or a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of attempts after the first.
    pub times: u32,
    /// The names of the failures that are retried: kinds, and categories of the roles. `None`: all
    /// but those that another attempt cannot mend.
    pub on: Option<Vec<String>>,
    /// The step is retried by a new instance of the role's script, logged in by the role's first
    /// step. A script that has exited is restarted in any case.
    pub restart: bool,
    /// A pause before each further attempt.
    pub delay: Duration,
}

impl RetryPolicy {
    /// Returns `true` if the `attempt`th attempt, from 1, is retried after this failure.
    pub fn follows(&self, attempt: u32, kind: &FailureKind) -> bool {
        let is_meant = match &self.on {
            Some(names) => names.iter().any(|name| name == kind.name()),
            None => !matches!(kind, FailureKind::Expression | FailureKind::Internal),
        };
        is_meant && attempt <= self.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_failures_are_retried_and_no_more_often() {
        let any = RetryPolicy {
            times: 2,
            on: None,
            restart: true,
            delay: Duration::ZERO,
        };
        let timeouts = RetryPolicy {
            on: Some(vec!["timeout".into(), "out_of_stock".into()]),
            ..any.clone()
        };
        let sold_out = FailureKind::Business("out_of_stock".into());
        for (policy, attempt, kind, expected) in [
            (&any, 1, FailureKind::Timeout, true),
            (&any, 2, FailureKind::EndedEarly, true),
            (&any, 3, FailureKind::Timeout, false),
            (&any, 1, FailureKind::Internal, false),
            (&any, 1, FailureKind::Expression, false),
            (&timeouts, 1, FailureKind::Timeout, true),
            (&timeouts, 1, sold_out, true),
            (&timeouts, 1, FailureKind::EndedEarly, false),
        ] {
            assert_eq!(policy.follows(attempt, &kind), expected, "{attempt} {kind}");
        }
    }
}
