//! The limit of failed flows up to which a run counts as a success.

use std::str::FromStr;

use crate::stats::FlowCounts;

/// A limit of failed flows, `--allow-failures`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FailureLimit {
    Count(u64),
    /// This part of the flows that completed or failed, from 0 to 1.
    Part(f64),
}

impl Default for FailureLimit {
    fn default() -> Self {
        FailureLimit::Count(0)
    }
}

impl FailureLimit {
    /// Returns `true` if the run is a success. A run without a completed or failed flow is not.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a part of a count needs no 53 bits"
    )]
    pub fn is_kept(self, flows: &FlowCounts) -> bool {
        let ended = flows.completed + flows.failed;
        let kept = match self {
            FailureLimit::Count(most) => flows.failed <= most,
            FailureLimit::Part(part) => flows.failed as f64 <= part * ended as f64,
        };
        kept && ended > 0
    }
}

impl FromStr for FailureLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_suffix('%') {
            Some(percent) => percent
                .trim()
                .parse()
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(|percent: f64| FailureLimit::Part(percent / 100.0)),
            None => text.trim().parse().ok().map(FailureLimit::Count),
        };
        parsed.ok_or_else(|| "write a number or a part: 3, 0.5%".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: &str, completed: u64, failed: u64) -> bool {
        let flows = FlowCounts {
            completed,
            failed,
            ..FlowCounts::default()
        };
        limit.parse::<FailureLimit>().unwrap().is_kept(&flows)
    }

    #[test]
    fn failures_are_allowed_by_number_or_by_part() {
        assert!(kept("0", 1, 0) && !kept("0", 9, 1));
        assert!(kept("2", 8, 2) && !kept("2", 8, 3));
        assert!(kept("10%", 9, 1) && !kept("9.9%", 9, 1));
        assert!(kept("100%", 0, 3) && !kept("100%", 0, 0));
    }

    #[test]
    fn invalid_limits_are_refused() {
        for text in ["", "some", "-1", "101%", "NaN%", "1.5"] {
            assert!(text.parse::<FailureLimit>().is_err(), "{text}");
        }
    }
}
