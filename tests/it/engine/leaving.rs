//! Roles that leave after their last step, while the flow goes on.
//!
//! The decisions are tested beside the code, in `engine::flow`.

use crate::support::flows::{Rehearsed, Rehearsing};
use rehearsal::model::{Ending, ExitCause, FailureKind, FlowOutcome, ProcessRecord};

/// The processes of a role, in the order of their ends.
fn processes<'r>(run: &'r Rehearsed, role: &str) -> Vec<&'r ProcessRecord> {
    let all = run.flow().processes.iter();
    all.filter(|it| it.role == role).collect()
}

#[test]
fn the_next_step_is_performed_while_a_role_leaves() {
    let run = Rehearsing::of("engine/leaving-amid-steps").perform();
    run.assert_completed();
    let guests = processes(&run, "guest");
    assert_eq!(guests.len(), 1);
    assert_eq!(guests[0].exit, Some(ExitCause::Code(0)));
    assert_eq!(guests[0].ending, Ending::Itself);
    assert!(guests[0].exit_us.is_some());
}

#[test]
fn a_role_with_the_lifetime_of_the_flow_does_not_leave_before_its_end() {
    let run = Rehearsing::of("engine/leaving-amid-steps")
        .replaced("lifetime: steps", "lifetime: flow")
        .replaced(
            "until [ -e \"$D/gone\" ]; do sleep 0.01; done; echo done",
            "for i in 1 2 3 4 5; do sleep 0.01; done; [ -e \"$D/gone\" ] || echo done",
        )
        .perform();
    run.assert_completed();
}

#[test]
fn a_role_without_leave_is_ended_after_its_last_step() {
    let run = Rehearsing::of("engine/leaving-amid-steps")
        .replaced(LEAVE, "")
        .replaced(
            "echo ready",
            "trap \"true > $D/gone; exit 0\" HUP; echo ready",
        )
        .perform();
    run.assert_completed();
    assert_eq!(processes(&run, "guest")[0].ending, Ending::Terminated);
}

/// The guest's `leave`, in the fixture.
const LEAVE: &str = "\n      leave: [{prompt: \"Bye?\", send: \"yes\"}, {exits: 0}]";

#[test]
fn a_role_that_does_not_leave_well_is_reported_and_waited_for() {
    let run = Rehearsing::of("engine/leaving-amid-steps")
        .replaced("exits: 0}]", "see: never}]")
        .replaced("; exit 0", "; exec sleep 1000")
        .perform();
    run.assert_completed();
    let notices = run.notices();
    let expected = "guest did not leave well: took longer than 5s, still waiting for line `never`";
    assert!(notices.contains(&expected), "{notices:?}");
    assert_eq!(processes(&run, "guest")[0].ending, Ending::Terminated);
}

#[test]
fn the_failure_of_a_later_step_ends_a_role_that_leaves() {
    let run = Rehearsing::of("engine/leaving-amid-steps")
        .replaced("exits: 0}]", "see: never}]")
        .replaced("; exit 0", "; exec sleep 1000")
        .replaced("echo done", "exit 3")
        .perform();
    assert_eq!(run.failure().kind, FailureKind::EndedEarly);
    assert_eq!(processes(&run, "guest")[0].ending, Ending::Terminated);
    assert_eq!(run.notices(), [""; 0]);
}

#[test]
fn a_flow_that_starts_over_has_its_roles_leave_again() {
    let run = Rehearsing::of("engine/leaving-amid-steps")
        .replaced("roles:", "retry: 1\nroles:")
        .replaced(
            "echo done",
            "[ -e \"$D/twice\" ] || { true > \"$D/twice\"; exit 3; }; echo done",
        )
        .perform();
    assert!(run.assert_completed().is_recovered());
    let guests = processes(&run, "guest");
    let left: Vec<_> = guests.iter().map(|it| (it.attempt, it.ending)).collect();
    assert_eq!(left, [(1, Ending::Itself), (2, Ending::Itself)]);
}

#[test]
fn many_flows_at_once_leave_amid_their_steps() {
    let run = Rehearsing::of("engine/leaving-amid-steps")
        .replaced("$D/gone", "$D/gone-$F")
        .flows(12, 6)
        .perform();
    run.assert_all(&FlowOutcome::Completed);
    let processes = run.flows.iter().flat_map(|flow| &flow.processes);
    assert_eq!(processes.count(), 24);
}
