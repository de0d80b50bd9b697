//! A guard that reports the flow's end to the coordinator even if its supervisor panics.

use actix::prelude::*;
use chrono::Local;

use crate::engine::coordinator::Coordinator;
use crate::engine::messages::{FlowEnded, tell};
use crate::model::{Evidence, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord};

/// Tells the coordinator how the flow ended, even if its supervisor panics.
pub(super) struct ReportGuard {
    pub(super) coordinator: Addr<Coordinator>,
    pub(super) number: FlowNumber,
    pub(super) counted: bool,
    pub(super) id: FlowId,
    pub(super) due: bool,
}

impl ReportGuard {
    pub(super) fn send(&mut self, record: Box<FlowRecord>, evidence: Option<Box<Evidence>>) {
        self.due = false;
        // Without a coordinator the run is over, and nobody counts flows any more.
        let _ = tell(
            &self.coordinator,
            FlowEnded {
                number: self.number,
                record,
                evidence,
            },
        );
    }
}

impl Drop for ReportGuard {
    fn drop(&mut self) {
        if self.due {
            let failure = internal("the flow's supervisor ended without a word", String::new());
            let record = Box::new(FlowRecord {
                number: self.number,
                id: self.id.clone(),
                started_at: Local::now(),
                counted: self.counted,
                late_us: 0,
                duration_us: 0,
                paused_us: 0,
                waited_us: 0,
                outcome: FlowOutcome::Failed(failure),
                steps: Vec::new(),
                retries: Vec::new(),
                captures: Vec::new(),
                variables: Vec::new(),
                processes: Vec::new(),
                injections: Vec::new(),
            });
            self.send(record, None);
        }
    }
}

/// A failure of Rehearsal's own.
pub(in crate::engine) fn internal(message: &str, step: String) -> Box<Failure> {
    Box::new(Failure::new(FailureKind::Internal, message).at(step, ""))
}
