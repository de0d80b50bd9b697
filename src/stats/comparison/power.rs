//! Power of a comparison: the smallest change that it could have found, and the repeats that would
//! find more.

use super::permutation::{t_quantile, t_tails};

/// The probability with which a change is to be found.
const POWER: f64 = 0.8;

/// More repeats are no proposal.
const MAX_REPEATS: usize = 100;

/// The spread of a figure and the bar that a change must exceed, on the scale of the test.
#[derive(Debug, Clone, Copy)]
pub(super) struct Precision {
    /// The standard error of the difference.
    pub error: f64,
    pub freedom: f64,
    /// Student's t from which on a difference counts, adjusted for all figures.
    pub critical: f64,
    pub tolerance: f64,
    /// The repeats of the smaller group.
    pub repeats: usize,
    pub alpha: f64,
}

impl Precision {
    /// Returns the smallest difference that is found with a probability of 80 %: it must pass both
    /// the bar of significance and the tolerance.
    ///
    /// This is the usual sum of two quantiles of Student's t (J. Cohen, "Statistical Power Analysis
    /// for the Behavioral Sciences", 1988, in the approximation of central t), as the spread is
    /// itself an estimate.
    pub(super) fn smallest_difference(&self) -> f64 {
        let bar = (self.critical * self.error).max(self.tolerance);
        bar + t_quantile(POWER, self.freedom) * self.error
    }

    /// Returns the repeats of each group that would give an answer with a probability of 80 %, if
    /// the true difference and spread are as estimated: found if the difference is beyond the
    /// tolerance, otherwise the same. `None` if it would take too many.
    pub(super) fn repeats(&self, difference: f64, fewest: usize) -> Option<usize> {
        let tails = t_tails(self.critical, self.freedom);
        let size = difference.abs();
        let begin = fewest.max(self.repeats + 1);
        (begin..=MAX_REPEATS).find(|repeats| {
            let error = self.error * (self.repeats as f64 / *repeats as f64).sqrt();
            let freedom = (2 * repeats - 2) as f64;
            let reserve = t_quantile(POWER, freedom) * error;
            if size > self.tolerance {
                let bar = t_quantile(1.0 - tails / 2.0, freedom) * error;
                size >= bar.max(self.tolerance) + reserve
            } else {
                let half = t_quantile(1.0 - self.alpha / 2.0, freedom) * error;
                size + half + reserve <= self.tolerance
            }
        })
    }
}
