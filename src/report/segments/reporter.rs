//! Reporter that takes the snapshots of a segment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::RunEvent;
use crate::report::live::so_far::SoFar;
use crate::report::reporter::Reporter;
use crate::report::result_file::Head;
use crate::stats::Integrity;

use super::courier::Courier;
use super::snapshot::{Origin, Snapshot};

/// The reporter of a segment that is published.
pub struct SnapshotReporter {
    state: Arc<Mutex<State>>,
    taken: Option<Duration>,
    every: Duration,
}

/// The figures so far, and where they go.
pub(super) struct State {
    pub so_far: SoFar,
    pub origin: Origin,
    pub sequence: u64,
    pub couriers: Vec<Courier>,
}

impl State {
    /// Hands a snapshot to those who have delivered the one before.
    fn publish(&mut self) {
        if !self.couriers.iter().any(Courier::is_idle) {
            return;
        }
        self.sequence += 1;
        let Some(snapshot) = Snapshot::of(&mut self.so_far, &self.origin, self.sequence) else {
            return;
        };
        let snapshot = Arc::new(snapshot);
        let idle = self.couriers.iter().filter(|it| it.is_idle());
        idle.for_each(|courier| courier.hand_over(Arc::clone(&snapshot)));
    }

    /// Hands over the last snapshot, with the figures of the result; returns `false` if the run has
    /// not started.
    pub(super) fn end(&mut self, head: &Head) -> bool {
        self.sequence += 1;
        let snapshot = Snapshot::of(&mut self.so_far, &self.origin, self.sequence);
        let Some(mut snapshot) = snapshot else {
            return false;
        };
        snapshot.end(head);
        let snapshot = Arc::new(snapshot);
        let couriers = self.couriers.iter();
        couriers.for_each(|courier| courier.hand_over(Arc::clone(&snapshot)));
        true
    }
}

impl SnapshotReporter {
    pub(super) fn new(state: Arc<Mutex<State>>, every: Duration) -> Self {
        SnapshotReporter {
            state,
            taken: None,
            every,
        }
    }
}

impl Reporter for SnapshotReporter {
    fn event(&mut self, event: &RunEvent) {
        lock(&self.state).so_far.event(event);
    }

    fn integrity(&mut self, integrity: &Integrity) {
        lock(&self.state).so_far.integrity(integrity);
    }

    fn tick(&mut self, elapsed: Duration) {
        let mut state = lock(&self.state);
        state.so_far.tick(elapsed);
        let is_due = |last| elapsed.saturating_sub(last) >= self.every;
        if self.taken.is_none_or(is_due) {
            self.taken = Some(elapsed);
            state.publish();
        }
    }
}

pub(super) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // Figures of a panic in between are still figures; the panic is reported elsewhere.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
