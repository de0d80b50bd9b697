//! The result at the top of the page, its figures, and the thresholds.

use crate::model::RunInfo;
use crate::report::data_state::{self, DataState};
use crate::report::result_file::{Completeness, Head};
use crate::report::units;
use crate::report::verdict::{self, RunVerdict};
use crate::stats::{Checked, Integrity, Summary, Trust};

use super::data::{Card, Headline, Part, State, Threshold};
use super::scan::Scan;
use super::words::{self, grouped, text};

/// The maximum number of notices that are shown.
const MAX_NOTICES: usize = 20;

/// The maximum number of thresholds that are shown, those that do not hold first.
const MAX_THRESHOLDS: usize = 100;

pub(super) fn headline(head: &Head) -> Headline {
    let (run, summary) = (&head.run, &head.summary);
    let (state, word) = result(summary);
    let parts = [
        Some(flows(summary)),
        summary.integrity.as_ref().map(integrity),
        met(summary),
    ];
    let parts = parts.into_iter().flatten();
    let parts = parts.chain(early_end(summary)).chain(trust(summary));
    let figures = summary.verdict.as_ref();
    Headline {
        state,
        word,
        run: text(&run.id.0),
        scenario: text(&run.scenario),
        load: format!("{}, {}", units::extent(run), text(&run.load)),
        started: run.started_at.format("%Y-%m-%d %H:%M:%S %:z").to_string(),
        parts: parts.collect(),
        cards: cards(run, summary),
        reasons: figures.map_or(Vec::new(), |verdict| {
            let reasons = verdict.reasons.iter().chain(&verdict.not_judged);
            reasons.map(|reason| text(reason)).collect()
        }),
    }
}

/// Returns the result in a word.
fn result(summary: &Summary) -> (State, String) {
    let verdict = RunVerdict::of(summary);
    let state = match verdict {
        RunVerdict::Passed => State::Good,
        RunVerdict::Failed | RunVerdict::DataInconsistent => State::Bad,
        RunVerdict::Interrupted => State::Unsure,
    };
    (state, verdict.headline())
}

fn flows(summary: &Summary) -> Part {
    let flows = summary.flows;
    let all = [
        flows.ended(),
        flows.dropped,
        flows.not_started(),
        flows.not_recorded,
    ];
    let all = all.into_iter().fold(0, u64::saturating_add);
    let is_whole = flows.completed == all && all > 0 && !summary.interrupted;
    let noun = if all == 1 { "flow" } else { "flows" };
    Part {
        state: if is_whole { State::Good } else { State::Bad },
        text: format!(
            "{} of {} {noun} completed",
            grouped(flows.completed),
            grouped(all)
        ),
    }
}

pub(super) fn integrity(integrity: &Integrity) -> Part {
    let (data, text) = data_state::data(integrity);
    let state = match data {
        DataState::Consistent => State::Good,
        DataState::Unsure => State::Unsure,
        DataState::Inconsistent => State::Bad,
    };
    Part { state, text }
}

fn met(summary: &Summary) -> Option<Part> {
    let all = summary.thresholds.len() as u64;
    let held = summary.thresholds.iter().filter(|it| it.holds).count() as u64;
    let of_all = units::counted(all, "threshold");
    (all > 0).then(|| {
        if held == all {
            Part {
                state: State::Good,
                text: format!("{of_all} met"),
            }
        } else {
            Part {
                state: State::Bad,
                text: format!("{} of {of_all} not met", all - held),
            }
        }
    })
}

/// Returns what ended the run before its planned end, other than a signal.
fn early_end(summary: &Summary) -> Vec<Part> {
    let crossed = summary.thresholds.iter().filter(|it| it.stopped_run);
    let crossed = crossed.map(|it| format!("stopped early: {} was crossed", text(&it.threshold)));
    let failed = summary.stopped_by_failures.map(|failures| {
        let flows = units::counted(failures, "flow");
        format!("stopped by --fail-fast: {flows} failed")
    });
    let parts = crossed.chain(failed).map(|text| Part {
        state: State::Unsure,
        text,
    });
    parts.collect()
}

fn trust(summary: &Summary) -> Option<Part> {
    let trust = summary.verdict.as_ref()?.trust;
    let state = match trust {
        Trust::Valid => State::Good,
        Trust::Doubtful => State::Unsure,
        Trust::Invalid => State::Bad,
    };
    Some(Part {
        state,
        text: format!("figures {}", verdict::trust(trust)),
    })
}

