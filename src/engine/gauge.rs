//! Self-measurement of the load generator: delays of its threads' timers, stalls of the process,
//! jumps of the clock, load of its machine.
//!
//! | file | holds |
//! | --- | --- |
//! | `stalls` | times in which the process did not run, pure |
//! | `clock` | jumps of the system's clock, pure |
//! | `machine` | load of the machine, pure |
//! | `shared` | access to shared measurements |
//! | `watch` | the thread that samples for stalls and jumps |

mod clock;
mod machine;
mod shared;
mod stalls;
mod watch;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::model::{EventSink, Generator, Stall, micros};
use crate::process::{Fullness, SelfUsage, machine_times};
use crate::stats::Histogram;

use machine::MachineLoad;
use shared::lock;
use stalls::{SHORTEST, Stalls};
use watch::StallWatch;

/// The interval at which a thread's timer lateness is sampled.
const TIMER_EVERY: Duration = Duration::from_millis(20);

/// The interval at which the machine's load is sampled.
const MACHINE_EVERY: Duration = Duration::from_millis(250);

/// The most delays that are kept to take stalls out of them; each is at least as long as the
/// shortest stall.
const MAX_LONG_DELAYS: usize = 10_000;

/// The measurements of one run.
pub(super) struct Gauge {
    began: Instant,
    usage: SelfUsage,
    lag: Arc<Mutex<Lag>>,
    machine: Arc<Mutex<MachineLoad>>,
    stalls: Arc<Mutex<Stalls>>,
    /// Ends with the gauge.
    _watch: Option<StallWatch>,
}

/// Delays of timers.
#[derive(Debug, Default)]
struct Lag {
    histogram: Histogram,
    /// Delays that may have stalls in them: when the timer was due and when it fired, since the
    /// run's start. The stall is detected on another thread, maybe later.
    long: Vec<(Duration, Duration)>,
}

impl Gauge {
    /// Starts measuring. Stalls and jumps of the clock are also emitted as notices.
    pub(super) fn new(sink: Arc<dyn EventSink>) -> Self {
        let began = Instant::now();
        let stalls = Arc::default();
        Gauge {
            began,
            usage: SelfUsage::start(),
            lag: Arc::default(),
            machine: Arc::new(Mutex::new(MachineLoad::new(machine_times()))),
            _watch: StallWatch::start(began, Arc::clone(&stalls), sink),
            stalls,
        }
    }

    /// Watches the timers of the thread that it is spawned on, until it is dropped.
    pub(super) fn watch_timers(&self) -> impl Future<Output = ()> + Send + 'static {
        let (lag, began) = (Arc::clone(&self.lag), self.began);
        async move {
            let mut due = Instant::now();
            loop {
                due += TIMER_EVERY;
                tokio::time::sleep_until(due.into()).await;
                let now = Instant::now();
                let times = (due - began, now.saturating_duration_since(began));
                due += lock(&lag).fired(times);
            }
        }
    }

    /// Watches the machine, until it is dropped. Once for a run.
    pub(super) fn watch_machine(&self) -> impl Future<Output = ()> + Send + 'static {
        let machine = Arc::clone(&self.machine);
        async move {
            loop {
                tokio::time::sleep(MACHINE_EVERY).await;
                let (now, full) = (machine_times(), Fullness::now());
                let mut machine = lock(&machine);
                machine.look(now);
                machine.resources(full);
            }
        }
    }

    /// Returns the measurements so far.
    pub(super) fn measured(&self) -> Generator {
        let stalls = lock(&self.stalls);
        let lag = lock(&self.lag).without(&stalls);
        let now = machine_times();
        let mut machine = lock(&self.machine);
        machine.look(now);
        let elapsed_us = self.began.elapsed().as_secs_f64() * 1e6;
        let busy = machine.busy(now);
        let total_us = machine.total_us(now);
        let part = |cpu_us: u64| Some((cpu_us as f64 / total_us? as f64).min(1.0));
        let own = part(self.usage.cpu_us());
        let programs = self.usage.programs_cpu_us().and_then(part);
        let ours = own.zip(programs).map(|(own, programs)| own + programs);
        let longest = stalls.found().iter().max_by_key(|stall| stall.length());
        Generator {
            lag_samples: lag.count(),
            lag_p50_us: lag.percentile_us(50.0),
            lag_p99_us: lag.percentile_us(99.0),
            lag_max_us: lag.percentile_us(100.0),
            stalls: stalls.found().len() as u64,
            stalled_us: micros(stalls.found().iter().map(|stall| stall.length()).sum()),
            longest_stall: longest.map(|stall| Stall {
                after_us: micros(stall.from),
                length_us: micros(stall.length()),
            }),
            machine_busy_ratio: busy,
            machine_own_ratio: own,
            machine_programs_ratio: programs,
            machine_others_ratio: busy.zip(ours).map(|(busy, ours)| (busy - ours).max(0.0)),
            machine_saturated_ratio: machine.saturated(),
            fullest_descriptors_ratio: machine.fullest().descriptors,
            fullest_terminals_ratio: machine.fullest().terminals,
            cpu_pressure_ratio: machine
                .pressure_us(now)
                .map(|us| (us as f64 / elapsed_us).min(1.0)),
        }
    }
}

