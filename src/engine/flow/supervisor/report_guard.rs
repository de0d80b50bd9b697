//! A guard that reports the flow's end to the coordinator even if its supervisor panics.

use actix::prelude::*;

use crate::engine::coordinator::Coordinator;
use crate::engine::messages::{FlowEnded, send};
use crate::model::{Evidence, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord};

/// A guard that reports the end of a flow, at the latest when it is dropped.
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
        // Without a coordinator the run is over, and flows are not counted any more.
        let _ = send(
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
            let failure = internal(
                "the flow's supervisor ended without a report",
                String::new(),
            );
            let outcome = FlowOutcome::Failed(failure);
            let record =
                FlowRecord::not_performed(self.number, self.id.clone(), self.counted, outcome);
            self.send(Box::new(record), None);
        }
    }
}

/// Returns an internal failure: Rehearsal itself is at fault.
pub(in crate::engine) fn internal(message: &str, step: String) -> Box<Failure> {
    Box::new(Failure::new(FailureKind::Internal, message).at(step, ""))
}
