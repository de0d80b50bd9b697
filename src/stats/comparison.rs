//! Comparison of repeated runs: what has become slower or faster, and how sure that is.
//!
//! The unit is the run. Samples within a run depend on each other, and runs differ by more than
//! their samples say, so that tests on pooled samples raise false alarms in half of all comparisons.
//! Each run therefore gives one value per figure (a percentile, a rate), and:
//!
//! - the effect is the ratio of the geometric means, or for shares, which may be zero, the
//!   difference of the means;
//! - `p` is that of the exact permutation test, which needs no assumption but that runs could be
//!   exchanged if nothing had changed;
//! - `p_adjusted` is that of the step-down maximum over all figures, which keeps the rate of
//!   comparisons with any false alarm. Unlike Holm's correction it takes account of the correlation
//!   between figures, and the smallest possible value does not rise with their number;
//! - the interval inverts the same permutation test, so it is exact as well.
//!
//! A figure has changed if `p_adjusted` is at most `alpha` and the estimate is beyond the tolerance;
//! it is the same if the whole interval is within the tolerance. Anything else cannot be told, and
//! the number of repeats that would tell is estimated.

mod arrangements;
mod drift;
mod figure;
mod outcome;
mod permutation;
mod power;
mod single_runs;
mod warm_up;

pub use arrangements::fewest_repeats;
pub use drift::{Drift, drift};
pub use figure::{ComparisonSettings, Direction, Figure, Measure, RunOrder, Scale};
pub use outcome::{ComparedFigure, Comparison, Doubt, Estimate, Finding, IntervalMethod};
pub use single_runs::{compare_single_rates, compare_single_runs};
pub use warm_up::{WarmUp, warm_up};

use arrangements::Arrangements;
use permutation::{Tested, Values, is_at_least, t_of_z, t_quantile, test};
use power::Precision;

/// Compares all figures of two groups of runs.
///
/// Each group should have at least [`fewest_repeats`] runs; with fewer, intervals and spreads are
/// still estimated, but no change is found.
pub fn compare(figures: &[Figure], settings: &ComparisonSettings) -> Comparison {
    let longest = |of: fn(&Figure) -> usize| figures.iter().map(of).max().unwrap_or(0);
    let (old, new) = (longest(|it| it.old.len()), longest(|it| it.new.len()));
    let arrangements = Arrangements::new(old, new, settings.order, settings.seed);
    let fewest = fewest_repeats(settings.alpha, settings.order);
    let mut candidates: Vec<Candidate> = figures
        .iter()
        .map(|figure| Candidate::new(figure, (old, new), &arrangements, settings))
        .collect();
    let critical_z = adjust(&mut candidates, arrangements.count(), settings.alpha);
    let bar = Bar {
        critical_z,
        extremes: settings.alpha * arrangements.count() as f64,
        repeats: old.min(new),
        fewest,
    };
    Comparison {
        figures: candidates
            .iter()
            .map(|it| it.conclude(&bar, settings))
            .collect(),
        arrangements: arrangements.count(),
        exhaustive: arrangements.exhaustive,
        fewest_repeats: fewest,
    }
}

/// The bar for all figures of a comparison.
struct Bar {
    /// The size from which on a difference counts.
    critical_z: f64,
    /// The number of arrangements that may be beyond it.
    extremes: f64,
    /// The repeats of the smaller group.
    repeats: usize,
    /// The least repeats that can find anything.
    fewest: usize,
}

/// A figure on its way through a comparison.
struct Candidate<'f> {
    figure: &'f Figure,
    values: Values,
    means: [Option<f64>; 2],
    tested: Option<Tested>,
    p_adjusted: Option<f64>,
}

