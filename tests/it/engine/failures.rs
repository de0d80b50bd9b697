//! Failures of steps: their causes, their deadlines, and the hints with them.

use std::time::Duration;

use crate::support::flows::Rehearsing;
use rehearsal::model::{Activity, FailureKind};

#[test]
fn an_early_exit_is_reported_with_its_cause_and_the_last_output() {
    let cases = [
        (r"print, 'oops\n', exit, '9'", "exit code 9"),
        (r"print, 'oops\n', signal, '6'", "SIGABRT"),
    ];
    for (words, how) in cases {
        let run = Rehearsing::with_turns(words, "- see: fine").perform();
        let failure = run.failure();
        assert_eq!(failure.kind, FailureKind::EndedEarly);
        assert!(failure.message.contains(how), "{}", failure.message);
        assert_eq!(failure.tail.trim(), "oops");
        assert_eq!(failure.activity, Activity::Gone);
    }
}

#[test]
fn a_program_that_exits_before_its_answer_has_ended_early() {
    for terminal in ["pty", "pipes"] {
        let turns = "
            - {prompt: 'Name:', send: Ada}
            - see: <Ada>";
        let words = "print, 'Name: ', exit, '9'";
        let more = format!("terminal: {terminal}");
        for _ in 0..10 {
            let run = Rehearsing::with_role(words, turns, &more).perform();
            let failure = run.failure();
            assert_eq!(failure.kind, FailureKind::EndedEarly, "{failure:?}");
            assert!(failure.message.contains("exit code 9"), "{failure:?}");
        }
    }
}

#[test]
fn a_program_that_closes_its_output_and_stays_alive_fails_its_step_soon() {
    let run =
        Rehearsing::with_role("close-output, forever", "- see: fine", "terminal: pipes").perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::EndedEarly);
    assert!(
        failure.message.contains("is still running"),
        "{}",
        failure.message
    );
}

#[test]
fn another_exit_code_than_awaited_fails() {
    let run = Rehearsing::with_turns("exit, '4'", "- exits: 0").perform();
    assert_eq!(run.failure().kind, FailureKind::WrongExit);
    assert!(run.failure().message.contains("exit code 4"));
}

#[test]
fn a_text_that_the_role_fails_on_ends_the_step_at_once() {
    let run = Rehearsing::with_role(
        r"ask, 'ID: ', print, 'Invalid credentials\n', forever",
        "
            - {prompt: 'ID:', send: x}
            - see: Welcome",
        "fail_on: {authentication_failed: Invalid credentials}",
    )
    .perform();
    let failure = run.failure();
    assert_eq!(
        failure.kind,
        FailureKind::Business("authentication_failed".into())
    );
    assert!(failure.message.contains("Invalid credentials"));
}

#[test]
fn a_program_that_cannot_be_started_fails_its_flow_with_the_reason() {
    let run = Rehearsing::of("engine/lost").perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::NotStarted);
    assert!(
        failure.message.contains("no-such-program-anywhere"),
        "{}",
        failure.message
    );
}

#[test]
fn a_program_that_never_prompts_fails_with_a_startup_timeout() {
    let run = Rehearsing::of("engine/slow").perform();
    assert_eq!(run.failure().kind, FailureKind::StartupTimeout);
    assert_eq!(run.failure().activity, Activity::Sleeping);
}

#[test]
fn output_does_not_extend_a_deadline() {
    let run =
        Rehearsing::with_turns("flood, '400000000'", "- {see: never, within: 300ms}").perform();
    assert_eq!(run.failure().kind, FailureKind::Timeout);
    assert!(
        run.failure().waited_us < 5_000_000,
        "{}",
        run.failure().waited_us
    );
}

/// A program that hangs in `leave`, and one of a pool that hangs on its way back to its menu, each
/// with the notice about it.
const HANGING: [(&str, &str); 2] = [
    (
        "engine/hanging-in-leave",
        "did not leave well: took longer than 1s, still waiting for line `never`",
    ),
    (
        "engine/hanging-before-the-menu",
        "took longer than 1s, still waiting for",
    ),
];

fn assert_bounded_by_a_second(run: &Rehearsing, complaint: &str) {
    let run = run.perform();
    run.assert_completed();
    // The usual limits are 5 s to leave, and 30 s for a pooled program.
    let elapsed_us = run.outcome.summary.elapsed_us;
    assert!(
        (1_000_000..4_500_000).contains(&elapsed_us),
        "{complaint}: {elapsed_us} us"
    );
    let notices = run.notices();
    assert!(
        notices.iter().any(|text| text.contains(complaint)),
        "{notices:?}"
    );
}

#[test]
fn a_step_timeout_of_the_caller_bounds_leaving_and_settling() {
    for (scenario, complaint) in HANGING {
        let mut run = Rehearsing::of(scenario);
        run.step_timeout = Some(Duration::from_secs(1));
        assert_bounded_by_a_second(&run, complaint);
    }
}

#[test]
fn a_step_timeout_of_the_scenario_bounds_leaving_and_settling() {
    for (scenario, complaint) in HANGING {
        let run = Rehearsing::of(scenario).replaced("{startup: 20s}", "{startup: 20s, step: 1s}");
        assert_bounded_by_a_second(&run, complaint);
    }
}

#[test]
fn a_business_failure_is_recorded_by_its_name() {
    let run = Rehearsing::with_turns(
        r"print, 'already assigned\n', forever",
        "
            - first_of:
                - see: accepted
                - {see: already assigned, fail: already_assigned}",
    )
    .perform();
    assert_eq!(
        run.failure().kind,
        FailureKind::Business("already_assigned".into())
    );
}

#[test]
fn a_program_that_never_reads_fails_its_step_in_time() {
    let long = "x".repeat(100_000);
    let run = Rehearsing::with_role(
        r"print, 'ready\n', forever",
        &format!(
            "
            - {{see: ready, send: {long}}}
            - {{see: thanks, within: 300ms}}"
        ),
        "terminal: pipes",
    )
    .perform();
    let failure = run.failure();
    assert!(
        matches!(failure.kind, FailureKind::Timeout | FailureKind::NotSent),
        "{failure:?}"
    );
}

#[test]
fn a_failed_wait_hints_at_see_or_prompt() {
    let run = Rehearsing::with_turns(
        r"print, 'go?\n', forever",
        "- {prompt: 'go?', send: x, within: 200ms}",
    )
    .perform();
    let hint = run.failure().hint.clone().unwrap_or_default();
    assert!(hint.contains("`see` instead of `prompt`"), "{hint}");
    let run = Rehearsing::with_turns("ask, 'go? '", "- {see: 'go?', within: 200ms}").perform();
    let hint = run.failure().hint.clone().unwrap_or_default();
    assert!(hint.contains("`prompt` instead of `see`"), "{hint}");
}
