//! Figures of a run: counts, percentiles, thresholds and integrity. Numbers in, numbers out.
//!
//! A [`Tally`] counts every flow as it ends and then forgets it, so its size does not grow with the
//! number of flows. A [`Summary`] has its figures at the end of the run. Durations are whole
//! microseconds throughout, and a quantity without samples is absent, never zero.

mod amount;
mod breakdown;
mod capacity;
mod change_points;
mod comparison;
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
mod timeline;
mod verdict;

pub use breakdown::{Breakdown, TimeShares};
pub use capacity::{
    Bottleneck, BottleneckKind, Capacity, CapacityLimit, Circumstances, FlowPart, FlowPartKind,
    Growth, LoadKind, Next, Scalability, ScalabilityPoint, SearchPlan, Trial, TrialFigures,
    TrialOutcome, answer_so_far, judge, next_trial,
};
pub use change_points::{ChangePoint, ChangePointSettings, change_points};
pub use comparison::{
    ComparedFigure, Comparison, ComparisonSettings, Direction, Doubt, Drift, Estimate, Figure,
    Finding, IntervalMethod, MachineFigures, Measure, RunOrder, Scale, WarmUp, compare,
    compare_single_rates, compare_single_runs, drift, fewest_repeats, warm_up,
    withdraw_changes_of_machine,
};
pub use evidence_choice::{EvidenceChoice, EvidenceLimits};
pub use failures::{Failures, MAX_GROUPS, MAX_TEXTS};
pub use faults::FaultSummary;
pub use histogram::{Bucket, Encoded, Histogram, Histograms, Spread};
pub use integrity::{
    AgreeSummary, Disagreement, Duplicate, Integrity, MAX_FINDINGS, MixUp, OwnSummary,
    UniqueSummary, contains_mask,
};
pub use measures::MissingHistogram;
pub use signature::Signature;
pub use sliding::SlidingWindow;
pub use summary::{
    Checked, FailureGroup, FailureSummary, FlowCounts, FlowFailures, Phases, ProcessCounts,
    Quantity, RetrySummary, RoleSummary, StepSummary, Summary, Trust, TurnSummary, Verdict,
};
pub use tally::Tally;
pub use thresholds::{LiveThreshold, Threshold, ThresholdError};
pub use timeline::{MAX_BUCKETS, MAX_CAUSES, Timeline, TimelineMoment};
