//! Results of the integrity checks and of the audits.

use crate::model::{AuditOutcome, AuditRecord};
use crate::report::units;
use crate::stats::{AgreeSummary, Integrity, OwnSummary, UniqueSummary};

use super::data::{self, Rule, State};
use super::words::{grouped, last_lines, shortened, text};

/// The maximum number of findings that are shown of each rule.
const MAX_EXAMPLES: usize = 10;

/// The maximum number of lines that are shown of an audit's output.
const MAX_LINES: usize = 40;

/// The maximum length of a value.
const MAX_VALUE: usize = 80;

/// The maximum number of rules of each kind.
const MAX_RULES: usize = 50;

pub(super) fn integrity(integrity: &Integrity) -> data::Integrity {
    let unique = integrity.unique.iter().take(MAX_RULES).map(unique);
    let agree = integrity.agree.iter().take(MAX_RULES).map(agree);
    let own = integrity.own.iter().take(MAX_RULES).map(own);
    let audits = integrity.audits.iter().take(MAX_RULES).map(audit);
    let mut notes: Vec<String> = integrity
        .notices
        .iter()
        .take(MAX_RULES)
        .map(|it| text(it))
        .collect();
    if integrity.not_compared > 0 {
        let values = units::counted(integrity.not_compared, "value");
        notes.push(format!("Not compared, as a secret is in it: {values}."));
    }
    data::Integrity {
        rules: unique.chain(agree).chain(own).chain(audits).collect(),
        notes,
    }
}

fn state(findings: Option<u64>) -> State {
    match findings {
        Some(0) => State::Good,
        Some(_) => State::Bad,
        None => State::Unsure,
    }
}

fn value(value: &str) -> String {
    shortened(value, MAX_VALUE)
}

fn unique(rule: &UniqueSummary) -> Rule {
    let found = match rule.duplicates {
        Some(0) => "no duplicates".into(),
        Some(count) => units::counted(count, "duplicate"),
        None => "could not be counted".to_owned(),
    };
    let examples = rule.found.iter().take(MAX_EXAMPLES).map(|it| {
        let flows: Vec<_> = it.flows.iter().take(3).map(|flow| text(&flow.0)).collect();
        format!(
            "{}: {} flows, such as {}",
            value(&it.value),
            it.count,
            flows.join(", ")
        )
    });
    Rule {
        state: state(rule.duplicates),
        demand: text(&format!("{} is unique", rule.value)),
        found: format!("{} values, {found}", grouped(rule.values)),
        examples: examples.collect(),
    }
}

fn agree(rule: &AgreeSummary) -> Rule {
    let names: Vec<_> = rule.values.iter().map(ToString::to_string).collect();
    let examples = rule.found.iter().take(MAX_EXAMPLES).map(|it| {
        let values = it
            .values
            .iter()
            .map(|it| it.as_deref().map_or("–".into(), value));
        let values: Vec<_> = values.collect();
        format!("flow {}: {}", text(&it.flow.0), values.join(" ≠ "))
    });
    Rule {
        state: state(Some(rule.disagreements)),
        demand: text(&format!("{} agree", names.join(" and "))),
        found: match rule.disagreements {
            0 => format!("{} flows, no difference", grouped(rule.compared)),
            count => format!(
                "{} flows, {}",
                grouped(rule.compared),
                units::counted(count, "difference")
            ),
        },
        examples: examples.collect(),
    }
}

fn own(rule: &OwnSummary) -> Rule {
    let examples = rule.found.iter().take(MAX_EXAMPLES).map(|it| {
        let whose = it.belongs_to.as_ref();
        let whose = whose.map_or("no flow's of the run".into(), |flow| {
            format!("that of flow {}", text(&flow.0))
        });
        let (saw, own) = (value(&it.saw), value(&it.own));
        format!(
            "flow {}: saw {saw}, {whose}; its own is {own}",
            text(&it.flow.0)
        )
    });
    Rule {
        state: state(Some(rule.mix_ups)),
        demand: text(&format!(
            "{} is the flow's own {}",
            rule.value.seen, rule.value.of
        )),
        found: match rule.mix_ups {
            0 => format!("{} flows, no mix-up", grouped(rule.compared)),
            count => format!(
                "{} flows, {}",
                grouped(rule.compared),
                units::counted(count, "mix-up")
            ),
        },
        examples: examples.collect(),
    }
}

fn audit(record: &AuditRecord) -> Rule {
    let findings = match record.outcome {
        AuditOutcome::Passed => Some(0),
        AuditOutcome::NotRun { .. } => None,
        _ => Some(1),
    };
    Rule {
        state: state(findings),
        demand: text(&format!("The audit {}", record.command)),
        found: format!(
            "{}, after {}",
            text(&record.outcome.to_string()),
            units::duration(record.duration_us)
        ),
        examples: last_lines(&record.output.join("\n"), MAX_LINES),
    }
}
