//! End of a run: its causes, and their consequences for the flows in flight.
//!
//! | cause | new flows | flows in flight | interrupted |
//! | --- | --- | --- | --- |
//! | `AllStarted`, `DataUsedUp` | none | finish; if the load has a duration, within its graceful stop after that | no |
//! | `TimeOver` | none | finish within the load's graceful stop | no |
//! | `Threshold` | none | finish within the load's graceful stop | no |
//! | `FailFast` | none | finish within the load's graceful stop | no |
//! | `Requested(Graceful)` | none | finish within the given grace | yes |
//! | `Requested(Now)` | none | are ended at once | yes |
//!
//! A later cause replaces an earlier one if it is further down in this table.

use std::time::Duration;

use actix::prelude::*;

use crate::engine::control::Stop;
use crate::model::RunEvent;
use crate::process::Grace;

use super::Coordinator;

/// The reason why a run starts no more flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopCause {
    /// Every flow of the load was started.
    AllStarted,
    /// A source of data has no more rows, with a description of it.
    DataUsedUp(String),
    /// The load's duration is over.
    TimeOver,
    /// A threshold with `stop` was crossed, as it is written.
    Threshold(String),
    /// So many flows have failed: the limit of [`RunOptions::fail_fast`](crate::engine::RunOptions).
    FailFast(u64),
    /// The caller stopped the run.
    Requested(Stop),
}

impl StopCause {
    /// Returns whether the run was stopped by its caller before its end.
    pub fn is_interruption(&self) -> bool {
        matches!(self, StopCause::Requested(_))
    }

    fn urgency(&self) -> u8 {
        match self {
            StopCause::AllStarted | StopCause::DataUsedUp(_) => 0,
            StopCause::TimeOver => 1,
            StopCause::Threshold(_) => 2,
            StopCause::FailFast(_) => 3,
            StopCause::Requested(Stop::Graceful { .. }) => 4,
            StopCause::Requested(Stop::Now) => 5,
        }
    }

    /// Returns whether this cause matters to a run that `earlier` has stopped. A second
    /// graceful stop does: it may shorten the grace.
    fn overrides(&self, earlier: Option<&StopCause>) -> bool {
        let is_graceful = matches!(self, StopCause::Requested(Stop::Graceful { .. }));
        earlier.is_none_or(|earlier| {
            self.urgency() > earlier.urgency()
                || (is_graceful && self.urgency() == earlier.urgency())
        })
    }
}

impl Coordinator {
    /// Starts no more flows from now on. All causes come together here.
    pub(super) fn begin_stop(&mut self, cause: StopCause, ctx: &mut Context<Self>) {
        if !cause.overrides(self.stopped.as_ref()) {
            return;
        }
        // The last flow of a rate stands for the time until the end, and not until its own start.
        let is_until_end = matches!(cause, StopCause::AllStarted) && self.info.flows.is_none();
        if !is_until_end {
            self.load_changes.starts_end(self.began.elapsed());
        }
        match &cause {
            StopCause::AllStarted | StopCause::DataUsedUp(_) | StopCause::TimeOver => {
                self.collector.all_started();
            }
            StopCause::Threshold(_) | StopCause::FailFast(_) | StopCause::Requested(_) => {
                self.collector.stopping();
                self.stopped_after.get_or_insert(self.began.elapsed());
            }
        }
        match &cause {
            StopCause::AllStarted | StopCause::TimeOver => self.end_after_time(ctx),
            StopCause::DataUsedUp(used_up) => {
                self.notice(format!("{used_up}: no more flows are started"));
                self.end_after_time(ctx);
            }
            StopCause::Threshold(crossed) => {
                self.notice(format!("{crossed} was crossed: the run is ended"));
                self.finish_within(self.graceful_stop, ctx);
            }
            StopCause::FailFast(limit) => {
                let failed = match limit {
                    1 => "1 flow has failed".to_owned(),
                    _ => format!("{limit} flows have failed"),
                };
                self.notice(format!("{failed}: the run is stopped (fail-fast)"));
                self.finish_within(self.graceful_stop, ctx);
            }
            StopCause::Requested(Stop::Graceful { grace }) => self.finish_within(*grace, ctx),
            StopCause::Requested(Stop::Now) => {
                let reason = format!("{} in flight ended at once", self.flows_in_words());
                self.run.emit(RunEvent::Stopping { reason });
                self.end_flows(Grace::SHORT);
                self.end_pools(Grace::SHORT);
            }
        }
        self.stopped = Some(cause);
    }

    /// Lets the flows in flight finish within the graceful stop after the load's duration. Without
    /// one, they have all the time that they need.
    fn end_after_time(&mut self, ctx: &mut Context<Self>) {
        let Some(end) = self.schedule.end() else {
            return;
        };
        let left = end.saturating_sub(self.began.elapsed());
        ctx.run_later(left.saturating_add(self.graceful_stop), |coordinator, _| {
            let flows = coordinator.flows_in_words();
            coordinator.notice(format!("the time is over: {flows} in flight ended"));
            coordinator.end_flows(Grace::SHORT);
        });
    }

    /// Lets the flows in flight finish within `grace`.
    fn finish_within(&mut self, grace: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(grace, |coordinator, _| coordinator.end_flows(Grace::SHORT));
        let flows = self.flows_in_words();
        let grace = humantime::format_duration(grace);
        let reason = format!("{flows} in flight may finish within {grace}");
        self.run.emit(RunEvent::Stopping { reason });
    }

    /// Stops the run if so many flows have failed that the options demand it. A run that has no
    /// flow left to start or to wait for ends by itself.
    pub(super) fn check_fail_fast(&mut self, ctx: &mut Context<Self>) {
        let Some(limit) = self.run.fail_fast else {
            return;
        };
        let is_over = self.stopped.is_some() && self.in_flight.is_empty();
        if self.failed >= limit && !is_over {
            self.begin_stop(StopCause::FailFast(limit), ctx);
        }
    }

    pub(super) fn notice(&self, text: String) {
        self.run.emit(RunEvent::Notice { flow: None, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_cause_counts_only_if_it_is_more_urgent() {
        let grace = Duration::from_secs(1);
        let causes = [
            StopCause::AllStarted,
            StopCause::TimeOver,
            StopCause::Threshold("flow.failed == 0".into()),
            StopCause::FailFast(3),
            StopCause::Requested(Stop::Graceful { grace }),
            StopCause::Requested(Stop::Now),
        ];
        for (place, cause) in causes.iter().enumerate() {
            assert!(cause.overrides(None));
            for (other, earlier) in causes.iter().enumerate() {
                let is_second_grace = place == 4 && other == 4;
                assert_eq!(
                    cause.overrides(Some(earlier)),
                    place > other || is_second_grace,
                    "{cause:?} after {earlier:?}"
                );
            }
        }
    }
}
