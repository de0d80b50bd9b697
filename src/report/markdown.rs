//! Markdown summary of a run, as GitHub and GitLab render it.
//!
//! All texts of programs, scenarios and command lines are code spans and code blocks, in which no
//! character has a meaning but the backquote, so they can form neither markup, links, HTML nor
//! mentions.

use crate::model::RunInfo;
use crate::stats::{FailureGroup, FlowFailures, Spread, StepSummary, Summary};

use super::checks::{self, IntegrityResult};
use super::failure;
use super::result_file::Head;
use super::sanitize::sanitize;
use super::units;
use super::verdict::{RunVerdict, trust};

/// The maximum number of groups of failures shown.
const MAX_GROUPS: usize = 10;

/// The maximum number of characters of a text in a table.
const MAX_IN_CELL: usize = 160;

/// Renders the summary of a run. Bundles are named as in its figures.
pub fn markdown(head: &Head) -> String {
    let Head { run, summary, .. } = head;
    let verdict = RunVerdict::of(summary);
    let sign = match verdict {
        RunVerdict::Passed => "✅",
        RunVerdict::Interrupted => "⚠️",
        _ => "❌",
    };
    let title = format!(
        "## {sign} {}: {}\n",
        code(&run.scenario),
        verdict.headline()
    );
    let sections = [
        Some(title),
        Some(overview(run, summary)),
        failure_section(summary),
        thresholds(summary),
        integrity(summary),
        steps(summary),
    ];
    let sections: Vec<_> = sections.into_iter().flatten().collect();
    sections.join("\n")
}

