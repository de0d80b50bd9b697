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
    use std::collections::VecDeque;

    use super::*;

    fn moments(in_flight: impl IntoIterator<Item = f64>) -> Vec<TimelineMoment> {
        let moments = in_flight.into_iter().enumerate();
        moments
            .map(|(place, in_flight)| TimelineMoment {
                middle_us: place as u64 * 1_000_000 + 500_000,
                completed: 0,
                failed: 0,
                interrupted: 0,
                strikes: 0,
                in_flight,
                p50_us: None,
                p95_us: None,
                p99_us: None,
            })
            .collect()
    }

    /// Flows in flight in each of `seconds`, of arrivals at even distances at one server whose
    /// service takes between 50 and 150 ms.
    fn queue(rate: f64, seconds: usize, seed: u64) -> Vec<TimelineMoment> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut ends: VecDeque<f64> = VecDeque::new();
        let mut busy_for = vec![0.0; seconds];
        for flow in 0..(rate * seconds as f64) as usize {
            let due = flow as f64 / rate;
            let free = ends.back().copied().unwrap_or(0.0).max(due);
            let end = free + 0.05 + 0.1 * random.f64();
            ends.push_back(end);
            for (second, sum) in busy_for.iter_mut().enumerate() {
                let second = second as f64;
                *sum += (end.min(second + 1.0) - due.max(second)).max(0.0);
            }
        }
        moments(busy_for)
    }

    #[test]
    fn a_queue_that_cannot_drain_grows_and_others_do_not() {
        let counted = 2_000_000..22_000_000;
        let growing = |rate: f64| {
            let found = (0..200)
                .filter(|seed| Growth::of(&queue(rate, 22, *seed), counted.clone()).is_some());
            found.count()
        };
        // The server completes ten a second.
        assert_eq!(growing(5.0), 0);
        assert!(growing(9.0) <= 4, "{}", growing(9.0));
        assert!(growing(9.5) <= 10, "{}", growing(9.5));
        assert!(growing(10.5) >= 160, "{}", growing(10.5));
        assert_eq!(growing(12.0), 200);
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
