//! Failures of a run in progress by cause, and the note that all flows fail in the same way.

use std::time::Duration;

use crate::model::{FlowOutcome, RunEvent};
use crate::report::sanitize::sanitize;
use crate::stats::{FailureGroup, Failures};

use super::progress_line::cut;

/// The number of failed flows that is enough for the note, and the smaller one that is enough for
/// flows that fail slowly, after this time.
const MANY: u64 = 10;
const SOME: u64 = 3;
const SLOW: Duration = Duration::from_secs(5);

/// The part of a run from which on stopping it saves little.
const ALMOST_OVER: f64 = 0.9;

/// Failed flows by step, cause and text. Its size is bounded.
#[derive(Debug, Default)]
pub(super) struct Causes {
    failures: Failures,
    failed: u64,
    completed: u64,
    /// Nothing more is to be noted: it was, or the run is being stopped.
    is_noted: bool,
}

impl Causes {
    /// Counts an event.
    pub(super) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(_) => *self = Causes::default(),
            RunEvent::Stopping { .. } => self.is_noted = true,
            RunEvent::FlowEnded(flow) => match &flow.outcome {
                FlowOutcome::Completed => self.completed += 1,
                FlowOutcome::Failed(failure) => {
                    self.failed += 1;
                    self.failures.record(flow, failure);
                }
                FlowOutcome::Interrupted => {}
            },
            _ => {}
        }
    }

    /// Returns the number of failed flows.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// Describes the most frequent failures in a line each, with names of steps of at most
    /// `columns`. Where there are more than `most`, the last line has the number of the others.
    pub(super) fn lines(&self, most: usize, columns: usize) -> Vec<String> {
        let groups = self.failures.most_frequent();
        let shown = match groups.len() > most {
            true => most.saturating_sub(1),
            false => groups.len(),
        };
        let groups = &groups[..shown];
        let mut lines: Vec<_> = groups
            .iter()
            .map(|it| (it.count, what(it, columns)))
            .collect();
        let described: u64 = groups.iter().map(|it| it.count).sum();
        let others = self.failed - described;
        if others > 0 && lines.len() < most {
            lines.push((others, "other failures".to_owned()));
        }
        let widths = lines.iter().map(|(count, _)| count.to_string().len());
        let width = widths.max().unwrap_or(0);
        let lines = lines.into_iter();
        lines
            .map(|(count, what)| format!("{count:>width$} × {what}"))
            .collect()
    }

    /// Returns, once, the note that every flow so far failed at the same step and for the same
    /// cause, if there are enough of them after `elapsed` and most of the run, of which `part` is
    /// done, is still to come.
    pub(super) fn note(&mut self, elapsed: Duration, part: f64) -> Option<String> {
        let enough = if elapsed < SLOW { MANY } else { SOME };
        if self.is_noted || self.completed > 0 || self.failed < enough || part >= ALMOST_OVER {
            return None;
        }
        let groups = self.failures.most_frequent();
        let first = groups.first()?;
        let is_alike = |it: &&FailureGroup| it.step == first.step && it.cause == first.cause;
        let grouped: u64 = groups.iter().map(|it| it.count).sum();
        if !groups.iter().all(is_alike) || grouped < self.failed {
            return None;
        }
        // Later ones would not be "all".
        self.is_noted = true;
        let text = match groups.len() {
            1 => what(first, usize::MAX),
            _ => place_and_cause(first, usize::MAX),
        };
        Some(format!("all {} flows so far failed at {text}", self.failed))
    }
}

/// Describes a group: `06_approve: timeout (Order <id> is already approved)`.
pub(in crate::report) fn what(group: &FailureGroup, columns: usize) -> String {
    let saw = group.saw.as_deref().unwrap_or_default().trim();
    let place_and_cause = place_and_cause(group, columns);
    match saw {
        "" => place_and_cause,
        saw => format!("{place_and_cause} ({})", sanitize(saw)),
    }
}

fn place_and_cause(group: &FailureGroup, columns: usize) -> String {
    let cause = group.example.kind.to_string();
    let step = match group.step.as_str() {
        "" => "the start",
        step => step,
    };
    format!("{}: {}", cut(&sanitize(step), columns), sanitize(&cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, FailureKind, FlowId, FlowNumber, FlowRecord, RunId};

    fn ended(number: u64, outcome: FlowOutcome) -> RunEvent {
        let number = FlowNumber(number);
        let id = FlowId::new(&RunId("RUN".into()), number);
        RunEvent::FlowEnded(Box::new(FlowRecord::not_performed(
            number, id, true, outcome,
        )))
    }

    fn failed(number: u64, step: &str, tail: &str) -> RunEvent {
        let mut failure = Failure::new(FailureKind::Timeout, "awaited prompt `Menu`");
        failure.step = step.into();
        failure.tail = tail.into();
        ended(number, FlowOutcome::Failed(Box::new(failure)))
    }

    fn causes(events: impl IntoIterator<Item = RunEvent>) -> Causes {
        let mut causes = Causes::default();
        events.into_iter().for_each(|event| causes.event(&event));
        causes
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_most_frequent_causes_have_a_line_each_and_the_others_one() {
        let mut events = vec![failed(1, "01", "no\x1b[mode"), failed(2, "02", "")];
        events.extend((3..8).map(|number| failed(number, "03", &format!("Order {number} gone"))));
        events.push(failed(8, "04", ""));
        let causes = causes(events);
        assert_eq!(
            causes.lines(9, 80),
            [
                "5 × 03: timeout (Order <number> gone)",
                "1 × 01: timeout (no␛[mode)",
                "1 × 02: timeout",
                "1 × 04: timeout"
            ]
        );
        assert_eq!(
            causes.lines(2, 80),
            [
                "5 × 03: timeout (Order <number> gone)",
                "3 × other failures"
            ]
        );
        assert_eq!(causes.lines(0, 80), [""; 0]);
    }

    #[test]
    fn flows_that_all_fail_alike_are_noted_once() {
        let all = |count| causes((0..count).map(|number| failed(number, "01", "Sorry")));
        assert_eq!(all(9).note(SECOND, 0.1), None, "too few so early");
        let mut many = all(10);
        assert_eq!(
            many.note(SECOND, 0.1).as_deref(),
            Some("all 10 flows so far failed at 01: timeout (Sorry)")
        );
        assert_eq!(many.note(SECOND, 0.2), None);
        assert_eq!(all(2).note(SLOW, 0.1), None);
        assert!(all(3).note(SLOW, 0.1).is_some(), "slow failures are enough");
        assert_eq!(all(50).note(SLOW, 0.95), None, "the run is almost over");
    }

    #[test]
    fn flows_that_fail_differently_or_do_not_fail_are_not_noted() {
        let alike = (0..20).map(|number| failed(number, "01", "Sorry"));
        let with = |event| causes(alike.clone().chain([event])).note(SLOW, 0.1);
        assert_eq!(with(ended(21, FlowOutcome::Completed)), None);
        assert_eq!(with(failed(21, "02", "Sorry")), None);
        let reason = String::new();
        assert_eq!(with(RunEvent::Stopping { reason }), None);
        assert_eq!(
            with(failed(21, "01", "Oops")).as_deref(),
            Some("all 21 flows so far failed at 01: timeout"),
            "with other texts"
        );
    }
}
