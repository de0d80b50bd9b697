//! Made-up records of runs and flows, for tests of reporters. It uses nothing else of `support`, so
//! that a test binary can have it alone.

use chrono::{DateTime, Local};
use rehearsal::model::*;

/// A run of these roles (names, titles and commands) and steps (names, roles and actions).
pub fn run_info(
    roles: &[(&str, &str, &str)],
    steps: &[(&str, usize, &str)],
    parallel: u64,
) -> RunInfo {
    let role = |&(name, title, command): &(&str, &str, &str)| RoleInfo {
        name: name.into(),
        title: title.into(),
        command: command.into(),
        terminal: None,
    };
    let step = |&(name, role, action): &(&str, usize, &str)| StepInfo {
        name: name.into(),
        role: roles[role].0.into(),
        action: action.into(),
        turns: Vec::new(),
    };
    RunInfo {
        id: RunId("REAL-E2E-20260131-120000".into()),
        scenario: "order-flow".into(),
        roles: roles.iter().map(role).collect(),
        steps: steps.iter().map(step).collect(),
        load: format!("{parallel} at once"),
        parallel,
        seed: Some(7),
        started_at: noon(),
        ..RunInfo::default()
    }
}

/// The time at which made-up runs start.
pub fn noon() -> DateTime<Local> {
    DateTime::from_timestamp(1_769_860_800, 0).unwrap().into()
}

/// A flow that completes at once, without steps.
pub fn flow(info: &RunInfo, number: u64) -> FlowRecord {
    let number = FlowNumber(number);
    let id = FlowId::new(&info.id, number);
    FlowRecord {
        started_at: info.started_at,
        ..FlowRecord::not_performed(number, id, true, FlowOutcome::Completed)
    }
}

/// A step without turns or pauses.
pub fn step(name: &str, outcome: StepOutcome, duration_us: u64) -> StepRecord {
    StepRecord {
        step: name.into(),
        attempt: 1,
        outcome,
        started_after_us: 0,
        duration_us,
        paused_us: 0,
        held_us: 0,
        waited_us: 0,
        turns: Vec::new(),
    }
}

/// A process that exits with code 0.
pub fn process(role: &str, lifetime_us: u64) -> ProcessRecord {
    ProcessRecord {
        role: role.into(),
        attempt: 1,
        pid: 4711,
        ending: Ending::Itself,
        exit: Some(ExitCause::Code(0)),
        usage: Usage {
            cpu_user_us: 3_000,
            cpu_system_us: 1_500,
            peak_rss_bytes: 7 << 20,
        },
        startup_us: Some(2_450),
        lifetime_us,
        exit_us: Some(1_800),
    }
}