/// Adjusts the p of each figure for all of them, and returns the size from which on a difference
/// would count whatever the figure.
///
/// This is the step-down maximum (P. H. Westfall and S. S. Young, "Resampling-Based Multiple
/// Testing", 1993, algorithm 4.1): the observed size of a figure is compared with the greatest size
/// among it and all figures with smaller ones, in each arrangement. All figures are arranged alike,
/// so their correlation is kept. Figures whose runs are too few to reach `alpha` take no part.
fn adjust(candidates: &mut [Candidate<'_>], arrangements: usize, alpha: f64) -> f64 {
    let mut family: Vec<(&Tested, &mut Option<f64>)> = candidates
        .iter_mut()
        .filter_map(|it| Some((it.tested.as_ref()?, &mut it.p_adjusted)))
        .filter(|(tested, _)| tested.least_p <= alpha)
        .collect();
    family.sort_by(|(one, _), (other, _)| one.observed.z.total_cmp(&other.observed.z));
    let mut greatest = vec![0.0_f64; arrangements];
    for (tested, p_adjusted) in &mut family {
        for (greatest, size) in greatest.iter_mut().zip(&tested.sizes) {
            *greatest = greatest.max(*size);
        }
        let is_extreme = |it: &&f64| is_at_least(**it, tested.observed.z);
        let extreme = greatest.iter().filter(is_extreme).count();
        **p_adjusted = Some(extreme as f64 / arrangements as f64);
    }
    // A figure is no more significant than one with a greater size.
    let mut least = 0.0_f64;
    for (_, p_adjusted) in family.iter_mut().rev() {
        least = p_adjusted.map_or(least, |p| p.max(least));
        **p_adjusted = Some(least);
    }
    greatest.sort_by(|one, other| other.total_cmp(one));
    let accepted = (alpha * arrangements as f64).floor() as usize;
    greatest.get(accepted).copied().unwrap_or(f64::INFINITY)
}

impl<'f> Candidate<'f> {
    fn new(
        figure: &'f Figure,
        (old, new): (usize, usize),
        arrangements: &Arrangements,
        settings: &ComparisonSettings,
    ) -> Self {
        let missing = |count: usize| std::iter::repeat_n(None, count);
        let runs: Vec<Option<f64>> = figure
            .old
            .iter()
            .copied()
            .chain(missing(old - figure.old.len()))
            .chain(figure.new.iter().copied())
            .chain(missing(new - figure.new.len()))
            .collect();
        let scale = figure.measure.scale();
        let values = scale.apply(&runs);
        let means = [&values[..old], &values[old..]].map(|group| {
            let present: Vec<f64> = group.iter().copied().flatten().collect();
            let mean = present.iter().sum::<f64>() / present.len() as f64;
            (!present.is_empty()).then(|| scale.state(mean))
        });
        let values = Values::new(values, arrangements);
        let tested = test(&values, arrangements, settings.alpha);
        Candidate {
            figure,
            values,
            means,
            tested,
            p_adjusted: None,
        }
    }

    fn conclude(&self, bar: &Bar, settings: &ComparisonSettings) -> ComparedFigure {
        let Figure {
            name,
            unit,
            measure,
            ..
        } = self.figure;
        let mut compared = ComparedFigure {
            name: name.clone(),
            unit: unit.clone(),
            measure: *measure,
            old: self.means[0],
            new: self.means[1],
            change: None,
            p: None,
            p_adjusted: self.p_adjusted,
            smallest_change: None,
            finding: Finding::CannotTell,
            doubt: Some(Doubt::Missing),
            repeats: None,
        };
        let Some(tested) = &self.tested else {
            return compared;
        };
        let scale = measure.scale();
        let tolerance = settings.tolerance_on(scale);
        let difference = tested.observed.difference;
        let (interval, method) = self.interval(tested, settings.alpha);
        compared.p = Some(tested.p);
        compared.change = Some(Estimate {
            value: scale.state(difference),
            interval: interval.map(|(low, high)| (scale.state(low), scale.state(high))),
            scale,
            method,
        });
        let is_found = self.p_adjusted.is_some_and(|p| p <= settings.alpha);
        let is_same = interval.is_some_and(|(low, high)| -tolerance <= low && high <= tolerance);
        (compared.finding, compared.doubt) = if is_same {
            (Finding::Same, None)
        } else if is_found && difference.abs() > tolerance {
            let finding = Finding::of_change(difference, measure.direction());
            (finding, None)
        } else if self.p_adjusted.is_none() {
            (Finding::CannotTell, Some(Doubt::TooFewRuns))
        } else if is_found {
            (Finding::CannotTell, Some(Doubt::NearTolerance))
        } else {
            (Finding::CannotTell, Some(Doubt::Noise))
        };
        let Some(error) = self.values.error(&tested.observed) else {
            compared.repeats = (compared.doubt.is_some()).then_some(bar.fewest);
            return compared;
        };
        let precision = Precision {
            error,
            freedom: self.values.freedom,
            critical: t_of_z(bar.critical_z, self.values.freedom),
            tolerance,
            extremes: bar.extremes,
            repeats: bar.repeats,
            alpha: settings.alpha,
        };
        if self.p_adjusted.is_some() {
            let smallest = precision.smallest_difference();
            let sign = match measure.direction() {
                Direction::LowerIsBetter => 1.0,
                Direction::HigherIsBetter => -1.0,
            };
            compared.smallest_change = Some(scale.state(sign * smallest));
        }
        if compared.doubt.is_some() {
            compared.repeats = precision.repeats(difference, bar.fewest);
        }
        compared
    }

    /// Returns the interval on the scale of the test.
    fn interval(&self, tested: &Tested, alpha: f64) -> (Option<(f64, f64)>, IntervalMethod) {
        if tested.interval.is_some() {
            return (tested.interval, IntervalMethod::Permutation);
        }
        let half = self
            .values
            .error(&tested.observed)
            .map(|error| error * t_quantile(1.0 - alpha / 2.0, self.values.freedom));
        let difference = tested.observed.difference;
        let interval = half.map(|half| (difference - half, difference + half));
        (interval, IntervalMethod::StudentT)
    }
}
