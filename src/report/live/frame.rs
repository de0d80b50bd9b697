//! Lines of the progress display, fitted to the size of the terminal.

use unicode_width::UnicodeWidthStr as _;

use crate::report::sanitize::sanitize;
use crate::report::units;

use super::causes::Causes;
use super::live_stats::LiveStats;
use super::progress_line::{cut, fitted};

/// The width of the bar: a part of the terminal's, and its limits.
const BAR_PART: usize = 6;
const MIN_BAR: usize = 5;
const MAX_BAR: usize = 24;

/// The minimum width of a terminal on which all figures of the run stand in one line.
const ONE_LINE: usize = 120;

/// The maximum number of steps and of causes of failures with a line each.
const MAX_STEPS: usize = 16;
const MAX_CAUSES: usize = 4;

/// The width of a step's name in a line about failures: a part of the terminal's.
const NAME_PART: usize = 3;

/// The minimum width of a step's name next to all of its figures.
const MIN_NAME: usize = 14;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) struct Size {
    pub rows: usize,
    pub columns: usize,
}

/// A progress display.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// The width of the bar before the first line.
    pub bar: usize,
    /// The first line without its bar, and the others.
    pub lines: Vec<String>,
}

impl Frame {
    /// Lays out the figures on a terminal of this size: the run, its steps, its failures.
    pub(super) fn of(stats: &mut LiveStats, causes: &Causes, size: Size) -> Frame {
        let Size { rows, columns } = size;
        let bar = (columns / BAR_PART).clamp(MIN_BAR, MAX_BAR);
        let mut lines = run_lines(stats, columns, bar);
        // The last row stays free for the cursor.
        let left = rows.saturating_sub(lines.len() + 1);
        let mut failures = causes.lines(MAX_CAUSES.min(left / 2), columns / NAME_PART);
        let steps = MAX_STEPS.min(left - failures.len());
        lines.extend(step_lines(stats, steps, columns));
        for line in &mut failures {
            line.insert_str(0, "  ");
        }
        lines.extend(failures);
        let lines = lines.into_iter().enumerate().map(|(number, line)| {
            let before = if number == 0 { bar + 1 } else { 0 };
            cut(&line, columns.saturating_sub(before))
        });
        Frame {
            bar,
            lines: lines.collect(),
        }
    }
}

/// Formats the figures of the run: in one line, or in two on a narrow terminal.
fn run_lines(stats: &mut LiveStats, columns: usize, bar: usize) -> Vec<String> {
    let pieces = stats.pieces();
    let beside = columns.saturating_sub(bar + 1);
    if columns >= ONE_LINE {
        return vec![fitted(pieces, beside).0];
    }
    let (first, mut second): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|it| it.is_progress);
    let (first, left_out) = fitted(first, beside);
    second.splice(0..0, left_out);
    let second = fitted(second, columns.saturating_sub(2)).0;
    match second.is_empty() {
        true => vec![first],
        false => vec![first, format!("  {second}")],
    }
}

