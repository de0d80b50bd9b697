//! Growth of the number of flows in flight during a trial: at a rate that the programs cannot
//! sustain flows pile up, even if the trial ends before a threshold shows it.

use std::ops::Range;

use super::super::TimelineMoment;

/// Parts of a trial that are compared with each other.
const PARTS: usize = 4;

/// The least growth that counts. Flows that begin and end within the parts give less.
const LEAST: f64 = 1.5;

/// The growth that counts, in standard deviations of a number of independent flows. Parts are
/// means over time, which vary less.
const DEVIATIONS: f64 = 2.0;

/// The mean numbers of flows in flight in the first and in the last part of a trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    pub first: f64,
    pub last: f64,
}

impl Growth {
    /// Returns the growth in the counted part of a trial. `None` if the number of flows in flight
    /// does not rise from each part to the next, and by more than chance gives.
    pub fn of(moments: &[TimelineMoment], counted_us: Range<u64>) -> Option<Self> {
        let counted: Vec<f64> = moments
            .iter()
            .filter(|it| counted_us.contains(&it.middle_us))
            .map(|it| it.in_flight)
            .collect();
        if counted.len() < PARTS {
            return None;
        }
        let means: Vec<f64> = (0..PARTS)
            .map(|part| {
                let at = |part: usize| part * counted.len() / PARTS;
                let moments = &counted[at(part)..at(part + 1)];
                moments.iter().sum::<f64>() / moments.len() as f64
            })
            .collect();
        let rises = means.windows(2).all(|pair| pair[0] < pair[1]);
        let (first, last) = (means[0], means[PARTS - 1]);
        let least = LEAST.max(DEVIATIONS * first.sqrt());
        (rises && last - first >= least).then_some(Growth { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::super::queues::Spread::{Even, Exponential, Uniform};
    use super::super::queues::{CAPACITY, Spread, in_flight, moments};
    use super::*;

    /// Returns the part of trials of 200 flows at the capacity, that is 20 s after a warm-up of 2 s,
    /// in which this load grows.
    fn growing(arrivals: Spread, services: Spread, load: f64) -> f64 {
        const TRIALS: u64 = 400;
        let found = (0..TRIALS).filter(|seed| {
            let course = in_flight(arrivals, services, load * CAPACITY, 22, *seed);
            Growth::of(&course, 2_000_000..22_000_000).is_some()
        });
        found.count() as f64 / TRIALS as f64
    }

    #[test]
    fn a_queue_that_cannot_drain_grows_and_others_do_not() {
        assert_eq!(growing(Even, Uniform, 0.5), 0.0);
        assert!(growing(Even, Uniform, 0.9) <= 0.02);
        assert!(growing(Even, Uniform, 0.95) <= 0.05);
        assert!(growing(Even, Uniform, 1.05) >= 0.8);
        assert_eq!(growing(Even, Uniform, 1.2), 1.0);
    }

    /// With random arrivals and services, a queue near its limit grows and shrinks for longer than a
    /// trial: no rule can tell it from one that cannot drain.
    #[test]
    fn queues_of_random_arrivals_are_told_apart_away_from_the_limit() {
        let rates = |services| {
            [0.5, 0.8, 0.9, 0.95, 1.05, 1.2, 1.5].map(|load| growing(Exponential, services, load))
        };
        let (even, random) = (rates(Even), rates(Exponential));
        eprintln!("part of trials judged as growing: M/D/1 {even:?}, M/M/1 {random:?}");
        let [half, most, near, ..] = even;
        assert!(half <= 0.01 && most <= 0.06 && near <= 0.11, "{even:?}");
        assert!(even[5] >= 0.8 && even[6] >= 0.99, "{even:?}");
        let [half, most, near, ..] = random;
        assert!(half <= 0.03 && most <= 0.11 && near <= 0.18, "{random:?}");
        assert!(random[5] >= 0.65 && random[6] >= 0.97, "{random:?}");
    }

    #[test]
    fn the_warm_up_and_the_end_are_left_out() {
        let rising = [0.0, 9.0, 18.0, 20.0, 20.0, 20.1, 19.9, 20.0, 60.0];
        assert_eq!(Growth::of(&moments(rising), 2_000_000..8_000_000), None);
        assert_eq!(Growth::of(&moments([1.0, 9.0]), 0..2_000_000), None);
        let found = Growth::of(&moments([2.0, 4.0, 6.0, 8.0]), 0..4_000_000).unwrap();
        assert_eq!((found.first, found.last), (2.0, 8.0));
    }
}
