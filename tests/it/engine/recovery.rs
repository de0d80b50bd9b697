//! What is performed again after a failure: with which programs, which values, and how it is told.
//!
//! Here belongs `retry` of steps and flows. That failures are what they are is tested in
//! `engine.rs`.

use crate::support::flows::{Rehearsed, Rehearsing};
use rehearsal::model::{FailureKind, FlowOutcome, RetriedPart, StepOutcome};

/// A clerk who logs in, says who serves, and takes one order; `MISHAP` is what the first one does
/// instead of taking it. There is a second role that gives a number, another one each time.
const CLERK: &str = r#"
name: clerk
defaults: {startup: 20s, step: 20s}
RETRY_FLOW
roles:
  office:
    run: [bash, -c, 'echo "ticket T-$$"; read -p "Office> "']
    actions:
      draw: [{see: '/ticket (?<ticket>\S+)/'}]
  clerk:
    run: [bash, -c, 'f="${run.directory}/came"; read -p "Name: " name; echo "session $$";
      while read -p "Menu> " order; do if [ ! -e "$f" ]; then touch "$f"; MISHAP; fi;
      echo "taken $order by $$"; done']
    fail_on: {busy: too busy, crashed: went wrong}
    actions:
      log_in: [{prompt: "Name:", send: ann}, {see: '/session (?<session>\d+)/'}]
      order:
        - {prompt: "Menu>", send: "${ticket}"}
        - see: '/taken (?<taken>\S+) by (?<by>\d+)/'
flow:
  - {step: 1_draw, role: office, do: draw}
  - {step: 2_log_in, role: clerk, do: log_in}
  - {step: 3_order, role: clerk, do: order, RETRY provides: [taken]}
"#;

fn clerk(mishap: &str, retry: &str, retry_flow: &str) -> Rehearsed {
    let source = CLERK
        .replace("MISHAP", mishap)
        .replace("RETRY_FLOW", retry_flow)
        .replace("RETRY", retry);
    Rehearsing::new(&source).perform()
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
fn a_step_is_performed_again_by_a_new_script_that_is_logged_in() {
    let run = clerk("exit 9", "retry: 1,", "");
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
    // It was the second one that did it, in a session of its own.
    assert_eq!(run.capture("by"), run.capture("session"));
    assert_eq!(run.capture("taken"), run.capture("ticket"));
}

#[test]
fn the_same_script_performs_it_again_where_that_is_said() {
    let mishap = r#"echo "too busy"; continue"#;
    let run = clerk(mishap, "retry: {on: [busy], restart: false},", "");
    let flow = run.assert_completed();
    assert_eq!(flow.processes.len(), 2, "one of each role");
    assert_eq!(
        flow.retries[0].failure.kind,
        FailureKind::Business("busy".into())
    );
    // One that is gone cannot, and is replaced in any case.
    let run = clerk("exit 9", "retry: {restart: false},", "");
    assert_eq!(run.assert_completed().processes.len(), 3);
}

#[test]
fn what_is_not_meant_fails_at_once_and_what_is_fails_in_the_end() {
    let run = clerk("exit 9", "retry: {times: 3, on: [timeout, busy]},", "");
    assert_eq!(run.failure().kind, FailureKind::EndedEarly);
    assert!(run.flow().retries.is_empty());

    let always = r#"rm "$f"; exit 9"#;
    let run = clerk(always, "retry: {times: 2, delay: 10ms},", "");
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
    assert!(flow.paused_us >= 20_000, "{}", flow.paused_us);
}

#[test]
fn a_flow_begins_anew_with_new_scripts_and_none_of_its_values() {
    let run = clerk("exit 9", "", "retry: {times: 1, on: [ended_early]}");
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
fn a_step_comes_before_the_flow() {
    let always = r#"rm "$f"; exit 9"#;
    let run = clerk(always, "retry: 1,", "retry: 1");
    assert!(matches!(run.flow().outcome, FlowOutcome::Failed(_)));
    let what: Vec<_> = run.flow().retries.iter().map(|it| it.what).collect();
    let expected = [RetriedPart::Step, RetriedPart::Flow, RetriedPart::Step];
    assert_eq!(what, expected);
}

#[test]
fn a_log_in_that_fails_again_counts_as_an_attempt_at_the_step() {
    let source = CLERK
        .replace("MISHAP", r#"echo bad > "$f"; exit 9"#)
        .replace(
            r#"read -p "Name: " name;"#,
            r#"if [ -e "$f" ]; then exit 8; fi; read -p "Name: " name;"#,
        )
        .replace("RETRY_FLOW", "")
        .replace("RETRY", "retry: 1,");
    let run = Rehearsing::new(&source).perform();
    let failure = run.failure();
    assert_eq!(failure.step, "3_order");
    assert!(
        failure.message.starts_with("while logged in again: "),
        "{}",
        failure.message
    );
    assert_eq!(steps(&run)[2..], [(2, 1, Retried), (2, 2, Failed)]);
}
