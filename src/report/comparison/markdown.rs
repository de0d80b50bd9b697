//! A comparison in Markdown, as GitHub and GitLab render it.

use crate::report::markdown::{code, in_cell};
use crate::report::units;
use crate::stats::{ComparedFigure, Finding};

use super::conclusion::Conclusive;
use super::form::{ComparisonReport, RunGroup};
use super::words;

/// Renders a comparison: the conclusion, the changed figures, and the others on demand.
pub fn comparison_markdown(report: &ComparisonReport) -> String {
    let sign = match report.conclusion.verdict {
        Conclusive::Slower | Conclusive::Worse => "❌",
        Conclusive::Faster | Conclusive::Better | Conclusive::NoChange => "✅",
        Conclusive::CannotTell => "❔",
    };
    let mut text = format!(
        "## {sign} {}: {}\n\n",
        code(&report.new.scenario),
        report.conclusion.verdict.word().to_lowercase()
    );
    if !report.conclusion.because.is_empty() {
        text.push_str(&format!("{}\n\n", code(&report.conclusion.because)));
    }
    for (label, group) in [("Old", &report.old), ("New", &report.new)] {
        text.push_str(&group_line(label, group));
    }
    let changed = report
        .with(Finding::Worse)
        .chain(report.with(Finding::Better));
    let changed: Vec<_> = changed.collect();
    if !changed.is_empty() {
        text.push_str(&format!("\n{}", table(&changed)));
    }
    let others = [
        (Finding::CannotTell, "cannot be told"),
        (Finding::Same, "the same within the tolerance"),
    ];
    for (finding, what) in others {
        let figures: Vec<_> = report.with(finding).collect();
        if !figures.is_empty() {
            text.push_str(&format!(
                "\n<details><summary>\n\n{} {what}\n\n</summary>\n\n{}\n</details>\n",
                units::counted(figures.len() as u64, "figure"),
                table(&figures)
            ));
        }
    }
    if report.indicative {
        text.push_str(
            "\nThe intervals are those within two single runs and only indicative: repeat the runs.\n",
        );
    }
    for difference in &report.differences {
        let forced = if difference.forced {
            "Ignored: "
        } else {
            "Differs: "
        };
        text.push_str(&format!("\n- {forced}{}", code(&difference.text)));
    }
    for remark in &report.remarks {
        text.push_str(&format!("\n- {}", code(remark)));
    }
    text.push('\n');
    text
}

fn group_line(label: &str, group: &RunGroup) -> String {
    let runs = units::counted(group.runs.len() as u64, "run");
    format!("- {label}: {} ({runs})\n", code(&group.name))
}

fn table(figures: &[&ComparedFigure]) -> String {
    let mut text = String::from(
        "| figure | old | new | change | interval | p | finding |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
    );
    for figure in figures {
        let change = figure.change.as_ref();
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            in_cell(&figure.name),
            words::value(figure.old, &figure.unit),
            words::value(figure.new, &figure.unit),
            change.map_or("–".into(), words::change),
            change.map_or("–".into(), words::interval),
            words::p(figure.p_adjusted),
            figure.words(),
        ));
    }
    text
}
