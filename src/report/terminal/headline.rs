//! Headline: the result of the run, its main figures, and what is wrong with them.

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::model::RunInfo;
use crate::report::data_state::{self, DataState};
use crate::report::output::{BAD, CARE, GOOD, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::report::verdict::{RunVerdict, trust};
use crate::stats::{FlowFailures, Integrity, Summary, Trust, Verdict};

use super::overview::execution;
use super::text::{cut, wrapped};

/// The maximum number of lines about the trustworthiness of the figures.
const MAX_REASON_LINES: usize = 2;

/// The state of one part of the result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Unsure,
    Bad,
}

impl State {
    fn sign(self) -> &'static str {
        match self {
            State::Good => "✓",
            State::Unsure => "?",
            State::Bad => "✗",
        }
    }

    fn style(self) -> Style {
        match self {
            State::Good => GOOD,
            State::Unsure => CARE,
            State::Bad => BAD,
        }
    }
}

type Part = (State, String);

/// Returns the lines of the headline, each of at most `width` columns.
pub(super) fn lines(info: &RunInfo, summary: &Summary, width: usize) -> Vec<String> {
    let verdict = RunVerdict::of(summary);
    let style = match verdict {
        RunVerdict::Passed => GOOD.bold(),
        RunVerdict::Failed | RunVerdict::DataInconsistent => BAD,
        RunVerdict::Interrupted => CARE.bold(),
    };
    let word = verdict.headline();
    let run = format!("  {}, {}", sanitize(&info.scenario), execution(info));
    let run = cut(&run, width.saturating_sub(word.width()));
    let mut lines = vec![format!("{}{run}", styled(style, word))];
    let parts = [
        Some(flows(summary)),
        summary.integrity.as_ref().map(integrity),
        thresholds(summary),
    ];
    lines.extend(parts_in_lines(parts.into_iter().flatten(), width));
    lines.push(cut(&format!("  {}", figures(info, summary)), width));
    for checked in summary.thresholds.iter().filter(|it| it.stopped_run) {
        let threshold = sanitize(&checked.threshold);
        let text = format!("  the run was ended early: {threshold} was crossed");
        lines.push(styled(CARE, cut(&text, width)));
    }
    if let Some(failures) = summary.stopped_by_failures {
        let flows = units::counted(failures, "flow");
        let text = format!("  the run was stopped by --fail-fast: {flows} failed");
        lines.push(styled(CARE, cut(&text, width)));
    }
    lines.extend(processes(summary));
    lines.extend(
        summary
            .verdict
            .as_ref()
            .map_or(Vec::new(), |it| validity(it, width)),
    );
    lines
}

/// Puts as many parts into a line as fit.
fn parts_in_lines(parts: impl Iterator<Item = Part>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for (state, text) in parts {
        // Two blanks, the sign and a blank come before it.
        let text = cut(&text, width.saturating_sub(4));
        let needed = text.width() + 4;
        let part = format!("  {} {text}", styled(state.style(), state.sign()));
        match lines.last_mut() {
            Some(line) if used + needed <= width => {
                line.push_str(&part);
                used += needed;
            }
            _ => {
                lines.push(part);
                used = needed;
            }
        }
    }
    lines
}

fn flows(summary: &Summary) -> Part {
    let flows = summary.flows;
    let begun = flows.ended().saturating_add(flows.dropped);
    let all = begun
        .saturating_add(flows.not_started())
        .saturating_add(flows.not_recorded);
    let are_allowed = summary.flow_failures == FlowFailures::AreAllowed;
    let is_whole = flows.completed == all && all > 0 && !summary.interrupted;
    let state = if is_whole {
        State::Good
    } else if !summary.interrupted && (are_allowed || flows.completed > 0 && flows.failed == 0) {
        State::Unsure
    } else {
        State::Bad
    };
    let mut text = format!(
        "{} of {} completed",
        flows.completed,
        units::counted(all, "flow")
    );
    let failed = if are_allowed {
        "failed, which is allowed"
    } else {
        "failed"
    };
    let others = [
        (flows.failed, failed),
        (flows.interrupted, "interrupted"),
        (flows.dropped, "dropped"),
        (flows.not_started(), "not started"),
        (flows.not_recorded, "not recorded"),
        (flows.recovered, "recovered by a retry"),
    ];
    for (count, outcome) in others.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {outcome}"));
    }
    (state, text)
}

