//! Resources used by the processes of a run, and their exit statuses.

use crate::model::{Ending, ExitCause, ProcessRecord, RoleInfo};

use super::histogram::Histogram;
use super::summary::{ProcessCounts, RoleSummary, Summary};

/// Resources used by the script instances of one role.
#[derive(Debug, Default)]
pub(super) struct RoleUse {
    instances: u64,
    cpu_total_us: u64,
    peak_rss_bytes: u64,
    /// True if that is one of another run, and an upper bound there.
    is_upper_bound: bool,
}

impl RoleUse {
    pub(super) fn record(&mut self, process: &ProcessRecord) {
        self.instances += 1;
        self.cpu_total_us = self.cpu_total_us.saturating_add(process.usage.cpu_us());
        let peak = process.usage.peak_rss_bytes;
        self.is_upper_bound &= peak <= self.peak_rss_bytes;
        self.peak_rss_bytes = self.peak_rss_bytes.max(peak);
    }

    /// Adds the instances of another run.
    pub(super) fn add(&mut self, summary: &RoleSummary) {
        self.instances += summary.instances;
        self.cpu_total_us = self.cpu_total_us.saturating_add(summary.cpu_total_us);
        if summary.peak_rss_bytes > self.peak_rss_bytes {
            self.peak_rss_bytes = summary.peak_rss_bytes;
            self.is_upper_bound = summary.peak_rss_is_upper_bound;
        }
    }

    pub(super) fn summary(&self, role: &RoleInfo, startup: &Histogram) -> RoleSummary {
        RoleSummary {
            name: role.name.clone(),
            title: role.title.clone(),
            instances: self.instances,
            startup: startup.spread(),
            cpu_total_us: self.cpu_total_us,
            cpu_mean_us: self.cpu_total_us.checked_div(self.instances),
            peak_rss_bytes: self.peak_rss_bytes,
            peak_rss_is_upper_bound: self.is_upper_bound,
        }
    }
}

impl Summary {
    /// Sets the peak memory of Rehearsal itself, which bounds those of programs that were started
    /// by it: the kernel includes the memory of the parent at the start.
    pub fn set_rehearsal_peak(&mut self, peak_rss_bytes: Option<u64>) {
        self.rehearsal_peak_rss_bytes = peak_rss_bytes;
        for role in &mut self.roles {
            role.peak_rss_is_upper_bound |= Some(role.peak_rss_bytes) <= peak_rss_bytes;
        }
    }
}

impl ProcessCounts {
    /// Counts a process.
    pub(super) fn record(&mut self, process: &ProcessRecord) {
        self.started += 1;
        let count = match (process.ending, process.exit) {
            (Ending::Itself, Some(ExitCause::Code(0))) => &mut self.ended_well,
            (Ending::Itself, _) => &mut self.ended_badly,
            (Ending::Terminated | Ending::AfterPanic, _) => &mut self.terminated,
            (Ending::Killed, _) => &mut self.killed,
            (Ending::Injected, _) => &mut self.injected,
            (Ending::LeftOver, _) => &mut self.left_over,
        };
        *count += 1;
    }

    /// Adds the processes of another run.
    pub(super) fn add(&mut self, other: &ProcessCounts) {
        self.started += other.started;
        self.ended_well += other.ended_well;
        self.ended_badly += other.ended_badly;
        self.terminated += other.terminated;
        self.killed += other.killed;
        self.injected += other.injected;
        self.left_over += other.left_over;
    }
}
