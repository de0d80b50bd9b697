//! Drift over repeated runs: a machine that warms up or fills up while they are made.

use serde::{Deserialize, Serialize};

use super::figure::Scale;

/// Up to so many runs, all their orders are tried: 40,320.
const MAX_EXHAUSTIVE: usize = 8;

/// With fewer runs, no order is rare enough.
const MIN_RUNS: usize = 5;

/// Random orders of more runs, with the observed one.
const SAMPLED: usize = 10_000;

/// The drift of a figure over the runs, in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The typical change from run to run: a ratio or a difference.
    pub per_run: f64,
    /// Spearman's rank correlation of value and order, from -1 to 1.
    pub correlation: f64,
    /// The two-sided p of the permutation test of the correlation.
    pub p: f64,
}

/// Returns the drift over the runs; `None` if there are fewer than five values or they are all
/// equal.
///
/// The change per run is the median of the slopes between all pairs of runs (P. K. Sen, "Estimates
/// of the regression coefficient based on Kendall's tau", 1968). The correlation is Spearman's, with
/// mean ranks for equal values, and its permutation test is exact for up to eight runs.
pub fn drift(runs: &[Option<f64>], scale: Scale, seed: u64) -> Option<Drift> {
    let values = scale.apply(runs);
    let present: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(run, value)| Some((run as f64, (*value)?)))
        .collect();
    if present.len() < MIN_RUNS {
        return None;
    }
    let values: Vec<f64> = present.iter().map(|(_, value)| *value).collect();
    let ranks = centred_ranks(&values);
    let squares: f64 = ranks.iter().map(|it| it * it).sum();
    if squares == 0.0 {
        return None;
    }
    let middle = (ranks.len() - 1) as f64 / 2.0;
    let places: Vec<f64> = (0..ranks.len()).map(|it| it as f64 - middle).collect();
    let product = |ranks: &[f64]| -> f64 { places.iter().zip(ranks).map(|(x, y)| x * y).sum() };
    let observed = product(&ranks);
    let bar = observed.abs() - 1e-9;
    let (mut extreme, mut all) = (0_usize, 0_usize);
    let mut count = |order: &[f64]| {
        extreme += usize::from(product(order).abs() >= bar);
        all += 1;
    };
    if ranks.len() <= MAX_EXHAUSTIVE {
        each_order(&mut ranks.clone(), 0, &mut count);
    } else {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut order = ranks.clone();
        count(&order);
        for _ in 1..SAMPLED {
            random.shuffle(&mut order);
            count(&order);
        }
    }
    let place_squares: f64 = places.iter().map(|it| it * it).sum();
    Some(Drift {
        per_run: scale.state(median_slope(&present)),
        correlation: observed / (squares * place_squares).sqrt(),
        p: extreme as f64 / all as f64,
    })
}

/// Returns the rank of each value, the mean one if some are equal, minus the mean of all ranks.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let count = |is: fn(&f64, &f64) -> bool, value: &f64| {
        values.iter().filter(|it| is(it, value)).count() as f64
    };
    values
        .iter()
        .map(|value| (count(|a, b| a < b, value) - count(|a, b| a > b, value)) / 2.0)
        .collect()
}

fn each_order(values: &mut [f64], from: usize, visit: &mut impl FnMut(&[f64])) {
    if from == values.len() {
        return visit(values);
    }
    for at in from..values.len() {
        values.swap(from, at);
        each_order(values, from + 1, visit);
        values.swap(from, at);
    }
}

fn median_slope(points: &[(f64, f64)]) -> f64 {
    let mut slopes: Vec<f64> = Vec::new();
    for (at, (x, y)) in points.iter().enumerate() {
        slopes.extend(
            points[at + 1..]
                .iter()
                .map(|(later, value)| (value - y) / (later - x)),
        );
    }
    slopes.sort_by(f64::total_cmp);
    let half = slopes.len() / 2;
    if slopes.len().is_multiple_of(2) {
        f64::midpoint(slopes[half - 1], slopes[half])
    } else {
        slopes[half]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn a_steady_rise_is_a_drift() {
        let runs = some(&[100.0, 102.0, 104.04, 106.12, 108.24, 110.41]);
        let drift = drift(&runs, Scale::Ratio, 1).expect("six runs");
        assert!((drift.per_run - 1.02).abs() < 1e-4);
        assert!((drift.correlation - 1.0).abs() < 1e-9);
        // Two of the 720 orders are monotone.
        assert!((drift.p - 2.0 / 720.0).abs() < 1e-12);
    }

    #[test]
    fn missing_runs_keep_their_place() {
        let mut runs = some(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        runs[2] = None;
        let drift = drift(&runs, Scale::Difference, 1).expect("six runs");
        assert!((drift.per_run - 1.0).abs() < 1e-9);
    }

    #[test]
    fn few_or_equal_values_have_none() {
        assert_eq!(drift(&some(&[1.0, 2.0, 3.0, 4.0]), Scale::Ratio, 1), None);
        assert_eq!(drift(&some(&[3.0; 9]), Scale::Ratio, 1), None);
        assert_eq!(drift(&[], Scale::Ratio, 1), None);
    }

    #[test]
    fn chance_alone_is_rarely_a_drift() {
        // The sampled test of twelve runs is slow without optimisation.
        for (runs, count, most) in [(6, 100, 12), (12, 5, 2)] {
            let mut random = fastrand::Rng::with_seed(7);
            let found = (0..count).filter(|seed| {
                let values: Vec<f64> = (0..runs).map(|_| 1.0 + random.f64()).collect();
                let found = drift(&some(&values), Scale::Ratio, *seed);
                found.is_some_and(|it| it.p <= 0.05)
            });
            let found = found.count();
            assert!(found <= most, "{found} of {count} with {runs} runs");
        }
    }
}
