//! Comparison of two single runs, as far as it goes.

use crate::stats::Histogram;

use super::figure::{ComparisonSettings, Scale};
use super::outcome::{Estimate, IntervalMethod};

pub fn compare_single_runs(
    _old: &[Histogram],
    _new: &[Histogram],
    _percent: f64,
    _settings: &ComparisonSettings,
) -> Option<Estimate> {
    let _ = (Scale::Ratio, IntervalMethod::Bootstrap);
    None
}
