//! Live figures of a run that is divided among processes: what each publishes, and what they are
//! together.
//!
//! Each process writes a [`Snapshot`](snapshot::Snapshot) of its segment about once a second, as a
//! [`Reporter`](super::Reporter) whose [`Publication`] delivers it on a thread of its own: to a file
//! in a directory that all machines share, or to a NATS server. A [`Watch`] has the latest snapshot
//! of each segment, and adds them up as `merge` adds up results, so that percentiles are exact. A
//! snapshot replaces the one before, also that of an earlier start of the segment: nothing is counted
//! twice.
//!
//! Neither a full disk nor a server that has gone slows the run or makes it fail. There is a notice,
//! and a segment that is not heard of is shown as silent.

pub(super) mod collection;
mod courier;
mod folder;
pub(super) mod merged;
mod nats;
mod place;
mod progress;
mod publication;
mod reporter;
mod snapshot;
#[cfg(test)]
mod testing;
mod watch;

pub use courier::Say;
pub use place::{InvalidPlace, NatsLogin, NatsPlace, PublishPlace, WatchedPlace};
pub use progress::SegmentsProgress;
pub use publication::{Publication, PublicationOptions};
pub use reporter::SnapshotReporter;
pub use watch::{Look, Watch};
