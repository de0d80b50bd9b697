//! Workers of a closed load, each of which starts its next flow when its last one has ended.

use std::time::Duration;

use crate::scenario::{Pacing, Ramp, Segment};

use super::next::{Next, Start};

/// The workers of one segment. Those of all segments take turns in the order of their places.
#[derive(Debug)]
pub(super) struct Workers {
    /// The number of workers of all segments.
    parallel: Ramp,
    flows_each: Option<u64>,
    between: Pacing,
    segment: Segment,
    /// Counted flows of the segment that are still to be started, if they are limited.
    left: Option<u64>,
    workers: Vec<Worker>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Worker {
    busy: bool,
    started: u64,
    last_start: Duration,
    ready_at: Duration,
}

impl Workers {
    /// Creates the workers of a segment, of which `flows` flows are counted.
    pub(super) fn new(
        parallel: Ramp,
        flows_each: Option<u64>,
        between: Pacing,
        segment: Segment,
        flows: Option<u64>,
    ) -> Self {
        Workers {
            parallel,
            flows_each,
            between,
            segment,
            left: flows,
            workers: Vec::new(),
        }
    }

    /// Returns the next action at `now`.
    pub(super) fn next(&mut self, now: Duration, warm_up: Duration) -> Next {
        if self.left == Some(0) {
            return Next::Over;
        }
        let allowed = self.segment.share(level(self.parallel.at(now)));
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        if self.workers.len() < allowed {
            self.workers.resize(allowed, Worker::default());
        }
        let mut soonest: Option<Duration> = None;
        for index in 0..self.workers.len() {
            let worker = self.workers[index];
            let has_more = self.flows_each.is_none_or(|each| worker.started < each);
            if worker.busy || !has_more {
                continue;
            }
            let there = if index < allowed {
                Some(now)
            } else {
                self.needed_at(index, now)
            };
            let Some(at) = there.map(|at| at.max(worker.ready_at)) else {
                continue;
            };
            if at <= now {
                return Next::Start(self.start(index, now, warm_up));
            }
            soonest = Some(soonest.map_or(at, |soonest| soonest.min(at)));
        }
        // A worker that is needed for the first time.
        let newcomer = self.needed_at(self.workers.len(), now);
        match soonest.into_iter().chain(newcomer).min() {
            Some(at) => Next::At(at),
            None if self.workers.iter().any(|worker| worker.busy) => Next::WhenOneEnds,
            None => Next::Over,
        }
    }

    /// Notes that a worker's flow has ended.
    pub(super) fn ended(&mut self, worker: usize, now: Duration) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.busy = false;
            worker.ready_at = match self.between {
                Pacing::Nothing => now,
                Pacing::Pause(pause) => now + pause,
                Pacing::Pace(pace) => (worker.last_start + pace).max(now),
            };
        }
    }

    /// Changes the number of workers of all segments from `now` on, and returns the former one.
    pub(super) fn change(&mut self, workers: u64, now: Duration) -> u64 {
        let former = level(self.parallel.at(now));
        if former != workers {
            self.parallel = self.parallel.changed(now, workers as f64);
        }
        former
    }

    fn start(&mut self, index: usize, now: Duration, warm_up: Duration) -> Start {
        let worker = &mut self.workers[index];
        // A pause or a pace is a plan; without one, a flow is due when it can start.
        let planned = self.between != Pacing::Nothing && worker.started > 0;
        let intended = if planned { worker.ready_at } else { now };
        worker.busy = true;
        worker.started += 1;
        worker.last_start = intended;
        let counted = intended >= warm_up;
        if counted && let Some(left) = &mut self.left {
            *left -= 1;
        }
        Start {
            intended,
            counted,
            worker: Some(index),
        }
    }

    /// Returns the time from which the ramp needs the segment's worker with this index, which it
    /// does not at `now`.
    fn needed_at(&self, index: usize, now: Duration) -> Option<Duration> {
        let workers = self.segment.place(index as u64) + 1;
        let at = self.parallel.reaches(workers as f64, now)?;
        // A steep ramp may be just below the level at a time that was rounded down.
        Some(at.max(now + Duration::from_nanos(1)))
    }
}

/// Returns the number of workers that a level of the ramp allows, rounded up where arithmetic left
/// it just below a whole number.
fn level(value: f64) -> u64 {
    (value + 1e-9).floor().max(0.0) as u64
}
