//! Arrival schedule of flows: one pure state machine for every load model.
//!
//! Times count from the run's start. The coordinator calls [`Schedule::next`] and follows it until
//! there is something to wait for.

use std::time::Duration;

use crate::model::LoadSetting;
use crate::scenario::{Arrivals, Load, Pacing, Ramp, Shape};

/// The most drops at once whose times are computed one by one.
const MAX_DROPS: u64 = 1_000;

/// The schedule of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    model: Model,
    end: Option<Duration>,
    warm_up: Duration,
    /// Counted flows that are still to be started.
    left: Option<u64>,
}

/// The next action of the coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Start(Start),
    /// Flows were due and cannot start: they are counted as dropped and not started later.
    Drop {
        count: u64,
        counted: bool,
    },
    /// Nothing before this time.
    At(Duration),
    /// Nothing before a flow ends.
    WhenOneEnds,
    /// No flow starts any more.
    Over,
}

/// A flow that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The time at which it was due.
    pub intended: Duration,
    /// False for the warm-up.
    pub counted: bool,
    /// The worker that performs it, in a closed load.
    pub worker: Option<usize>,
}

#[derive(Debug)]
enum Model {
    Closed {
        parallel: Ramp,
        flows_each: Option<u64>,
        between: Pacing,
        workers: Vec<Worker>,
    },
    Open {
        rate: Ramp,
        most_in_flight: u64,
        gaps: Gaps,
        /// The number of flows due before the next one: its place in the integral of the rate.
        place: f64,
    },
}

/// A worker of a closed load.
#[derive(Debug, Clone, Copy, Default)]
struct Worker {
    busy: bool,
    started: u64,
    last_start: Duration,
    ready_at: Duration,
}

/// The distance from one arrival to the next, in flows: on average one.
#[derive(Debug)]
enum Gaps {
    Even,
    Poisson(fastrand::Rng),
}

impl Gaps {
    fn draw(&mut self) -> f64 {
        match self {
            Gaps::Even => 1.0,
            // Inverse transform sampling of the exponential distribution with mean 1.
            Gaps::Poisson(rng) => -(1.0 - rng.f64()).ln(),
        }
    }
}

impl Schedule {
    /// Creates the schedule of a load; `seed` decides its random gaps.
    pub(super) fn new(load: &Load, seed: u64) -> Self {
        let model = match &load.shape {
            Shape::Closed {
                parallel,
                flows_each,
                between,
            } => Model::Closed {
                parallel: parallel.clone(),
                flows_each: *flows_each,
                between: *between,
                workers: Vec::new(),
            },
            Shape::Open {
                rate,
                arrivals,
                most_in_flight,
            } => {
                let mut gaps = match arrivals {
                    Arrivals::Even => Gaps::Even,
                    Arrivals::Poisson => Gaps::Poisson(fastrand::Rng::with_seed(seed)),
                };
                let place = match arrivals {
                    Arrivals::Even => 0.0,
                    Arrivals::Poisson => gaps.draw(),
                };
                Model::Open {
                    rate: rate.clone(),
                    most_in_flight: *most_in_flight,
                    gaps,
                    place,
                }
            }
        };
        Schedule {
            model,
            end: load.end(),
            warm_up: load.warm_up,
            left: load.flows,
        }
    }

