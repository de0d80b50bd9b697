//! Figures of a run: numbers in, numbers out.
//!
//! A [`Tally`] is fed with every flow as it ends and forgets the flow; what it keeps does not grow
//! with the number of flows. A [`Summary`] is what it says when the run is over. Durations are
//! whole microseconds throughout, and a quantity of which there is no sample is absent, never zero.

mod evidence_choice;
mod failures;
mod faults;
mod histogram;
mod integrity;
mod measures;
mod rate;
mod resources;
mod signature;
mod sliding;
mod summary;
mod tally;
#[cfg(test)]
mod testing;
mod thresholds;
mod verdict;

pub use evidence_choice::{EvidenceChoice, EvidenceLimits};
pub use failures::{MOST_GROUPS, MOST_TEXTS};
pub use faults::FaultSummary;
pub use histogram::{Encoded, Histogram, Histograms, Range, Spread};
pub use integrity::{
    AgreeSummary, Disagreement, Duplicate, Integrity, MOST_FINDINGS, MixUp, OwnSummary,
    UniqueSummary, is_masked,
};
pub use measures::MissingHistogram;
pub use signature::Signature;
pub use sliding::SlidingWindow;
pub use summary::{
    Checked, FailureGroup, FailureSummary, FlowCounts, Phases, ProcessCounts, Quantity,
    RoleSummary, StepSummary, Summary, Trust, Verdict,
};
pub use tally::Tally;
pub use thresholds::{LiveThreshold, Threshold, ThresholdError};
