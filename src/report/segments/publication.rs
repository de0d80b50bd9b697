//! Publication of a segment's live figures.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::report::error::ReportError;
use crate::report::live::so_far::SoFar;
use crate::report::result_file::Head;
use crate::stats::Threshold;

use super::courier::{Courier, Say};
use super::place::{NatsLogin, PublishPlace};
use super::reporter::{SnapshotReporter, State, lock};
use super::snapshot::Origin;

/// The time between two snapshots of a run of few segments.
const EVERY: Duration = Duration::from_secs(1);

/// The number of segments from which on each publishes less often: together not more than so many
/// snapshots a second.
const MOST_PER_SECOND: u64 = 50;

/// The maximum number of points of the course over time.
const MAX_POINTS: usize = 150;

/// The time for the last snapshot to be delivered.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options of a publication.
pub struct PublicationOptions {
    pub places: Vec<PublishPlace>,
    pub login: NatsLogin,
    /// The number of segments.
    pub segments: u64,
    pub thresholds: Vec<Threshold>,
    /// A random text that no other start of the segment has.
    pub start: String,
    pub host: String,
}

/// A segment that is being published.
pub struct Publication {
    state: Arc<Mutex<State>>,
}

impl Publication {
    /// Starts to publish what the reporter is told. `say` gets notices.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(
        options: PublicationOptions,
        say: &Say,
    ) -> Result<(Self, SnapshotReporter), ReportError> {
        let every = EVERY.mul_f64((options.segments as f64 / MOST_PER_SECOND as f64).max(1.0));
        let couriers = options.places.iter();
        let couriers: Result<Vec<_>, _> = couriers
            .map(|place| Courier::start(place, options.login.clone(), Arc::clone(say)))
            .collect();
        let state = Arc::new(Mutex::new(State {
            so_far: SoFar::new(options.thresholds, MAX_POINTS),
            origin: Origin {
                start: options.start,
                every_ms: u64::try_from(every.as_millis()).unwrap_or(u64::MAX),
                host: options.host,
            },
            sequence: 0,
            couriers: couriers?,
        }));
        let reporter = SnapshotReporter::new(Arc::clone(&state), every);
        Ok((Publication { state }, reporter))
    }

    /// Publishes the result, and returns what did not arrive, in a sentence each.
    pub fn end(self, head: &Head) -> Vec<String> {
        let mut state = lock(&self.state);
        if !state.end(head) {
            return Vec::new();
        }
        let couriers = std::mem::take(&mut state.couriers);
        drop(state);
        let ended = couriers.into_iter().map(|courier| courier.end(PATIENCE));
        ended.filter_map(Result::err).collect()
    }
}
