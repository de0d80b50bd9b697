//! The trend of a figure over the saved runs of a scenario: a plot, and its change points.

use chrono::{DateTime, Local, Utc};
use serde::Serialize;

use crate::baseline::Entry;
use crate::report::{sanitize, terminal};
use crate::stats::{ChangePoint, ChangePointSettings, Measure, change_points};

/// The height of the plot in lines.
const HEIGHT: usize = 10;

/// Columns of the plot's scale.
const SCALE: usize = 12;

/// The least runs in which change points are looked for.
const FEWEST: usize = 6;

/// The trend of one figure.
#[derive(Debug, Serialize)]
pub(super) struct Trend {
    scenario: String,
    figure: String,
    unit: String,
    measure: Measure,
    points: Vec<Point>,
    change_points: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Point {
    run: String,
    started_at: DateTime<Utc>,
    value: Option<f64>,
}

/// A change point with its first run.
#[derive(Debug, Serialize)]
struct Change {
    run: String,
    #[serde(flatten)]
    found: ChangePoint,
}

impl Trend {
    /// Returns the trend; `None` if no run has the figure.
    pub(super) fn of(runs: &[&Entry], figure: &str) -> Option<Self> {
        let find = |run: &&Entry| run.figures.iter().find(|it| it.name == figure).cloned();
        let known = runs.iter().find_map(find)?;
        let values: Vec<Option<f64>> = runs
            .iter()
            .map(|run| find(run).map(|it| it.value))
            .collect();
        let settings = ChangePointSettings::default();
        let found = change_points(&values, known.measure.scale(), &settings);
        let points = runs.iter().zip(values).map(|(run, value)| Point {
            run: run.id.clone(),
            started_at: run.started_at,
            value,
        });
        Some(Trend {
            scenario: runs.first()?.scenario.clone(),
            figure: figure.to_owned(),
            unit: known.unit,
            measure: known.measure,
            points: points.collect(),
            change_points: found
                .into_iter()
                .map(|found| Change {
                    run: runs[found.index].id.clone(),
                    found,
                })
                .collect(),
        })
    }

    /// Renders the plot and what is said about it.
    pub(super) fn render(&self, width: usize) -> String {
        let mut text = format!(
            "\n{} of {}\n",
            sanitize(&self.figure),
            sanitize(&self.scenario)
        );
        text.push_str(&self.plot(width.saturating_sub(SCALE + 3).max(20)));
        if self.points.len() < FEWEST {
            text.push_str(&format!(
                "  Changes are looked for in {FEWEST} runs or more; there are {}.\n",
                self.points.len()
            ));
        } else if self.change_points.is_empty() {
            text.push_str("  No change point: nothing but the usual noise (p > 0.05).\n");
        }
        for change in &self.change_points {
            text.push_str(&terminal::wrapped(&self.describe(change), width));
        }
        text
    }

    fn describe(&self, change: &Change) -> String {
        let found = &change.found;
        let value = |it: f64| terminal::figure_value(it, &self.unit);
        let started = self.points[found.index].started_at.with_timezone(&Local);
        let runs = self.points.len() - found.index;
        let believed = match found.believed_after {
            Some(runs) => format!("it could be believed after {runs} runs"),
            None => format!("after {runs} runs it cannot be believed yet: make more runs"),
        };
        format!(
            "▲ From {} on ({}): {} → {} (p {:.3}); {believed}.",
            sanitize(&change.run),
            started.format("%Y-%m-%d %H:%M"),
            value(found.before),
            value(found.after),
            found.p,
        )
    }

    /// Draws the newest runs, one in each column, with a mark below each change point.
    fn plot(&self, columns: usize) -> String {
        let skipped = self.points.len().saturating_sub(columns);
        let shown = &self.points[skipped..];
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
                0 => terminal::figure_value(high, &self.unit),
                row if row == HEIGHT - 1 => terminal::figure_value(low, &self.unit),
                _ => String::new(),
            };
            let dots = shown.iter().map(|point| match point.value.map(row_of) {
                Some(at) if at == row => '•',
                _ => ' ',
            });
            let line: String = dots.collect();
            text.push_str(&format!("{label:>SCALE$} │{}\n", line.trim_end()));
        }
        let marks: String = (skipped..self.points.len())
            .map(|at| {
                let is_change = self.change_points.iter().any(|it| it.found.index == at);
                if is_change { '▲' } else { '─' }
            })
            .collect();
        text.push_str(&format!("{:>SCALE$} └{marks}\n", ""));
        text
    }
}

#[cfg(test)]
mod tests {
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
        let text = trend(&values).render(80);
        let marks = text.lines().find(|line| line.contains('└')).unwrap();
        let at = marks.chars().position(|c| c == '▲').unwrap();
        assert_eq!(at, SCALE + 2 + 12, "{text}");
        assert!(text.contains("From RUN-12 on"), "{text}");
        let text = text.replace("\n  ", " ");
        assert!(text.contains("could be believed after"), "{text}");
        assert!(text.contains("100 ms") || text.contains("101 ms"), "{text}");
    }

    #[test]
    fn few_or_even_runs_have_no_change() {
        let text = trend(&[5_000.0, 5_000.0]).render(80);
        assert!(text.contains("6 runs or more; there are 2"), "{text}");
        let text = trend(&[5_000.0; 30]).render(30);
        assert!(text.contains("No change point"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
