//! CPU load of the whole machine: `/proc/stat` and `/proc/pressure/cpu`.

use std::fs;

use super::sys::ticks_per_second;

/// CPU times of the machine since its start, summed over all processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineTimes {
    /// Time that was not idle, in microseconds, counted in clock ticks. Time stolen by a hypervisor
    /// counts as busy, because it was not available here.
    pub busy_us: u64,
    /// All time, likewise.
    pub total_us: u64,
    /// The time, in microseconds, during which at least one task was ready and waited for a
    /// processor; `None` if the kernel does not measure it.
    pub cpu_pressure_us: Option<u64>,
}

/// Reads the CPU times of the machine; `None` if `/proc` does not have them.
pub fn machine_times() -> Option<MachineTimes> {
    let (busy, total) = ticks(&fs::read_to_string("/proc/stat").ok()?)?;
    let in_us = |ticks: u64| ticks.saturating_mul(1_000_000) / ticks_per_second();
    let pressure = fs::read_to_string("/proc/pressure/cpu").ok();
    Some(MachineTimes {
        busy_us: in_us(busy),
        total_us: in_us(total),
        cpu_pressure_us: pressure.as_deref().and_then(some_total_us),
    })
}

/// Parses the busy and the total ticks, see `proc_stat(5)`.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user nice system idle iowait irq softirq steal; guests are in user and nice already.
    let fields: Option<Vec<u64>> = line
        .split_ascii_whitespace()
        .take(8)
        .map(|field| field.parse().ok())
        .collect();
    let fields = fields.filter(|fields| fields.len() >= 5)?;
    let total = fields.iter().sum::<u64>();
    Some((total - fields[3] - fields[4], total))
}

/// Parses the total of the line `some`, see <https://docs.kernel.org/accounting/psi.html>.
fn some_total_us(pressure: &str) -> Option<u64> {
    let line = pressure
        .lines()
        .find_map(|line| line.strip_prefix("some "))?;
    let total = line
        .split_ascii_whitespace()
        .find_map(|field| field.strip_prefix("total="))?;
    total.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(ticks(stat), Some((25, 145)));
        assert_eq!(ticks("cpu  10 x"), None);
        let pressure = "some avg10=0.11 avg60=0.20 avg300=0.05 total=123456\n\
                        full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
        assert_eq!(some_total_us(pressure), Some(123_456));
        assert_eq!(some_total_us(""), None);
    }

    #[test]
    fn this_machine_was_busy() {
        let times = machine_times().unwrap();
        assert!(times.busy_us > 0 && times.busy_us <= times.total_us);
    }
}
