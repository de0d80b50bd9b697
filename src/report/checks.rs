//! Thresholds and integrity checks with their results, as text for every report.
//!
//! All texts are sanitized.

use crate::model::{AuditOutcome, AuditRecord};
use crate::stats::{
    AgreeSummary, Checked, Disagreement, Duplicate, Integrity, MixUp, OwnSummary, UniqueSummary,
};

use super::sanitize::sanitize;
use super::units;

/// The maximum number of flows shown with one value.
const MAX_FLOWS: usize = 3;

/// One integrity check with its result.
pub(super) struct IntegrityResult {
    /// The condition: `order_id (Customer) is unique`.
    pub demand: String,
    /// The number of violations; `None` if it could not be determined.
    pub findings: Option<u64>,
    /// The result in words: `200 values, no duplicates`.
    pub found: String,
    pub details: Details,
}

/// The lines that explain the result of a check.
pub(super) enum Details {
    /// The first findings, a line each.
    Findings(Vec<String>),
    /// The last lines of an audit's output.
    Output {
        lines: Vec<String>,
        /// There was more output before.
        is_cut: bool,
    },
}

impl IntegrityResult {
    fn new(demand: &str, findings: Option<u64>, found: String, details: Vec<String>) -> Self {
        IntegrityResult {
            demand: sanitize(demand).into_owned(),
            findings,
            found,
            details: Details::Findings(details),
        }
    }

    /// Returns the lines that explain the result.
    pub fn lines(&self) -> &[String] {
        match &self.details {
            Details::Findings(lines) | Details::Output { lines, .. } => lines,
        }
    }
}

/// Returns the value that a threshold was checked against, and when it was crossed: `2.31 s after
/// 4.0 s`.
pub(super) fn threshold_value(checked: &Checked) -> String {
    let mut value = checked.value.map_or("no samples".into(), units::quantity);
    if let Some(after_us) = checked.crossed_after_us {
        value.push_str(&format!(" after {}", units::duration(after_us)));
    }
    value
}

/// Returns all integrity checks of a run, in the order of the scenario, the audits last.
pub(super) fn integrity(integrity: &Integrity) -> impl Iterator<Item = IntegrityResult> {
    let unique = integrity.unique.iter().map(unique);
    let agree = integrity.agree.iter().map(agree);
    let own = integrity.own.iter().map(own);
    let audits = integrity.audits.iter().map(audit);
    unique.chain(agree).chain(own).chain(audits)
}

fn unique(rule: &UniqueSummary) -> IntegrityResult {
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
    let demand = format!("{} is unique", rule.value);
    let details = rule.found.iter().map(shown).collect();
    IntegrityResult::new(&demand, rule.duplicates, found, details)
}

fn agree(rule: &AgreeSummary) -> IntegrityResult {
    let names: Vec<_> = rule.values.iter().map(ToString::to_string).collect();
    let flows = units::counted(rule.compared, "flow");
    let found = match rule.disagreements {
        0 => format!("{flows}, no disagreement"),
        count => format!("{flows}, {}", units::counted(count, "disagreement")),
    };
    let shown = |found: &Disagreement| {
        let values = rule.values.iter().zip(&found.values);
        let values = values.filter_map(|(info, value)| {
            let value = sanitize(value.as_ref()?);
            Some(format!("{} {value}", sanitize(&info.name)))
        });
        let values: Vec<_> = values.collect();
        format!("flow {}: {}", sanitize(&found.flow.0), values.join(", "))
    };
    let demand = format!("{} agree", names.join(", "));
    let details = rule.found.iter().map(shown).collect();
    IntegrityResult::new(&demand, Some(rule.disagreements), found, details)
}

fn own(rule: &OwnSummary) -> IntegrityResult {
    let flows = units::counted(rule.compared, "flow");
    let found = match rule.mix_ups {
        0 => format!("{flows}, no mix-up"),
        count => format!("{flows}, {}", units::counted(count, "mix-up")),
    };
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
    let demand = format!("{} is the flow's own {}", rule.value.seen, rule.value.of);
    let details = rule.found.iter().map(shown).collect();
    IntegrityResult::new(&demand, Some(rule.mix_ups), found, details)
}

fn audit(record: &AuditRecord) -> IntegrityResult {
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
    let demand = format!("the audit {}", record.command);
    let lines = record.output.iter().map(|line| sanitize(line).into_owned());
    IntegrityResult {
        demand: sanitize(&demand).into_owned(),
        findings,
        found,
        details: Details::Output {
            lines: lines.collect(),
            is_cut: record.lines_left_out > 0,
        },
    }
}
