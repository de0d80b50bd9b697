//! What is known of Rehearsal itself as a measuring instrument, and of the machine around it.

use serde::{Deserialize, Serialize};

/// How the generator of the load fared during a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// How often its timers were looked at, on all threads that perform flows.
    pub lag_samples: u64,
    /// How long after its time a timer was served: what every measured time may be too long by.
    /// About 1 ms is the timers' resolution.
    pub lag_p50_us: Option<u64>,
    pub lag_p99_us: Option<u64>,
    pub lag_max_us: Option<u64>,
    /// The busy part of all processors' time, from 0 to 1, whoever kept them busy.
    pub machine_busy_ratio: Option<f64>,
    /// The part of the run in which nearly no processor time was left. Absent for runs that are
    /// too short to tell.
    pub machine_saturated_ratio: Option<f64>,
    /// The fullest that something of which there is a limit ever was, from 0 to 1: descriptors of
    /// Rehearsal, and terminals of the machine.
    pub fullest_descriptors_ratio: Option<f64>,
    pub fullest_terminals_ratio: Option<f64>,
    /// The part of the run in which some task of the machine waited for a processor.
    pub cpu_pressure_ratio: Option<f64>,
}
