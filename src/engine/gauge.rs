//! Self-measurement of the load generator: timer lateness of its threads, load of its machine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::Generator;
use crate::process::{Fullness, MachineTimes, machine_times};
use crate::stats::Histogram;

/// The interval at which a thread's timer lateness is sampled.
const TIMER_EVERY: Duration = Duration::from_millis(20);

/// The interval at which the machine's load is sampled.
const MACHINE_EVERY: Duration = Duration::from_millis(500);

/// The busy part of its time from which a machine counts as saturated.
const SATURATED: f64 = 0.95;

/// The fewest samples of the machine from which a saturated part is reported.
const MIN_SAMPLES: u32 = 4;

/// The measurements of one run.
pub(super) struct Gauge {
    began: Instant,
    machine_before: Option<MachineTimes>,
    lag: Arc<Mutex<Histogram>>,
    samples: Arc<Mutex<Samples>>,
}

#[derive(Debug, Default)]
struct Samples {
    all: u32,
    saturated: u32,
    fullest: Fullness,
}

impl Gauge {
    /// Starts measuring.
    pub(super) fn new() -> Self {
        Gauge {
            began: Instant::now(),
            machine_before: machine_times(),
            lag: Arc::default(),
            samples: Arc::default(),
        }
    }

    /// Watches the timers of the thread that it is spawned on, until it is dropped.
    pub(super) fn watch_timers(&self) -> impl Future<Output = ()> + Send + 'static {
        let lag = Arc::clone(&self.lag);
        async move {
            let mut due = Instant::now();
            loop {
                due += TIMER_EVERY;
                tokio::time::sleep_until(due.into()).await;
                let late = due.elapsed();
                let mut lag = lag.lock().unwrap_or_else(PoisonError::into_inner);
                due += record(&mut lag, late);
            }
        }
    }

    /// Watches the machine, until it is dropped. Once for a run.
    pub(super) fn watch_machine(&self) -> impl Future<Output = ()> + Send + 'static {
        let samples = Arc::clone(&self.samples);
        let mut before = self.machine_before;
        async move {
            loop {
                tokio::time::sleep(MACHINE_EVERY).await;
                let now = machine_times();
                let full = Fullness::now();
                let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                samples.fullest = samples.fullest.max(full);
                if let Some(busy) = busy(before, now) {
                    samples.all += 1;
                    samples.saturated += u32::from(busy >= SATURATED);
                }
                before = now;
            }
        }
    }

    /// Returns the measurements so far.
    pub(super) fn measured(&self) -> Generator {
        let lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let machine_now = machine_times();
        let pressure = |times: Option<MachineTimes>| times.and_then(|it| it.cpu_pressure_us);
        let pressure_us = pressure(machine_now)
            .zip(pressure(self.machine_before))
            .map(|(now, before)| now.saturating_sub(before));
        let elapsed_us = self.began.elapsed().as_secs_f64() * 1e6;
        Generator {
            lag_samples: lag.count(),
            lag_p50_us: lag.percentile_us(50.0),
            lag_p99_us: lag.percentile_us(99.0),
            lag_max_us: lag.percentile_us(100.0),
            machine_busy_ratio: busy(self.machine_before, machine_now),
            machine_saturated_ratio: (samples.all >= MIN_SAMPLES)
                .then(|| f64::from(samples.saturated) / f64::from(samples.all)),
            fullest_descriptors_ratio: samples.fullest.descriptors,
            fullest_terminals_ratio: samples.fullest.terminals,
            cpu_pressure_ratio: pressure_us.map(|us| (us as f64 / elapsed_us).min(1.0)),
        }
    }
}

/// Records a lateness and those of all timers that were due during it, so that a long stall counts
/// for its length. Returns the time that the further timers represent.
fn record(lag: &mut Histogram, late: Duration) -> Duration {
    let mut passed = Duration::ZERO;
    loop {
        let left = late.saturating_sub(passed);
        lag.record(u64::try_from(left.as_micros()).unwrap_or(u64::MAX));
        if left < TIMER_EVERY {
            return passed;
        }
        passed += TIMER_EVERY;
    }
}

/// Returns the busy part of the time in between, from 0 to 1.
fn busy(before: Option<MachineTimes>, now: Option<MachineTimes>) -> Option<f64> {
    let (before, now) = (before?, now?);
    let total = now.total_ticks.checked_sub(before.total_ticks)?;
    let busy = now.busy_ticks.saturating_sub(before.busy_ticks);
    (total > 0).then(|| (busy as f64 / total as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_counts_for_all_timers_that_were_due_in_it() {
        let mut lag = Histogram::new();
        let passed = record(&mut lag, Duration::from_millis(70));
        assert_eq!(passed, Duration::from_millis(60));
        assert_eq!(lag.count(), 4);
        assert_eq!(lag.percentile_us(100.0), Some(70_000));
        assert_eq!(record(&mut lag, Duration::from_millis(1)), Duration::ZERO);
        assert_eq!(lag.percentile_us(1.0), Some(1_000));
    }

    #[test]
    fn timers_are_sampled_repeatedly() {
        let gauge = Gauge::new();
        actix::System::new().block_on(async {
            let watching = actix::spawn(gauge.watch_timers());
            while gauge.measured().lag_samples < 3 {
                tokio::task::yield_now().await;
            }
            watching.abort();
        });
    }

    #[test]
    fn busy_is_a_ratio_of_the_time_between_samples() {
        let times = |busy_ticks, total_ticks| {
            Some(MachineTimes {
                busy_ticks,
                total_ticks,
                cpu_pressure_us: None,
            })
        };
        assert_eq!(busy(times(10, 100), times(40, 200)), Some(0.3));
        assert_eq!(busy(times(10, 100), times(10, 100)), None);
        assert_eq!(busy(None, times(10, 100)), None);
    }
}