    /// Returns the next action at `now`, with `in_flight` flows in flight.
    pub(super) fn next(&mut self, now: Duration, in_flight: u64) -> Next {
        if self.left == Some(0) {
            return Next::Over;
        }
        let next = match &mut self.model {
            Model::Open {
                rate,
                most_in_flight,
                gaps,
                place,
            } => match rate.when_integral_is(*place) {
                None => Next::Over,
                Some(due) if self.end.is_some_and(|end| due >= end) => Next::Over,
                Some(due) if due > now => Next::At(due),
                Some(due) if in_flight >= *most_in_flight => {
                    let counted = due >= self.warm_up;
                    // Those that are due before the next change of what they count as.
                    let bound = if counted {
                        self.end
                    } else {
                        Some(self.warm_up)
                    };
                    let is_due = |due| due <= now && bound.is_none_or(|bound| due < bound);
                    let most = self.left.filter(|_| counted).unwrap_or(u64::MAX);
                    let mut count = 0;
                    while count < most.min(MAX_DROPS)
                        && rate.when_integral_is(*place).is_some_and(is_due)
                    {
                        *place += gaps.draw();
                        count += 1;
                    }
                    if count == MAX_DROPS {
                        // So far behind, the mean is as good as the draws.
                        let until = bound.map_or(now, |bound| bound.min(now));
                        let behind = (rate.integral(until) - *place).max(0.0).floor();
                        let behind = (behind as u64).min(most - count);
                        *place += behind as f64;
                        count += behind;
                    }
                    Next::Drop { count, counted }
                }
                Some(due) => {
                    *place += gaps.draw();
                    Next::Start(Start {
                        intended: due,
                        counted: true,
                        worker: None,
                    })
                }
            },
            Model::Closed { .. } if self.end.is_some_and(|end| now >= end) => Next::Over,
            Model::Closed {
                parallel,
                flows_each,
                between,
                workers,
            } => closed(parallel, *flows_each, *between, workers, now),
        };
        match next {
            // The end of the schedule is also a moment to ask it again.
            Next::At(time) => Next::At(self.end.map_or(time, |end| end.min(time))),
            Next::WhenOneEnds => self.end.map_or(Next::WhenOneEnds, Next::At),
            Next::Start(start) => {
                let counted = start.intended >= self.warm_up;
                self.count(1, counted);
                Next::Start(Start { counted, ..start })
            }
            Next::Drop { count, counted } => {
                self.count(count, counted);
                Next::Drop { count, counted }
            }
            next => next,
        }
    }

    /// Notes that a worker's flow has ended.
    pub(super) fn ended(&mut self, worker: Option<usize>, now: Duration) {
        if let (
            Model::Closed {
                between, workers, ..
            },
            Some(worker),
        ) = (&mut self.model, worker)
            && let Some(worker) = workers.get_mut(worker)
        {
            worker.busy = false;
            worker.ready_at = match between {
                Pacing::Nothing => now,
                Pacing::Pause(pause) => now + *pause,
                Pacing::Pace(pace) => (worker.last_start + *pace).max(now),
            };
        }
    }

    /// Returns the time from which no more flows are started, if the load has a duration.
    pub(super) fn end(&self) -> Option<Duration> {
        self.end
    }

    /// Changes the load from `now` on, in place of stages that are left, and returns the former
    /// value; `None` if nothing changes, as for a quantity that this load does not have.
    pub(super) fn change(&mut self, to: LoadSetting, now: Duration) -> Option<LoadSetting> {
        let (ramp, value, from) = match (&mut self.model, to) {
            (Model::Closed { parallel, .. }, LoadSetting::Parallel(flows)) => {
                let from = LoadSetting::Parallel(level(parallel.at(now)) as u64);
                (parallel, flows.max(1) as f64, from)
            }
            (Model::Open { rate, .. }, LoadSetting::FlowsPerSecond(value)) => {
                let from = LoadSetting::FlowsPerSecond(rate.at(now));
                (rate, value.max(0.0), from)
            }
            (Model::Closed { .. }, LoadSetting::FlowsPerSecond(_))
            | (Model::Open { .. }, LoadSetting::Parallel(_)) => return None,
        };
        if from == to {
            return None;
        }
        *ramp = ramp.changed(now, value);
        Some(from)
    }

    /// Returns the flow starts per second until `end` of an open load, as planned and changed.
    pub(super) fn wanted_per_second(&self, end: Duration) -> Option<f64> {
        let Model::Open { rate, .. } = &self.model else {
            return None;
        };
        (!end.is_zero()).then(|| rate.integral(end) / end.as_secs_f64())
    }

    fn count(&mut self, count: u64, counted: bool) {
        if counted && let Some(left) = &mut self.left {
            *left -= count;
        }
    }
}

