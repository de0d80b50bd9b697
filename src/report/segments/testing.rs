//! Snapshots for tests.

use std::time::Duration;

use chrono::{DateTime, Local};

use crate::model::{
    FlowId, FlowNumber, FlowOutcome, FlowRecord, RoleInfo, RunEvent, RunId, RunInfo, StepInfo,
};
use crate::report::live::so_far::SoFar;

use super::snapshot::{Origin, Snapshot};

/// The snapshot of a start of a segment, which has completed so many flows and has 3 in flight.
pub(super) fn snapshot(segment: &str, start: &str, sequence: u64, completed: u64) -> Snapshot {
    let started_at: DateTime<Local> = "2026-01-31T12:00:00Z".parse().expect("a time");
    let info = RunInfo {
        id: RunId(format!("RUN-{start}")),
        scenario: "night".into(),
        flows: Some(100),
        seed: Some(7),
        segment: Some(segment.into()),
        started_at,
        roles: vec![RoleInfo {
            name: "clerk".into(),
            title: "Clerk".into(),
            command: "clerk".into(),
            terminal: None,
        }],
        steps: vec![StepInfo {
            name: "01_order".into(),
            role: "clerk".into(),
            action: "order".into(),
            turns: Vec::new(),
        }],
        ..RunInfo::default()
    };
    let mut so_far = SoFar::new(Vec::new(), 150);
    so_far.event(&RunEvent::RunStarted(Box::new(info)));
    for number in 1..=completed + 3 {
        let flow = FlowNumber(number);
        so_far.event(&RunEvent::FlowStarted {
            flow,
            variables: Vec::new(),
        });
        if number > completed {
            continue;
        }
        let id = FlowId(format!("{start}-{number}"));
        let record = FlowRecord {
            started_at,
            duration_us: number * 1_000,
            started_after_us: Some(number * 1_000),
            ended_after_us: Some(number * 2_000),
            ..FlowRecord::not_performed(flow, id, true, FlowOutcome::Completed)
        };
        so_far.event(&RunEvent::FlowEnded(Box::new(record)));
    }
    so_far.tick(Duration::from_secs(2));
    let origin = Origin {
        start: start.into(),
        every_ms: 1_000,
        host: "host".into(),
    };
    Snapshot::of(&mut so_far, &origin, sequence).expect("a run that has started")
}
