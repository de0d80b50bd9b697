//! Change points in the history of a figure: runs from which on it is different.
//!
//! E-divisive (D. S. Matteson and N. A. James, "A nonparametric approach for multiple change point
//! analysis of multivariate data", 2014), as used for performance histories by D. Daly et al. ("The
//! use of change point detection to identify software performance regressions in a continuous
//! integration system", 2020): the split with the greatest energy distance between both sides is a
//! change point if few random orders of the runs have one as great; then both sides are split
//! again.
//!
//! In independent runs it raises a false alarm in about `alpha` of all histories, in runs that
//! depend on the ones before in more.

use serde::{Deserialize, Serialize};

use super::comparison::Scale;

/// After so many runs, a change is no longer looked for in the part of the history up to then.
const MAX_LOOKS: usize = 30;

/// Settings of the detection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePointSettings {
    /// The greatest p of a change point.
    pub alpha: f64,
    /// The least runs between change points, and before the first and after the last.
    pub min_segment: usize,
    /// The number of random orders.
    pub permutations: usize,
    /// Seeds the random orders.
    pub seed: u64,
}

impl Default for ChangePointSettings {
    fn default() -> Self {
        ChangePointSettings {
            alpha: 0.05,
            min_segment: 3,
            permutations: 199,
            seed: 1,
        }
    }
}

/// One change point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// The place of the first run after the change.
    pub index: usize,
    /// The geometric mean of the runs since the change point before; of shares the mean.
    pub before: f64,
    /// The same of the runs up to the next change point.
    pub after: f64,
    /// After divided by before, or of shares after minus before.
    pub change: f64,
    pub scale: Scale,
    /// The p of the permutation test that found it.
    pub p: f64,
    /// The number of runs from the change on after which it could be believed: it was found in the
    /// history up to then, and in that of the run before. Absent if the history does not suffice.
    pub believed_after: Option<usize>,
}

/// Returns the change points of a series, in its order. Places without a value are skipped.
pub fn change_points(
    series: &[Option<f64>],
    scale: Scale,
    settings: &ChangePointSettings,
) -> Vec<ChangePoint> {
    let (places, values): (Vec<usize>, Vec<f64>) = scale
        .apply(series)
        .into_iter()
        .enumerate()
        .filter_map(|(place, value)| Some((place, value?)))
        .unzip();
    let found = divide(&values, settings);
    let mut bounds = vec![0];
    bounds.extend(found.iter().map(|(at, _)| *at));
    bounds.push(values.len());
    let mean = |from: usize, to: usize| values[from..to].iter().sum::<f64>() / (to - from) as f64;
    bounds
        .windows(3)
        .zip(&found)
        .map(|(bounds, (_, p))| {
            let (before, after) = (mean(bounds[0], bounds[1]), mean(bounds[1], bounds[2]));
            let segment = &values[bounds[0]..bounds[2]];
            ChangePoint {
                index: places[bounds[1]],
                before: scale.state(before),
                after: scale.state(after),
                change: scale.state(after - before),
                scale,
                p: *p,
                believed_after: believed_after(segment, bounds[1] - bounds[0], settings),
            }
        })
        .collect()
}

/// Returns the places of the change points with their p.
fn divide(values: &[f64], settings: &ChangePointSettings) -> Vec<(usize, f64)> {
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let mut found: Vec<(usize, f64)> = Vec::new();
    loop {
        let mut bounds = vec![0];
        bounds.extend(found.iter().map(|(at, _)| *at));
        bounds.push(values.len());
        let Some(next) = significant_split(values, &bounds, settings, &mut random) else {
            return found;
        };
        found.push(next);
        found.sort_unstable_by_key(|(at, _)| *at);
    }
}

/// Returns the best split of all segments with its p, if that is at most `alpha`. The orders are
/// those of runs within the segments.
fn significant_split(
    values: &[f64],
    bounds: &[usize],
    settings: &ChangePointSettings,
    random: &mut fastrand::Rng,
) -> Option<(usize, f64)> {
    let best = |values: &[f64]| -> Option<Split> {
        bounds
            .windows(2)
            .filter_map(|ends| {
                let split = best_split(&values[ends[0]..ends[1]], settings.min_segment)?;
                let at = split.at + ends[0];
                Some(Split { at, ..split })
            })
            .max_by(|one, other| one.energy.total_cmp(&other.energy))
    };
    let observed = best(values).filter(|it| it.energy > 0.0)?;
    let (mut extreme, orders) = (1_usize, settings.permutations + 1);
    let mut shuffled = values.to_vec();
    for _ in 1..orders {
        for ends in bounds.windows(2) {
            random.shuffle(&mut shuffled[ends[0]..ends[1]]);
        }
        let bar = observed.energy * (1.0 - 1e-9);
        extreme += usize::from(best(&shuffled).is_some_and(|it| it.energy >= bar));
        // The rest of the orders could not change the answer.
        if extreme as f64 / orders as f64 > settings.alpha {
            return None;
        }
    }
    Some((observed.at, extreme as f64 / orders as f64))
}

/// A division of a segment in two.
#[derive(Debug, Clone, Copy)]
struct Split {
    at: usize,
    /// The energy distance of both sides, scaled by their sizes: equation 5 of Matteson and James.
    energy: f64,
}

