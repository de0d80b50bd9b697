//! Verdict on a run as a whole, in one word, for reports that programs pass on.

use crate::stats::{Integrity, Summary, Trust};

/// The treatment of failed flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowFailures {
    /// Each failed flow makes the run fail.
    Count,
    /// There are no more than are allowed, so they do not make the run fail.
    AreAllowed,
}

/// The verdict on a run. Of several the last one applies, as for exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunVerdict {
    Passed,
    /// Flows failed, or none was completed.
    Failed,
    ThresholdsCrossed,
    /// Integrity checks have findings.
    DataInconsistent,
    Interrupted,
}

impl RunVerdict {
    /// Returns the verdict on the run with these figures.
    pub fn of(summary: &Summary, failures: FlowFailures) -> Self {
        let is_inconsistent = summary
            .integrity
            .as_ref()
            .is_some_and(Integrity::is_violated);
        let failed = failures == FlowFailures::Count
            && (summary.flows.failed > 0 || summary.flows.completed == 0);
        let all = [
            (failed, RunVerdict::Failed),
            (
                summary.thresholds.iter().any(|it| !it.holds),
                RunVerdict::ThresholdsCrossed,
            ),
            (is_inconsistent, RunVerdict::DataInconsistent),
            (summary.interrupted, RunVerdict::Interrupted),
        ];
        let applying = all.iter().filter(|(applies, _)| *applies);
        let last = applying.map(|(_, verdict)| *verdict).max();
        last.unwrap_or(RunVerdict::Passed)
    }

    /// Returns the verdict in words.
    pub fn words(self) -> &'static str {
        match self {
            RunVerdict::Passed => "passed",
            RunVerdict::Failed => "failed",
            RunVerdict::ThresholdsCrossed => "failed: a threshold was crossed",
            RunVerdict::DataInconsistent => "failed: the data is inconsistent",
            RunVerdict::Interrupted => "interrupted",
        }
    }
}

/// Returns the word for the trustworthiness of figures.
pub(super) fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Valid => "valid",
        Trust::Doubtful => "doubtful",
        Trust::Invalid => "invalid",
    }
}
