//! Result of a run as a whole, in the one word that all reports use.

use crate::stats::{FlowFailures, Integrity, Summary, Trust};

/// The result of a run. Of several the last one applies, as for exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunVerdict {
    Passed,
    /// More flows failed than are allowed, none was completed, or a threshold was crossed.
    Failed,
    /// Integrity checks have findings.
    DataInconsistent,
    Interrupted,
}

impl RunVerdict {
    /// Returns the result of the run with these figures.
    pub fn of(summary: &Summary) -> Self {
        let is_inconsistent = summary
            .integrity
            .as_ref()
            .is_some_and(Integrity::is_violated);
        let failed = summary.flow_failures == FlowFailures::Count
            && (summary.flows.failed > 0 || summary.flows.completed == 0);
        let crossed = summary.thresholds.iter().any(|it| !it.holds);
        let all = [
            (failed || crossed, RunVerdict::Failed),
            (is_inconsistent, RunVerdict::DataInconsistent),
            (summary.interrupted, RunVerdict::Interrupted),
        ];
        let applying = all.iter().filter(|(applies, _)| *applies);
        let last = applying.map(|(_, verdict)| *verdict).max();
        last.unwrap_or(RunVerdict::Passed)
    }

    /// Returns the word for it, in lower case. Headlines write it in capitals.
    pub fn word(self) -> &'static str {
        match self {
            RunVerdict::Passed => "passed",
            RunVerdict::Failed => "failed",
            RunVerdict::DataInconsistent => "data inconsistent",
            RunVerdict::Interrupted => "interrupted",
        }
    }

    /// Returns the word as it stands in headlines.
    pub fn headline(self) -> String {
        self.word().to_uppercase()
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
