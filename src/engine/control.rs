//! Handle that stops a run, changes its load, and shows its running scripts.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::{InstanceId, LoadSetting, micros};
use crate::process::live_usage;

use super::live_scripts::LiveScripts;
use super::step_confirmation::StepConfirmation;

/// A way to stop a run before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// No new flows; those in flight may finish for this long.
    Graceful { grace: Duration },
    /// Ends all flows and their programs now.
    Now,
}

/// One running script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveScript {
    pub instance: InstanceId,
    /// The role's title.
    pub role: String,
    pub pid: u32,
    /// The name of its step, or `starting`, `idle`, `leaving`, `ending`.
    pub state: String,
    pub age: Duration,
    /// CPU time of the script and its children so far.
    pub cpu_us: u64,
    /// Memory of the script and its children now.
    pub rss_bytes: u64,
}

/// A handle on a run, usable from any thread before, during and after the run.
#[derive(Debug, Clone)]
pub struct Control {
    stop: Arc<watch::Sender<Option<Stop>>>,
    load: Arc<watch::Sender<Option<LoadSetting>>>,
    live: Arc<LiveScripts>,
    step_confirmation: Option<StepConfirmation>,
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
            load: Arc::new(watch::Sender::new(None)),
            live: Arc::default(),
            step_confirmation: None,
        }
    }

    /// Returns the same handle for a run whose flows wait for `confirmation` before each step.
    #[must_use]
    pub fn with_step_confirmation(self, confirmation: StepConfirmation) -> Self {
        Control {
            step_confirmation: Some(confirmation),
            ..self
        }
    }

    /// Stops the run. After [`Stop::Now`] a graceful stop has no effect.
    pub fn stop(&self, how: Stop) {
        self.stop.send_modify(|asked| {
            if *asked != Some(Stop::Now) {
                *asked = Some(how);
            }
        });
    }

    /// Changes the load from now on. A quantity that the run's load does not have, and a change
    /// after its last flow was started, have no effect. The caller has checked that the machine has
    /// the resources for it.
    pub fn change_load(&self, to: LoadSetting) {
        self.load.send_replace(Some(to));
    }

    /// Returns the running scripts, in the order of their flows.
    pub fn live_scripts(&self) -> Vec<LiveScript> {
        let scripts = self.live.all().into_iter();
        let scripts = scripts.map(|(instance, script)| {
            let usage = live_usage(script.pid);
            LiveScript {
                instance,
                role: script.role,
                pid: script.pid,
                state: script.state,
                age: script.started_at.elapsed(),
                cpu_us: usage.map_or(0, |usage| micros(usage.cpu)),
                rss_bytes: usage.map_or(0, |usage| usage.rss_bytes),
            }
        });
        scripts.collect()
    }

    /// Waits on this thread until `time`, or until the run is stopped.
    pub fn wait_until(&self, time: Instant) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let mut stops = self.stops();
        runtime.block_on(async move {
            tokio::select! {
                () = tokio::time::sleep_until(time.into()) => {}
                // The sender lives as long as this handle.
                _ = stops.wait_for(Option::is_some) => {}
            }
        });
        Ok(())
    }

    pub(super) fn stops(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }

    pub(super) fn load_changes(&self) -> watch::Receiver<Option<LoadSetting>> {
        self.load.subscribe()
    }

    pub(super) fn step_confirmation(&self) -> Option<StepConfirmation> {
        self.step_confirmation.clone()
    }

    pub(super) fn live(&self) -> Arc<LiveScripts> {
        Arc::clone(&self.live)
    }
}
