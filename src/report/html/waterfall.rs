//! Waterfall of one flow: its steps over time, across its roles.

use crate::model::{FlowRecord, InjectionOutcome, RunInfo, StepOutcome, StepRecord};
use crate::report::units;

use super::data::{Bar, Waterfall};
use super::words::{self, text};

/// The maximum number of rows.
const MAX_ROWS: usize = 80;

/// The maximum number of faults that are marked in a row.
const MAX_STRIKES: usize = 10;

pub(super) fn waterfall(info: &RunInfo, flow: &FlowRecord) -> Waterfall {
    let shown = || {
        flow.steps
            .iter()
            .filter(|it| it.outcome != StepOutcome::Skipped)
    };
    let total_us = shown().map(end_us).max().unwrap_or(0).max(1);
    let left_out = shown().count().saturating_sub(MAX_ROWS);
    let rows = shown()
        .take(MAX_ROWS)
        .map(|step| bar(info, flow, step, total_us));
    Waterfall {
        total: units::duration(total_us),
        rows: rows.collect(),
        note: (left_out > 0).then(|| format!("{left_out} more steps are left out.")),
    }
}

/// Returns the end of a step with its pauses, since the flow's start.
fn end_us(step: &StepRecord) -> u64 {
    let parts = [step.duration_us, step.paused_us, step.held_us];
    parts
        .into_iter()
        .fold(step.started_after_us, u64::saturating_add)
}

fn bar(info: &RunInfo, flow: &FlowRecord, step: &StepRecord, total_us: u64) -> Bar {
    let place = info.step(&step.step);
    let role = place.and_then(|place| info.role(&info.steps[place.0].role));
    let title = role.map_or(String::new(), |role| text(&info.roles[role.0].title));
    let thousandths = |us: u64| (us as f64 * 1_000.0 / total_us as f64).min(1_000.0);
    let range = |from_us: u64, length_us: u64| {
        let from = thousandths(from_us);
        (
            from,
            thousandths(length_us).max(2.0).min(1_000.0 - from).max(0.0),
        )
    };
    let (start_us, paused_us) = (step.started_after_us, step.paused_us + step.held_us);
    let wait_from_us = start_us.saturating_sub(step.waited_us);
    let pause_from_us = start_us.saturating_add(step.duration_us);
    let injections = flow.injections.iter().filter(|it| {
        it.step == step.step
            && it.outcome == InjectionOutcome::Injected
            && (start_us..=end_us(step)).contains(&it.after_us)
    });
    Bar {
        step: match step.attempt {
            1 => text(&step.step),
            attempt => format!("{} #{attempt}", text(&step.step)),
        },
        role: title,
        colour: words::colour(role.map(|role| role.0)),
        outcome: match step.outcome {
            StepOutcome::Completed => "completed",
            StepOutcome::Skipped => "skipped",
            StepOutcome::Failed => "failed",
            StepOutcome::Retried => "retried",
            StepOutcome::Interrupted => "interrupted",
        },
        start: units::duration(start_us),
        took: units::duration(step.duration_us),
        wait: (step.waited_us > 0).then(|| range(wait_from_us, step.waited_us)),
        work: range(start_us, step.duration_us),
        pause: (paused_us > 0).then(|| range(pause_from_us, paused_us)),
        strikes: injections
            .take(MAX_STRIKES)
            .map(|it| thousandths(it.after_us))
            .collect(),
    }
}
