//! The trend of a figure over the saved runs of a scenario: a plot, and its change points.

use chrono::Local;

use crate::baseline::{Conditions, Entry, differences};
use crate::report::{Change, Point, RunVerdict, Trend, sanitize, terminal};
use crate::stats::{ChangePointSettings, change_points};

/// The height of the plot in lines.
const HEIGHT: usize = 10;

/// Columns of the plot's scale.
const SCALE: usize = 12;

/// The least runs in which change points are looked for.
const FEWEST: usize = 6;

/// Returns the trend of a figure; `None` if no run has it.
pub(super) fn trend(runs: &[&Entry], figure: &str) -> Option<Trend> {
    let find = |run: &&Entry| run.figures.iter().find(|it| it.name == figure).cloned();
    let known = runs.iter().find_map(find)?;
    // A part of a run is no run.
    let interrupted = RunVerdict::Interrupted.word();
    let value = |run: &&Entry| find(run).filter(|_| run.verdict != interrupted);
    let values: Vec<Option<f64>> = runs
        .iter()
        .map(|run| value(run).map(|it| it.value))
        .collect();
    let settings = ChangePointSettings::default();
    let found = change_points(&values, known.measure.scale(), &settings);
    let points = runs.iter().zip(values).map(|(run, value)| Point {
        run: run.id.clone(),
        started_at: run.started_at,
        value,
    });
    let changes = found.into_iter().map(|found| {
        // Invalid runs are noise here.
        let [before, first] = [found.index - 1, found.index].map(|at| Conditions {
            trust: None,
            ..runs[at].conditions.clone()
        });
        let differ = differences(&[before], &[first]);
        Change {
            run: runs[found.index].id.clone(),
            found,
            differences: differ.into_iter().map(|it| it.text).collect(),
        }
    });
    Some(Trend {
        scenario: runs.first()?.scenario.clone(),
        figure: figure.to_owned(),
        unit: known.unit,
        measure: known.measure,
        points: points.collect(),
        change_points: changes.collect(),
    })
}

/// Renders the plot and what is said about it.
pub(super) fn render(trend: &Trend, width: usize) -> String {
    let mut text = format!(
        "\n{} of {}\n",
        sanitize(&trend.figure),
        sanitize(&trend.scenario)
    );
    text.push_str(&plot(trend, width.saturating_sub(SCALE + 3).max(20)));
    if trend.points.len() < FEWEST {
        text.push_str(&format!(
            "  Changes are looked for in {FEWEST} runs or more; there are {}.\n",
            trend.points.len()
        ));
    } else if trend.change_points.is_empty() {
        text.push_str("  No change point: nothing but the usual noise (p > 0.05).\n");
    }
    for change in &trend.change_points {
        text.push_str(&terminal::wrapped(&describe(trend, change), width));
    }
    text
}

fn describe(trend: &Trend, change: &Change) -> String {
    let found = &change.found;
    let value = |it: f64| terminal::figure_value(it, &trend.unit);
    let started = trend.points[found.index].started_at.with_timezone(&Local);
    let runs = trend.points.len() - found.index;
    let believed = match found.believed_after {
        Some(runs) => format!("it could be believed after {runs} runs"),
        None => format!("after {runs} runs it cannot be believed yet: make more runs"),
    };
    let differ = match change.differences.as_slice() {
        [] => String::new(),
        differences => format!(
            " Not only the programs differ from the run before: {}.",
            sanitize(&differences.join("; "))
        ),
    };
    format!(
        "▲ From {} on ({}): {} → {} (p {:.3}); {believed}.{differ}",
        sanitize(&change.run),
        started.format("%Y-%m-%d %H:%M"),
        value(found.before),
        value(found.after),
        found.p,
    )
}

/// Draws the newest runs, one in each column, with a mark below each change point.
fn plot(trend: &Trend, columns: usize) -> String {
    let skipped = trend.points.len().saturating_sub(columns);
    let shown = &trend.points[skipped..];
    let values: Vec<f64> = shown.iter().filter_map(|it| it.value).collect();
    let (Some(low), Some(high)) = (
        values.iter().copied().reduce(f64::min),
        values.iter().copied().reduce(f64::max),
    ) else {
        return String::new();
    };
    // From zero, unless that would flatten everything.
    let low = if low < high / 2.0 { 0.0 } else { low };
    let span = if high > low { high - low } else { 1.0 };
    let row_of = |value: f64| {
        let height = (value - low) / span * (HEIGHT - 1) as f64;
        HEIGHT - 1 - (height.round() as usize).min(HEIGHT - 1)
    };
    let mut text = String::new();
    for row in 0..HEIGHT {
        let label = match row {
            0 => terminal::figure_value(high, &trend.unit),
            row if row == HEIGHT - 1 => terminal::figure_value(low, &trend.unit),
            _ => String::new(),
        };
        let dots = shown.iter().map(|point| match point.value.map(row_of) {
            Some(at) if at == row => '•',
            _ => ' ',
        });
        let line: String = dots.collect();
        text.push_str(&format!("{label:>SCALE$} │{}\n", line.trim_end()));
    }
    let marks: String = (skipped..trend.points.len())
        .map(|at| {
            let is_change = trend.change_points.iter().any(|it| it.found.index == at);
            if is_change { '▲' } else { '─' }
        })
        .collect();
    text.push_str(&format!("{:>SCALE$} └{marks}\n", ""));
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::stats::Measure;

    use super::*;

    fn trend(values: &[f64]) -> Trend {
        let points = values.iter().enumerate().map(|(at, value)| Point {
            run: format!("RUN-{at}"),
            started_at: DateTime::UNIX_EPOCH,
            value: Some(*value),
        });
        let series: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let found = change_points(
            &series,
            Measure::Time.scale(),
            &ChangePointSettings::default(),
        );
        Trend {
            scenario: "order-flow".into(),
            figure: "flow.p95".into(),
            unit: "us".into(),
            measure: Measure::Time,
            points: points.collect(),
            change_points: found
                .into_iter()
                .map(|found| Change {
                    run: format!("RUN-{}", found.index),
                    found,
                    differences: vec!["the load: 1 at once, and now 2 at once".into()],
                })
                .collect(),
        }
    }

    #[test]
    fn a_change_is_marked_below_its_first_run() {
        let level = |run: u32| if run < 12 { 100_000.0 } else { 150_000.0 };
        let values: Vec<f64> = (0..24)
            .map(|run| level(run) + f64::from(run % 3) * 1_000.0)
            .collect();
        let text = render(&trend(&values), 80);
        let marks = text.lines().find(|line| line.contains('└')).unwrap();
        let at = marks.chars().position(|c| c == '▲').unwrap();
        assert_eq!(at, SCALE + 2 + 12, "{text}");
        assert!(text.contains("From RUN-12 on"), "{text}");
        let text = text.replace("\n  ", " ");
        assert!(text.contains("could be believed after"), "{text}");
        assert!(text.contains("run before: the load: 1 at once"), "{text}");
        assert!(text.contains("100 ms") || text.contains("101 ms"), "{text}");
    }

    #[test]
    fn few_or_even_runs_have_no_change() {
        let text = render(&trend(&[5_000.0, 5_000.0]), 80);
        assert!(text.contains("6 runs or more; there are 2"), "{text}");
        let text = render(&trend(&[5_000.0; 30]), 30);
        assert!(text.contains("No change point"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
