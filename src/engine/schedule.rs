//! Arrival schedule of flows: one pure state machine for every load model.
//!
//! Times count from the run's start. The coordinator calls [`Schedule::next`] and follows it until
//! there is something to wait for.

mod next;
mod open;
mod workers;

use std::time::Duration;

use crate::model::LoadSetting;
use crate::scenario::{Load, Shape};

use open::{Bounds, OpenArrivals};
use workers::Workers;

pub(super) use next::{Next, Start};

/// The schedule of a run's segment.
#[derive(Debug)]
pub(super) struct Schedule {
    model: Model,
    end: Option<Duration>,
    warm_up: Duration,
}

#[derive(Debug)]
enum Model {
    Closed(Workers),
    Open(OpenArrivals),
}

impl Schedule {
    /// Creates the schedule of a load's segment; `seed` decides its random gaps.
    pub(super) fn new(load: &Load, seed: u64) -> Self {
        let segment = load.segment;
        let model = match &load.shape {
            Shape::Closed {
                parallel,
                flows_each,
                between,
            } => Model::Closed(Workers::new(
                parallel.clone(),
                *flows_each,
                *between,
                segment,
                load.flows_of_segment(),
            )),
            Shape::Open { rate, arrivals, .. } => {
                let bounds = Bounds {
                    most_in_flight: load.most_in_flight(),
                    warm_up: load.warm_up,
                    end: load.end(),
                    flows: load.flows,
                };
                Model::Open(OpenArrivals::new(rate, *arrivals, bounds, segment, seed))
            }
        };
        Schedule {
            model,
            end: load.end(),
            warm_up: load.warm_up,
        }
    }

    /// Returns the next action at `now`, with `in_flight` flows in flight.
    pub(super) fn next(&mut self, now: Duration, in_flight: u64) -> Next {
        let next = match &mut self.model {
            Model::Open(arrivals) => arrivals.next(now, in_flight),
            Model::Closed(_) if self.end.is_some_and(|end| now >= end) => Next::Over,
            Model::Closed(workers) => workers.next(now, self.warm_up),
        };
        match next {
            // The end of the schedule is also a moment to ask it again.
            Next::At(time) => Next::At(self.end.map_or(time, |end| end.min(time))),
            Next::WhenOneEnds => self.end.map_or(Next::WhenOneEnds, Next::At),
            next => next,
        }
    }

    /// Notes that a worker's flow has ended.
    pub(super) fn ended(&mut self, worker: Option<usize>, now: Duration) {
        if let (Model::Closed(workers), Some(worker)) = (&mut self.model, worker) {
            workers.ended(worker, now);
        }
    }

    /// Returns the time from which no more flows are started, if the load has a duration.
    pub(super) fn end(&self) -> Option<Duration> {
        self.end
    }

    /// Changes the load from `now` on, in place of stages that are left, and returns the former
    /// value; `None` if nothing changes, as for a quantity that this load does not have.
    pub(super) fn change(&mut self, to: LoadSetting, now: Duration) -> Option<LoadSetting> {
        let from = match (&mut self.model, to) {
            (Model::Closed(workers), LoadSetting::Parallel(flows)) => {
                LoadSetting::Parallel(workers.change(flows.max(1), now))
            }
            (Model::Open(arrivals), LoadSetting::FlowsPerSecond(rate)) => {
                LoadSetting::FlowsPerSecond(arrivals.change(rate.max(0.0), now))
            }
            (Model::Closed(_), LoadSetting::FlowsPerSecond(_))
            | (Model::Open(_), LoadSetting::Parallel(_)) => return None,
        };
        (from != to).then_some(from)
    }

