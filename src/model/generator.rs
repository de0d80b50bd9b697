//! Measurements of the load generator, which is Rehearsal itself, and of its machine.

use serde::{Deserialize, Serialize};

/// The lag of the load generator and the load of its machine during a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// The number of timer samples, on all threads that perform flows.
    pub lag_samples: u64,
    /// The delay from when a timer was due until it was served: the most that a measured time is
    /// too long by.
    /// About 1 ms is the timers' resolution.
    pub lag_p50_us: Option<u64>,
    pub lag_p99_us: Option<u64>,
    pub lag_max_us: Option<u64>,
    /// The busy part of all processors' time, from 0 to 1, of all programs.
    pub machine_busy_ratio: Option<f64>,
    /// The part of the run in which nearly no processor time was left. Absent for runs that are
    /// too short to measure it.
    pub machine_saturated_ratio: Option<f64>,
    /// The fullest that something of which there is a limit ever was, from 0 to 1: descriptors of
    /// Rehearsal, and terminals of the machine.
    pub fullest_descriptors_ratio: Option<f64>,
    pub fullest_terminals_ratio: Option<f64>,
    /// The part of the run in which some task of the machine waited for a processor.
    pub cpu_pressure_ratio: Option<f64>,
}
