//! Commands to the reaper thread, and its final report.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::process::process_state::Process;
use crate::process::termination::grace::Grace;

/// A command to the reaper thread.
pub(in crate::process) enum ReaperCommand {
    /// Terminate the whole tree of this process; a repetition can only shorten the grace.
    Terminate { process: Arc<Process>, grace: Grace },
    /// The process has exited and its output is drained, but members of its group live.
    EndGroup { process: Arc<Process> },
    /// Look for orphans soon.
    Sweep,
    /// Terminate everything within this time, report what is left, and stop.
    Shutdown {
        within: Duration,
        reply: Option<Sender<Leftovers>>,
    },
    /// Panic.
    #[cfg(test)]
    Panic,
}

/// The processes that [`Spawner::shutdown`](crate::process::Spawner::shutdown) could not end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Process ids, ascending.
    pub pids: Vec<u32>,
}

impl Leftovers {
    /// Returns `true` if every process has ended.
    pub fn is_empty(&self) -> bool {
        self.pids.is_empty()
    }
}
