//! Measurements of the load generator, which is Rehearsal itself, and of its machine.

use serde::{Deserialize, Serialize};

/// The lag of the load generator and the load of its machine during a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Timer samples on all threads that run flows.
    pub lag_samples: u64,
    /// Delay of timers, an upper bound for the error of measured times. About 1 ms of it is the
    /// timers' resolution.
    pub lag_p50_us: Option<u64>,
    pub lag_p99_us: Option<u64>,
    pub lag_max_us: Option<u64>,
    /// The busy part of all processors' time, by all programs, from 0 to 1.
    pub machine_busy_ratio: Option<f64>,
    /// The part of the run with nearly no idle processor time. Absent for runs that are too short
    /// to measure it.
    pub machine_saturated_ratio: Option<f64>,
    /// Peak use of a limited resource, from 0 to 1: file descriptors of Rehearsal, and
    /// pseudo-terminals of the machine.
    pub fullest_descriptors_ratio: Option<f64>,
    pub fullest_terminals_ratio: Option<f64>,
    /// The part of the run in which some task of the machine waited for a processor (from
    /// `/proc/pressure/cpu`).
    pub cpu_pressure_ratio: Option<f64>,
}
