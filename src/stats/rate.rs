//! Rate of completed flows.

use std::time::Duration;

use chrono::{DateTime, Local};

use crate::model::{FlowOutcome, FlowRecord, RunInfo};

/// Counts the flows completed while the load was on: neither what was started before it counted,
/// nor, where the clock ends a run, what was completed after that, when no more flows came.
#[derive(Debug, Default)]
pub(super) struct Rate {
    completed: u64,
    /// The time at which the first flow was due, and the end of the last one.
    extent: Option<(DateTime<Local>, DateTime<Local>)>,
}

impl Rate {
    /// Counts a flow that counts.
    pub(super) fn record(&mut self, info: &RunInfo, flow: &FlowRecord) {
        let due = flow.started_at - Duration::from_micros(flow.late_us);
        let apart_us = flow.paused_us.saturating_add(flow.waited_us);
        let took_us = flow.duration_us.saturating_add(apart_us);
        let ended = flow.started_at + Duration::from_micros(took_us);
        let (first, last) = self.extent.unwrap_or((due, ended));
        self.extent = Some((first.min(due), last.max(ended)));
        let in_time = end_of(info).is_none_or(|end| ended <= end);
        self.completed += u64::from(in_time && flow.outcome == FlowOutcome::Completed);
    }

    /// Returns the completed flows a second of a run that has lasted for `elapsed`.
    pub(super) fn per_second(&self, info: &RunInfo, elapsed: Duration) -> Option<f64> {
        let (first, last) = self.extent?;
        let end = end_of(info).filter(|end| *end <= info.started_at + elapsed || *end < last);
        let seconds = (end.unwrap_or(last) - first).to_std().ok()?.as_secs_f64();
        (seconds > 0.0).then(|| self.completed as f64 / seconds)
    }
}

/// Returns the time at which the clock ends the run, if it does.
fn end_of(info: &RunInfo) -> Option<DateTime<Local>> {
    Some(info.started_at + Duration::from_micros(info.duration_us?))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flow, info};
    use super::*;

    /// Flows of a second each, begun so many seconds after the run.
    fn rate(info: &RunInfo, begun: &[u64]) -> Rate {
        let mut rate = Rate::default();
        for &seconds in begun {
            let mut flow = flow(1, FlowOutcome::Completed, &[]);
            flow.started_at = info.started_at + Duration::from_secs(seconds);
            flow.late_us = 0;
            flow.duration_us = 1_000_000;
            rate.record(info, &flow);
        }
        rate
    }

    #[test]
    fn waiting_for_others_and_pauses_are_in_the_time_that_passed() {
        let info = info(1);
        let mut slow = flow(1, FlowOutcome::Completed, &[]);
        slow.started_at = info.started_at;
        slow.late_us = 0;
        (slow.duration_us, slow.paused_us, slow.waited_us) = (1_000_000, 1_000_000, 2_000_000);
        let mut rate = Rate::default();
        rate.record(&info, &slow);
        assert_eq!(rate.per_second(&info, Duration::from_secs(9)), Some(0.25));
    }

    #[test]
    fn what_came_before_the_first_that_counts_is_left_out() {
        let info = info(4);
        let rate = rate(&info, &[10, 11, 12, 13]);
        assert_eq!(rate.per_second(&info, Duration::from_secs(30)), Some(1.0));
    }

    #[test]
    fn where_the_clock_ends_the_run_what_ends_later_is_left_out() {
        let mut info = info(4);
        info.duration_us = Some(8_000_000);
        let rate = rate(&info, &[0, 2, 4, 7, 7, 7]);
        assert_eq!(rate.per_second(&info, Duration::from_secs(9)), Some(0.75));
        let idle = self::rate(&info, &[0, 1, 2, 3]);
        assert_eq!(idle.per_second(&info, Duration::from_secs(9)), Some(0.5));
        // Stopped long before: the clock did not come to it.
        assert_eq!(idle.per_second(&info, Duration::from_secs(5)), Some(1.0));
    }

    #[test]
    fn nothing_has_no_rate() {
        let info = info(1);
        assert_eq!(rate(&info, &[]).per_second(&info, Duration::ZERO), None);
    }
}
