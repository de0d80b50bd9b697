//! Options of the live page, and what its buttons do.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::model::LoadSetting;
use crate::stats::Threshold;

/// Buttons of the page.
pub trait LiveControls: Send + Sync {
    /// Stops the run: gracefully, or now.
    fn stop(&self, now: bool);

    /// Changes the load to this value, as typed.
    ///
    /// # Errors
    /// If it is none, or beyond what the machine has room for; a text for people.
    fn change_load(&self, value: &str) -> Result<(), String>;
}

/// Options of the page.
#[derive(Debug)]
pub struct LiveOptions {
    /// The address to listen at.
    pub address: SocketAddr,
    /// The run's directory, which contains the directory of its bundles.
    pub directory: PathBuf,
    /// The load that can be changed.
    pub load: LoadSetting,
    /// The limit of the load, for people.
    pub limit: String,
    /// The thresholds of the run.
    pub thresholds: Vec<Threshold>,
}