impl Lag {
    /// Notes a timer that was due and has fired at these times. Returns the time that further
    /// timers, which were due meanwhile, represent.
    fn fired(&mut self, (due, now): (Duration, Duration)) -> Duration {
        let late = now.saturating_sub(due);
        if late < SHORTEST || self.long.len() >= MAX_LONG_DELAYS {
            return record(&mut self.histogram, late);
        }
        self.long.push((due, now));
        let timers = late.as_nanos() / TIMER_EVERY.as_nanos();
        TIMER_EVERY * u32::try_from(timers).unwrap_or(u32::MAX)
    }

    /// Returns the delays without stalls.
    fn without(&self, stalls: &Stalls) -> Histogram {
        let mut histogram = self.histogram.clone();
        for (due, now) in &self.long {
            record(&mut histogram, stalls.without_stalls(*due, *now));
        }
        histogram
    }
}

/// Records a lateness and those of all timers that were due during it, so that a long delay counts
/// for its length. Returns the time that the further timers represent.
fn record(lag: &mut Histogram, late: Duration) -> Duration {
    let mut passed = Duration::ZERO;
    loop {
        let left = late.saturating_sub(passed);
        lag.record(micros(left));
        if left < TIMER_EVERY {
            return passed;
        }
        passed += TIMER_EVERY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunEvent;

    struct Ignored;

    impl EventSink for Ignored {
        fn emit(&self, _: RunEvent) {}
    }

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_long_delay_counts_for_all_timers_that_were_due_in_it() {
        let mut lag = Lag::default();
        assert_eq!(lag.fired((ms(100), ms(170))), ms(60));
        assert_eq!(lag.histogram.count(), 4);
        assert_eq!(lag.histogram.percentile_us(100.0), Some(70_000));
        assert_eq!(lag.fired((ms(180), ms(181))), Duration::ZERO);
        assert_eq!(lag.histogram.percentile_us(1.0), Some(1_000));
    }

    #[test]
    fn a_stall_is_no_delay_of_timers() {
        let mut lag = Lag::default();
        assert_eq!(lag.fired((ms(620), ms(3_803))), ms(3_180));
        let mut stalls = Stalls::default();
        assert_eq!(lag.without(&stalls).count(), 160);
        stalls.awake(ms(550), ms(0));
        stalls.awake(ms(3_800), ms(0));
        let left = lag.without(&stalls);
        assert_eq!((left.count(), left.percentile_us(100.0)), (1, Some(3_000)));
    }

    #[test]
    fn timers_are_sampled_repeatedly() {
        let gauge = Gauge::new(Arc::new(Ignored));
        actix::System::new().block_on(async {
            let watching = actix::spawn(gauge.watch_timers());
            while gauge.measured().lag_samples < 3 {
                tokio::task::yield_now().await;
            }
            watching.abort();
        });
    }
}
