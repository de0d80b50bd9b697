//! Universal scalability law: throughput of a system by the number of flows in parallel.
//!
//! N. J. Gunther, *Guerrilla Capacity Planning* (2007): with N flows in parallel, the throughput is
//! X(N) = λN / (1 + σ(N − 1) + κN(N − 1)). σ is the part of the work that is done one after the
//! other, κ the cost of keeping each two in agreement.

use serde::Serialize;

/// Points that a fit needs: one more than the law has parameters.
const FEWEST_POINTS: usize = 4;

/// A measured throughput.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScalabilityPoint {
    /// Flows in parallel, on average.
    pub in_flight: f64,
    /// Completed flows per second.
    pub throughput: f64,
}

/// The law fitted to measured throughputs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scalability {
    /// λ: the throughput of one flow at a time, per second.
    pub alone: f64,
    /// σ, at least 0.
    pub contention: f64,
    /// κ, at least 0.
    pub coherency: f64,
    /// The number of flows in parallel with the highest throughput; `None` if it rises for ever.
    pub peak_at: Option<f64>,
    /// The highest throughput: at the peak, or that which is approached; `None` if there is no bound.
    pub peak: Option<f64>,
    /// The standard error of the peak, by leaving out one point after the other (jackknife).
    pub peak_error: Option<f64>,
    /// The root of the mean square of the relative residuals.
    pub residual: f64,
}

impl Scalability {
    /// Fits the law to these points by least squares of the relative error of N/X, which is linear
    /// in 1/λ, σ/λ and κ/λ. `None` for fewer than four different numbers in parallel.
    pub fn fit(points: &[ScalabilityPoint]) -> Option<Self> {
        let mut fitted = Self::without_error(points)?;
        let peaks: Option<Vec<f64>> = (0..points.len())
            .map(|left_out| {
                let mut rest = points.to_vec();
                rest.remove(left_out);
                parameters(&rest).map(Self::of).and_then(|it| it.peak)
            })
            .collect();
        fitted.peak_error = peaks.filter(|_| fitted.peak.is_some()).map(|peaks| {
            let count = peaks.len() as f64;
            let mean = peaks.iter().sum::<f64>() / count;
            let squares: f64 = peaks.iter().map(|peak| (peak - mean).powi(2)).sum();
            (squares * (count - 1.0) / count).sqrt()
        });
        Some(fitted)
    }

    /// Returns `true` if its peak is known to within a third, and no higher throughput was measured
    /// than that and twice its error. Otherwise the points are too few, or too much alike.
    pub fn is_certain(&self, highest_measured: f64) -> bool {
        let (Some(peak), Some(error)) = (self.peak, self.peak_error) else {
            return false;
        };
        error <= peak / 3.0 && highest_measured <= peak + 2.0 * error
    }

    fn without_error(points: &[ScalabilityPoint]) -> Option<Self> {
        let mut numbers: Vec<f64> = points.iter().map(|it| it.in_flight).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        if numbers.len() < FEWEST_POINTS {
            return None;
        }
        let mut fitted = Self::of(parameters(points)?);
        let squares: f64 = points
            .iter()
            .map(|it| (fitted.throughput(it.in_flight) / it.throughput - 1.0).powi(2))
            .sum();
        fitted.residual = (squares / points.len() as f64).sqrt();
        Some(fitted)
    }

    fn of([a, b, c]: [f64; 3]) -> Self {
        let mut fitted = Scalability {
            alone: 1.0 / a,
            contention: b / a,
            coherency: c / a,
            peak_at: None,
            peak: None,
            peak_error: None,
            residual: 0.0,
        };
        if c > 0.0 {
            let at = ((1.0 - fitted.contention).max(0.0) / fitted.coherency)
                .sqrt()
                .max(1.0);
            fitted.peak_at = Some(at);
            fitted.peak = Some(fitted.throughput(at));
        } else if b > 0.0 {
            fitted.peak = Some(1.0 / b);
        }
        fitted
    }

    /// Returns the throughput with this many flows in parallel, per second.
    pub fn throughput(&self, in_flight: f64) -> f64 {
        let others = in_flight - 1.0;
        let cost = 1.0 + self.contention * others + self.coherency * in_flight * others;
        self.alone * in_flight / cost
    }
}

/// Returns 1/λ, σ/λ and κ/λ: the best solution without a negative one.
fn parameters(points: &[ScalabilityPoint]) -> Option<[f64; 3]> {
    // The bound is active for some of the last two: all four cases are tried.
    let cases = [[true, true], [true, false], [false, true], [false, false]];
    let solutions = cases.iter().filter_map(|&[with_b, with_c]| {
        let free = [true, with_b, with_c];
        let solution = least_squares(points, free)?;
        let is_possible = solution[0] > 0.0 && solution[1] >= 0.0 && solution[2] >= 0.0;
        is_possible.then(|| (squares(points, solution), solution))
    });
    let best = solutions.min_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, solution)| solution)
}

/// The row of a point: factors of the parameters, and 1, all relative to N/X.
fn row(point: &ScalabilityPoint) -> [f64; 3] {
    let (n, weight) = (point.in_flight, point.throughput / point.in_flight);
    [weight, (n - 1.0) * weight, n * (n - 1.0) * weight]
}

