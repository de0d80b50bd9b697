//! Made-up flows for the tests of this layer.

use chrono::Local;

use crate::model::{
    Activity, Ending, ExitCause, Failure, FailureKind, FlowId, FlowNumber, FlowOutcome, FlowRecord,
    ProcessRecord, RoleInfo, RunId, RunInfo, StepInfo, StepOutcome, StepRecord, Usage,
};

const ROLES: [&str; 2] = ["customer", "staff"];
/// The third is in no run, unless a test adds it.
const STEPS: [&str; 3] = ["01_login", "02_create_order", "03_pay"];

/// A run of two roles with one step each.
pub(super) fn info(flows: u64) -> RunInfo {
    let role = |name: &str, title: &str| RoleInfo {
        name: name.into(),
        title: title.into(),
        command: format!("./{name}"),
        terminal: None,
    };
    let step = |name: &str, role: &str| StepInfo {
        name: name.into(),
        role: role.into(),
        action: "act".into(),
        turns: Vec::new(),
    };
    RunInfo {
        id: RunId("REAL-E2E-20260131-142530".into()),
        scenario: "order-flow".into(),
        roles: vec![
            role(ROLES[0], "Customer"),
            role(ROLES[1], "Inventory Staff"),
        ],
        steps: vec![step(STEPS[0], ROLES[0]), step(STEPS[1], ROLES[1])],
        flows: Some(flows),
        parallel: 1,
        load: "1 at once".into(),
        seed: Some(1),
        started_at: Local::now(),
        ..RunInfo::default()
    }
}

/// A flow whose steps ended with these outcomes, each after 10 ms.
pub(super) fn flow(number: u64, outcome: FlowOutcome, steps: &[StepOutcome]) -> FlowRecord {
    let steps = steps.iter().enumerate().map(|(index, outcome)| StepRecord {
        step: STEPS[index].into(),
        attempt: 1,
        outcome: *outcome,
        started_after_us: 10_000 * index as u64,
        duration_us: 10_000,
        paused_us: 0,
        held_us: 0,
        waited_us: 0,
        turns: Vec::new(),
    });
    FlowRecord {
        number: FlowNumber(number),
        id: FlowId(format!("flow-{number}")),
        started_at: Local::now(),
        started_after_us: None,
        ended_after_us: None,
        counted: true,
        late_us: 0,
        duration_us: 20_000,
        paused_us: 0,
        waited_us: 0,
        retry_delay_us: 0,
        outcome,
        steps: steps.collect(),
        retries: Vec::new(),
        captures: Vec::new(),
        variables: Vec::new(),
        processes: Vec::new(),
        injections: Vec::new(),
    }
}

/// A flow from its start to its end, in microseconds of the run.
pub(super) fn timed(start_us: u64, end_us: u64, outcome: FlowOutcome) -> FlowRecord {
    FlowRecord {
        started_after_us: Some(start_us),
        ended_after_us: Some(end_us),
        duration_us: end_us - start_us,
        ..flow(1, outcome, &[])
    }
}

/// A failure of this kind at this step.
pub(super) fn failure(step: &str, kind: FailureKind) -> Failure {
    Failure {
        kind,
        step: step.into(),
        role: "customer".into(),
        turn: "order-flow.yaml:42".into(),
        message: "awaited prompt `Password:`".into(),
        awaited: vec!["prompt `Password:`".into()],
        waited_us: 30_000_000,
        activity: Activity::WaitingForInput,
        tail: "Login name:".into(),
        screen: None,
        hint: None,
    }
}

/// A process that used 3 ms of CPU time and 4 MiB.
pub(super) fn process(role: usize, ending: Ending, exit: Option<ExitCause>) -> ProcessRecord {
    ProcessRecord {
        role: ROLES[role].into(),
        attempt: 1,
        pid: 4_000,
        ending,
        exit,
        usage: Usage {
            cpu_user_us: 2_000,
            cpu_system_us: 1_000,
            peak_rss_bytes: 4 << 20,
        },
        startup_us: Some(2_500),
        lifetime_us: 50_000,
        exit_us: Some(1_500),
    }
}
