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

#[test]
fn a_text_that_grows_too_long_fails_with_its_place() {
    let source = format!(
        "
name: test
variables: {{a: x, b: '{}'}}
roles:
  user:
    run: [fixture, ask, 'Name: ']
    actions:
      talk:
        - {{prompt: 'Name:', send: '{}'}}
flow:
  - {{step: 1_talk, role: user, do: talk}}
",
        "${a}".repeat(100),
        "${b}".repeat(500),
    );
    let mut run = Rehearsing::new(&source);
    run.variables = vec![("a".into(), "x".repeat(1_000))];
    let failed = run.perform();
    let failure = failed.failure();
    assert_eq!(failure.kind, FailureKind::Expression);
    assert_eq!(
        failure.message,
        "variable `b`: with the value of `a`, this text is longer than 64 KiB"
    );
    run.variables = vec![("a".into(), "0123456789".into())];
    let failed = run.perform();
    let failure = failed.failure();
    assert_eq!(failure.kind, FailureKind::Expression);
    assert_eq!(failure.turn, "test.yaml:9");
    assert_eq!(
        failure.message,
        "with the value of `b`, this text is longer than 64 KiB"
    );
}

#[test]
fn what_was_printed_before_an_interlude_is_shown() {
    let words = r"ask, 'Go? ', print, 'ERROR: no such item\n', ask, 'Press Enter ', lines, '30', ask, 'Menu> '";
    let turns = "- {prompt: 'Go?', send: x}\n- {see: Saved, within: 400ms}";
    let interlude = "interludes: [{prompt: Press Enter, press: enter}]";
    let run = Rehearsing::with_role(words, turns, interlude).perform();
    let tail = &run.failure().tail;
    assert!(tail.contains("ERROR: no such item\nPress Enter"), "{tail}");
    assert!(tail.ends_with("line 30\nMenu>"), "{tail}");
    assert_eq!(tail.lines().count(), 12, "{tail}");
}

#[test]
fn a_hint_names_the_question_that_the_program_asks() {
    let warning = r"print, 'WARNING: terminal is not fully functional\n'";
    let turns = "- {prompt: ':', send: q, within: 300ms}";
    let run = Rehearsing::with_turns(&format!("{warning}, ask, '-  (press RETURN)'"), turns);
    let run = run.perform();
    let hint = run.failure().hint.as_deref().unwrap_or_default();
    assert!(
        hint.starts_with("the question there is `-  (press RETURN)`: await and answer it first"),
        "{hint}"
    );
    let run = Rehearsing::with_turns(&format!("{warning}, await-end"), turns).perform();
    let hint = run.failure().hint.as_deref().unwrap_or_default();
    assert!(hint.contains("with `see` instead of `prompt`"), "{hint}");
}

#[test]
fn a_timeout_names_the_code_points_of_a_text_that_looks_the_same() {
    for (printed, awaited, points) in [
        (
            r"Cafe\u0301 open",
            r"Caf\u00e9 open",
            "U+0065 U+0301 in the output, U+00E9 in the scenario",
        ),
        (
            r"Total\u00a0due",
            "Total due",
            "U+00A0 in the output, U+0020 in the scenario",
        ),
    ] {
        let words = format!("print, \"{printed}\\n\", await-end");
        let turns = format!("- {{see: \"{awaited}\", within: 300ms}}");
        let run = Rehearsing::with_turns(&words, &turns).perform();
        assert_eq!(run.failure().kind, FailureKind::Timeout);
        let hint = run.failure().hint.as_deref().unwrap_or_default();
        assert!(hint.contains(points), "{hint}");
    }
}

#[test]
fn a_program_that_was_not_started_is_not_gone() {
    let run = Rehearsing::with_turns("x", "- see: x");
    let run = run.replaced("run: [fixture, x]", "run: [./not-there]");
    let run = run.perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::NotStarted);
    assert_eq!(failure.activity, Activity::NotStarted);
    assert_eq!(failure.activity.to_string(), "not started");
}

#[test]
fn a_failed_command_shows_its_own_wait() {
    let turns = |command: &str| format!("- prompt: 'Go?'\n- {command}");
    let perform = |command: &str| Rehearsing::with_turns("ask, 'Go? '", &turns(command)).perform();
    let run = perform("run: [sh, -c, exit 1]");
    let failure = run.failure();
    assert_eq!(
        failure.message,
        "the command ended with exit code 1; it printed nothing"
    );
    assert_eq!(failure.awaited, ["the command's end with exit code 0"]);
    let run = perform("{run: [echo, unpaid], see: /^paid/}");
    let failure = run.failure();
    assert_eq!(
        failure.message,
        "the command did not print /^paid/; it printed `unpaid`"
    );
    let awaited = "the command's end with exit code 0, with the line /^paid/";
    assert_eq!(failure.awaited, [awaited]);
    let run = perform("assert: 1 == 2");
    assert!(run.failure().awaited.is_empty());
}
