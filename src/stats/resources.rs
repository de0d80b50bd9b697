//! What the processes of a run used, and how they ended.

use crate::model::{Ending, ExitCause, ProcessRecord, RoleInfo};

use super::histogram::Histogram;
use super::summary::{ProcessCounts, RoleSummary};

/// What the script instances of one role used.
#[derive(Debug, Default)]
pub(super) struct RoleUse {
    instances: u64,
    startup: Histogram,
    cpu_total_us: u64,
    peak_rss_bytes: u64,
}

impl RoleUse {
    pub(super) fn record(&mut self, process: &ProcessRecord) {
        self.instances += 1;
        if let Some(startup_us) = process.startup_us {
            self.startup.record(startup_us);
        }
        self.cpu_total_us = self.cpu_total_us.saturating_add(process.usage.cpu_us());
        self.peak_rss_bytes = self.peak_rss_bytes.max(process.usage.peak_rss_bytes);
    }

    pub(super) fn summary(&self, role: &RoleInfo) -> RoleSummary {
        RoleSummary {
            name: role.name.clone(),
            title: role.title.clone(),
            instances: self.instances,
            startup: self.startup.spread(),
            cpu_total_us: self.cpu_total_us,
            cpu_mean_us: self.cpu_total_us.checked_div(self.instances),
            peak_rss_bytes: self.peak_rss_bytes,
        }
    }
}

impl ProcessCounts {
    /// Counts one more process.
    pub(super) fn record(&mut self, process: &ProcessRecord) {
        self.started += 1;
        let count = match (process.ending, process.exit) {
            (Ending::Itself, Some(ExitCause::Code(0))) => &mut self.ended_well,
            (Ending::Itself, _) => &mut self.ended_badly,
            (Ending::Terminated, _) => &mut self.terminated,
            (Ending::Killed, _) => &mut self.killed,
            (Ending::LeftOver, _) => &mut self.left_over,
        };
        *count += 1;
    }
}
