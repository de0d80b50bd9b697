//! Time that flows spend outside of steps.

use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{Spread, Summary};

use super::columns::{Row, layout_to_fit};
use super::heading;

pub(super) fn render(summary: &Summary, width: usize) -> Option<String> {
    let phases = all(summary).into_iter();
    let rows: Vec<_> = phases.map(|(name, spread)| row(name, &spread)).collect();
    if rows.is_empty() {
        return None;
    }
    let headings = ["Phase", "Count", "Average", "p50", "p95", "p99", "Max"];
    let table = layout_to_fit(&headings, rows, width);
    Some(format!("{}\n{table}", heading("Phases")))
}

/// Returns the phases that there were, with their names.
pub(super) fn all(summary: &Summary) -> Vec<(String, Spread)> {
    let phases = &summary.phases;
    let mut all = Vec::new();
    let mut phase = |name: String, spread: Option<Spread>| {
        all.extend(spread.map(|spread| (name, spread)));
    };
    phase("Queueing, due to started".into(), summary.start_delay);
    for role in &summary.roles {
        let name = format!("First output, {}", sanitize(&role.title));
        phase(name, role.startup);
    }
    phase("Log-in, first step".into(), phases.log_in);
    phase("Hand-over to another role".into(), phases.hand_over);
    phase("Next step, same role".into(), phases.next_step);
    phase("Pauses, each flow".into(), phases.paused);
    phase("Waiting for others".into(), phases.waited);
    phase("Delays before retries".into(), phases.retry_delay);
    phase(
        "Recovery, first failure to success".into(),
        summary.retries.recovery,
    );
    phase("Exit of a program".into(), phases.exit);
    all
}

fn row(name: String, spread: &Spread) -> Row {
    let mut cells = vec![name, spread.count.to_string()];
    let figures = [
        spread.mean_us,
        spread.p50_us,
        spread.p95_us,
        spread.p99_us,
        spread.max_us,
    ];
    cells.extend(figures.map(units::duration));
    Row::new(cells)
}