/// Returns the split with the greatest energy; `None` if the segment is too short.
fn best_split(values: &[f64], min_segment: usize) -> Option<Split> {
    let least = min_segment.max(2);
    if values.len() < 2 * least {
        return None;
    }
    let distances = |to: f64, others: &[f64]| others.iter().map(|it| (it - to).abs()).sum::<f64>();
    let all: f64 = (1..values.len())
        .map(|at| distances(values[at], &values[..at]))
        .sum();
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    let (mut left, mut right) = (0.0, all);
    let mut best: Option<Split> = None;
    for at in 1..=values.len() - least {
        // The value before the split changes sides.
        left += distances(values[at - 1], &values[..at - 1]);
        right -= distances(values[at - 1], &values[at..]);
        if at < least {
            continue;
        }
        let (before, after) = (at as f64, (values.len() - at) as f64);
        let between = (all - left - right) * 2.0 / (before * after);
        let within = left / pairs(before) + right / pairs(after);
        let energy = (between - within) * before * after / (before + after);
        if best.is_none_or(|it| energy > it.energy) {
            best = Some(Split { at, energy });
        }
    }
    best
}

/// Returns the number of runs after which a change at this place of a segment was found twice in
/// succession, as by somebody who looks after each run.
fn believed_after(segment: &[f64], change: usize, settings: &ChangePointSettings) -> Option<usize> {
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let longest = (segment.len() - change).min(MAX_LOOKS);
    let mut was_found = false;
    for runs in settings.min_segment..=longest {
        let known = &segment[..change + runs];
        let split = significant_split(known, &[0, known.len()], settings, &mut random);
        // A neighbouring run may look like the first one for a while.
        let is_found = split.is_some_and(|(at, _)| at.abs_diff(change) < settings.min_segment);
        if is_found && was_found {
            return Some(runs);
        }
        was_found = is_found;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::comparison::normal;
    use super::*;

    /// A history with a spread of 5 % that changes by these factors at these places.
    fn history(
        runs: usize,
        changes: &[(usize, f64)],
        random: &mut fastrand::Rng,
    ) -> Vec<Option<f64>> {
        let level = |run: usize| -> f64 {
            let past = changes.iter().filter(|(at, _)| *at <= run);
            past.map(|(_, factor)| factor).product()
        };
        (0..runs)
            .map(|run| Some(level(run) * (0.05 * normal(random)).exp()))
            .collect()
    }

    fn found(series: &[Option<f64>]) -> Vec<ChangePoint> {
        change_points(series, Scale::Ratio, &ChangePointSettings::default())
    }

    #[test]
    fn histories_without_change_seldom_have_a_change_point() {
        let mut random = fastrand::Rng::with_seed(1);
        let alarms = (0..30).filter(|_| !found(&history(25, &[], &mut random)).is_empty());
        let alarms = alarms.count();
        assert!(alarms <= 6, "{alarms} of 30");
    }

    #[test]
    fn changes_are_found_where_they_are() {
        let mut random = fastrand::Rng::with_seed(2);
        let (mut hits, mut believed) = (0, 0);
        for _ in 0..6 {
            let series = history(30, &[(20, 1.2)], &mut random);
            let changes = found(&series);
            let hit = changes.iter().find(|it| it.index.abs_diff(20) <= 1);
            hits += usize::from(hit.is_some_and(|it| (1.1..1.3).contains(&it.change)));
            let runs = hit.and_then(|it| it.believed_after);
            believed += usize::from(runs.is_some_and(|it| (4..=8).contains(&it)));
        }
        assert!(
            hits >= 5 && believed >= 4,
            "{hits} found, {believed} believed"
        );
    }

    #[test]
    fn a_fall_after_a_rise_is_a_second_change_point() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut series = history(36, &[(12, 1.5), (24, 0.5)], &mut random);
        series.insert(5, None);
        let changes = found(&series);
        let places: Vec<usize> = changes.iter().map(|it| it.index).collect();
        assert_eq!(places, [13, 25]);
        assert!(changes[0].change > 1.4 && changes[1].change < 0.6);
        assert!((changes[0].after - changes[1].before).abs() < 1e-9);
    }

    #[test]
    fn three_runs_may_be_found_but_not_yet_believed() {
        let series: Vec<Option<f64>> = (0..23_u32)
            .map(|run| Some(f64::from(run % 4) + if run < 20 { 100.0 } else { 150.0 }))
            .collect();
        let changes = found(&series);
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].index, changes[0].believed_after), (20, None));
    }

    #[test]
    fn shares_change_by_differences() {
        let mut series = vec![Some(0.0); 15];
        series.extend([0.1, 0.12, 0.09, 0.11, 0.1].map(Some));
        let settings = ChangePointSettings::default();
        let changes = change_points(&series, Scale::Difference, &settings);
        assert_eq!(changes.len(), 1);
        assert!((changes[0].change - 0.104).abs() < 1e-9);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(25))]
        #[test]
        fn any_series_is_searched(
            series in prop::collection::vec(prop::option::of(prop_oneof![-1.0..2.0, Just(0.0), Just(f64::NAN)]), 0..12),
            min_segment in 0..4_usize,
        ) {
            let settings = ChangePointSettings { min_segment, ..ChangePointSettings::default() };
            for change in change_points(&series, Scale::Ratio, &settings) {
                prop_assert!(series[change.index].is_some());
                prop_assert!(change.change.is_finite() && change.p <= 0.05);
            }
        }
    }
}
