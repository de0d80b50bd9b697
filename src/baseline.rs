//! Kept runs: their figures and conditions, named baselines, and the history of all saved runs.
//!
//! The statistics are in [`stats`](crate::stats); this module gets their numbers from saved runs.

mod conditions;
mod entry;
mod figures;
mod history;

pub use conditions::{Conditions, Difference, Weight, differences};
pub use entry::{figures_of, machine_of};
pub use figures::{RunFigure, figures, join};
pub use history::{Entry, History, HistoryError, Kept, Pruned};
