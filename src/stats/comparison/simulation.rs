//! Made-up runs with known changes, for tests and benchmarks of the comparison.

use super::{ComparisonSettings, Figure, Measure, RunOrder};

/// A made-up machine with a flow of several steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    pub steps: usize,
    /// Flows per run.
    pub flows: usize,
    /// Relative spread of whole runs; half of its variance is shared by all steps.
    pub between_runs: f64,
    /// Relative spread of durations within a run.
    pub within_run: f64,
    /// Correlation of successive durations within a run.
    pub correlation: f64,
    /// The probability that a run is disturbed, and takes half as long again.
    pub disturbed: f64,
    /// Relative spread of the steps of a random walk from run to run.
    pub wandering: f64,
}

impl Machine {
    pub(crate) const USUAL: Machine = Machine {
        steps: 6,
        flows: 100,
        between_runs: 0.05,
        within_run: 0.3,
        correlation: 0.6,
        disturbed: 0.0,
        wandering: 0.0,
    };

    /// The number of figures of a run: median and 95th percentile of the flow and of each step.
    pub(crate) fn figures(&self) -> usize {
        2 * (self.steps + 1)
    }

    /// Makes one run, of which one step takes `factor` times as long. `walk` is the state of the
    /// machine, 0 at first.
    pub(crate) fn run(
        &self,
        slow: Option<(usize, f64)>,
        walk: &mut f64,
        random: &mut fastrand::Rng,
    ) -> Vec<f64> {
        *walk += self.wandering * normal(random);
        let part = self.between_runs * 0.5_f64.sqrt();
        let mut shared = *walk + part * normal(random);
        if random.f64() < self.disturbed {
            shared += 1.5_f64.ln();
        }
        let mut flows = vec![0.0; self.flows];
        let mut figures = vec![0.0; 2];
        let fresh = (1.0 - self.correlation.powi(2)).sqrt();
        for step in 0..self.steps {
            let factor = slow.filter(|(at, _)| *at == step).map_or(1.0, |it| it.1);
            let offset = shared + part * normal(random);
            let mut noise = normal(random);
            let mut durations: Vec<f64> = (0..self.flows)
                .map(|flow| {
                    noise = self.correlation * noise + fresh * normal(random);
                    let duration = factor * (offset + self.within_run * noise).exp();
                    flows[flow] += duration;
                    duration
                })
                .collect();
            figures.extend(percentiles(&mut durations));
        }
        figures[..2].copy_from_slice(&percentiles(&mut flows));
        figures
    }
}

/// Simulated groups of runs, of which one step of the new ones may take `factor` times as long.
pub(crate) fn groups(
    machine: &Machine,
    repeats: usize,
    order: RunOrder,
    slow: Option<(usize, f64)>,
    random: &mut fastrand::Rng,
) -> Vec<Figure> {
    let names = (0..machine.figures()).map(|number| format!("figure {number}"));
    let mut figures: Vec<Figure> = names.map(|name| figure(&name, &[], &[])).collect();
    let mut walk = 0.0;
    for run in 0..2 * repeats {
        let is_new = match order {
            RunOrder::Separate => run >= repeats,
            RunOrder::Interleaved => run % 4 == 1 || run % 4 == 2,
        };
        let values = machine.run(slow.filter(|_| is_new), &mut walk, random);
        for (figure, value) in figures.iter_mut().zip(values) {
            let group = if is_new {
                &mut figure.new
            } else {
                &mut figure.old
            };
            group.push(Some(value));
        }
    }
    figures
}

/// A duration with these values.
pub(crate) fn figure(name: &str, old: &[f64], new: &[f64]) -> Figure {
    let some = |values: &[f64]| values.iter().copied().map(Some).collect();
    Figure {
        name: name.into(),
        unit: "us".into(),
        measure: Measure::Time,
        old: some(old),
        new: some(new),
    }
}

/// The usual settings for runs in this order.
pub(crate) fn settings(order: RunOrder, seed: u64) -> ComparisonSettings {
    ComparisonSettings {
        order,
        seed,
        ..ComparisonSettings::default()
    }
}

/// Median and 95th percentile.
fn percentiles(durations: &mut [f64]) -> [f64; 2] {
    durations.sort_by(f64::total_cmp);
    let at =
        |part: f64| durations[((durations.len() as f64 * part) as usize).min(durations.len() - 1)];
    [at(0.5), at(0.95)]
}

/// A standard normal deviate (G. E. P. Box and M. E. Muller, 1958).
pub(crate) fn normal(random: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}
