//! Thresholds: conditions on the figures of a run, such as `flow.p95 < 2s` or `dropped == 0`.
//!
//! A figure without samples meets no threshold: a run in which nothing happened proves nothing.
//!
//! A threshold is checked against the whole run at its end. With `over 10s` it is checked against
//! every window of ten seconds while flows are started, and has to hold in each: see [`LiveThreshold`].
//! With `stop` the run ends as soon as the threshold is crossed.

mod live;
mod parse;
mod threshold;

pub use live::LiveThreshold;
pub use parse::ThresholdError;
pub use threshold::Threshold;
