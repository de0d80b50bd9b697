//! Load models as data: the number of flows, and their starts.

use std::time::Duration;

use super::segment::Segment;

/// The load of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    pub shape: Shape,
    /// The maximum number of flows that are started and counted.
    pub flows: Option<u64>,
    /// The time during which flows are started, warm-up included.
    pub duration: Option<Duration>,
    /// Flows that are due before this are performed and not counted.
    pub warm_up: Duration,
    /// The time that flows in flight have to finish after `duration`.
    pub graceful_stop: Duration,
    /// The part of it that this process performs. All other fields describe the whole load.
    pub segment: Segment,
}

/// The load model, which decides when a flow starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A fixed number of workers, each of which starts its next flow when its last one has ended,
    /// so slower programs get fewer flows.
    Closed {
        parallel: Ramp,
        /// The number of flows of each worker, if limited.
        flows_each: Option<u64>,
        between: Pacing,
    },
    /// Flows start by the clock, whether or not earlier ones have ended.
    Open {
        /// Flows per second.
        rate: Ramp,
        arrivals: Arrivals,
        /// A flow that is due while this many are in flight is dropped.
        most_in_flight: u64,
    },
}

/// The pace of a worker between two of its flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    Nothing,
    /// A pause of this length after each flow.
    Pause(Duration),
    /// A flow starts this often, or as soon as possible.
    Pace(Duration),
}

/// The distribution of arrivals of an open load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Constant time between arrivals.
    Even,
    /// A Poisson process, as of independent users, drawn from the run's seed.
    Poisson,
}

/// A quantity that changes linearly from stage to stage, and is constant after the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    pub from: f64,
    pub stages: Vec<Stage>,
}

/// A part of a ramp. One without a length is a jump.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    pub length: Duration,
    /// The quantity at the end of the stage.
    pub to: f64,
}

impl Load {
    /// Creates a load of `flows`, `parallel` of them at once.
    pub fn closed(flows: u64, parallel: u64) -> Self {
        Load {
            shape: Shape::Closed {
                parallel: Ramp::constant(parallel as f64),
                flows_each: None,
                between: Pacing::Nothing,
            },
            flows: Some(flows),
            duration: None,
            warm_up: Duration::ZERO,
            graceful_stop: GRACEFUL_STOP,
            segment: Segment::WHOLE,
        }
    }

    /// Returns the time at which flow starts end, if the clock decides it.
    pub fn end(&self) -> Option<Duration> {
        let ramp = match &self.shape {
            Shape::Closed { parallel, .. } => parallel,
            Shape::Open { rate, .. } => rate,
        };
        let stages = Some(ramp.length()).filter(|length| !length.is_zero());
        self.duration.or(stages)
    }

    /// Returns whether flow starts have a bound: a number or a time.
    pub fn is_bounded(&self) -> bool {
        let flows_each = match self.shape {
            Shape::Closed { flows_each, .. } => flows_each,
            Shape::Open { .. } => None,
        };
        self.flows.is_some() || self.end().is_some() || flows_each.is_some()
    }

    /// Returns whether no flow is ever due, as the quantity stays at zero until the end.
    pub fn starts_nothing(&self) -> bool {
        let first = match &self.shape {
            Shape::Closed { parallel, .. } => parallel.reaches(1.0, Duration::ZERO),
            Shape::Open { rate, .. } => rate.when_integral_is(f64::MIN_POSITIVE),
        };
        first.is_none_or(|first| self.end().is_some_and(|end| first >= end))
    }

    /// Returns the number of counted flows of its segment, if the load limits them.
    pub fn flows_of_segment(&self) -> Option<u64> {
        self.flows.map(|flows| self.segment.share(flows))
    }

    /// Returns the flow starts per second of an open load's segment: its rate, or the mean of a
    /// changing one over the time in which flows are started.
    pub fn wanted_per_second(&self) -> Option<f64> {
        let Shape::Open { rate, .. } = &self.shape else {
            return None;
        };
        let end = self.end().filter(|end| !end.is_zero());
        let whole = end.map_or(rate.at(Duration::ZERO), |end| {
            rate.integral(end) / end.as_secs_f64()
        });
        Some(whole / self.segment.count() as f64)
    }

