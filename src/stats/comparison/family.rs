//! Adjustment for the number of figures.

use super::candidate::Candidate;
use super::permutation::{Tested, is_at_least};

/// Adjusts the p of each figure for all of them, and returns the size from which on a difference
/// would count whatever the figure.
///
/// This is the step-down maximum (P. H. Westfall and S. S. Young, "Resampling-Based Multiple
/// Testing", 1993, algorithm 4.1): the observed size of a figure is compared with the greatest size
/// among it and all figures with smaller ones, in each arrangement. All figures are arranged alike,
/// so their correlation is kept. Figures whose runs are too few to reach `alpha` take no part.
pub(super) fn adjust(candidates: &mut [Candidate<'_>], arrangements: usize, alpha: f64) -> f64 {
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
