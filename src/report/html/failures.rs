//! Failures by signature, with the kept flows that failed so, and injected faults.

use crate::model::{FaultKind, RunInfo};
use crate::report::failure;
use crate::report::units;
use crate::stats::{FailureGroup, FailureSummary, Summary};

use super::bundles::Evidence;
use super::data::{Faults, Group, Groups};
use super::words::{self, grouped, text};

/// The maximum number of kept flows of a signature.
const MAX_FLOWS: usize = 3;

/// The maximum number of lines of a failure, and of a screen.
const MAX_LINES: usize = 40;

/// The maximum number of rules of fault injection.
const MAX_RULES: usize = 50;

pub(super) fn groups(
    info: &RunInfo,
    failures: &FailureSummary,
    evidence: Option<&Evidence>,
) -> Groups {
    let all = failures.count();
    let most = failures
        .groups
        .first()
        .map_or(1, |group| group.count.max(1));
    let groups = failures.groups.iter();
    let groups = groups.map(|one| group(info, one, all, most, evidence));
    let others = (failures.others > 0).then(|| {
        format!(
            "{} of further signatures are not shown.",
            units::counted(failures.others, "failure")
        )
    });
    let note = evidence.and_then(Evidence::note).filter(|_| all > 0);
    let notes: Vec<_> = others.into_iter().chain(note).collect();
    Groups {
        groups: groups.collect(),
        total: grouped(all),
        note: (!notes.is_empty()).then(|| notes.join(" ")),
    }
}

fn group(
    info: &RunInfo,
    group: &FailureGroup,
    all: u64,
    most: u64,
    evidence: Option<&Evidence>,
) -> Group {
    let role = info.role(&group.role);
    let mut example = group.example.clone();
    let screen = example.screen.take();
    let started = |time: chrono::DateTime<chrono::Local>| {
        let since = (time - info.started_at).num_microseconds().unwrap_or(0);
        let since = units::duration(u64::try_from(since).unwrap_or(0));
        format!("{} (after {since})", time.format("%H:%M:%S"))
    };
    let flows = evidence.map_or(Vec::new(), |it| it.of_group(group, MAX_FLOWS));
    let note = (evidence.is_some() && flows.is_empty())
        .then(|| "No bundle of these flows was kept.".to_owned());
    Group {
        count: grouped(group.count),
        share: units::percent(Some(group.count as f64 / all.max(1) as f64)),
        width: group.count as f64 * 1_000.0 / most as f64,
        step: text(&group.step),
        cause: text(&group.example.kind.to_string()),
        role: role.map_or_else(|| text(&group.role), |role| text(&info.roles[role.0].title)),
        colour: words::colour(role.map(|role| role.0)),
        after_faults: group.after_chaos,
        saw: match &group.saw {
            None => Some("different output each time".into()),
            Some(saw) if saw.is_empty() => None,
            Some(saw) => Some(text(saw)),
        },
        first: started(group.first_at),
        last: started(group.last_at),
        example: text(&group.example_flow.0),
        lines: failure::lines(&example)
            .iter()
            .take(MAX_LINES)
            .map(|line| text(line))
            .collect(),
        screen: screen.map_or(Vec::new(), |it| {
            it.lines().take(MAX_LINES).map(text).collect()
        }),
        flows,
        note,
    }
}

pub(super) fn faults(summary: &Summary) -> Option<Faults> {
    let chaos = summary.chaos.as_ref()?;
    let counts = |faults: &std::collections::BTreeMap<FaultKind, u64>| {
        let counts = faults
            .iter()
            .map(|(kind, count)| format!("{kind} {}", grouped(*count)));
        let counts: Vec<_> = counts.collect();
        if counts.is_empty() {
            "none".to_owned()
        } else {
            counts.join(", ")
        }
    };
    let mut facts = vec![("Injected".to_owned(), counts(&chaos.injected))];
    if !chaos.missed.is_empty() {
        facts.push(("Not possible".into(), counts(&chaos.missed)));
    }
    let flows = [
        ("Flows affected", chaos.flows),
        ("… recovered", chaos.recovered),
        ("… unaffected", chaos.unaffected),
        ("… failed", chaos.failed),
        ("… interrupted", chaos.interrupted),
        (
            "Failed without a fault",
            summary.flows.failed.saturating_sub(chaos.failed),
        ),
    ];
    facts.extend(flows.map(|(name, count)| (name.to_owned(), grouped(count))));
    if let Some(recovery) = chaos.recovery {
        let [p50, p95, longest] =
            [recovery.p50_us, recovery.p95_us, recovery.max_us].map(units::duration);
        facts.push((
            "Recovery".into(),
            format!("p50 {p50}, p95 {p95}, longest {longest}"),
        ));
    }
    let rules = chaos.injections.iter().take(MAX_RULES);
    let rules: Vec<_> = rules.map(|rule| text(rule)).collect();
    Some(Faults {
        rules: rules.join(", "),
        facts,
    })
}