    /// Returns the maximum number of flows of its segment in flight.
    pub fn most_in_flight(&self) -> u64 {
        match &self.shape {
            Shape::Closed { parallel, .. } => {
                let most = parallel.highest().floor() as u64;
                let most = most.min(self.flows.unwrap_or(u64::MAX));
                self.segment.share(most).max(1)
            }
            Shape::Open { most_in_flight, .. } => self.segment.share(*most_in_flight),
        }
    }
}

impl std::fmt::Display for Load {
    /// Formats the load for people: `20 at once`, `5/s as they come, at most 200 in flight`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.shape {
            Shape::Closed {
                parallel, between, ..
            } => {
                if parallel.stages.is_empty() {
                    write!(f, "{} at once", self.most_in_flight())?;
                } else {
                    write!(
                        f,
                        "up to {} at once, in {} stages",
                        self.most_in_flight(),
                        parallel.stages.len()
                    )?;
                }
                match between {
                    Pacing::Nothing => Ok(()),
                    Pacing::Pause(pause) => {
                        write!(f, ", {} between", humantime::format_duration(*pause))
                    }
                    Pacing::Pace(pace) => {
                        write!(f, ", one each {}", humantime::format_duration(*pace))
                    }
                }
            }
            Shape::Open {
                rate,
                arrivals,
                most_in_flight,
            } => {
                if rate.stages.is_empty() {
                    write!(f, "{}/s", rate.from)?;
                } else {
                    write!(
                        f,
                        "up to {}/s, in {} stages",
                        rate.highest(),
                        rate.stages.len()
                    )?;
                }
                if *arrivals == Arrivals::Poisson {
                    f.write_str(" on average, as they come")?;
                }
                write!(f, ", at most {most_in_flight} in flight")
            }
        }
    }
}

/// Parses `5/s`, `300/m` or `40/h`, as flows per second.
pub fn parse_rate(text: &str) -> Option<f64> {
    let (count, unit) = text.trim().split_once('/')?;
    let seconds = match unit.trim() {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let count: f64 = count.trim().parse().ok()?;
    (count.is_finite() && count >= 0.0).then_some(count / seconds)
}

/// The highest rate of a load, in flows per second: far more than any machine starts, and far
/// fewer than the schedule's clock distinguishes.
pub const MAX_RATE: f64 = 1e6;

/// Programs that one processor starts in a second at best, from measurements.
const STARTS_PER_PROCESSOR: usize = 1_500;

/// Returns the advice for a rate beyond [`MAX_RATE`].
pub fn help_for_excessive_rate() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let starts = processors * STARTS_PER_PROCESSOR;
    format!("this machine could start about {starts} programs a second: want no more than that")
}

/// The default limit of flows in flight in an open load.
pub const MAX_IN_FLIGHT: u64 = 200;

/// The default time that flows have to finish at the end of the run.
pub const GRACEFUL_STOP: Duration = Duration::from_secs(30);

impl Ramp {
    /// Creates a constant quantity.
    pub fn constant(value: f64) -> Self {
        Ramp {
            from: value,
            stages: Vec::new(),
        }
    }

    /// Returns the total length of the stages.
    pub fn length(&self) -> Duration {
        self.stages.iter().map(|stage| stage.length).sum()
    }

    /// Returns the maximum.
    pub fn highest(&self) -> f64 {
        self.stages
            .iter()
            .map(|stage| stage.to)
            .fold(self.from, f64::max)
    }

    /// Returns the ramp that is the same until `time`, and constant from then on.
    #[must_use]
    pub fn changed(&self, time: Duration, to: f64) -> Self {
        let mut left = time;
        let mut stages = Vec::new();
        for stage in &self.stages {
            if stage.length > left {
                break;
            }
            left -= stage.length;
            stages.push(*stage);
        }
        let jump = Stage {
            length: Duration::ZERO,
            to,
        };
        let rest = Stage {
            length: left,
            to: self.at(time),
        };
        stages.extend([rest, jump]);
        Ramp {
            from: self.from,
            stages,
        }
    }

