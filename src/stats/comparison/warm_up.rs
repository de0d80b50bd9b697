//! Detection of a warm-up within a run.

use serde::{Deserialize, Serialize};

/// Seconds that are averaged before the search.
const BATCH: usize = 5;

/// With fewer batches, there is no telling warm-up from noise.
const MIN_BATCHES: usize = 6;

/// The warm-up at the beginning of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    /// The number of values at the beginning that differ from the rest.
    pub length: usize,
    /// Their mean, divided by the mean of the rest.
    pub ratio: f64,
    /// The run settled in its first half; otherwise it may not have settled at all.
    pub settled: bool,
}

/// Returns the warm-up in a series of one value per second, such as the flows per second or the
/// mean response; `None` if there is none or the series is too short. Seconds without a value are
/// skipped.
///
/// The length is that of MSER-5: the truncation that minimises the standard error of the mean of
/// what is left, on means of five (K. P. White, "An effective truncation heuristic for bias
/// reduction in simulation output", 1997). As it finds a minimum in any noise, the means before the
/// truncation must on average be further from the rest than five standard errors of their mean.
pub fn warm_up(seconds: &[Option<f64>]) -> Option<WarmUp> {
    let present: Vec<(usize, f64)> = seconds
        .iter()
        .enumerate()
        .filter_map(|(second, value)| Some((second, value.filter(|it| it.is_finite())?)))
        .collect();
    let batches: Vec<f64> = present
        .chunks_exact(BATCH)
        .map(|batch| batch.iter().map(|(_, value)| value).sum::<f64>() / BATCH as f64)
        .collect();
    if batches.len() < MIN_BATCHES {
        return None;
    }
    let error = |cut: usize| {
        let rest = &batches[cut..];
        variance(rest) / rest.len() as f64
    };
    // Few batches at the end are alike by chance; a cut beyond the half is no cut.
    let cuts = 0..=batches.len() - MIN_BATCHES.min(batches.len() / 2);
    let cut = cuts.min_by(|one, other| error(*one).total_cmp(&error(*other)))?;
    if cut == 0 {
        return None;
    }
    let settled = cut <= batches.len() / 2;
    let (start, rest) = batches.split_at(cut);
    let (start_mean, rest_mean) = (mean(start), mean(rest));
    let spread = (variance(rest) * rest.len() as f64 / (rest.len() - 1) as f64).sqrt();
    let deviation = (start_mean - rest_mean).abs() * (start.len() as f64).sqrt();
    (deviation > 5.0 * spread && start_mean != rest_mean).then(|| WarmUp {
        length: present[cut * BATCH].0,
        ratio: start_mean / rest_mean,
        settled,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::simulation::normal;
    use super::*;

    /// Seconds of which the first ones are slower.
    fn seconds(slow: usize, by: f64, random: &mut fastrand::Rng) -> Vec<Option<f64>> {
        let level = |second: usize| if second < slow { 1.0 + by } else { 1.0 };
        (0..100)
            .map(|second| Some(level(second) + 0.1 * normal(random)))
            .collect()
    }

    #[test]
    fn slow_seconds_at_the_beginning_are_found() {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut found, mut alarms) = (0, 0);
        for _ in 0..100 {
            let warm_up_of =
                |slow, random: &mut fastrand::Rng| warm_up(&seconds(slow, 0.5, random));
            alarms += usize::from(warm_up_of(0, &mut random).is_some());
            let warm_up = warm_up_of(20, &mut random);
            found +=
                usize::from(warm_up.is_some_and(|it| {
                    it.settled && (20..=45).contains(&it.length) && it.ratio > 1.1
                }));
        }
        assert!(found >= 90 && alarms <= 5, "{found} {alarms}");
    }

    #[test]
    fn a_run_that_settles_late_has_not_settled() {
        let mut random = fastrand::Rng::with_seed(2);
        let warm_up = warm_up(&seconds(70, 1.0, &mut random)).expect("a warm-up");
        assert!(!warm_up.settled);
    }

    #[test]
    fn short_or_even_series_have_no_warm_up() {
        assert_eq!(warm_up(&[Some(5.0); 100]), None);
        assert_eq!(warm_up(&[Some(9.0), Some(1.0), Some(1.0)]), None);
        assert_eq!(warm_up(&[None; 100]), None);
    }
}
