//! Detection of stalls: times in which the whole process did not run. Pure.
//!
//! A thread that does nothing but wake up often is late if it was not woken (the process was
//! stopped, or the machine was), or if no processor was free for it. The kernel counts the time in
//! which a thread was ready and waited for a processor, so the two are distinguished: the latter is
//! the load of the machine, and is judged as such.

use std::time::Duration;

/// The interval at which the watching thread wakes up.
pub(super) const WAKE_EVERY: Duration = Duration::from_millis(50);

/// The shortest stall that is noted. Shorter ones are in the timers' delays.
pub(super) const SHORTEST: Duration = Duration::from_millis(250);

/// The most stalls that are kept. Each takes at least [`SHORTEST`], so this many are in no run of
/// interest; later ones are not taken out of the timers' delays.
const MOST: usize = 10_000;

/// A time in which the process did not run. Times are since the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StalledTime {
    pub from: Duration,
    pub until: Duration,
}

impl StalledTime {
    pub fn length(self) -> Duration {
        self.until.saturating_sub(self.from)
    }

    /// Returns the part of it between these times.
    fn within(self, from: Duration, until: Duration) -> Duration {
        self.until.min(until).saturating_sub(self.from.max(from))
    }
}

/// The stalls of a run, in order.
#[derive(Debug, Default)]
pub(super) struct Stalls {
    /// The last time at which the thread ran, and its wait for a processor up to then.
    last: Option<(Duration, Duration)>,
    found: Vec<StalledTime>,
}

impl Stalls {
    /// Notes that the watching thread runs at `now`; it has waited for a processor for
    /// `waited_for_processor` since its start. Returns the stall that has just ended, if there was
    /// one.
    pub(super) fn awake(
        &mut self,
        now: Duration,
        waited_for_processor: Duration,
    ) -> Option<StalledTime> {
        let (last, waited_before) = self.last.replace((now, waited_for_processor))?;
        let from = last + WAKE_EVERY;
        let late = now.saturating_sub(from);
        let starved = waited_for_processor.saturating_sub(waited_before);
        if late < SHORTEST || starved >= late / 2 {
            return None;
        }
        let stall = StalledTime { from, until: now };
        if self.found.len() < MOST {
            self.found.push(stall);
        }
        Some(stall)
    }

    /// Returns the part of the time between these that was no stall.
    pub(super) fn without_stalls(&self, from: Duration, until: Duration) -> Duration {
        let stalled = self.found.iter().map(|stall| stall.within(from, until));
        until.saturating_sub(from).saturating_sub(stalled.sum())
    }

    /// Returns all stalls.
    pub(super) fn found(&self) -> &[StalledTime] {
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_stopped_process_is_stalled_and_a_starved_one_is_not() {
        let mut stalls = Stalls::default();
        assert_eq!(stalls.awake(ms(500), ms(1)), None);
        assert_eq!(stalls.awake(ms(550), ms(1)), None);
        let stall = StalledTime {
            from: ms(600),
            until: ms(3_800),
        };
        assert_eq!(stalls.awake(ms(3_800), ms(20)), Some(stall));
        assert_eq!(stall.length(), ms(3_200));
        // No processor was free for three seconds.
        assert_eq!(stalls.awake(ms(6_850), ms(3_000)), None);
        // A little late.
        assert_eq!(stalls.awake(ms(7_149), ms(3_000)), None);
        assert_eq!(stalls.found(), [stall]);
    }

    #[test]
    fn a_stall_is_taken_out_of_a_delay() {
        let mut stalls = Stalls::default();
        stalls.awake(ms(100), ms(0));
        stalls.awake(ms(1_150), ms(0));
        assert_eq!(stalls.without_stalls(ms(140), ms(1_155)), ms(15));
        assert_eq!(stalls.without_stalls(ms(600), ms(1_000)), ms(0));
        assert_eq!(stalls.without_stalls(ms(1_200), ms(1_500)), ms(300));
    }
}
