//! Load of the machine over a run: processor time in short looks, and limited resources. Pure.

use crate::process::{Fullness, MachineTimes};

/// The busy part of its time from which a machine counts as saturated.
const SATURATED: f64 = 0.95;

/// The least processor time of a look: ten clock ticks, so that one does not decide it.
const SHORTEST_US: u64 = 100_000;

/// Observations of the machine during a run.
#[derive(Debug)]
pub(super) struct MachineLoad {
    before: Option<MachineTimes>,
    /// The times at the end of the last look.
    last: Option<MachineTimes>,
    looked_us: u64,
    saturated_us: u64,
    fullest: Fullness,
}

impl MachineLoad {
    /// Starts with these times.
    pub(super) fn new(before: Option<MachineTimes>) -> Self {
        MachineLoad {
            before,
            last: before,
            looked_us: 0,
            saturated_us: 0,
            fullest: Fullness::default(),
        }
    }

    /// Adds a look at the times since the last one, unless they are too short.
    pub(super) fn look(&mut self, now: Option<MachineTimes>) {
        let Some((busy, total_us)) = busy(self.last, now) else {
            return;
        };
        if total_us >= SHORTEST_US {
            self.looked_us += total_us;
            self.saturated_us += if busy >= SATURATED { total_us } else { 0 };
            self.last = now;
        }
    }

    /// Adds a measurement of limited resources.
    pub(super) fn resources(&mut self, fullness: Fullness) {
        self.fullest = self.fullest.max(fullness);
    }

    pub(super) fn fullest(&self) -> Fullness {
        self.fullest
    }

    /// Returns the saturated part of the time; `None` if it was too short for a look.
    pub(super) fn saturated(&self) -> Option<f64> {
        (self.looked_us > 0).then(|| self.saturated_us as f64 / self.looked_us as f64)
    }

    /// Returns the busy part of the time until `now`.
    pub(super) fn busy(&self, now: Option<MachineTimes>) -> Option<f64> {
        busy(self.before, now).map(|(busy, _)| busy)
    }

    /// Returns all processors' time until `now`, in microseconds.
    pub(super) fn total_us(&self, now: Option<MachineTimes>) -> Option<u64> {
        busy(self.before, now).map(|(_, total_us)| total_us)
    }

    /// Returns the time until `now` in which at least one task waited for a processor, in
    /// microseconds.
    pub(super) fn pressure_us(&self, now: Option<MachineTimes>) -> Option<u64> {
        let pressure = |times: Option<MachineTimes>| times.and_then(|it| it.cpu_pressure_us);
        Some(pressure(now)?.saturating_sub(pressure(self.before)?))
    }
}

/// Returns the busy part of the time in between, from 0 to 1, and all of it in microseconds.
fn busy(before: Option<MachineTimes>, now: Option<MachineTimes>) -> Option<(f64, u64)> {
    let (before, now) = (before?, now?);
    let total = now.total_us.checked_sub(before.total_us)?;
    let busy = now.busy_us.saturating_sub(before.busy_us);
    (total > 0).then(|| ((busy as f64 / total as f64).min(1.0), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(busy_ms: u64, total_ms: u64) -> Option<MachineTimes> {
        Some(MachineTimes {
            busy_us: busy_ms * 1_000,
            total_us: total_ms * 1_000,
            cpu_pressure_us: None,
        })
    }

    #[test]
    fn busy_is_a_part_of_the_time_between_samples() {
        let load = MachineLoad::new(times(10, 100));
        assert_eq!(load.busy(times(40, 200)), Some(0.3));
        assert_eq!(load.busy(times(10, 100)), None);
        assert_eq!(MachineLoad::new(None).busy(times(10, 100)), None);
    }

    #[test]
    fn saturated_looks_count_by_their_length() {
        let mut load = MachineLoad::new(times(0, 0));
        load.look(times(90, 90));
        assert_eq!(load.saturated(), None, "too short");
        load.look(times(300, 300));
        load.look(times(390, 400));
        assert_eq!(load.saturated(), Some(0.75));
    }
}
