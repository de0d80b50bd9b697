//! Results of the integrity checks and of the audit.

use crate::model::{AuditOutcome, AuditRecord};
use crate::report::output::{BAD, CARE, FAINT, GOOD, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{
    AgreeSummary, Disagreement, Duplicate, Integrity, MixUp, OwnSummary, Summary, UniqueSummary,
};

use super::heading;

/// The maximum number of findings of a kind that are shown; the result record has more.
const MAX_SHOWN: usize = 5;

/// The maximum number of flows shown with one value.
const MAX_FLOWS: usize = 3;

/// The maximum number of lines shown of an audit's output. They are shown also if it passed, as
/// its counts may show work that was done twice or left unfinished.
const MAX_LINES: usize = 20;
const MAX_LINES_IF_PASSED: usize = 6;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let integrity = summary.integrity.as_ref()?;
    let mut lines = vec![heading("Integrity")];
    for rule in &integrity.unique {
        unique(rule, &mut lines);
    }
    for rule in &integrity.agree {
        agree(rule, &mut lines);
    }
    for rule in &integrity.own {
        own(rule, &mut lines);
    }
    for record in &integrity.audits {
        audit(record, &mut lines);
    }
    lines.extend(limits(integrity));
    Some(lines.join("\n"))
}

/// Formats a check and its result.
fn verdict(findings: Option<u64>, demand: &str, found: &str) -> String {
    let sign = match findings {
        Some(0) => styled(GOOD, "✓"),
        Some(_) => styled(BAD, "✗"),
        None => styled(CARE, "?"),
    };
    format!("  {sign} {}: {found}", sanitize(demand))
}

fn unique(rule: &UniqueSummary, lines: &mut Vec<String>) {
    let demand = format!("{} is unique", rule.value);
    let values = units::counted(rule.values, "value");
    let mut found = match rule.duplicates {
        Some(0) => format!("{values}, no duplicates"),
        Some(count) => format!("{values}, {}", units::counted(count, "duplicate")),
        None => "could not be counted".to_owned(),
    };
    if let Some(across) = rule.across_runs.filter(|across| *across > 0) {
        found.push_str(&format!(
            ", {across} of them across runs (expected if each run had a separate system)"
        ));
    }
    lines.push(verdict(rule.duplicates, &demand, &found));
    let shown = |duplicate: &Duplicate| {
        let flows = duplicate.flows.iter().take(MAX_FLOWS);
        let flows: Vec<_> = flows.map(|flow| sanitize(&flow.0)).collect();
        let more = duplicate.count.saturating_sub(flows.len() as u64);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!(
            "{} in flows {}{more}",
            sanitize(&duplicate.value),
            flows.join(", ")
        )
    };
    findings(&rule.found, shown, lines);
}

fn agree(rule: &AgreeSummary, lines: &mut Vec<String>) {
    let names: Vec<_> = rule.values.iter().map(ToString::to_string).collect();
    let demand = format!("{} agree", names.join(", "));
    let flows = units::counted(rule.compared, "flow");
    let found = match rule.disagreements {
        0 => format!("{flows}, no disagreement"),
        count => format!("{flows}, {}", units::counted(count, "disagreement")),
    };
    lines.push(verdict(Some(rule.disagreements), &demand, &found));
    let shown = |found: &Disagreement| {
        let values = rule.values.iter().zip(&found.values);
        let values = values.filter_map(|(info, value)| {
            let value = sanitize(value.as_ref()?);
            Some(format!("{} {value}", sanitize(&info.name)))
        });
        let values: Vec<_> = values.collect();
        format!("flow {}: {}", sanitize(&found.flow.0), values.join(", "))
    };
    findings(&rule.found, shown, lines);
}

fn own(rule: &OwnSummary, lines: &mut Vec<String>) {
    let demand = format!("{} is the flow's own {}", rule.value.seen, rule.value.of);
    let flows = units::counted(rule.compared, "flow");
    let found = match rule.mix_ups {
        0 => format!("{flows}, no mix-up"),
        count => format!("{flows}, {}", units::counted(count, "mix-up")),
    };
    lines.push(verdict(Some(rule.mix_ups), &demand, &found));
    let shown = |found: &MixUp| {
        let whose = match &found.belongs_to {
            Some(flow) => format!("that of flow {}", sanitize(&flow.0)),
            None => "no flow's of the run".to_owned(),
        };
        let (flow, saw, own) = (
            sanitize(&found.flow.0),
            sanitize(&found.saw),
            sanitize(&found.own),
        );
        format!("flow {flow}: saw {saw}, {whose}; its own is {own}")
    };
    findings(&rule.found, shown, lines);
}

fn findings<T>(found: &[T], shown: impl Fn(&T) -> String, lines: &mut Vec<String>) {
    lines.extend(
        found
            .iter()
            .take(MAX_SHOWN)
            .map(|it| format!("      {}", shown(it))),
    );
    if found.len() > MAX_SHOWN {
        lines.push(format!(
            "      {}",
            styled(FAINT, "… more are in the result")
        ));
    }
}

fn audit(record: &AuditRecord, lines: &mut Vec<String>) {
    let findings = match record.outcome {
        AuditOutcome::Passed => Some(0),
        AuditOutcome::NotRun { .. } => None,
        _ => Some(1),
    };
    let outcome = record.outcome.to_string();
    let mut found = sanitize(&outcome).into_owned();
    if !matches!(record.outcome, AuditOutcome::NotRun { .. }) {
        found.push_str(&format!(", after {}", units::duration(record.duration_us)));
    }
    let command = format!("the audit {}", record.command);
    lines.push(verdict(findings, &command, &found));
    let most = if findings == Some(0) {
        MAX_LINES_IF_PASSED
    } else {
        MAX_LINES
    };
    let from = record.output.len().saturating_sub(most);
    if from > 0 || record.lines_left_out > 0 {
        lines.push(format!("      {}", styled(FAINT, "│ …")));
    }
    let shown = record.output[from..].iter();
    lines.extend(shown.map(|line| format!("      {} {}", styled(FAINT, "│"), sanitize(line))));
}

fn limits(integrity: &Integrity) -> Vec<String> {
    let mut lines = Vec::new();
    if integrity.not_compared > 0 {
        let values = units::counted(integrity.not_compared, "value");
        lines.push(format!("    Not compared, as a secret is in it: {values}"));
    }
    lines.extend(
        integrity
            .notices
            .iter()
            .map(|it| format!("    Note: {}", sanitize(it))),
    );
    lines
}
