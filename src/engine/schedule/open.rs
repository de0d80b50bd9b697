//! Arrivals of an open load, by the clock.
//!
//! All segments of a run draw the same arrivals from the same seed, and each performs its own, so
//! that together they are those of the whole run.

use std::time::Duration;

use crate::scenario::{Arrivals, Ramp, Segment};

use super::next::{Next, Start};

/// The most drops at once whose times are computed one by one.
const MAX_DROPS: u64 = 1_000;

/// The arrivals that are still to come.
#[derive(Debug)]
pub(super) struct OpenArrivals {
    rate: Ramp,
    most_in_flight: u64,
    gaps: Gaps,
    /// The place of the next arrival in the integral of the rate.
    place: f64,
    /// The number of arrivals before the next one, of all segments.
    index: u64,
    segment: Segment,
    warm_up: Duration,
    end: Option<Duration>,
    /// Counted arrivals of all segments that are still to come, if they are limited.
    left: Option<u64>,
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

/// The bounds of an open load.
#[derive(Debug)]
pub(super) struct Bounds {
    pub most_in_flight: u64,
    pub warm_up: Duration,
    pub end: Option<Duration>,
    pub flows: Option<u64>,
}

impl OpenArrivals {
    /// Creates the arrivals of one segment; `seed` decides random gaps.
    pub(super) fn new(
        rate: &Ramp,
        arrivals: Arrivals,
        bounds: Bounds,
        segment: Segment,
        seed: u64,
    ) -> Self {
        let mut gaps = match arrivals {
            Arrivals::Even => Gaps::Even,
            Arrivals::Poisson => Gaps::Poisson(fastrand::Rng::with_seed(seed)),
        };
        let place = match arrivals {
            Arrivals::Even => 0.0,
            Arrivals::Poisson => gaps.draw(),
        };
        OpenArrivals {
            rate: rate.clone(),
            most_in_flight: bounds.most_in_flight,
            gaps,
            place,
            index: 0,
            segment,
            warm_up: bounds.warm_up,
            end: bounds.end,
            left: bounds.flows,
        }
    }

    /// Returns the next action at `now`, with `in_flight` flows of the segment in flight.
    pub(super) fn next(&mut self, now: Duration, in_flight: u64) -> Next {
        loop {
            let Some(due) = self.due() else {
                return Next::Over;
            };
            if !self.segment.has(self.index) {
                self.pass(due);
                continue;
            }
            if due > now {
                return Next::At(due);
            }
            if in_flight >= self.most_in_flight {
                return self.drop_until(now, due >= self.warm_up);
            }
            self.pass(due);
            return Next::Start(Start {
                intended: due,
                counted: due >= self.warm_up,
                worker: None,
            });
        }
    }

    /// Changes the rate of all segments from `now` on, and returns the former one.
    pub(super) fn change(&mut self, rate: f64, now: Duration) -> f64 {
        let former = self.rate.at(now);
        if former != rate {
            self.rate = self.rate.changed(now, rate);
        }
        former
    }

    /// Returns the mean rate of all segments until `end`.
    pub(super) fn mean_rate(&self, end: Duration) -> f64 {
        self.rate.integral(end) / end.as_secs_f64()
    }

    /// Returns the time of the next arrival of any segment, if there is one.
    fn due(&self) -> Option<Duration> {
        let due = self.rate.when_integral_is(self.place)?;
        let is_over = self.left == Some(0) || self.end.is_some_and(|end| due >= end);
        (!is_over).then_some(due)
    }

    /// Goes on to the arrival after the one at `due`.
    fn pass(&mut self, due: Duration) {
        if due >= self.warm_up
            && let Some(left) = &mut self.left
        {
            *left -= 1;
        }
        self.place += self.gaps.draw();
        self.index += 1;
    }

    /// Drops the arrivals until `now` that are counted alike.
    fn drop_until(&mut self, now: Duration, counted: bool) -> Next {
        let (mut passed, mut count) = (0, 0);
        while passed < MAX_DROPS
            && let Some(due) = self.due()
            && due <= now
            && (due >= self.warm_up) == counted
        {
            count += u64::from(self.segment.has(self.index));
            self.pass(due);
            passed += 1;
        }
        if passed == MAX_DROPS {
            // So far behind, the mean is as good as the draws.
            let bound = if counted {
                self.end
            } else {
                Some(self.warm_up)
            };
            let until = bound.map_or(now, |bound| bound.min(now));
            let behind = (self.rate.integral(until) - self.place).max(0.0).floor();
            let mut behind = behind as u64;
            if counted && let Some(left) = &mut self.left {
                behind = behind.min(*left);
                *left -= behind;
            }
            count += self.segment.share(self.index + behind) - self.segment.share(self.index);
            self.place += behind as f64;
            self.index += behind;
        }
        Next::Drop { count, counted }
    }
}
