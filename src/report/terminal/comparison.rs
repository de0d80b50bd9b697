//! A comparison of two groups of runs on a terminal.

use anstyle::Style;

use crate::report::comparison::{ComparisonReport, Conclusive, RunGroup, words};
use crate::report::output::{BAD, CARE, FAINT, GOOD, STRONG, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{ComparedFigure, Finding};

use super::MIN_WIDTH;
use super::columns::{Row, layout_to_fit};

/// The number of figures shown of which nothing can be told, unless all are shown.
const MAX_DOUBTFUL: usize = 8;

/// Renders a comparison as ANSI text of at most `width` columns, where names permit it. Without
/// `all`, figures that are the same are only counted.
pub fn render_comparison(report: &ComparisonReport, all: bool, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let mut text = headline(report, width);
    text.push('\n');
    text.push_str(&groups(report));
    let found = |finding| -> Vec<&ComparedFigure> { report.with(finding).collect() };
    let (worse, better) = (found(Finding::Worse), found(Finding::Better));
    let (same, doubtful) = (found(Finding::Same), found(Finding::CannotTell));
    for (title, style, figures) in [("Worse", BAD, &worse), ("Better", GOOD, &better)] {
        if !figures.is_empty() {
            text.push_str(&section(report, title, style, figures, Last::P, width));
        }
    }
    let shown = if all || report.indicative {
        doubtful.len()
    } else {
        MAX_DOUBTFUL.min(doubtful.len())
    };
    if shown > 0 {
        let last = if report.indicative {
            Last::Nothing
        } else {
            Last::Remedy
        };
        let title = if report.indicative {
            "Two single runs"
        } else {
            "Cannot tell"
        };
        text.push_str(&section(
            report,
            title,
            CARE,
            &doubtful[..shown],
            last,
            width,
        ));
    }
    if all && !same.is_empty() {
        text.push_str(&section(
            report,
            "Same within tolerance",
            STRONG,
            &same,
            Last::Smallest,
            width,
        ));
    }
    text.push_str(&format!("\n{}\n", counts(report, &doubtful[shown..], all)));
    if report.indicative {
        let note = "Intervals within two single runs are only indicative, as runs differ from each other by more: compare 5 or more runs of each (--repeat).";
        text.push_str(&wrapped(note, width));
    }
    for difference in &report.differences {
        let what = if difference.forced {
            "Ignored, as --force says"
        } else {
            "Differs"
        };
        let line = format!("{what}: {}", difference.text);
        text.push_str(&styled(CARE, wrapped(&sanitize(&line), width).trim_end()));
        text.push('\n');
    }
    for remark in &report.remarks {
        text.push_str(&wrapped(&sanitize(remark), width));
    }
    text
}

/// Returns the style of a conclusion.
fn style(verdict: Conclusive) -> Style {
    match verdict {
        Conclusive::Slower | Conclusive::Worse => BAD,
        Conclusive::Faster | Conclusive::Better | Conclusive::NoChange => GOOD,
        Conclusive::CannotTell => CARE,
    }
}

fn headline(report: &ComparisonReport, width: usize) -> String {
    let conclusion = &report.conclusion;
    let word = conclusion.verdict.word();
    let whole = wrapped(&sanitize(&format!("{word}: {}", conclusion.because)), width);
    // The word is not broken.
    let rest = whole.strip_prefix(word).unwrap_or(&whole);
    format!("{}{rest}", styled(style(conclusion.verdict), word))
}

fn groups(report: &ComparisonReport) -> String {
    let line = |label: &str, group: &RunGroup| {
        let time = |it: chrono::DateTime<chrono::Utc>| {
            it.with_timezone(&chrono::Local)
                .format("%Y-%m-%d %H:%M")
                .to_string()
        };
        let from = group.from.map(time).unwrap_or_default();
        format!(
            "  {label}  {}, {}, from {from}\n",
            sanitize(&group.name),
            units::counted(group.runs.len() as u64, "run"),
        )
    };
    format!("{}{}", line("Old", &report.old), line("New", &report.new))
}

/// The content of a table's last column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    P,
    /// The number of runs that would tell.
    Remedy,
    /// The smallest change that would have been found.
    Smallest,
    Nothing,
}

fn section(
    report: &ComparisonReport,
    title: &str,
    style: Style,
    figures: &[&ComparedFigure],
    last: Last,
    width: usize,
) -> String {
    let interval = format!("{:.0} % interval", (1.0 - report.alpha) * 100.0);
    let mut headings = vec![title, "Old", "New", "Change", interval.as_str()];
    headings.extend(match last {
        Last::P => Some("p"),
        Last::Remedy => Some("Needs"),
        Last::Smallest => Some("Would find"),
        Last::Nothing => None,
    });
    let rows = figures.iter().map(|figure| {
        let change = figure.change.as_ref();
        let mut cells = vec![
            sanitize(&figure.name).into_owned(),
            words::value(figure.old, &figure.unit),
            words::value(figure.new, &figure.unit),
            change.map_or("–".into(), words::change),
            change.map_or("–".into(), words::interval),
        ];
        cells.extend(match last {
            Last::P => Some(words::p(figure.p_adjusted)),
            Last::Remedy => Some(words::remedy(figure)),
            Last::Smallest => Some(words::smallest(figure)),
            Last::Nothing => None,
        });
        Row::new(cells)
    });
    let table = layout_to_fit(&headings, rows.collect(), width);
    let (heading, rest) = table.split_once('\n').unwrap_or((table.as_str(), ""));
    format!("\n{}\n{rest}\n", styled(style, heading))
}

fn counts(report: &ComparisonReport, hidden: &[&ComparedFigure], all: bool) -> String {
    let count = |finding| report.with(finding).count();
    let tolerance = report.tolerance_words();
    let mut parts = vec![
        format!("{} worse", count(Finding::Worse)),
        format!("{} better", count(Finding::Better)),
        format!("{} the same within {tolerance}", count(Finding::Same)),
        format!("{} cannot be told", count(Finding::CannotTell)),
    ];
    if report.indicative {
        parts.truncate(0);
        parts.push(units::counted(
            report.comparison.figures.len() as u64,
            "figure",
        ));
    }
    let more =
        (!all && (!hidden.is_empty() || count(Finding::Same) > 0)).then_some("; --all shows all");
    styled(
        FAINT,
        format!("Figures: {}{}", parts.join(", "), more.unwrap_or("")),
    )
}

/// Breaks a text into lines of at most `width` columns, indented from the second one on.
pub fn wrapped(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 8), "one two\n  three\n");
        assert_eq!(wrapped("", 8), "\n");
    }
}
