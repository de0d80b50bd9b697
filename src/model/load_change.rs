//! Changes of the load while a run is in progress.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The quantity of a load that can be changed while the run is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadSetting {
    /// Flows in parallel, of a closed load.
    Parallel(u64),
    /// Flow starts per second, of an open load.
    FlowsPerSecond(f64),
}

impl fmt::Display for LoadSetting {
    /// Formats it as in a load's description: `8 at once`, `5/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadSetting::Parallel(flows) => write!(f, "{flows} at once"),
            LoadSetting::FlowsPerSecond(rate) => {
                write!(f, "{}/s", (rate * 1_000.0).round() / 1_000.0)
            }
        }
    }
}

/// A change of the load that a user made while the run was in progress.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadChange {
    /// Since the run's start.
    pub after_us: u64,
    pub from: LoadSetting,
    pub to: LoadSetting,
}

impl fmt::Display for LoadChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.after_us as f64 / 1e6;
        write!(
            f,
            "the load was changed from {} to {} after {seconds:.1} s",
            self.from, self.to
        )
    }
}
