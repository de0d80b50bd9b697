//! Changes of the load while the run is in progress.

use std::time::Duration;

use crate::model::{LoadChange, LoadSetting, RunInfo};

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
    /// Returns whether another change is possible.
    pub(super) fn has_room(&self) -> bool {
        self.changes.len() < MAX_CHANGES
    }

    pub(super) fn add(&mut self, change: LoadChange) {
        self.changes.push(change);
    }

    /// Returns the load as it was changed, if it was, given the mean rate that an open load wanted
    /// until a time. No flows are started after `planned_end`; it is `now`.
    pub(super) fn take(
        &mut self,
        now: Duration,
        planned_end: Option<Duration>,
        wanted_per_second: impl FnOnce(Duration) -> Option<f64>,
    ) -> Option<ChangedLoad> {
        let LoadChanges {
            changes,
            starts_ended,
        } = std::mem::take(self);
        let end = starts_ended.unwrap_or(now);
        let end = planned_end.map_or(end, |planned| planned.min(end));
        (!changes.is_empty()).then(|| ChangedLoad {
            changes,
            wanted_per_second: wanted_per_second(end),
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StageInfo;

    #[test]
    fn a_changed_load_corrects_the_description_of_its_run() {
        let mut changes = LoadChanges::default();
        assert!(changes.take(Duration::ZERO, None, |_| None).is_none());
        changes.add(LoadChange {
            after_us: 1_500_000,
            from: LoadSetting::Parallel(2),
            to: LoadSetting::Parallel(9),
        });
        changes.starts_end(Duration::from_secs(4));
        let end = Some(Duration::from_secs(3));
        let until = |end: Duration| Some(end.as_secs_f64());
        let changed = changes.take(Duration::from_secs(5), end, until).unwrap();
        let stage = |second: u64| StageInfo {
            ends_after_us: second * 1_000_000,
            to: 4.0,
        };
        let mut info = RunInfo {
            parallel: 4,
            load: "up to 4 at once, in 2 stages".into(),
            stages: vec![stage(1), stage(2)],
            ..RunInfo::default()
        };
        assert_eq!(changed.note_in(&mut info).len(), 1);
        assert_eq!((info.parallel, info.stages.len()), (9, 1));
        assert_eq!(info.wanted_per_second, Some(3.0));
        assert!(
            info.load.ends_with("changed while running to 9 at once"),
            "{}",
            info.load
        );
    }
}
