//! Noise within runs and over repeats.

use rehearsal::stats::{ComparisonSettings, Histogram, Scale, compare_single_runs, drift, warm_up};

use crate::percent;
use crate::simulation::normal;

pub fn report(count: usize) {
    println!("Drift over repeats with p <= 5 %: none; 2 % and 5 % per run (spread 5 %)");
    for runs in [5, 6, 8, 12] {
        let count = count / 5;
        let rates = [0.0, 0.02, 0.05].map(|slope| {
            let mut random = fastrand::Rng::with_seed(7);
            let found = (0..count).filter(|seed| {
                let values: Vec<Option<f64>> = (0..runs)
                    .map(|run| Some((slope * f64::from(run) + 0.05 * normal(&mut random)).exp()))
                    .collect();
                drift(&values, Scale::Ratio, *seed as u64).is_some_and(|it| it.p <= 0.05)
            });
            percent(found.count(), count)
        });
        println!("  {runs:2} runs   {}", rates.join("   "));
    }
    println!("\nWarm-up of 20 seconds in 120: reported; length within 5 s (autocorrelation 0.5)");
    for size in [0.0, 0.3, 1.0] {
        let mut random = fastrand::Rng::with_seed(8);
        let (mut found, mut near) = (0, 0);
        for _ in 0..count {
            let noise = series(120, 0.5, 0.1, &mut random);
            let seconds: Vec<Option<f64>> = noise
                .iter()
                .enumerate()
                .map(|(second, noise)| Some(1.0 + noise + if second < 20 { size } else { 0.0 }))
                .collect();
            if let Some(warm_up) = warm_up(&seconds) {
                found += 1;
                near += usize::from(warm_up.length.abs_diff(20) <= 5);
            }
        }
        println!(
            "  +{:3.0} %   {}   {}",
            size * 100.0,
            percent(found, count),
            percent(near, count)
        );
    }
    println!(
        "\nTwo single runs of 60 s without offsets: coverage of the 95 % interval of p50, p95"
    );
    for correlation in [0.0, 0.5, 0.8] {
        let count = count / 5;
        let rates = [50.0, 95.0].map(|quantile| {
            let mut random = fastrand::Rng::with_seed(9);
            let covered = (0..count).filter(|_| {
                let old = seconds(60, correlation, &mut random);
                let new = seconds(60, correlation, &mut random);
                let settings = ComparisonSettings::default();
                let found = compare_single_runs(&old, &new, quantile, &settings);
                let interval = found.and_then(|it| it.interval);
                interval.is_some_and(|(low, high)| low <= 1.0 && 1.0 <= high)
            });
            percent(covered.count(), count)
        });
        println!("  correlation {correlation:.1}   {}", rates.join("   "));
    }
    println!();
}

/// Autocorrelated noise.
fn series(length: usize, correlation: f64, spread: f64, random: &mut fastrand::Rng) -> Vec<f64> {
    let fresh = (1.0 - correlation * correlation).sqrt();
    let mut noise = normal(random);
    let mut next = || {
        noise = correlation * noise + fresh * normal(random);
        spread * noise
    };
    (0..length).map(|_| next()).collect()
}

/// Durations by second, of which each second has an offset.
fn seconds(length: usize, correlation: f64, random: &mut fastrand::Rng) -> Vec<Histogram> {
    let offsets = series(length, correlation, 0.2, random);
    offsets
        .iter()
        .map(|offset| {
            let mut histogram = Histogram::new();
            for _ in 0..20 {
                let duration = 100_000.0 * (offset + 0.3 * normal(random)).exp();
                histogram.record(duration as u64);
            }
            histogram
        })
        .collect()
}
