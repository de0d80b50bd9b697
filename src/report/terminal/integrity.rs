//! Results of the integrity checks and of the audit.

use crate::report::checks::{self, Details, IntegrityResult};
use crate::report::output::{BAD, CARE, FAINT, GOOD, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{Integrity, Summary};

use super::heading;
use super::section::{Lines, Section, section};
use super::text::cut;

/// The maximum number of findings of a kind that are shown; the result record has more.
const MAX_SHOWN: usize = 5;

/// The maximum number of lines shown of an audit's output. They are shown also if it passed, as
/// its counts may show work that was done twice or left unfinished.
const MAX_LINES: usize = 20;
const MAX_LINES_IF_PASSED: usize = 6;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let integrity = summary.integrity.as_ref()?;
    let mut lines = vec![heading("Integrity")];
    for result in checks::integrity(integrity) {
        lines.push(verdict(&result));
        lines.extend(details(&result));
    }
    lines.extend(limits(integrity));
    Some(lines.join("\n"))
}

/// Formats a check and its result.
fn verdict(result: &IntegrityResult) -> String {
    format!("  {} {}: {}", sign(result), result.demand, result.found)
}

fn sign(result: &IntegrityResult) -> String {
    match result.findings {
        Some(0) => styled(GOOD, "✓"),
        Some(_) => styled(BAD, "✗"),
        None => styled(CARE, "?"),
    }
}

fn details(result: &IntegrityResult) -> Vec<String> {
    match &result.details {
        Details::Findings(found) => {
            let shown = found.iter().take(MAX_SHOWN).map(|it| format!("      {it}"));
            let more = styled(FAINT, "… more are in the result");
            let more = (found.len() > MAX_SHOWN).then(|| format!("      {more}"));
            shown.chain(more).collect()
        }
        Details::Output { lines, is_cut } => {
            let most = if result.findings == Some(0) {
                MAX_LINES_IF_PASSED
            } else {
                MAX_LINES
            };
            let from = lines.len().saturating_sub(most);
            let cut = (from > 0 || *is_cut).then(|| format!("      {}", styled(FAINT, "│ …")));
            let shown = lines[from..].iter();
            let shown = shown.map(|line| format!("      {} {line}", styled(FAINT, "│")));
            cut.into_iter().chain(shown).collect()
        }
    }
}

/// Returns the checks that did not pass, with their findings, and notes on all of them.
pub(super) fn short(summary: &Summary, width: usize) -> Option<Section> {
    let integrity = summary.integrity.as_ref()?;
    let results: Vec<_> = checks::integrity(integrity).collect();
    let failed: Vec<_> = results.iter().filter(|it| it.findings != Some(0)).collect();
    let limits = limits(integrity);
    if failed.is_empty() && limits.is_empty() {
        return None;
    }
    let mut lines: Vec<_> = failed.iter().map(|it| short_verdict(it, width)).collect();
    let passed = (results.len() - failed.len()) as u64;
    if passed > 0 {
        let sign = styled(GOOD, "✓");
        let noun = if failed.is_empty() {
            "check"
        } else {
            "other check"
        };
        let checks = units::counted(passed, noun);
        lines.push(format!("  {sign} {checks} passed"));
    }
    lines.extend(limits.iter().map(|it| cut(it, width)));
    // Every check is named before the findings of one.
    for result in failed {
        let findings = result.lines().iter().take(MAX_SHOWN);
        let of = cut(&result.demand, width.saturating_sub(4));
        let mut findings = findings.map(|it| format!("      {}", cut(it, width.saturating_sub(6))));
        if let Some(finding) = findings.next() {
            lines.push(format!("    {of}"));
            lines.push(finding);
            lines.extend(findings);
        }
    }
    Some(section("Integrity", Lines::Plain(lines)))
}

/// Formats a check and its result in one line.
fn short_verdict(result: &IntegrityResult, width: usize) -> String {
    let text = format!("{}: {}", result.demand, result.found);
    format!("  {} {}", sign(result), cut(&text, width.saturating_sub(4)))
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
