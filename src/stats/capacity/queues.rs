//! Simulated queues of one server that completes ten flows a second, for tests of what is judged by
//! their lengths.

use super::super::TimelineMoment;

/// Flows that the server can complete in a second.
pub(super) const CAPACITY: f64 = 10.0;

/// Distances of arrivals, and times of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// All the same.
    Even,
    /// Between half of the mean and half as much again.
    Uniform,
    /// Of independent users, or services without memory.
    Exponential,
}

impl Spread {
    fn next(self, mean: f64, random: &mut fastrand::Rng) -> f64 {
        match self {
            Spread::Even => mean,
            Spread::Uniform => mean * (0.5 + random.f64()),
            Spread::Exponential => -mean * (1.0 - random.f64()).ln(),
        }
    }
}

/// Returns the mean numbers of flows in flight in each of these seconds.
pub(super) fn in_flight(
    arrivals: Spread,
    services: Spread,
    rate: f64,
    seconds: usize,
    seed: u64,
) -> Vec<TimelineMoment> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut due, mut free) = (0.0_f64, 0.0_f64);
    let mut in_flight = vec![0.0; seconds];
    while due < seconds as f64 {
        free = free.max(due) + services.next(1.0 / CAPACITY, &mut random);
        let rest = in_flight.iter_mut().enumerate().skip(due as usize);
        for (second, sum) in rest.take_while(|(second, _)| (*second as f64) < free) {
            let second = second as f64;
            *sum += (free.min(second + 1.0) - due.max(second)).max(0.0);
        }
        due += arrivals.next(1.0 / rate, &mut random);
    }
    moments(in_flight)
}

/// Returns moments of a second each with these numbers of flows in flight.
pub(super) fn moments(in_flight: impl IntoIterator<Item = f64>) -> Vec<TimelineMoment> {
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
