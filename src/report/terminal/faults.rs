//! Injected faults, and the outcomes of the flows that they affected.

use std::collections::BTreeMap;

use crate::model::FaultKind;
use crate::report::output::{BAD, CARE, GOOD, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::Summary;

use super::heading;
use super::section::{Lines, Section, section};
use super::text::cut;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let chaos = summary.chaos.as_ref()?;
    let mut lines = vec![heading("Faults")];
    let mut fact = |label: &str, value: String| lines.push(format!("  {label:<18} {value}"));
    fact("Rules", sanitize(&chaos.injections.join(", ")).into_owned());
    fact("Injected", counts(&chaos.injected));
    if !chaos.missed.is_empty() {
        let missed = counts(&chaos.missed);
        let text = format!("{missed}: the program had ended, or its step was over");
        fact("Not possible", styled(CARE, text));
    }
    if chaos.flows > 0 {
        fact("Flows affected", chaos.flows.to_string());
        fact("  recovered", chaos.recovered.to_string());
        fact("  unaffected", chaos.unaffected.to_string());
        let failed = chaos.failed.to_string();
        let (style, any) = (BAD, chaos.failed > 0);
        fact("  failed", if any { styled(style, failed) } else { failed });
        if chaos.interrupted > 0 {
            fact("  interrupted", styled(CARE, chaos.interrupted));
        }
    }
    if let Some(recovery) = chaos.recovery {
        let time = |us| units::duration(us);
        let (p50, p95) = (time(recovery.p50_us), time(recovery.p95_us));
        let longest = time(recovery.max_us);
        let text = format!("p50 {p50}, p95 {p95}, longest {longest}, to the step's evidence");
        fact("Recovery", text);
    }
    if summary.flows.failed > 0 {
        let others = summary.flows.failed.saturating_sub(chaos.failed);
        let text = format!("{} without a fault", units::counted(others, "flow"));
        let text = if others == 0 {
            styled(GOOD, text)
        } else {
            styled(BAD, text)
        };
        fact("Failed besides", text);
    }
    Some(lines.join("\n"))
}

/// Returns the injected faults and the outcomes of their flows.
pub(super) fn short(summary: &Summary, width: usize) -> Option<Section> {
    let chaos = summary.chaos.as_ref()?;
    let outcomes = [
        (chaos.recovered, "recovered"),
        (chaos.unaffected, "unaffected"),
        (chaos.failed, "failed"),
        (chaos.interrupted, "interrupted"),
    ];
    let outcomes = outcomes.iter().filter(|(count, _)| *count > 0);
    let outcomes: Vec<_> = outcomes
        .map(|(count, outcome)| format!("{count} {outcome}"))
        .collect();
    let mut lines = vec![format!("  Injected: {}", counts(&chaos.injected))];
    if chaos.flows > 0 {
        let flows = units::counted(chaos.flows, "flow");
        lines.push(format!("  In {flows}: {}", outcomes.join(", ")));
    }
    let lines = lines.iter().map(|line| cut(line, width)).collect();
    Some(section("Faults", Lines::Plain(lines)))
}

/// Formats the number of faults of each kind.
fn counts(faults: &BTreeMap<FaultKind, u64>) -> String {
    let kinds = faults.iter().map(|(kind, count)| {
        let [one, several] = nouns(*kind);
        let noun = if *count == 1 { one } else { several };
        format!("{count} {noun}")
    });
    let kinds: Vec<_> = kinds.collect();
    if kinds.is_empty() {
        "nothing".into()
    } else {
        kinds.join(", ")
    }
}

fn nouns(kind: FaultKind) -> [&'static str; 2] {
    match kind {
        FaultKind::Kill => ["kill", "kills"],
        FaultKind::Freeze => ["freeze", "freezes"],
        FaultKind::Close => ["closed input", "closed inputs"],
        FaultKind::Garbage => ["line of garbage", "lines of garbage"],
        FaultKind::LongLine => ["long line", "long lines"],
        FaultKind::Dribble => ["dribble", "dribbles"],
        FaultKind::SlowRead => ["slow reading", "slow readings"],
        FaultKind::Bytewise => ["bytewise output", "bytewise outputs"],
        FaultKind::Resize => ["resize", "resizes"],
        FaultKind::Delay => ["delay", "delays"],
        FaultKind::Refuse => ["refusal", "refusals"],
    }
}