pub(super) fn cards(run: &RunInfo, summary: &Summary) -> Vec<Card> {
    let flows = summary.flows;
    let mut cards = vec![Card {
        name: "Completed",
        value: grouped(flows.completed),
        note: match flows.recovered {
            0 => format!("{} of those started", units::percent(summary.success_rate)),
            recovered => format!("{} of them after a retry", grouped(recovered)),
        },
    }];
    cards.push(Card {
        name: "Failed",
        value: grouped(flows.failed),
        note: match summary.failures.groups.len() as u64 {
            0 => "no failure".into(),
            causes => units::counted(causes, "signature"),
        },
    });
    let others = [
        (flows.interrupted, "interrupted"),
        (flows.dropped, "dropped"),
        (flows.not_started(), "not started"),
        (flows.not_recorded, "not recorded"),
        (flows.not_counted, "in the warm-up, not counted"),
    ];
    let others = || others.iter().filter(|(count, _)| *count > 0);
    if others().next().is_some() {
        let notes: Vec<_> = others()
            .map(|(count, what)| format!("{} {what}", grouped(*count)))
            .collect();
        cards.push(Card {
            name: "Other flows",
            value: grouped(others().map(|(count, _)| count).sum()),
            note: notes.join(", "),
        });
    }
    let wanted = run.wanted_per_second.map(|wanted| {
        let started = summary
            .started_per_second
            .map_or("–".into(), units::per_second);
        format!("{started} started, {} wanted", units::per_second(wanted))
    });
    cards.push(Card {
        name: "Throughput",
        value: summary.completed_per_second.map_or("–".into(), |rate| {
            format!("{}/s", units::per_second(rate))
        }),
        note: wanted.unwrap_or_else(|| "completed flows".into()),
    });
    let response = summary.flow_response;
    let spreads = [
        (
            "Response p50",
            response.map(|it| it.p50_us),
            summary.flow_duration.map(|it| it.p50_us),
        ),
        (
            "Response p95",
            response.map(|it| it.p95_us),
            summary.flow_duration.map(|it| it.p95_us),
        ),
        (
            "Response p99",
            response.map(|it| it.p99_us),
            summary.flow_duration.map(|it| it.p99_us),
        ),
    ];
    cards.extend(spreads.map(|(name, response, service)| Card {
        name,
        value: words::duration(response),
        note: format!("service {}", words::duration(service)),
    }));
    cards.push(Card {
        name: "Took",
        value: units::duration(summary.elapsed_us),
        note: format!("{} script instances", grouped(summary.processes.started)),
    });
    cards
}

pub(super) fn thresholds(summary: &Summary) -> Vec<Threshold> {
    let mut all: Vec<&Checked> = summary.thresholds.iter().collect();
    all.sort_by_key(|it| it.holds);
    let shown = all.into_iter().take(MAX_THRESHOLDS).map(|checked| {
        let state = if checked.holds {
            State::Good
        } else {
            State::Bad
        };
        threshold(checked, state, "no samples", "")
    });
    shown.collect()
}

/// Returns the thresholds of a run in progress, in their order.
#[cfg(feature = "cli")]
pub(super) fn thresholds_so_far(checked: &[Checked]) -> Vec<Threshold> {
    let shown = checked.iter().take(MAX_THRESHOLDS).map(|checked| {
        let (state, note) = match (checked.holds, checked.value) {
            (false, _) => (State::Bad, "not met so far"),
            (true, Some(_)) => (State::Good, ""),
            (true, None) => (State::Unsure, ""),
        };
        threshold(checked, state, "no samples yet", note)
    });
    shown.collect()
}

/// Returns a threshold as it is shown; `note` is for one that was not crossed at a known time.
fn threshold(checked: &Checked, state: State, without_value: &str, note: &str) -> Threshold {
    let crossed = checked.crossed_after_us.map(|us| {
        let stopped = if checked.stopped_run {
            ", and the run was stopped"
        } else {
            ""
        };
        format!("first crossed after {}{stopped}", units::duration(us))
    });
    Threshold {
        state,
        text: text(&checked.threshold),
        value: checked.value.map_or(without_value.into(), words::quantity),
        note: crossed.unwrap_or_else(|| note.into()),
    }
}

/// Lists what restricts the report.
pub(super) fn notices(head: &Head, scan: Option<&Scan>) -> Vec<String> {
    let mut notices = Vec::new();
    if head.completeness == Completeness::CutOff {
        notices.push(
            "The run, or one of its parts, was cut off; what had reached the disk is counted."
                .to_owned(),
        );
    }
    match scan {
        Some(scan) => notices.extend(scan.notices.iter().map(|it| text(it))),
        None => notices.push(
            "The run has no file of flows, so figures over time, response times of steps, and the time by role are missing."
                .into(),
        ),
    }
    notices.truncate(MAX_NOTICES);
    notices
}
