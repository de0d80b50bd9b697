//! Changes of the load while the run is in progress.

use std::time::Duration;

use actix::prelude::*;

use crate::engine::messages::ChangeLoad;
use crate::model::{LoadChange, LoadSetting, RunEvent, RunInfo, micros};

use super::Coordinator;

/// The maximum number of changes; later ones have no effect. A ramp gets longer with each.
const MAX_CHANGES: usize = 1_000;

/// The changes of a run's load so far.
#[derive(Debug, Default)]
pub(super) struct LoadChanges {
    changes: Vec<LoadChange>,
    /// The time from which no more flows are started.
    starts_ended: Option<Duration>,
}

/// A load that was changed while its run was in progress.
#[derive(Debug)]
pub(in crate::engine) struct ChangedLoad {
    changes: Vec<LoadChange>,
    /// The average rate of flow starts of an open load.
    wanted_per_second: Option<f64>,
}

impl LoadChanges {
    /// Notes the time from which no more flows are started.
    pub(super) fn starts_end(&mut self, now: Duration) {
        self.starts_ended.get_or_insert(now);
    }
}

impl ChangedLoad {
    /// Corrects the run's description, and returns the changes.
    pub(in crate::engine) fn note_in(self, info: &mut RunInfo) -> Vec<LoadChange> {
        let first_us = self.changes.first().map_or(u64::MAX, |it| it.after_us);
        // The first change is in place of later stages.
        info.stages.retain(|stage| stage.ends_after_us <= first_us);
        info.wanted_per_second = self.wanted_per_second.or(info.wanted_per_second);
        for change in &self.changes {
            if let LoadSetting::Parallel(flows) = change.to {
                info.parallel = info.parallel.max(flows);
            }
        }
        if let Some(last) = self.changes.last() {
            info.load = format!("{}, changed while running to {}", info.load, last.to);
        }
        self.changes
    }
}

impl Coordinator {
    /// Returns the load as it was changed, if it was.
    pub(super) fn changed_load(&mut self) -> Option<ChangedLoad> {
        let LoadChanges {
            changes,
            starts_ended,
        } = std::mem::take(&mut self.load_changes);
        let now = self.began.elapsed();
        let planned = self.schedule.end().unwrap_or(Duration::MAX);
        let end = starts_ended.unwrap_or(now).min(planned);
        (!changes.is_empty()).then(|| ChangedLoad {
            changes,
            wanted_per_second: self.schedule.wanted_per_second(end),
        })
    }
}

impl Handler<ChangeLoad> for Coordinator {
    type Result = ();

    fn handle(&mut self, ChangeLoad(to): ChangeLoad, ctx: &mut Self::Context) {
        let now = self.began.elapsed();
        if self.stopped.is_some() || self.load_changes.changes.len() >= MAX_CHANGES {
            return;
        }
        let Some(from) = self.schedule.change(to, now) else {
            return;
        };
        let change = LoadChange {
            after_us: micros(now),
            from,
            to,
        };
        self.load_changes.changes.push(change);
        self.run.emit(RunEvent::LoadChanged(change));
        self.notice(change.to_string());
        self.proceed(ctx);
    }
}
