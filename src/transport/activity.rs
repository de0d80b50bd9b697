//! What a program is doing, from `/proc`.

use std::time::Duration;

use super::{proc, sys};
use crate::model::Activity;

/// What a program and its descendants use while they live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveUsage {
    /// CPU time so far, in user and system mode.
    pub cpu: Duration,
    /// Resident memory; pages that several processes share are counted for each.
    pub rss_bytes: u64,
}

/// Adds up the CPU time and the memory of a process and its live descendants.
pub(super) fn usage_of_tree(pid: i32) -> Option<LiveUsage> {
    let leader = proc::stat(pid).filter(|stat| !stat.is_dead())?;
    let rest = proc::descendants(pid).into_iter().filter_map(proc::stat);
    let (ticks, pages) = rest.chain([leader]).fold((0, 0), |(ticks, pages), stat| {
        (ticks + stat.cpu_ticks, pages + stat.resident_pages)
    });
    Some(LiveUsage {
        cpu: Duration::from_millis(ticks * 1000 / sys::ticks_per_second()),
        rss_bytes: pages * sys::page_size(),
    })
}

/// What a process and its descendants are doing, as one answer.
pub(super) fn of_tree(pid: i32) -> Activity {
    match proc::stat(pid) {
        None => Activity::Gone,
        Some(_) => Activity::Unknown,
    }
}
