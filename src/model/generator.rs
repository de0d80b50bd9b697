//! Measurements of the load generator, which is Rehearsal itself, and of its machine.

use serde::{Deserialize, Serialize};

/// The lag of the load generator and the load of its machine during a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Timer samples on all threads that run flows.
    pub lag_samples: u64,
    /// Delay of timers, an upper bound for the error of measured times. About 1 ms of it is the
    /// timers' resolution. Excludes stalls.
    pub lag_p50_us: Option<u64>,
    pub lag_p99_us: Option<u64>,
    pub lag_max_us: Option<u64>,
    /// The times in which Rehearsal as a whole did not run, although processors were free for it:
    /// it was stopped (Ctrl-Z, `SIGSTOP`), or its machine was.
    #[serde(default)]
    pub stalls: u64,
    /// Their total length.
    #[serde(default)]
    pub stalled_us: u64,
    #[serde(default)]
    pub longest_stall: Option<Stall>,
    /// The busy part of all processors' time, by all programs, from 0 to 1.
    pub machine_busy_ratio: Option<f64>,
    /// The part of all processors' time that Rehearsal itself used.
    #[serde(default)]
    pub machine_own_ratio: Option<f64>,
    /// The part of all processors' time that the run's programs used.
    #[serde(default)]
    pub machine_programs_ratio: Option<f64>,
    /// The part of all processors' time that other processes used.
    #[serde(default)]
    pub machine_others_ratio: Option<f64>,
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

/// A time in which Rehearsal did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// From the start of the run to its begin.
    pub after_us: u64,
    pub length_us: u64,
}
