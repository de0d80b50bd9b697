//! A search for the capacity on a terminal: trials as they end, and the answer.

use crate::report::capacity::{CapacityReport, TriedLoad, headline, load, sentences};
use crate::report::output::{BAD, CARE, GOOD, STRONG, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{CapacityLimit, LoadKind, Trial, TrialOutcome};

use super::{MIN_WIDTH, table, wrapped};

/// The width of a bar.
const BAR: usize = 18;

/// Describes a trial that has ended.
pub fn render_trial(kind: LoadKind, number: usize, trial: &Trial) -> String {
    let figures = &trial.figures;
    let (style, word) = match trial.outcome {
        TrialOutcome::Held => (GOOD, "held"),
        TrialOutcome::Broke => (BAD, "broke"),
        TrialOutcome::Unusable => (CARE, "not usable"),
    };
    let p95 = figures.response_p95_us.map_or("–".into(), units::duration);
    let rate = per_second(figures.completed_per_second);
    let reason = trial.reasons.first();
    let reason = reason.map_or(String::new(), |it| format!(": {}", sanitize(it)));
    format!(
        "Trial {number}, {}: {}, p95 {p95}, {rate}, {} failed{reason}",
        load(kind, trial.load),
        styled(style, word),
        figures.failed,
    )
}

/// Renders the answer as ANSI text.
pub fn render_capacity(report: &CapacityReport, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let kind = report.record.kind;
    let capacity = &report.capacity;
    let loads = report.loads();
    let mut text = String::from("\n");
    if !loads.is_empty() {
        text.push_str(&tried(kind, &loads, width));
        text.push('\n');
    }
    if loads.len() > 1 {
        text.push_str(&bars(kind, &loads));
        text.push('\n');
    }
    let style = match (capacity.load, capacity.limit) {
        (None, CapacityLimit::Thresholds) => BAD,
        (Some(_), CapacityLimit::Thresholds) => GOOD,
        _ => CARE,
    };
    let word = if report.interrupted {
        "INTERRUPTED"
    } else {
        "CAPACITY"
    };
    text.push_str(&format!(
        "{}  {}, {}\n",
        styled(style, word),
        styled(STRONG, headline(kind, capacity)),
        sanitize(&report.record.scenario),
    ));
    for sentence in sentences(report) {
        text.push_str(&wrapped(&sanitize(&sentence), width));
    }
    let thresholds: Vec<_> = report
        .record
        .thresholds
        .iter()
        .map(|it| sanitize(it))
        .collect();
    text.push_str(&wrapped(
        &format!("Thresholds: {}", thresholds.join(", ")),
        width,
    ));
    text
}

fn tried(kind: LoadKind, loads: &[TriedLoad], width: usize) -> String {
    let duration = |us: Option<u64>| us.map_or("–".into(), units::duration);
    let rows = loads.iter().map(|it| {
        let usable = it.held + it.broke;
        let held = match usable {
            0 => "not usable".to_owned(),
            _ => format!("{}/{usable}", it.held),
        };
        vec![
            load(kind, it.load),
            held,
            per_second(it.throughput),
            duration(it.p50_us),
            duration(it.p95_us),
            duration(it.p99_us),
            units::percent(it.busy),
        ]
    });
    let headings = ["Load", "Held", "Completed", "p50", "p95", "p99", "Busy"];
    table(&headings, rows.collect(), width)
}

/// Draws throughput and latency by load, each relative to its highest.
fn bars(kind: LoadKind, loads: &[TriedLoad]) -> String {
    let labels: Vec<String> = loads.iter().map(|it| load(kind, it.load)).collect();
    let width = labels
        .iter()
        .map(|it| it.chars().count())
        .max()
        .unwrap_or(0);
    let most = |figure: fn(&TriedLoad) -> f64| loads.iter().map(figure).fold(0.0, f64::max);
    let rate: fn(&TriedLoad) -> f64 = |it| it.throughput.unwrap_or(0.0);
    let p95: fn(&TriedLoad) -> f64 = |it| it.p95_us.unwrap_or(0) as f64;
    let (most_rate, most_p95) = (most(rate), most(p95));
    let mut text = format!(
        "  {:width$}  {:BAR$}  p95, up to {}\n",
        "",
        format!("Up to {}", per_second(Some(most_rate))),
        units::duration(most_p95 as u64),
    );
    for (label, it) in labels.iter().zip(loads) {
        let line = format!(
            "  {label:>width$}  {:BAR$}  {}",
            bar(rate(it), most_rate),
            bar(p95(it), most_p95)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn per_second(rate: Option<f64>) -> String {
    rate.map_or("–".into(), |rate| {
        format!("{}/s", units::per_second(rate))
    })
}

/// Returns a bar in eighths of a column.
fn bar(value: f64, most: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (value / most.max(f64::MIN_POSITIVE) * (BAR * 8) as f64).round() as usize;
    let eighths = eighths.min(BAR * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}
