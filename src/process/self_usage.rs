//! CPU time and memory of Rehearsal itself.

use std::fs;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// CPU time and memory of this process, counted from a moment on.
#[derive(Debug)]
pub struct SelfUsage {
    cpu_before_us: u64,
}

impl SelfUsage {
    /// Starts counting.
    pub fn start() -> Self {
        SelfUsage {
            cpu_before_us: cpu_us(),
        }
    }

    /// Returns the CPU time of all its threads since the start, in microseconds, without the
    /// programs that it started.
    pub fn cpu_us(&self) -> u64 {
        cpu_us().saturating_sub(self.cpu_before_us)
    }

    /// Returns the peak resident memory of the process in bytes; `None` if it is unknown.
    pub fn peak_rss_bytes(&self) -> Option<u64> {
        // `getrusage(2)` would include the peak of the program that started this one.
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
        let usage = SelfUsage::start();
        let mut sum = 0_u64;
        while usage.cpu_us() == 0 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(usage.peak_rss_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