/// The next start of a closed load.
fn closed(
    parallel: &Ramp,
    flows_each: Option<u64>,
    between: Pacing,
    workers: &mut Vec<Worker>,
    now: Duration,
) -> Next {
    let allowed = level(parallel.at(now));
    if workers.len() < allowed {
        workers.resize(allowed, Worker::default());
    }
    let may_start =
        |worker: &Worker| !worker.busy && flows_each.is_none_or(|each| worker.started < each);
    let mut soonest: Option<Duration> = None;
    for (index, worker) in workers.iter_mut().enumerate() {
        if !may_start(worker) {
            continue;
        }
        let there = if index < allowed {
            Some(now)
        } else {
            parallel.reaches((index + 1) as f64, now)
        };
        let Some(at) = there.map(|at| at.max(worker.ready_at)) else {
            continue;
        };
        if at <= now {
            // A pause or a pace is a plan; without one, a flow is due when it can start.
            let planned = between != Pacing::Nothing && worker.started > 0;
            let intended = if planned { worker.ready_at } else { now };
            worker.busy = true;
            worker.started += 1;
            worker.last_start = intended;
            return Next::Start(Start {
                intended,
                counted: true,
                worker: Some(index),
            });
        }
        soonest = Some(soonest.map_or(at, |soonest| soonest.min(at)));
    }
    // A worker that is needed for the first time.
    let newcomer = parallel.reaches((workers.len() + 1) as f64, now);
    match soonest.into_iter().chain(newcomer).min() {
        Some(at) => Next::At(at),
        None if workers.iter().any(|worker| worker.busy) => Next::WhenOneEnds,
        None => Next::Over,
    }
}

