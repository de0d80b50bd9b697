//! Exact permutation test of one figure, and the interval that it implies.

use super::arrangements::Arrangements;

/// Statistics that differ by less are equal, whatever the order in which they were summed up.
const EPSILON: f64 = 1e-9;

/// Values of one figure on the scale of the test, with what does not depend on labels.
#[derive(Debug)]
pub(super) struct Values {
    values: Vec<Option<f64>>,
    /// Sum of squares around the mean.
    squares: f64,
    sum: f64,
    count: usize,
    /// Degrees of freedom of the spread within groups.
    pub freedom: f64,
}

/// One arrangement applied to the values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    /// The mean of what is labelled new minus that of what is labelled old.
    pub difference: f64,
    /// The same of an indicator of the truly new runs: 1 for the observed labels, -1 for the
    /// opposite ones.
    pub share: f64,
    /// The size of the difference, comparable between figures.
    pub z: f64,
    /// 1/n + 1/m of both groups.
    reciprocal: f64,
    /// The part of the squares between the groups.
    between: f64,
}

impl Values {
    /// Takes the values of all runs, the old ones first, on the scale of the test.
    ///
    /// Where labels are exchanged within blocks only, the means of the blocks are taken off. A
    /// figure with missing values keeps them, as they would not cancel out; the test stays exact.
    pub(super) fn new(mut values: Vec<Option<f64>>, arrangements: &Arrangements) -> Self {
        let blocks = arrangements.block_count();
        let is_centred = blocks > 1 && values.iter().all(Option::is_some);
        if is_centred {
            for block in 0..blocks {
                let of_block = |run: &usize| arrangements.blocks[*run] == block;
                let runs: Vec<usize> = (0..values.len()).filter(of_block).collect();
                let sum: f64 = runs.iter().filter_map(|run| values[*run]).sum();
                for run in &runs {
                    values[*run] = values[*run].map(|it| it - sum / runs.len() as f64);
                }
            }
        }
        let present: Vec<f64> = values.iter().copied().flatten().collect();
        let (count, sum) = (present.len(), present.iter().sum::<f64>());
        let mean = sum / count.max(1) as f64;
        let lost = if is_centred { blocks + 1 } else { 2 };
        let squares: f64 = present.iter().map(|it| (it - mean).powi(2)).sum();
        // Equal values differ by rounding only.
        let least = (mean.abs() * f64::EPSILON * 8.0).powi(2) * count as f64;
        Values {
            squares: if squares <= least { 0.0 } else { squares },
            values,
            sum,
            count,
            freedom: count.saturating_sub(lost) as f64,
        }
    }

    /// Labels these runs as new, of which `observed` truly are; `None` if a group is empty.
    pub(super) fn split(&self, new: &[usize], observed: &[usize]) -> Option<Split> {
        let first_new = observed.first().copied().unwrap_or(self.values.len());
        let all_new = self.values[first_new..].iter().flatten().count();
        let (mut sum, mut count, mut truly_new) = (0.0, 0_usize, 0_usize);
        for run in new {
            if let Some(value) = self.values[*run] {
                sum += value;
                count += 1;
                truly_new += usize::from(*run >= first_new);
            }
        }
        let (new, old) = (count as f64, (self.count - count) as f64);
        if new == 0.0 || old == 0.0 {
            return None;
        }
        let difference = sum / new - (self.sum - sum) / old;
        let reciprocal = 1.0 / new + 1.0 / old;
        let between = (difference.powi(2) / reciprocal).min(self.squares);
        Some(Split {
            difference,
            share: truly_new as f64 / new - (all_new - truly_new) as f64 / old,
            z: self.z(between),
            reciprocal,
            between,
        })
    }

    /// Student's t as the normal deviate of about the same probability, so that figures with
    /// different numbers of runs can be compared (D. L. Wallace, "Bounds on normal approximations to
    /// Student's and the chi-square distributions", 1959).
    fn z(&self, between: f64) -> f64 {
        if self.squares == 0.0 || self.freedom < 1.0 {
            return 0.0;
        }
        let rest = (1.0 - between / self.squares).max(1e-12);
        wallace(self.freedom) * (-self.freedom * rest.ln()).sqrt()
    }

