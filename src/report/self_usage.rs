//! What Rehearsal itself uses.

use std::fs;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Counts what this process uses from a moment on.
#[derive(Debug)]
pub(super) struct SelfUsage {
    cpu_before_us: u64,
}

impl SelfUsage {
    /// Begins to count.
    pub(super) fn start() -> Self {
        SelfUsage {
            cpu_before_us: cpu_us(),
        }
    }

    /// The CPU time of all its threads since then; not that of the programs it started.
    pub(super) fn cpu_us(&self) -> u64 {
        cpu_us().saturating_sub(self.cpu_before_us)
    }

    /// The most memory that it ever had; `None` where that cannot be known.
    pub(super) fn peak_rss_bytes(&self) -> Option<u64> {
        // `getrusage(2)` would tell at least what the program had that started this one.
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }
}

fn cpu_us() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(tv_sec), u64::try_from(tv_nsec));
    seconds.unwrap_or(0) * 1_000_000 + nanos.unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_memory_are_counted() {
        let own = SelfUsage::start();
        let mut sum = 0_u64;
        while own.cpu_us() == 0 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(own.peak_rss_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