/// Returns the number of workers that a level of the ramp allows, rounded up where arithmetic left
/// it just below a whole number.
fn level(value: f64) -> usize {
    (value + 1e-9).floor().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Stage;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn open(rate: Ramp, arrivals: Arrivals, most_in_flight: u64) -> Load {
        Load {
            shape: Shape::Open {
                rate,
                arrivals,
                most_in_flight,
            },
            flows: None,
            ..Load::closed(1, 1)
        }
    }

    fn workers(parallel: Ramp, between: Pacing) -> Load {
        Load {
            shape: Shape::Closed {
                parallel,
                flows_each: None,
                between,
            },
            flows: None,
            ..Load::closed(1, 1)
        }
    }

    /// Performs the schedule with flows that take `length`; returns the starts and the times of the
    /// drops.
    fn perform(load: &Load, length: Duration, at_most: usize) -> (Vec<Start>, Vec<Duration>) {
        let mut schedule = Schedule::new(load, 1);
        let (mut now, mut starts, mut drops) = (Duration::ZERO, Vec::new(), Vec::new());
        let mut running: Vec<(Duration, Option<usize>)> = Vec::new();
        while starts.len() < at_most {
            match schedule.next(now, running.len() as u64) {
                Next::Start(start) => {
                    running.push((now + length, start.worker));
                    starts.push(start);
                    continue;
                }
                Next::Drop { count, .. } => {
                    drops.extend((0..count).map(|_| now));
                    continue;
                }
                Next::Over => break,
                Next::At(at) => {
                    let first = running.iter().map(|(end, _)| *end).min();
                    now = first.map_or(at, |first| first.min(at));
                }
                Next::WhenOneEnds => {
                    now = running
                        .iter()
                        .map(|(end, _)| *end)
                        .min()
                        .expect("one that ends");
                }
            }
            running.retain(|(end, worker)| {
                if *end <= now {
                    schedule.ended(*worker, *end);
                }
                *end > now
            });
        }
        (starts, drops)
    }

    fn times(starts: &[Start]) -> Vec<u128> {
        starts
            .iter()
            .map(|start| start.intended.as_millis())
            .collect()
    }

    #[test]
    fn a_closed_load_keeps_its_workers_busy() {
        let (starts, _) = perform(&Load::closed(7, 3), ms(10), 100);
        assert_eq!(times(&starts), [0, 0, 0, 10, 10, 10, 20]);
    }

    #[test]
    fn each_worker_may_have_its_share() {
        let load = Load {
            shape: Shape::Closed {
                parallel: Ramp::constant(2.0),
                flows_each: Some(2),
                between: Pacing::Nothing,
            },
            flows: None,
            ..Load::closed(1, 1)
        };
        let (starts, _) = perform(&load, ms(10), 100);
        assert_eq!(times(&starts), [0, 0, 10, 10]);
    }

    #[test]
    fn workers_come_and_go_with_the_ramp() {
        let stages = vec![
            Stage {
                length: ms(100),
                to: 4.0,
            },
            Stage {
                length: ms(100),
                to: 0.0,
            },
        ];
        let (starts, _) = perform(
            &workers(Ramp { from: 0.0, stages }, Pacing::Nothing),
            ms(1000),
            100,
        );
        assert_eq!(times(&starts), [25, 50, 75, 100]);
    }

    /// Performs the schedule as [`perform`] does, with a change after so many starts.
    fn perform_changed(load: &Load, length: Duration, after: usize, to: LoadSetting) -> Vec<u128> {
        let mut schedule = Schedule::new(load, 1);
        let (mut now, mut starts) = (Duration::ZERO, Vec::new());
        let mut running: Vec<(Duration, Option<usize>)> = Vec::new();
        while starts.len() < 12 {
            if starts.len() == after {
                schedule.change(to, now);
            }
            now = match schedule.next(now, running.len() as u64) {
                Next::Start(start) => {
                    running.push((now + length, start.worker));
                    starts.push(start.intended.as_millis());
                    continue;
                }
                Next::At(at) => running.iter().map(|(end, _)| *end).fold(at, Duration::min),
                Next::WhenOneEnds => running[0].0,
                Next::Drop { .. } | Next::Over => break,
            };
            running.retain(|(end, worker)| {
                if *end <= now {
                    schedule.ended(*worker, *end);
                }
                *end > now
            });
        }
        starts
    }

    #[test]
    fn workers_are_added_and_removed_by_a_change() {
        let load = Load::closed(12, 2);
        let more = perform_changed(&load, ms(10), 4, LoadSetting::Parallel(4));
        assert_eq!(more, [0, 0, 10, 10, 10, 10, 20, 20, 20, 20, 30, 30]);
        let fewer = perform_changed(&load, ms(10), 4, LoadSetting::Parallel(1));
        assert_eq!(fewer[..8], [0, 0, 10, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn intended_starts_follow_a_changed_rate() {
        let load = open(Ramp::constant(5.0), Arrivals::Even, 1_000);
        let faster = perform_changed(&load, ms(1), 3, LoadSetting::FlowsPerSecond(10.0));
        // A whole flow is due after the last one, at the new rate from the change on.
        assert_eq!(faster[..6], [0, 200, 400, 500, 600, 700]);
        let slower = perform_changed(&load, ms(1), 3, LoadSetting::FlowsPerSecond(2.0));
        assert_eq!(slower[..5], [0, 200, 400, 900, 1400]);
    }

    #[test]
    fn a_change_to_what_a_load_has_not_or_has_already_is_none() {
        let mut closed = Schedule::new(&Load::closed(9, 2), 1);
        let now = ms(5);
        assert_eq!(closed.change(LoadSetting::FlowsPerSecond(2.0), now), None);
        assert_eq!(closed.change(LoadSetting::Parallel(2), now), None);
        let former = closed.change(LoadSetting::Parallel(3), now);
        assert_eq!(former, Some(LoadSetting::Parallel(2)));
        let load = open(Ramp::constant(5.0), Arrivals::Even, 9);
        let mut open = Schedule::new(&load, 1);
        assert_eq!(open.change(LoadSetting::Parallel(2), now), None);
        assert!(
            open.change(LoadSetting::FlowsPerSecond(1.0), ms(1_000))
                .is_some()
        );
        assert_eq!(open.wanted_per_second(ms(2_000)), Some(3.0));
    }

    #[test]
    fn pauses_and_paces_differ_in_what_they_count_from() {
        let (starts, _) = perform(
            &workers(Ramp::constant(1.0), Pacing::Pause(ms(30))),
            ms(20),
            4,
        );
        assert_eq!(times(&starts), [0, 50, 100, 150]);
        let (starts, _) = perform(
            &workers(Ramp::constant(1.0), Pacing::Pace(ms(30))),
            ms(20),
            4,
        );
        assert_eq!(times(&starts), [0, 30, 60, 90]);
        let (starts, _) = perform(
            &workers(Ramp::constant(1.0), Pacing::Pace(ms(30))),
            ms(40),
            4,
        );
        assert_eq!(times(&starts), [0, 40, 80, 120]);
    }

    #[test]
    fn an_open_load_starts_by_the_clock_whatever_happened_before() {
        let load = open(Ramp::constant(5.0), Arrivals::Even, 1000);
        let (starts, drops) = perform(&load, ms(60_000), 6);
        assert_eq!(times(&starts), [0, 200, 400, 600, 800, 1000]);
        assert!(drops.is_empty());
    }

    #[test]
    fn flows_that_cannot_start_are_dropped_and_not_started_later() {
        let load = Load {
            duration: Some(ms(1000)),
            ..open(Ramp::constant(10.0), Arrivals::Even, 2)
        };
        let (starts, drops) = perform(&load, ms(350), 100);
        assert_eq!(times(&starts), [0, 100, 400, 500, 800, 900]);
        assert_eq!(drops, [ms(200), ms(300), ms(600), ms(700)]);
    }

    #[test]
    fn a_rate_far_beyond_the_machine_is_dropped_at_once() {
        for arrivals in [Arrivals::Even, Arrivals::Poisson] {
            let load = Load {
                warm_up: ms(500),
                duration: Some(ms(60_000)),
                ..open(Ramp::constant(1e6), arrivals, 0)
            };
            let mut schedule = Schedule::new(&load, 1);
            let (mut asked, mut drops) = (0, [0; 2]);
            while let Next::Drop { count, counted } = schedule.next(ms(100_000), 0) {
                asked += 1;
                drops[usize::from(counted)] += count;
            }
            assert!(asked < 100, "{asked}");
            assert!(drops[0].abs_diff(500_000) < 2_000, "{drops:?}");
            assert!(drops[1].abs_diff(59_500_000) < 2_000, "{drops:?}");
            assert_eq!(schedule.next(ms(100_000), 0), Next::Over);
        }
    }

    #[test]
    fn drops_are_no_more_than_the_flows_that_are_left() {
        let load = Load {
            flows: Some(1_500),
            ..open(Ramp::constant(1e6), Arrivals::Even, 0)
        };
        let mut schedule = Schedule::new(&load, 1);
        let all = Next::Drop {
            count: 1_500,
            counted: true,
        };
        assert_eq!(schedule.next(ms(1_000), 0), all);
        assert_eq!(schedule.next(ms(1_000), 0), Next::Over);
    }

    #[test]
    fn a_late_coordinator_does_not_move_the_schedule() {
        let mut schedule = Schedule::new(&open(Ramp::constant(10.0), Arrivals::Even, 9), 1);
        assert!(matches!(schedule.next(ms(0), 0), Next::Start(_)));
        let late: Vec<Next> = (0..3).map(|_| schedule.next(ms(250), 0)).collect();
        let intended = |next: &Next| match next {
            Next::Start(start) => Some(start.intended),
            _ => None,
        };
        assert_eq!(
            late.iter().map(intended).collect::<Vec<_>>(),
            [Some(ms(100)), Some(ms(200)), None]
        );
        assert_eq!(late[2], Next::At(ms(300)));
    }

    #[test]
    fn a_rate_ramps_by_its_integral() {
        let stages = vec![Stage {
            length: ms(10_000),
            to: 2.0,
        }];
        let (starts, _) = perform(
            &open(Ramp { from: 0.0, stages }, Arrivals::Even, 99),
            ms(1),
            100,
        );
        // Ten flows under the ramp: the nth when n = t²/10.
        let expected: Vec<u128> = (0..10)
            .map(|n| (f64::from(n * 10).sqrt() * 1000.0) as u128)
            .collect();
        assert_eq!(times(&starts), expected);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_seed_decides() {
        let load = open(Ramp::constant(100.0), Arrivals::Poisson, u64::MAX);
        let (starts, _) = perform(&load, ms(1), 20_000);
        let seconds = starts.last().expect("starts").intended.as_secs_f64();
        assert!(
            (seconds - 200.0).abs() < 6.0,
            "{seconds} s for 20,000 flows at 100/s"
        );
        let gaps: Vec<f64> = starts
            .windows(2)
            .map(|pair| (pair[1].intended - pair[0].intended).as_secs_f64() * 100.0)
            .collect();
        let variance = gaps.iter().map(|gap| (gap - 1.0).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!(
            (variance - 1.0).abs() < 0.08,
            "an exponential's variance is 1: {variance}"
        );
        assert_eq!(perform(&load, ms(1), 50).0, starts[..50]);
    }

    #[test]
    fn the_warm_up_is_performed_and_not_counted() {
        let load = Load {
            warm_up: ms(300),
            flows: Some(3),
            ..open(Ramp::constant(10.0), Arrivals::Even, 9)
        };
        let (starts, _) = perform(&load, ms(1), 100);
        let counted: Vec<bool> = starts.iter().map(|start| start.counted).collect();
        assert_eq!(counted, [false, false, false, true, true, true]);
    }

    #[test]
    fn a_duration_ends_the_starts() {
        let load = Load {
            duration: Some(ms(25)),
            ..workers(Ramp::constant(2.0), Pacing::Nothing)
        };
        let (starts, _) = perform(&load, ms(10), 100);
        assert_eq!(times(&starts), [0, 0, 10, 10, 20, 20]);
    }
}
