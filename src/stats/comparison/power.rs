//! Power of a comparison: the smallest change that it could have found, and the repeats that would
//! find more.

use super::permutation::{t_of_z, t_quantile};

/// The probability with which a change is to be found.
const POWER: f64 = 0.8;

/// Of so many standard errors, a difference is hardly chance.
const CLEAR: f64 = 2.0;

/// More repeats are no proposal.
const MAX_REPEATS: usize = 100;

/// The spread of a figure and the bar that a change must exceed, on the scale of the test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Precision {
    /// The standard error of the difference.
    pub error: f64,
    pub freedom: f64,
    /// The size from which on a difference counts, adjusted for all figures.
    pub critical_z: f64,
    /// The number of arrangements that may be beyond it, each with the opposite one.
    pub extremes: f64,
    pub tolerance: f64,
    /// The repeats of the smaller group.
    pub repeats: usize,
    pub alpha: f64,
}

impl Precision {
    /// Returns the smallest difference that is found with a probability of 80 %: it must pass both
    /// the bar of significance and the tolerance.
    ///
    /// The difference is the bar and a reserve, as usual (J. Cohen, "Statistical Power Analysis for
    /// the Behavioral Sciences", 1988). The reserve is for the spread of the difference, and for
    /// that of the bar: it is estimated here and again in the comparison that is to find the change.
    /// Each time, the spread of the runs brings a relative variance of 1 / (2 · degrees of freedom)
    /// (the delta method), and the critical value about as much, by simulation, and more if few
    /// arrangements are beyond it.
    pub(super) fn smallest_difference(&self) -> f64 {
        self.found_from(self.error, self.freedom, self.extremes)
    }

    fn found_from(&self, error: f64, freedom: f64, extremes: f64) -> f64 {
        let critical = t_of_z(self.critical_z, freedom);
        let quantile = t_quantile(POWER, freedom);
        let bar_variance = critical.powi(2) * (2.0 / freedom + 1.0 / extremes);
        let reserve = quantile * (1.0 + bar_variance).sqrt();
        ((critical + reserve) * error).max(self.tolerance + quantile * error)
    }

    /// Returns the repeats of each group that would probably give an answer; `None` if it would take
    /// too many.
    ///
    /// A difference of less than twice its standard error may be none at all: then there are to be
    /// enough repeats to call an unchanged figure the same with a probability of 80 %. A clearer
    /// difference is to be found, or to be called the same, if it is the true one.
    pub(super) fn repeats(&self, difference: f64, fewest: usize) -> Option<usize> {
        let is_clear = difference.abs() >= CLEAR * self.error;
        let size = if is_clear { difference.abs() } else { 0.0 };
        let begin = fewest.max(self.repeats + 1);
        let suffices = |repeats: usize| {
            let error = self.error * (self.repeats as f64 / repeats as f64).sqrt();
            let freedom = (2 * repeats - 2) as f64;
            if size > self.tolerance {
                size >= self.found_from(error, freedom, f64::INFINITY)
            } else {
                let half = t_quantile(1.0 - self.alpha / 2.0, freedom);
                // Both ends of the interval must be within the tolerance.
                let reserve = t_quantile((1.0 + POWER) / 2.0, freedom);
                size + (half + reserve) * error <= self.tolerance
            }
        };
        // More repeats suffice as well, so the least can be found by halving.
        let (mut least, mut beyond) = (begin, MAX_REPEATS + 1);
        while least < beyond {
            let middle = usize::midpoint(least, beyond);
            if suffices(middle) {
                beyond = middle;
            } else {
                least = middle + 1;
            }
        }
        (least <= MAX_REPEATS).then_some(least)
    }
}