    /// Returns the quantity at this time.
    pub fn at(&self, time: Duration) -> f64 {
        let mut left = time;
        let mut value = self.from;
        for stage in &self.stages {
            if left < stage.length {
                let part = left.as_secs_f64() / stage.length.as_secs_f64();
                return value + (stage.to - value) * part;
            }
            left -= stage.length;
            value = stage.to;
        }
        value
    }

    /// Returns the first time, not before `after`, at which the quantity reaches `level`; `None` if
    /// it never does.
    pub fn reaches(&self, level: f64, after: Duration) -> Option<Duration> {
        if self.at(after) >= level {
            return Some(after);
        }
        let mut begin = Duration::ZERO;
        let mut value = self.from;
        for stage in &self.stages {
            let end = begin + stage.length;
            if end > after && stage.to >= level {
                let part = (level - value) / (stage.to - value);
                return Some(begin + stage.length.mul_f64(part.clamp(0.0, 1.0)));
            }
            begin = end;
            value = stage.to;
        }
        None
    }

    /// Returns the integral (value times seconds) up to this time.
    pub fn integral(&self, until: Duration) -> f64 {
        let mut left = until;
        let mut value = self.from;
        let mut area = 0.0;
        for stage in &self.stages {
            let length = stage.length.min(left);
            let to = self.at(until - left + length);
            let to = if length == stage.length { stage.to } else { to };
            area += (value + to) / 2.0 * length.as_secs_f64();
            left -= length;
            value = to;
        }
        area + value * left.as_secs_f64()
    }

    /// Returns the time at which the integral (value times seconds) reaches `area`; `None` if it
    /// never does.
    pub fn when_integral_is(&self, area: f64) -> Option<Duration> {
        let mut left = area;
        let mut begin = Duration::ZERO;
        let mut value = self.from;
        for stage in &self.stages {
            let length = stage.length.as_secs_f64();
            let whole = (value + stage.to) / 2.0 * length;
            if left <= whole && whole > 0.0 {
                let slope = (stage.to - value) / length;
                return Some(begin + seconds(time_for_area(left, value, slope)));
            }
            left -= whole;
            begin += stage.length;
            value = stage.to;
        }
        if value > 0.0 {
            return Some(begin + seconds(left / value));
        }
        (left <= 0.0).then_some(begin)
    }
}