fn overview(run: &RunInfo, summary: &Summary) -> String {
    let flows = &summary.flows;
    let all = flows.ended() + flows.dropped + flows.not_started() + flows.not_recorded;
    let mut parts = vec![format!(
        "**{} of {} completed**",
        flows.completed,
        units::counted(all, "flow")
    )];
    let counts = [
        (flows.failed, "failed"),
        (flows.recovered, "recovered by a retry"),
        (flows.interrupted, "interrupted"),
        (flows.dropped, "dropped"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    parts.extend(counts.map(|(count, what)| format!("{count} {what}")));
    if let Some(rate) = summary.completed_per_second {
        parts.push(format!("{}/s", units::per_second(rate)));
    }
    if let Some(response) = summary.flow_response {
        let of = |us| units::duration(us);
        let (p50, p95, p99) = (
            of(response.p50_us),
            of(response.p95_us),
            of(response.p99_us),
        );
        parts.push(format!("response p50 {p50}, p95 {p95}, p99 {p99}"));
    }
    parts.push(format!("took {}", units::duration(summary.elapsed_us)));
    let mut text = format!("{}\n", parts.join(" · "));
    if let Some(verdict) = &summary.verdict {
        let reasons = verdict.reasons.iter().map(|it| format!("\n- {}", code(it)));
        let reasons: String = reasons.collect();
        if !reasons.is_empty() {
            let trust = trust(verdict.trust);
            text.push_str(&format!("\nThe figures are **{trust}**:\n{reasons}\n"));
        }
    }
    let seed = run
        .seed
        .map_or(String::new(), |seed| format!(", seed {seed}"));
    text.push_str(&format!(
        "\nRun {}, {}{seed}\n",
        code(&run.id.0),
        code(&run.load)
    ));
    text
}

fn failure_section(summary: &Summary) -> Option<String> {
    let all = &summary.failures;
    if all.count() == 0 {
        return None;
    }
    let allowed = match summary.flow_failures {
        FlowFailures::Count => "",
        FlowFailures::AreAllowed => " (no more than are allowed)",
    };
    let mut text = format!(
        "### Failures{allowed}\n\n| flows | step | role | cause | saw |\n| ---: | --- | --- | --- | --- |\n"
    );
    for group in all.groups.iter().take(MAX_GROUPS) {
        let saw = group.saw.as_deref().unwrap_or("different output each time");
        let cells = [&group.step, &group.role, &group.cause, saw].map(in_cell);
        text.push_str(&format!("| {} | {} |\n", group.count, cells.join(" | ")));
    }
    let shown: u64 = all.groups.iter().take(MAX_GROUPS).map(|it| it.count).sum();
    if all.count() > shown {
        let more = units::counted(all.count() - shown, "failure");
        text.push_str(&format!("\nand {more} of other steps and causes\n"));
    }
    for group in all.groups.iter().take(MAX_GROUPS) {
        text.push_str(&example(group));
    }
    Some(text)
}

/// An example of a group of failures, closed until the reader opens it.
fn example(group: &FailureGroup) -> String {
    let mut lines = failure::lines(&group.example);
    if let Some(bundle) = &group.bundle {
        lines.push(format!("replay   rehearsal replay {}", sanitize(bundle)));
    }
    // Markdown in the summary of `details` needs a paragraph, which HTML permits there.
    format!(
        "\n<details><summary>\n\n{} in {}\n\n</summary>\n\n{}\n\n</details>\n",
        code(&format!("{}: {}", group.step, group.cause)),
        code(&group.example_flow.0),
        block(&lines)
    )
}

fn thresholds(summary: &Summary) -> Option<String> {
    if summary.thresholds.is_empty() {
        return None;
    }
    let rows = summary.thresholds.iter().map(|checked| {
        let sign = if checked.holds { "✅" } else { "❌" };
        let value = checks::threshold_value(checked);
        format!("| {sign} | {} | {value} |\n", in_cell(&checked.threshold))
    });
    let rows: String = rows.collect();
    Some(format!(
        "### Thresholds\n\n| | threshold | value |\n| --- | --- | ---: |\n{rows}"
    ))
}

fn integrity(summary: &Summary) -> Option<String> {
    let integrity = summary.integrity.as_ref()?;
    let results: Vec<_> = checks::integrity(integrity).collect();
    let row = |result: &IntegrityResult| {
        let sign = match result.findings {
            Some(0) => "✅",
            Some(_) => "❌",
            None => "❔",
        };
        let (demand, found) = (in_cell(&result.demand), in_cell(&result.found));
        format!("| {sign} | {demand} | {found} |\n")
    };
    let mut text = String::from("### Integrity\n\n| | check | result |\n| --- | --- | --- |\n");
    text.extend(results.iter().map(row));
    let violated = results.iter().filter(|it| it.findings != Some(0));
    for result in violated.filter(|it| !it.lines().is_empty()) {
        let lines = result.lines();
        text.push_str(&format!(
            "\n{}:\n\n{}\n",
            code(&result.demand),
            block(lines)
        ));
    }
    Some(text)
}

fn steps(summary: &Summary) -> Option<String> {
    if summary.steps.is_empty() {
        return None;
    }
    let duration = |spread: Option<Spread>, figure: fn(Spread) -> u64| {
        spread.map_or("–".into(), |it| units::duration(figure(it)))
    };
    let row = |step: &StepSummary| {
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            in_cell(&step.name),
            in_cell(&step.role),
            step.completed,
            step.failed,
            duration(step.duration, |it| it.p50_us),
            duration(step.duration, |it| it.p95_us),
            duration(step.duration, |it| it.max_us),
        )
    };
    let rows: String = summary.steps.iter().map(row).collect();
    Some(format!(
        "### Steps\n\n| step | role | completed | failed | p50 | p95 | max |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: |\n{rows}"
    ))
}

/// Formats a text as a code span outside of tables.
pub(super) fn code(text: &str) -> String {
    let text = sanitize(text.trim());
    if text.is_empty() {
        return "–".into();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A blank at both ends, which renderers remove, keeps backquotes of the text off the fence.
    match text.contains('`') {
        true => format!("{fence} {text} {fence}"),
        false => format!("{fence}{text}{fence}"),
    }
}

/// Formats a text as a code span in a table, shortened if it is long.
pub(super) fn in_cell(text: &str) -> String {
    let mut characters = text.trim().chars();
    let mut short: String = characters.by_ref().take(MAX_IN_CELL).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    code(&short).replace('|', "\\|")
}

/// Formats lines, which are sanitized, as a code block.
fn block(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max();
    let fence = "`".repeat(longest.unwrap_or_default().max(2) + 1);
    format!("{fence}text\n{}\n{fence}", lines.join("\n"))
}

/// Returns the length of the longest run of backquotes.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn backquotes_of_a_text_do_not_end_its_code() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("`a` @you <b>"), "`` `a` @you <b> ``");
        assert_eq!(code(" \n"), "–");
        assert_eq!(in_cell("a | `b`"), "`` a \\| `b` ``");
        assert_eq!(code("two\nlines"), "`two␊lines`");
        let lines = ["```".to_owned(), "</details>".to_owned()];
        assert_eq!(block(&lines), "````text\n```\n</details>\n````");
    }

    proptest! {
        #[test]
        fn a_cell_is_one_code_span(text in "[a`|\\\\\n ]{0,30}") {
            let cell = in_cell(&text);
            prop_assert!(!cell.contains('\n'));
            // No bar without a backslash, which would begin the next cell.
            let bars = cell.match_indices('|').all(|(at, _)| cell[..at].ends_with('\\'));
            prop_assert!(bars, "{cell}");
            let fence = cell.chars().take_while(|c| *c == '`').count();
            if fence > 0 {
                let inner = &cell[fence..cell.len() - fence];
                prop_assert!(longest_run(inner) < fence, "{cell}");
            }
        }
    }
}