    /// The standard error of the difference of the groups.
    pub(super) fn error(&self, split: &Split) -> Option<f64> {
        let within = self.squares - split.between;
        (self.freedom >= 1.0).then(|| (within / self.freedom * split.reciprocal).sqrt())
    }
}

fn wallace(freedom: f64) -> f64 {
    (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
}

/// Returns Student's t of a deviate that [`Split::z`] has: the inverse.
pub(super) fn t_of_z(z: f64, freedom: f64) -> f64 {
    let scaled = z / wallace(freedom);
    (freedom * (scaled.powi(2) / freedom).exp_m1()).sqrt()
}

/// Returns the quantile of Student's t, for a probability of at least one half. It is right to half a
/// percent from four degrees of freedom on, and too great with fewer, which is the safe side.
pub(super) fn t_quantile(probability: f64, freedom: f64) -> f64 {
    t_of_z(normal_quantile(probability), freedom.max(1.0))
}

/// Returns the quantile of the normal distribution, for a probability of at least one half, with an
/// error below 0.0005 (M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 26.2.23).
fn normal_quantile(probability: f64) -> f64 {
    let t = (-2.0 * (1.0 - probability).max(f64::MIN_POSITIVE).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (t - above / below).max(0.0)
}

/// The permutation test of one figure.
#[derive(Debug)]
pub(super) struct Tested {
    pub observed: Split,
    /// The two-sided p: the part of the arrangements that are at least as extreme.
    pub p: f64,
    /// The smallest p that these runs could have.
    pub least_p: f64,
    /// The interval for the difference; `None` if there are too few arrangements.
    pub interval: Option<(f64, f64)>,
    /// The size of the difference in each arrangement.
    pub sizes: Vec<f64>,
}

/// Tests one figure; `None` if a group has no values.
///
/// `p` counts the observed labels as well, so it is also right for a sample of the arrangements
/// (B. Phipson and G. K. Smyth, "Permutation P-values should never be zero", 2010). The interval has
/// all differences that the one-sided tests at `alpha` / 2 do not refuse. As the difference of means
/// is linear in the values, each arrangement changes sides at one difference, and the ends are order
/// statistics of these (P. H. Garthwaite, "Confidence intervals from randomization tests", 1996).
pub(super) fn test(values: &Values, arrangements: &Arrangements, alpha: f64) -> Option<Tested> {
    let new = arrangements.iter().next()?;
    let observed = values.split(new, new)?;
    let mut sizes = Vec::with_capacity(arrangements.count());
    let (mut crossings, mut as_extreme, mut always) = (Vec::new(), 0_usize, 0_usize);
    let mut extremes = 0_usize;
    for arrangement in arrangements.iter() {
        let split = values.split(arrangement, new);
        let z = split.map_or(f64::INFINITY, |it| it.z);
        sizes.push(z);
        as_extreme += usize::from(is_at_least(z, observed.z));
        match split {
            Some(split) if split.share < 1.0 - EPSILON => {
                let moved = observed.difference - split.difference;
                crossings.push(moved / (1.0 - split.share));
                extremes += usize::from(split.share <= EPSILON - 1.0);
            }
            _ => always += 1,
        }
    }
    let count = arrangements.count() as f64;
    crossings.sort_by(f64::total_cmp);
    let refused = (alpha / 2.0 * count).floor() as usize;
    let interval = refused.checked_sub(always).and_then(|at| {
        let last = crossings.len().checked_sub(at + 1)?;
        Some((*crossings.get(at)?, *crossings.get(last)?))
    });
    Some(Tested {
        observed,
        p: as_extreme as f64 / count,
        least_p: (always + extremes) as f64 / count,
        interval: interval.filter(|(low, high)| low <= high),
        sizes,
    })
}

/// Compares sizes of differences, but for rounding.
pub(super) fn is_at_least(z: f64, observed: f64) -> bool {
    z >= observed * (1.0 - EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (freedom, expected) in [(4.0, 2.776), (6.0, 2.447), (10.0, 2.228), (30.0, 2.042)] {
            let found = t_quantile(0.975, freedom);
            assert!((found / expected - 1.0).abs() < 0.006, "{freedom}: {found}");
        }
        assert!((1.0..1.06).contains(&(t_quantile(0.975, 2.0) / 4.303)));
        assert!((normal_quantile(0.8) - 0.8416).abs() < 5e-4);
        assert!(normal_quantile(0.5).abs() < 5e-4);
    }
}