fn squares(points: &[ScalabilityPoint], solution: [f64; 3]) -> f64 {
    let residual = |point| {
        let row = row(point);
        (0..3).map(|at| row[at] * solution[at]).sum::<f64>() - 1.0
    };
    points.iter().map(|point| residual(point).powi(2)).sum()
}

/// Solves the normal equations of the free parameters by Gaussian elimination; the others are 0.
fn least_squares(points: &[ScalabilityPoint], free: [bool; 3]) -> Option<[f64; 3]> {
    let mut matrix = [[0.0; 4]; 3];
    for point in points {
        let row = row(point);
        for i in 0..3 {
            for j in 0..3 {
                matrix[i][j] += row[i] * row[j];
            }
            matrix[i][3] += row[i];
        }
    }
    for at in (0..3).filter(|at| !free[*at]) {
        for row in &mut matrix {
            row[at] = 0.0;
        }
        matrix[at][..3].fill(0.0);
        (matrix[at][at], matrix[at][3]) = (1.0, 0.0);
    }
    for pivot in 0..3 {
        let best = (pivot..3).max_by(|a, b| {
            let size = |at: usize| f64::abs(matrix[at][pivot]);
            size(*a).total_cmp(&size(*b))
        })?;
        matrix.swap(pivot, best);
        if matrix[pivot][pivot].abs() < 1e-12 {
            return None;
        }
        let pivots = matrix[pivot];
        for (at, row) in matrix.iter_mut().enumerate() {
            if at != pivot {
                let factor = row[pivot] / pivots[pivot];
                for (value, of_pivot) in row.iter_mut().zip(pivots) {
                    *value -= factor * of_pivot;
                }
            }
        }
    }
    let solution = [0, 1, 2].map(|at| matrix[at][3] / matrix[at][at]);
    solution.iter().all(|it| it.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(law: impl Fn(f64) -> f64, noise: f64) -> Vec<ScalabilityPoint> {
        let mut random = fastrand::Rng::with_seed(7);
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
            .map(|in_flight| ScalabilityPoint {
                in_flight,
                throughput: law(in_flight) * (1.0 + noise * (random.f64() - 0.5)),
            })
            .to_vec()
    }

    fn law(contention: f64, coherency: f64) -> impl Fn(f64) -> f64 {
        move |n| 20.0 * n / (1.0 + contention * (n - 1.0) + coherency * n * (n - 1.0))
    }

    #[test]
    fn exact_points_give_their_parameters() {
        let fitted = Scalability::fit(&points(law(0.05, 0.002), 0.0)).unwrap();
        assert!((fitted.alone - 20.0).abs() < 1e-6, "{fitted:?}");
        assert!((fitted.contention - 0.05).abs() < 1e-6);
        assert!((fitted.coherency - 0.002).abs() < 1e-6);
        let at = fitted.peak_at.unwrap();
        assert!((at - (0.95_f64 / 0.002).sqrt()).abs() < 1e-3);
        assert!(fitted.residual < 1e-6 && fitted.peak_error.unwrap() < 1e-3);
    }

    #[test]
    fn a_queue_with_one_server_approaches_its_rate() {
        // λ / σ: 1 / 50 ms.
        let fitted = Scalability::fit(&points(law(1.0, 0.0), 0.0)).unwrap();
        assert!((fitted.peak.unwrap() - 20.0).abs() < 1e-6, "{fitted:?}");
    }

    #[test]
    fn linear_growth_has_no_peak_and_noise_has_an_error() {
        let fitted = Scalability::fit(&points(law(0.0, 0.0), 0.0)).unwrap();
        assert!(
            fitted.contention < 1e-9 && fitted.coherency < 1e-9,
            "{fitted:?}"
        );
        let noisy = Scalability::fit(&points(law(0.1, 0.001), 0.1)).unwrap();
        let (peak, error) = (noisy.peak.unwrap(), noisy.peak_error.unwrap());
        let truth = law(0.1, 0.001)(30.0);
        assert!(
            error > 0.0 && (peak - truth).abs() < 4.0 * error + 0.05 * truth,
            "{noisy:?}"
        );
        assert!((0.001..0.05).contains(&noisy.residual));
    }

    #[test]
    fn a_peak_below_what_was_measured_or_hardly_known_is_uncertain() {
        let fitted = Scalability::fit(&points(law(0.05, 0.002), 0.01)).unwrap();
        assert!(fitted.is_certain(fitted.peak.unwrap()));
        assert!(!fitted.is_certain(2.0 * fitted.peak.unwrap()));
        let peak_error = fitted.peak.map(|it| 0.5 * it);
        assert!(
            !Scalability {
                peak_error,
                ..fitted
            }
            .is_certain(1.0)
        );
        let straight = Scalability::fit(&points(law(0.0, 0.0), 0.0)).unwrap();
        assert!(!straight.is_certain(1.0));
    }

    #[test]
    fn few_points_are_not_fitted() {
        let some = points(law(0.1, 0.0), 0.0);
        assert_eq!(Scalability::fit(&some[..3]), None);
        assert_eq!(Scalability::fit(&[some[0]; 5]), None);
    }
}
