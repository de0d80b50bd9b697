//! What a run's flows add up to: numbers in, numbers out.
//!
//! A [`Tally`] is fed with every flow as it ends and forgets the flow; what it keeps does not grow
//! with the number of flows. A [`Summary`] is what it says when the run is over. Durations are
//! whole microseconds throughout, and a quantity of which there is no sample is absent, never zero.

mod chaos;
mod evidence_choice;
mod failures;
mod histogram;
mod integrity;
mod measures;
mod rate;
mod recent;
mod resources;
mod signature;
mod summary;
mod tally;
#[cfg(test)]
mod testing;
mod thresholds;
mod verdict;

pub use chaos::ChaosSummary;
pub use evidence_choice::{EvidenceChoice, EvidenceLimits};
pub use failures::{MOST_GROUPS, MOST_TEXTS};
pub use histogram::{Encoded, Histogram, Range, Spread};
pub use integrity::{
    AgreeSummary, Disagreement, Duplicate, Integrity, MOST_FINDINGS, MixUp, OwnSummary,
    UniqueSummary, is_masked,
};
pub use measures::{Histograms, MissingHistogram};
pub use recent::Recent;
pub use signature::Signature;
pub use summary::{
    FailureGroup, FailureSummary, FlowCounts, Phases, ProcessCounts, RoleSummary, StepSummary,
    Summary,
};
pub use tally::Tally;
pub use thresholds::{Checked, Quantity, Threshold, ThresholdError, Watched};
pub use verdict::{Trust, Verdict};
