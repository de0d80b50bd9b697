//! Change points in histories.

use rehearsal::stats::{ChangePoint, ChangePointSettings, Scale, change_points};

use crate::percent;
use crate::simulation::normal;

pub fn report(count: usize) {
    println!(
        "Change points (spread 5 %): any in 40 runs without change, independent and AR(1) 0.3;"
    );
    println!("+10 % found within 5 and 10 runs, +20 % within 3; median runs until believed");
    for alpha in [0.05, 0.01] {
        let settings = ChangePointSettings {
            alpha,
            ..ChangePointSettings::default()
        };
        let count = count / 5;
        let none = [0.0, 0.3].map(|correlation| {
            let mut random = fastrand::Rng::with_seed(10);
            let alarms = (0..count).filter(|_| {
                let runs = history(40, 40, 1.0, correlation, &mut random);
                !change_points(&runs, Scale::Ratio, &settings).is_empty()
            });
            percent(alarms.count(), count)
        });
        let found = [(1.1, 5), (1.1, 10), (1.2, 3)].map(|(factor, after)| {
            let mut random = fastrand::Rng::with_seed(11);
            let found = (0..count).filter(|_| {
                let runs = history(30 + after, 30, factor, 0.0, &mut random);
                let found = change_points(&runs, Scale::Ratio, &settings);
                found.iter().any(|it| it.index.abs_diff(30) <= 2)
            });
            percent(found.count(), count)
        });
        println!(
            "  p {alpha:.2}   {}   {}",
            none.join("   "),
            found.join("   ")
        );
        for factor in [1.1, 1.2] {
            let mut random = fastrand::Rng::with_seed(12);
            let (mut believed, mut near) = (Vec::new(), 0);
            for _ in 0..count {
                let runs = history(60, 30, factor, 0.0, &mut random);
                let found = change_points(&runs, Scale::Ratio, &settings);
                let found: Vec<&ChangePoint> = found
                    .iter()
                    .filter(|it| it.index.abs_diff(30) <= 2)
                    .collect();
                near += found.len();
                believed.extend(found.iter().filter_map(|it| it.believed_after));
            }
            believed.sort_unstable();
            let at = |part: usize| believed.get(believed.len() * part / 10).copied();
            println!(
                "    +{:2.0} % in 60 runs: found {}; believed after {:?} runs, in 9 of 10 {:?}",
                (factor - 1.0) * 100.0,
                percent(near, count),
                at(5).unwrap_or(0),
                at(9).unwrap_or(0),
            );
        }
    }
}

/// A history that changes by a factor at one place.
fn history(
    runs: usize,
    change: usize,
    factor: f64,
    correlation: f64,
    random: &mut fastrand::Rng,
) -> Vec<Option<f64>> {
    let fresh = f64::sqrt(1.0 - correlation * correlation);
    let mut noise = normal(random);
    (0..runs)
        .map(|run| {
            noise = correlation * noise + fresh * normal(random);
            let level = if run < change { 1.0 } else { factor };
            Some(level * (0.05 * noise).exp())
        })
        .collect()
}
