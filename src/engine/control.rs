//! The handle by which others stop a run, and see what it is doing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::context::{LiveScript, LiveScripts};

/// How a run is stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// No new flows; those under way may finish for this long.
    Graceful { grace: Duration },
    /// All flows and their programs are ended now.
    Now,
}

/// Stops a run and looks into it, from any thread, before, while and after it goes on.
#[derive(Debug, Clone)]
pub struct Control {
    stop: Arc<watch::Sender<Option<Stop>>>,
    live: Arc<LiveScripts>,
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}

impl Control {
    /// A handle for one run.
    pub fn new() -> Self {
        Control {
            stop: Arc::new(watch::Sender::new(None)),
            live: Arc::default(),
        }
    }

    /// Asks the run to stop. After [`Stop::Now`] nothing gentler counts any more.
    pub fn stop(&self, how: Stop) {
        self.stop.send_modify(|asked| {
            if *asked != Some(Stop::Now) {
                *asked = Some(how);
            }
        });
    }

    /// The scripts that run at this moment, in the order of their flows.
    pub fn live_scripts(&self) -> Vec<LiveScript> {
        self.live.all()
    }

    pub(super) fn stops(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }

    pub(super) fn live(&self) -> Arc<LiveScripts> {
        Arc::clone(&self.live)
    }
}