/// Returns the time in which a quantity that starts at `value` and changes by `slope` per second
/// has the integral `area`: the root of `slope/2·x² + value·x = area`, in a form that is accurate
/// for a small slope.
fn time_for_area(area: f64, value: f64, slope: f64) -> f64 {
    if area <= 0.0 {
        return 0.0;
    }
    2.0 * area / (value + (value * value + 2.0 * slope * area).max(0.0).sqrt())
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn up_and_down() -> Ramp {
        Ramp {
            from: 0.0,
            stages: vec![
                Stage {
                    length: s(10),
                    to: 20.0,
                },
                Stage {
                    length: s(10),
                    to: 20.0,
                },
                Stage {
                    length: s(20),
                    to: 0.0,
                },
            ],
        }
    }

    #[test]
    fn rates_have_a_unit() {
        assert_eq!(parse_rate("5/s"), Some(5.0));
        assert_eq!(parse_rate(" 90 / m"), Some(1.5));
        assert_eq!(parse_rate("36/h"), Some(0.01));
        for wrong in ["5", "5/d", "-1/s", "x/s", "NaN/s", ""] {
            assert_eq!(parse_rate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_ramp_is_linear_between_its_stages() {
        let ramp = up_and_down();
        let values = [
            (0, 0.0),
            (5, 10.0),
            (10, 20.0),
            (15, 20.0),
            (30, 10.0),
            (40, 0.0),
            (99, 0.0),
        ];
        for (time, value) in values {
            assert!((ramp.at(s(time)) - value).abs() < 1e-9, "at {time}");
        }
        assert_eq!(ramp.length(), s(40));
        assert!((ramp.highest() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_level_is_reached_when_the_ramp_gets_there() {
        let ramp = up_and_down();
        assert_eq!(ramp.reaches(10.0, Duration::ZERO), Some(s(5)));
        assert_eq!(ramp.reaches(10.0, s(12)), Some(s(12)));
        assert_eq!(ramp.reaches(11.0, s(30)), None);
        assert_eq!(ramp.reaches(21.0, Duration::ZERO), None);
    }

    #[test]
    fn the_integral_grows_with_the_ramp() {
        let ramp = up_and_down();
        for (until, area) in [(0, 0.0), (5, 25.0), (10, 100.0), (20, 300.0), (30, 450.0)] {
            assert!((ramp.integral(s(until)) - area).abs() < 1e-9, "at {until}");
        }
        assert!((ramp.integral(s(99)) - 500.0).abs() < 1e-9);
        assert!((Ramp::constant(5.0).integral(s(3)) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_stage_without_a_length_is_a_jump() {
        let stage = |seconds, to| Stage {
            length: s(seconds),
            to,
        };
        let ramp = Ramp {
            from: 0.0,
            stages: vec![stage(0, 10.0), stage(4, 10.0), stage(0, 2.0), stage(5, 2.0)],
        };
        let at = [0, 3, 4, 8].map(|time| ramp.at(s(time)));
        assert_eq!(at, [10.0, 10.0, 2.0, 2.0]);
        assert_eq!(ramp.reaches(7.0, Duration::ZERO), Some(Duration::ZERO));
        assert_eq!(ramp.reaches(7.0, s(4)), None);
        assert!((ramp.integral(s(9)) - 50.0).abs() < 1e-9);
        let starts = [0.0, 40.0, 42.0].map(|place| ramp.when_integral_is(place));
        assert_eq!(starts, [Some(s(0)), Some(s(4)), Some(s(5))]);
        let later = Ramp {
            from: 0.0,
            stages: vec![stage(5, 0.0), stage(0, 4.0)],
        };
        assert_eq!(later.reaches(4.0, Duration::ZERO), Some(s(5)));
        assert_eq!(later.when_integral_is(4.0), Some(s(6)));
    }

    #[test]
    fn a_changed_ramp_has_the_same_past() {
        let ramp = up_and_down();
        for at in [0, 3, 10, 15, 20, 27, 40] {
            let changed = ramp.changed(s(at), 7.0);
            for time in 0..at {
                assert_eq!(changed.at(s(time)), ramp.at(s(time)), "{time} of {at}");
            }
            assert!((changed.integral(s(at)) - ramp.integral(s(at))).abs() < 1e-9);
            assert_eq!((changed.at(s(at)), changed.at(s(99))), (7.0, 7.0));
            let later = changed.when_integral_is(ramp.integral(s(at)) + 14.0);
            assert_eq!(later, Some(s(at + 2)));
            assert_eq!(changed.reaches(7.0, s(at)), Some(s(at)));
            assert_eq!(changed.reaches(7.5, s(at)), None);
        }
    }

    #[test]
    fn the_integral_gives_the_times_of_starts() {
        let constant = Ramp::constant(5.0);
        assert_eq!(
            constant.when_integral_is(3.0),
            Some(Duration::from_millis(600))
        );
        let ramp = up_and_down();
        assert_eq!(ramp.when_integral_is(0.0), Some(Duration::ZERO));
        assert_eq!(ramp.when_integral_is(100.0), Some(s(10)));
        assert_eq!(ramp.when_integral_is(25.0), Some(s(5)));
        assert_eq!(ramp.when_integral_is(300.0), Some(s(20)));
        // Down from 20 by 1 a second: 150 more after ten seconds.
        assert_eq!(ramp.when_integral_is(450.0), Some(s(30)));
        assert_eq!(ramp.when_integral_is(500.1), None);
        assert_eq!(Ramp::constant(0.0).when_integral_is(1.0), None);
    }
}
