//! OpenTelemetry traces of a run: one for each flow, in OTLP's JSON encoding.
//!
//! | file | holds |
//! | --- | --- |
//! | `spans` | a flow as spans |
//! | `delivery` | their delivery, to a file or to a collector |
//!
//! In a file each line is the `TracesData` of one flow, which the Collector's `otlpjsonfile`
//! receiver reads. <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

mod delivery;
mod spans;

use std::time::Duration;

use crate::model::{RunEvent, RunInfo};

use super::error::ReportError;
use super::reporter::Reporter;

pub use delivery::{SlowCollector, TraceTarget};

use delivery::Delivery;
use spans::FlowSpans;

/// The number of flows that are sent at once.
const BATCH: usize = 100;

/// The maximum age of a flow that is not sent yet.
const MAX_AGE: Duration = Duration::from_secs(1);

/// A reporter that writes each flow as a trace, or sends it to a collector.
///
/// Traces that a collector does not take in time are dropped or waited for; those that are not
/// delivered are counted in the error at the end.
pub struct Traces {
    delivery: Delivery,
    info: Option<RunInfo>,
    batch: Vec<FlowSpans>,
    sent_at: Duration,
}

impl Traces {
    /// Creates a reporter that delivers to `target`.
    ///
    /// # Errors
    /// If the file cannot be created, or the system cannot start a thread.
    pub fn new(target: &TraceTarget, slow: SlowCollector) -> Result<Self, ReportError> {
        Ok(Traces {
            delivery: Delivery::begin(target, slow)?,
            info: None,
            batch: Vec::new(),
            sent_at: Duration::ZERO,
        })
    }

    fn send(&mut self) {
        if !self.batch.is_empty() {
            self.delivery.send(std::mem::take(&mut self.batch));
        }
    }
}

impl Reporter for Traces {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => self.info = Some((**info).clone()),
            RunEvent::FlowEnded(flow) => {
                if let Some(info) = &self.info {
                    self.batch.push(FlowSpans::of(info, flow));
                }
                if self.batch.len() >= BATCH {
                    self.send();
                }
            }
            _ => {}
        }
    }

    fn tick(&mut self, elapsed: Duration) {
        if elapsed.saturating_sub(self.sent_at) >= MAX_AGE {
            self.sent_at = elapsed;
            self.send();
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.send();
        self.delivery.finish()
    }
}
