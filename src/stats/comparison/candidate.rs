//! One figure on its way through a comparison.

use super::arrangements::Arrangements;
use super::figure::{ComparisonSettings, Direction, Figure};
use super::outcome::{ComparedFigure, Doubt, Estimate, Finding, IntervalMethod};
use super::permutation::{Tested, Values, t_quantile, test};
use super::power::Precision;

/// The bar for all figures of a comparison.
pub(super) struct Bar {
    /// The size from which on a difference counts.
    pub critical_z: f64,
    /// The number of arrangements that may be beyond it, each with the opposite one.
    pub extremes: f64,
    /// The repeats of the smaller group.
    pub repeats: usize,
    /// The least repeats that can find anything.
    pub fewest: usize,
}

/// A figure with its test.
pub(super) struct Candidate<'f> {
    figure: &'f Figure,
    values: Values,
    means: [Option<f64>; 2],
    pub tested: Option<Tested>,
    pub p_adjusted: Option<f64>,
}

impl<'f> Candidate<'f> {
    /// Tests the figure, for groups of so many runs.
    pub(super) fn new(
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

    /// Returns the result.
    pub(super) fn conclude(&self, bar: &Bar, settings: &ComparisonSettings) -> ComparedFigure {
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
        let lower = self.means.into_iter().flatten().reduce(f64::min);
        let tolerance = settings.tolerance_of(*measure, lower);
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
            critical_z: bar.critical_z,
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
            let smallest = scale.state(sign * smallest);
            compared.smallest_change = Some(smallest).filter(|it| it.is_finite());
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
