//! Headline: flows, integrity, thresholds and validity of the figures in one place.

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::model::AuditOutcome;
use crate::report::output::{BAD, CARE, GOOD, styled};
use crate::report::units;
use crate::stats::{Integrity, Summary, Trust};

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

/// Returns the lines of the headline, each of at most `width` columns where possible.
pub(super) fn lines(summary: &Summary, width: usize) -> Vec<String> {
    let parts = [
        Some(flows(summary)),
        summary.integrity.as_ref().map(integrity),
        thresholds(summary),
        figures(summary),
    ];
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for (state, text) in parts.into_iter().flatten() {
        let needed = text.width() + 2;
        let part = format!("{} {text}", styled(state.style(), state.sign()));
        match lines.last_mut() {
            Some(line) if used + 2 + needed <= width => {
                line.push_str("  ");
                line.push_str(&part);
                used += 2 + needed;
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
    let is_whole = flows.completed == all && all > 0 && !summary.interrupted;
    let state = if is_whole { State::Good } else { State::Bad };
    let completed = format!(
        "{} of {} completed",
        flows.completed,
        units::counted(all, "flow")
    );
    let text = if summary.interrupted {
        format!("{completed}, interrupted")
    } else {
        completed
    };
    (state, text)
}

fn integrity(integrity: &Integrity) -> Part {
    if integrity.is_violated() {
        let findings = integrity.violations.filter(|violations| *violations > 0);
        let findings = findings.map_or(String::new(), |violations| {
            format!(": {}", units::counted(violations, "finding"))
        });
        return (State::Bad, format!("data inconsistent{findings}"));
    }
    let mut audits = integrity.audits.iter();
    let is_unaudited = audits.any(|audit| matches!(audit.outcome, AuditOutcome::NotRun { .. }));
    if integrity.duplicates.is_none() || is_unaudited {
        return (State::Unsure, "data not checked in full".into());
    }
    (State::Good, "data consistent".into())
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

fn figures(summary: &Summary) -> Option<Part> {
    let (state, word) = match summary.verdict.as_ref()?.trust {
        Trust::Valid => (State::Good, "valid"),
        Trust::Doubtful => (State::Unsure, "doubtful"),
        Trust::Invalid => (State::Bad, "invalid"),
    };
    Some((state, format!("figures {word}")))
}
