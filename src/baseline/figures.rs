//! Figures of one run, and those of two groups of runs joined for a comparison.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stats::{Figure, Measure, Spread, Summary};

/// The fewest samples that have a 99th percentile.
const MIN_FOR_P99: u64 = 100;

/// The unit of durations.
const MICROSECONDS: &str = "us";

/// One figure of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFigure {
    /// As thresholds name it, where they have it: `flow.p95`, `step.NAME.p50`.
    pub name: String,
    /// `us`, `/s`; empty for shares.
    pub unit: String,
    pub measure: Measure,
    pub value: f64,
}

/// Returns the figures of a run. Those without a sample are absent.
pub fn figures(summary: &Summary) -> Vec<RunFigure> {
    let mut all = Vec::new();
    percentiles(&mut all, "flow", summary.flow_response.as_ref());
    percentiles(&mut all, "flow.service", summary.flow_duration.as_ref());
    let per_second = summary.completed_per_second;
    push(&mut all, "flow.rate", "/s", Measure::Throughput, per_second);
    let failed = summary.success_rate.map(|rate| 1.0 - rate);
    push(&mut all, "flow.failed_rate", "", Measure::Share, failed);
    for step in &summary.steps {
        let name = format!("step.{}", step.name);
        percentiles(&mut all, &name, step.duration.as_ref());
    }
    for role in &summary.roles {
        let cpu = role.cpu_mean_us.map(|us| us as f64);
        let name = format!("role.{}.cpu", role.name);
        push(&mut all, &name, MICROSECONDS, Measure::Use, cpu);
        let startup = role.startup.as_ref().map(|spread| spread.p50_us as f64);
        let name = format!("role.{}.startup.p50", role.name);
        push(&mut all, &name, MICROSECONDS, Measure::Time, startup);
    }
    all
}

fn percentiles(all: &mut Vec<RunFigure>, name: &str, spread: Option<&Spread>) {
    let Some(spread) = spread else { return };
    let percentiles = [
        ("p50", spread.p50_us),
        ("p95", spread.p95_us),
        ("p99", spread.p99_us),
    ];
    for (percentile, us) in percentiles {
        // Of fewer, it is the maximum.
        if percentile == "p99" && spread.count < MIN_FOR_P99 {
            continue;
        }
        let name = format!("{name}.{percentile}");
        push(all, &name, MICROSECONDS, Measure::Time, Some(us as f64));
    }
}

fn push(all: &mut Vec<RunFigure>, name: &str, unit: &str, measure: Measure, value: Option<f64>) {
    if let Some(value) = value.filter(|value| value.is_finite()) {
        all.push(RunFigure {
            name: name.to_owned(),
            unit: unit.to_owned(),
            measure,
            value,
        });
    }
}

/// Joins the figures of two groups of runs by name, in the order in which runs have them.
pub fn join(old: &[Vec<RunFigure>], new: &[Vec<RunFigure>]) -> Vec<Figure> {
    let mut order: Vec<&RunFigure> = Vec::new();
    let mut known = BTreeMap::new();
    for figure in old.iter().chain(new).flatten() {
        known.entry(figure.name.as_str()).or_insert_with(|| {
            order.push(figure);
        });
    }
    let values = |runs: &[Vec<RunFigure>], name: &str| -> Vec<Option<f64>> {
        let of_run = |run: &Vec<RunFigure>| {
            let found = run.iter().find(|figure| figure.name == name);
            found.map(|figure| figure.value)
        };
        runs.iter().map(of_run).collect()
    };
    let joined = order.into_iter().map(|figure| Figure {
        name: figure.name.clone(),
        unit: figure.unit.clone(),
        measure: figure.measure,
        old: values(old, &figure.name),
        new: values(new, &figure.name),
    });
    joined.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, value: f64) -> RunFigure {
        RunFigure {
            name: name.into(),
            unit: "us".into(),
            measure: Measure::Time,
            value,
        }
    }

    #[test]
    fn groups_are_joined_by_name() {
        let old = [
            vec![figure("a", 1.0), figure("b", 2.0)],
            vec![figure("a", 3.0)],
        ];
        let new = [vec![figure("c", 4.0), figure("a", 5.0)]];
        let joined = join(&old, &new);
        let shown: Vec<_> = joined
            .iter()
            .map(|it| (it.name.as_str(), it.old.clone(), it.new.clone()))
            .collect();
        assert_eq!(
            shown,
            [
                ("a", vec![Some(1.0), Some(3.0)], vec![Some(5.0)]),
                ("b", vec![Some(2.0), None], vec![None]),
                ("c", vec![None, None], vec![Some(4.0)]),
            ]
        );
    }
}