/// Formats a line for each of the busiest steps, at most `most`, with aligned columns. The least
/// important ones are omitted where names would be too short.
fn step_lines(stats: &mut LiveStats, most: usize, columns: usize) -> Vec<String> {
    let elapsed = stats.elapsed();
    let steps = stats.busiest(most).map(|step| {
        let p95 = step.p95_us(elapsed).map_or("–".into(), units::duration);
        let cells = [
            format!("  {:>4} now", step.now),
            format!("  p95 {p95:>7}"),
            format!("  {:>4} failed", step.failed),
            format!("  {:>6} done", step.done),
        ];
        (sanitize(&step.name).into_owned(), cells)
    });
    let steps: Vec<_> = steps.collect();
    let longest = steps.iter().map(|(name, _)| name.width()).max();
    let longest = longest.unwrap_or(0);
    let widths = steps
        .iter()
        .map(|(_, cells)| cells.each_ref().map(|it| it.width()));
    let widths = widths.fold([0; 4], |widest, it| {
        std::array::from_fn(|cell| widest[cell].max(it[cell]))
    });
    let room = |shown: usize| {
        let used: usize = widths[..shown].iter().sum();
        columns.saturating_sub(2 + used)
    };
    let shown = (0..=widths.len())
        .rev()
        .find(|&shown| room(shown) >= longest.min(MIN_NAME))
        .unwrap_or(0);
    let width = longest.min(room(shown));
    let line = |(name, cells): (String, [String; 4])| {
        let name = cut(&name, width);
        let padding = " ".repeat(width - name.width());
        let cells = cells.iter().zip(widths).take(shown);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        let line = format!("  {name}{padding}{}", cells.collect::<String>());
        line.trim_end().to_owned()
    };
    steps.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{
        Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord, RunEvent, RunId,
        RunInfo, StepIndex, StepInfo, StepOutcome,
    };

    const STEPS: [&str; 3] = [
        "01_start_customer_portal",
        "02_create_order",
        "06_approve_order_of_the_manager_बिक्री",
    ];

    fn run() -> (LiveStats, Causes) {
        let (mut stats, mut causes) = (LiveStats::default(), Causes::default());
        let mut event = |event: RunEvent| {
            stats.event(&event);
            causes.event(&event);
        };
        let step = |name: &&str| StepInfo {
            name: (*name).to_owned(),
            role: "customer".into(),
            action: "act".into(),
            turns: Vec::new(),
        };
        event(RunEvent::RunStarted(Box::new(RunInfo {
            flows: Some(10_000),
            steps: STEPS.iter().map(step).collect(),
            ..RunInfo::default()
        })));
        for number in 1..=5_133 {
            let flow = FlowNumber(number);
            let id = FlowId::new(&RunId("RUN".into()), flow);
            event(RunEvent::FlowStarted {
                flow,
                variables: Vec::new(),
            });
            let fails = number % 16 == 0;
            for step in 0..STEPS.len() {
                let step = StepIndex(step);
                event(RunEvent::StepStarted { flow, step });
                if number > 5_100 && step.0 == usize::try_from(number % 3).unwrap() {
                    break;
                }
                event(RunEvent::StepEnded {
                    flow,
                    step,
                    outcome: match fails && step.0 == 2 {
                        true => StepOutcome::Failed,
                        false => StepOutcome::Completed,
                    },
                    duration: Duration::from_millis(30 + number % 70),
                    failure: None,
                });
            }
            if number > 5_100 {
                continue;
            }
            let mut failure = Failure::new(FailureKind::Timeout, "awaited prompt `Menu`");
            failure.step = STEPS[2].into();
            failure.tail = match number % 256 {
                0 => format!("Process {number} aborted"),
                64 => "Killed".into(),
                128 => "Database is locked by a user of another department".into(),
                192 => "\x1b[31mNo route".into(),
                _ if number % 1_000 == 0 => "Segmentation fault".into(),
                _ => format!("Order ORD-{number} is already approved"),
            };
            let outcome = match fails {
                true => FlowOutcome::Failed(Box::new(failure)),
                false => FlowOutcome::Completed,
            };
            let record = FlowRecord {
                duration_us: 90_000 + number % 100 * 1_000,
                ..FlowRecord::not_performed(flow, id, true, outcome)
            };
            event(RunEvent::FlowEnded(Box::new(record)));
        }
        stats.tick(Duration::from_secs(9));
        (stats, causes)
    }

    fn shown(rows: usize, columns: usize) -> String {
        let (mut stats, causes) = run();
        let frame = Frame::of(&mut stats, &causes, Size { rows, columns });
        assert!(frame.lines.len() < rows, "{frame:#?}");
        let bar = "━".repeat(frame.bar);
        let first = format!("{bar} {}", frame.lines[0]);
        let lines: Vec<_> = [first]
            .into_iter()
            .chain(frame.lines[1..].iter().cloned())
            .collect();
        let fits = |line: &String| line.width() <= columns;
        assert!(lines.iter().all(fits), "{lines:#?}");
        lines.join("\n")
    }

    #[test]
    fn a_terminal_of_120_columns_has_the_run_in_one_line() {
        insta::assert_snapshot!(shown(40, 120));
    }

    #[test]
    fn a_terminal_of_80_columns_has_all_figures() {
        insta::assert_snapshot!(shown(24, 80));
    }

    #[test]
    fn a_terminal_of_40_columns_has_the_important_figures() {
        insta::assert_snapshot!(shown(24, 40));
    }

    #[test]
    fn no_terminal_is_too_small() {
        for (rows, columns) in [(1, 20), (2, 20), (3, 20), (5, 30), (6, 500)] {
            let (mut stats, causes) = run();
            let frame = Frame::of(&mut stats, &causes, Size { rows, columns });
            assert!(frame.lines.len() <= rows.max(2), "{frame:#?}");
        }
    }
}
