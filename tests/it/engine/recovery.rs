//! Retries of steps and flows: their scripts, their values, and their records.
//!
//! The failures themselves are tested in `engine.rs`.

use crate::support::flows::{Rehearsed, Rehearsing};
use rehearsal::model::{FailureKind, FlowOutcome, RetriedPart, StepOutcome};

/// The clerk of `clerk.yaml`, who is to do `mishap` instead of taking the first order.
fn clerk(mishap: &str, retry: &str, retry_flow: &str) -> Rehearsing {
    let step = "do: order, provides";
    let mut run = Rehearsing::of("engine/clerk")
        .replaced(
            step,
            &step.replace("provides", &format!("{retry} provides")),
        )
        .replaced("roles:", &format!("{retry_flow}\nroles:"));
    run.variables = vec![("mishap".into(), mishap.into())];
    run
}

/// The steps that were taken, by their places and attempts.
fn steps(run: &Rehearsed) -> Vec<(usize, u32, StepOutcome)> {
    let steps = run.flow().steps.iter();
    let place = |name: &str| {
        let mut names = ["1_draw", "2_log_in", "3_order"].iter();
        names.position(|it| *it == name).expect("a step of it")
    };
    steps
        .map(|it| (place(&it.step), it.attempt, it.outcome))
        .collect()
}

use StepOutcome::{Completed, Failed, Retried};

#[test]
fn a_step_is_retried_with_a_new_script_that_logs_in_first() {
    let run = clerk("exit 9", "retry: 1,", "").perform();
    let flow = run.assert_completed();
    assert!(flow.is_recovered());
    assert_eq!(
        steps(&run),
        [
            (0, 1, Completed),
            (1, 1, Completed),
            (2, 1, Retried),
            (2, 2, Completed)
        ]
    );
    let retry = &flow.retries[0];
    assert_eq!(retry.what, RetriedPart::Step);
    assert_eq!(retry.failure.kind, FailureKind::EndedEarly);
    assert!(retry.recovered_after_us.is_some());
    let clerks = flow.processes.iter().filter(|it| it.role == "clerk");
    let mut attempts: Vec<_> = clerks.map(|it| it.attempt).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2]);
    // The second one took the order, after a log-in.
    assert_eq!(run.capture("by"), run.capture("session"));
    assert_eq!(run.capture("taken"), run.capture("ticket"));
}

#[test]
fn a_step_is_retried_with_the_same_script_without_restart() {
    let mishap = r#"echo "too busy"; continue"#;
    let run = clerk(mishap, "retry: {on: [busy], restart: false},", "").perform();
    let flow = run.assert_completed();
    assert_eq!(flow.processes.len(), 2, "one of each role");
    assert_eq!(
        flow.retries[0].failure.kind,
        FailureKind::Business("busy".into())
    );
    // A script that has exited is replaced in any case.
    let run = clerk("exit 9", "retry: {restart: false},", "").perform();
    assert_eq!(run.assert_completed().processes.len(), 3);
}

#[test]
fn other_failures_are_not_retried_and_retries_are_limited() {
    let run = clerk("exit 9", "retry: {times: 3, on: [timeout, busy]},", "").perform();
    assert_eq!(run.failure().kind, FailureKind::EndedEarly);
    assert!(run.flow().retries.is_empty());

    let always = r#"rm "$f"; exit 9"#;
    let run = clerk(always, "retry: {times: 2, delay: 10ms},", "").perform();
    assert_eq!(run.failure().kind, FailureKind::EndedEarly);
    let flow = run.flow();
    assert_eq!(flow.retries.len(), 2);
    assert!(
        flow.retries
            .iter()
            .all(|it| it.recovered_after_us.is_none())
    );
    assert_eq!(
        steps(&run)[2..],
        [(2, 1, Retried), (2, 2, Retried), (2, 3, Failed)]
    );
    assert!(flow.retry_delay_us >= 20_000, "{}", flow.retry_delay_us);
    assert!(flow.response_us() >= flow.duration_us + 20_000);
}

#[test]
fn a_flow_is_retried_with_new_scripts_and_without_captures() {
    let run = clerk("exit 9", "", "retry: {times: 1, on: [ended_early]}").perform();
    let flow = run.assert_completed();
    assert_eq!(
        steps(&run),
        [
            (0, 1, Completed),
            (1, 1, Completed),
            (2, 1, Retried),
            (0, 2, Completed),
            (1, 2, Completed),
            (2, 2, Completed)
        ]
    );
    assert_eq!(flow.retries[0].what, RetriedPart::Flow);
    assert!(flow.retries[0].recovered_after_us.is_some());
    assert_eq!(flow.processes.len(), 4);
    // The second ticket: the first one is forgotten, and no capture that may not change.
    assert_eq!(run.capture("taken"), run.capture("ticket"));
}

#[test]
fn a_step_is_retried_before_its_flow() {
    let always = r#"rm "$f"; exit 9"#;
    let run = clerk(always, "retry: 1,", "retry: 1").perform();
    assert!(matches!(run.flow().outcome, FlowOutcome::Failed(_)));
    let what: Vec<_> = run.flow().retries.iter().map(|it| it.what).collect();
    let expected = [RetriedPart::Step, RetriedPart::Flow, RetriedPart::Step];
    assert_eq!(what, expected);
}

#[test]
fn a_failed_log_in_of_a_retry_counts_as_an_attempt_at_the_step() {
    let run = clerk(r#"echo bad > "$f"; exit 9"#, "retry: 1,", "")
        .replaced(
            r#"read -p "Name: " name;"#,
            r#"if [ -e "$f" ]; then exit 8; fi; read -p "Name: " name;"#,
        )
        .perform();
    let failure = run.failure();
    assert_eq!(failure.step, "3_order");
    assert!(
        failure.message.starts_with("while logged in again: "),
        "{}",
        failure.message
    );
    assert_eq!(steps(&run)[2..], [(2, 1, Retried), (2, 2, Failed)]);
}