fn integrity(integrity: &Integrity) -> Part {
    let (data, text) = data_state::data(integrity);
    let state = match data {
        DataState::Consistent => State::Good,
        DataState::Unsure => State::Unsure,
        DataState::Inconsistent => State::Bad,
    };
    (state, text)
}

fn thresholds(summary: &Summary) -> Option<Part> {
    let all = summary.thresholds.len() as u64;
    let held = summary.thresholds.iter().filter(|it| it.holds).count() as u64;
    if all == 0 {
        return None;
    }
    let of_all = units::counted(all, "threshold");
    Some(if held == all {
        (State::Good, format!("{of_all} met"))
    } else {
        (State::Bad, format!("{} of {of_all} not met", all - held))
    })
}

/// Formats throughput and response times.
fn figures(info: &RunInfo, summary: &Summary) -> String {
    let took = units::duration(summary.elapsed_us);
    let mut parts = Vec::new();
    let several = summary.flows.completed > 1;
    let rate = summary.completed_per_second.filter(|_| several);
    parts.push(match rate {
        Some(rate) => format!("{} flows/s in {took}", units::per_second(rate)),
        None => format!("took {took}"),
    });
    if let Some(wanted) = info.wanted_per_second {
        let reached = summary.started_per_second;
        let reached = reached.map_or("–".into(), units::per_second);
        let wanted = units::per_second(wanted);
        parts.push(format!("{reached}/s started of {wanted}/s"));
    }
    if let Some(response) = summary.flow_response.filter(|it| it.count > 1) {
        let figures = [response.p50_us, response.p95_us, response.max_us].map(units::duration);
        let [p50, p95, max] = figures;
        parts.push(format!("response time p50 {p50}, p95 {p95}, max {max}"));
    }
    parts.join(", ")
}

/// Returns a line about processes that did not end by themselves.
fn processes(summary: &Summary) -> Option<String> {
    let counts = summary.processes;
    let left_over = (counts.left_over > 0).then(|| {
        (
            BAD,
            format!("  {} left over", processes_of(counts.left_over)),
        )
    });
    let killed =
        || (counts.killed > 0).then(|| (CARE, format!("  {} killed", processes_of(counts.killed))));
    let (style, text) = left_over.or_else(killed)?;
    Some(styled(style, text))
}

fn processes_of(count: u64) -> String {
    match count {
        1 => "1 process".into(),
        count => format!("{count} processes"),
    }
}

/// Returns the trustworthiness of the figures, with the weightiest objection.
fn validity(verdict: &Verdict, width: usize) -> Vec<String> {
    let state = match verdict.trust {
        Trust::Valid => State::Good,
        Trust::Doubtful => State::Unsure,
        Trust::Invalid => State::Bad,
    };
    let mut text = format!("figures {}", trust(verdict.trust));
    if let Some(reason) = verdict.reasons.first() {
        text.push_str(&format!(": {}", sanitize(reason)));
    }
    let more = verdict.reasons.len().saturating_sub(1) as u64;
    if more > 0 {
        text.push_str(&format!(" (and {})", units::counted(more, "more reason")));
    }
    let room = width.saturating_sub(4);
    let mut lines = wrapped(&text, room);
    if lines.len() > MAX_REASON_LINES {
        let rest = lines.split_off(MAX_REASON_LINES - 1).join(" ");
        lines.push(rest);
    }
    let signs = std::iter::once(styled(state.style(), state.sign()));
    let signs = signs.chain(std::iter::repeat(" ".to_owned()));
    let lines = lines.iter().zip(signs);
    lines
        .map(|(line, sign)| format!("  {sign} {}", cut(line, room)))
        .collect()
}
