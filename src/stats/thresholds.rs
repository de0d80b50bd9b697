//! Thresholds: demands on the figures of a run, such as `flow.p95 < 2s` or `dropped == 0`.
//!
//! A figure of which there is no sample meets no demand: a run in which nothing took place proves
//! nothing.
//!
//! A demand is held against the whole run when that is over. With `over 10s` it is held against
//! every stretch of ten seconds while flows are started, and one stretch that does not meet it is
//! enough: see [`LiveThreshold`]. With `stop` the run is ended as soon as it is known not to be met.

mod live;
mod parse;
mod threshold;

pub use live::LiveThreshold;
pub use parse::ThresholdError;
pub use threshold::Threshold;