    /// Returns the flow starts per second until `end` of an open load, as planned and changed.
    pub(super) fn wanted_per_second(&self, end: Duration) -> Option<f64> {
        match &self.model {
            Model::Open(arrivals) if !end.is_zero() => Some(arrivals.mean_rate(end)),
            Model::Open(_) | Model::Closed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::{Arrivals, Pacing, Ramp, Segment, Stage};

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

    fn in_segments(load: &Load, count: u64) -> Vec<Load> {
        let segment = |number| Segment::new(number, count).expect("a segment");
        let part = |number| Load {
            segment: segment(number),
            ..load.clone()
        };
        (1..=count).map(part).collect()
    }

    /// Returns the starts of all segments, in the order of time.
    fn together(load: &Load, length: Duration, count: u64) -> Vec<(Duration, bool)> {
        let mut starts: Vec<_> = in_segments(load, count)
            .iter()
            .flat_map(|part| perform(part, length, 10_000).0)
            .map(|start| (start.intended, start.counted))
            .collect();
        starts.sort_unstable();
        starts
    }

    fn whole(load: &Load, length: Duration) -> Vec<(Duration, bool)> {
        let starts = perform(load, length, 10_000).0;
        let mut starts: Vec<_> = starts
            .iter()
            .map(|start| (start.intended, start.counted))
            .collect();
        starts.sort_unstable();
        starts
    }

    fn any_ramp(most: f64) -> impl Strategy<Value = Ramp> {
        let stage = (0_u64..2_000, 0.0..most).prop_map(|(length, to)| Stage {
            length: ms(length),
            to,
        });
        (0.0..most, proptest::collection::vec(stage, 0..4))
            .prop_map(|(from, stages)| Ramp { from, stages })
    }

    proptest! {
        #[test]
        fn segments_of_an_open_load_are_the_whole(
            rate in any_ramp(80.0),
            is_poisson in any::<bool>(),
            count in 1_u64..9,
            flows in proptest::option::of(0_u64..200),
            warm_up in 0_u64..1_500,
        ) {
            let arrivals = if is_poisson { Arrivals::Poisson } else { Arrivals::Even };
            let load = Load {
                flows,
                duration: Some(ms(3_000)),
                warm_up: ms(warm_up),
                ..open(rate, arrivals, u64::MAX)
            };
            prop_assert_eq!(together(&load, ms(1), count), whole(&load, ms(1)));
        }

        #[test]
        fn segments_of_a_closed_load_are_the_whole(
            parallel in any_ramp(12.0),
            count in 1_u64..9,
            pause in 1_u64..50,
        ) {
            // Flows of one length, so that a worker's starts do not depend on the other workers.
            let load = Load {
                duration: Some(ms(3_000)),
                ..workers(parallel, Pacing::Pause(ms(pause)))
            };
            prop_assert_eq!(together(&load, ms(40), count), whole(&load, ms(40)));
        }
    }

    #[test]
    fn segments_share_the_flows_and_the_workers() {
        let load = Load::closed(10, 5);
        let starts: Vec<usize> = in_segments(&load, 4)
            .iter()
            .map(|part| perform(part, ms(10), 100).0.len())
            .collect();
        assert_eq!(starts, [3, 3, 2, 2]);
        let parallel: Vec<u64> = in_segments(&load, 4)
            .iter()
            .map(Load::most_in_flight)
            .collect();
        assert_eq!(parallel, [2, 1, 1, 1]);
    }

    #[test]
    fn dropped_arrivals_are_shared_like_started_ones() {
        for arrivals in [Arrivals::Even, Arrivals::Poisson] {
            let load = Load {
                flows: Some(90_000),
                ..open(Ramp::constant(1e6), arrivals, 0)
            };
            let mut dropped = 0;
            for part in in_segments(&load, 7) {
                let mut schedule = Schedule::new(&part, 1);
                while let Next::Drop { count, .. } = schedule.next(ms(10_000), 0) {
                    dropped += count;
                }
                assert_eq!(schedule.next(ms(10_000), 0), Next::Over);
            }
            assert_eq!(dropped, 90_000, "{arrivals:?}");
        }
    }
}
