//! CPU time and memory of Rehearsal itself and of its programs, and its wait for processors.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

use super::proc::own_stat;
use super::sys::ticks_per_second;

/// CPU time and memory of this process, counted from a moment on.
#[derive(Debug)]
pub struct SelfUsage {
    cpu_before_us: u64,
    programs_before_us: Option<u64>,
}

impl SelfUsage {
    /// Starts counting.
    pub fn start() -> Self {
        SelfUsage {
            cpu_before_us: cpu_us(),
            programs_before_us: programs_cpu_us(),
        }
    }

    /// Returns the CPU time of all its threads since the start, in microseconds, without the
    /// programs that it started.
    pub fn cpu_us(&self) -> u64 {
        cpu_us().saturating_sub(self.cpu_before_us)
    }

    /// Returns the CPU time of the programs that have ended since the start, with that of their own
    /// children, in microseconds; `None` if it is unknown.
    pub fn programs_cpu_us(&self) -> Option<u64> {
        Some(programs_cpu_us()?.saturating_sub(self.programs_before_us?))
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
    let time = clock(ClockId::ProcessCPUTime);
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn programs_cpu_us() -> Option<u64> {
    let ticks = own_stat()?.children_ticks;
    Some(ticks.saturating_mul(1_000_000) / ticks_per_second())
}

/// Returns the time since the machine's start, also when it was suspended. Nothing sets this clock.
pub fn since_boot() -> Duration {
    clock(ClockId::Boottime)
}

/// Returns the time in which the calling thread was ready and waited for a processor; `None` if the
/// kernel does not count it. See <https://docs.kernel.org/scheduler/sched-stats.html>.
pub fn thread_waited_for_processor() -> Option<Duration> {
    let counts = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = counts.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn clock(id: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(id);
    let (seconds, nanos) = (u64::try_from(tv_sec), u32::try_from(tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
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
