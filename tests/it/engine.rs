//! Flows with real programs: completion and failure of steps, their causes, and clean ends.
//!
//! Only tests that need processes and actors belong here. The matching of text is tested beside
//! the dialogue, single processes in `process.rs`, the shop's order flow in `order_flow.rs`.

mod recovery;
mod sharing;

use std::time::Duration;

use crate::support::flows::Rehearsing;
use rehearsal::engine::Stop;
use rehearsal::model::{
    Activity, Ending, ExitCause, FailureKind, FlowOutcome, RunEvent, StepOutcome,
};
use rehearsal::scenario::{Arrivals, Load, Pacing, Ramp, Shape};

#[test]
fn a_dialogue_is_completed_by_the_output_of_the_program() {
    for terminal in ["pty", "pipes"] {
        let run = Rehearsing::with_role(
            r"ask, 'Name: ', answer, print, '\nID: 007\n', exit, '3'",
            r"
            - {prompt: 'Name:', send: Ada}
            - see: <Ada>
            - see: '/ID: (?<id>\d+)/'
            - exits: 3",
            &format!("terminal: {terminal}"),
        )
        .perform();
        run.assert_completed();
        assert_eq!(run.capture("id"), Some("007"));
        let process = &run.flow().processes[0];
        assert_eq!(process.exit, Some(ExitCause::Code(3)));
        assert_eq!(process.ending, Ending::Itself);
        assert!(process.startup_us.is_some());
    }
}

#[test]
fn a_value_of_one_role_reaches_another() {
    let run = Rehearsing::of("engine/two-roles").perform();
    run.assert_completed();
    assert!(run.transcript().contains("<K-42>"));
    assert_eq!(run.flow().processes.len(), 2);
}

#[test]
fn echoed_input_is_no_evidence() {
    let run = Rehearsing::with_turns(
        "ask, 'Say: ', ask, 'More: '",
        "
            - {prompt: 'Say:', send: Welcome}
            - {see: Welcome, within: 300ms}",
    )
    .perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.awaited, ["line `Welcome`"]);
    assert_eq!(failure.activity, Activity::WaitingForInput);
    assert!(failure.tail.contains("More:"), "{}", failure.tail);
    assert!(failure.turn.contains("test.yaml:"), "{}", failure.turn);
}

#[test]
fn an_answered_prompt_does_not_match_again() {
    let run = Rehearsing::with_turns(
        "ask, 'Select: ', forever",
        "
            - {prompt: 'Select:', send: '1'}
            - {prompt: 'Select:', send: '2', within: 300ms}",
    )
    .perform();
    assert_eq!(run.failure().kind, FailureKind::Timeout);
}

#[test]
fn a_secret_is_sent_once_the_echo_is_off_and_shown_nowhere() {
    let run = Rehearsing::of("engine/secret").perform();
    run.assert_completed();
    assert_eq!(run.capture("said"), Some("***"));
    assert!(
        !run.everything().contains("tr0ub4dor"),
        "{}",
        run.everything()
    );
}

#[test]
fn a_secret_is_not_typed_where_it_would_be_shown() {
    let run = Rehearsing::with_turns(
        "ask, 'Password: ', answer",
        "- {prompt: 'Password:', secret: hunter22, within: 400ms}",
    )
    .perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::EchoStayedOn);
    assert!(
        failure
            .hint
            .as_deref()
            .unwrap_or_default()
            .contains("`send`")
    );
    assert!(!run.transcript().contains("<hunter22>"));
}

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
fn evidence_printed_right_before_the_end_counts() {
    let run = Rehearsing::with_turns(
        "print, 'done'",
        "
            - see: done
            - exits: 0",
    )
    .perform();
    run.assert_completed();
}

#[test]
fn a_program_that_closes_its_output_and_stays_alive_fails_its_step_soon() {
    let run =
        Rehearsing::with_role("close-output, forever", "- see: fine", "terminal: pipes").perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::EndedEarly);
    assert!(failure.message.contains("lives on"), "{}", failure.message);
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

#[test]
fn a_program_that_ignores_signals_is_killed_and_recorded_as_killed() {
    let run = Rehearsing::with_turns(
        r"ignore, '1', '15', print, 'ready\n', forever",
        "- see: ready",
    )
    .perform();
    assert_eq!(run.assert_completed().processes[0].ending, Ending::Killed);
}

#[test]
fn leave_is_performed_when_the_flow_has_completed() {
    let run = Rehearsing::of("engine/leaving").perform();
    assert_eq!(run.assert_completed().processes[0].ending, Ending::Itself);
}

/// A program that hangs in `leave`, and one of a pool that hangs on its way back to its menu, each
/// with the notice about it.
const HANGING: [(&str, &str); 2] = [
    (
        "engine/hanging-in-leave",
        "did not leave well: took longer than 1s, and still awaited line `never`",
    ),
    (
        "engine/hanging-before-the-menu",
        "took longer than 1s, and still awaited",
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
fn branches_loops_and_questions_asked_again() {
    let run = Rehearsing::with_turns(
        r"ask, 'Minutes for A: ', ask, 'Minutes for B: ', print, 'packed B-7\n'",
        r"
            - first_of:
                - {prompt: Minutes for, send: '5', again: true}
                - {see: '/packed (?<box>\S+)/'}
                - {see: broken, fail: broken}",
    )
    .perform();
    run.assert_completed();
    assert_eq!(run.capture("box"), Some("B-7"));
    assert_eq!(run.transcript().matches("«5»").count(), 2);
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
fn a_repeat_ends_with_its_condition_or_fails_at_its_limit() {
    let words = r"ask, 'Choice: ', ask, 'Choice: ', print, 'DELIVERED\n', ask, 'Choice: '";
    let turns = |most| {
        format!(
            "
            - repeat:
                do: [{{prompt: 'Choice:', send: r}}]
                until: {{see: DELIVERED}}
                at_most: {most}"
        )
    };
    Rehearsing::with_turns(words, &turns(2))
        .perform()
        .assert_completed();
    let run = Rehearsing::with_turns(words, &turns(1)).perform();
    assert_eq!(run.failure().kind, FailureKind::TooOften);
}

#[test]
fn assertions_compare_captures() {
    let words = r"print, 'due 12.50 paid 12.5\n', await-end";
    let see = r"- see: '/due (?<due>\S+) paid (?<paid>\S+)/'";
    Rehearsing::with_turns(
        words,
        &format!("{see}\n- assert: due | float == paid | float"),
    )
    .perform()
    .assert_completed();
    let run = Rehearsing::with_turns(words, &format!("{see}\n- assert: due == paid")).perform();
    assert_eq!(run.failure().kind, FailureKind::AssertionFailed);
    assert!(
        run.failure().message.contains("12.50"),
        "{}",
        run.failure().message
    );
}

#[test]
fn a_capture_that_changes_fails_unless_it_may() {
    let words = r"print, 'id 1\nid 2\n', await-end";
    let twice = |more: &str| {
        format!(
            "
            - see: '/id (?<id>1)/'
            - {{see: '/id (?<id>2)/'{more}}}"
        )
    };
    let run = Rehearsing::with_turns(words, &twice("")).perform();
    assert_eq!(run.failure().kind, FailureKind::CaptureChanged);
    let run = Rehearsing::with_turns(words, &twice(", overwrite: true")).perform();
    run.assert_completed();
    assert_eq!(run.capture("id"), Some("2"));
}

#[test]
fn a_step_that_does_not_capture_what_it_provides_fails() {
    let run = Rehearsing::of("engine/promise").perform();
    assert_eq!(run.failure().kind, FailureKind::NotProvided);
}

#[test]
fn plain_commands_can_be_turns() {
    let turns = |see: &str| {
        format!(
            "
            - see: ready
            - {{run: [fixture, print, 'rows: 3 fine'], see: '{see}'}}"
        )
    };
    let words = r"print, 'ready\n', await-end";
    let run = Rehearsing::with_turns(words, &turns(r"/rows: (?<rows>\d+)/")).perform();
    run.assert_completed();
    assert_eq!(run.capture("rows"), Some("3"));
    let run = Rehearsing::with_turns(words, &turns("rows: 4")).perform();
    assert_eq!(run.failure().kind, FailureKind::CommandFailed);
}

#[test]
fn skipped_steps_start_nothing() {
    let run = Rehearsing::of("engine/skipping").perform();
    let flow = run.assert_completed();
    assert_eq!(flow.steps[0].outcome, StepOutcome::Skipped);
    assert!(flow.processes.is_empty());
}

#[test]
fn pauses_are_excluded_from_latency() {
    let run = Rehearsing::with_turns(
        r"print, 'ready\n', await-end",
        "
            - see: ready
            - think: 300ms
            - see: ready",
    )
    .perform();
    let step = &run.assert_completed().steps[0];
    assert_eq!(step.paused_us, 300_000);
    assert!(step.duration_us < 250_000, "{}", step.duration_us);
}

#[test]
fn a_flood_of_output_is_read_to_its_end() {
    let run = Rehearsing::with_turns(
        r"flood, '25000000', print, '\nthe end\n'",
        "
            - see: the end
            - exits: 0",
    )
    .perform();
    run.assert_completed();
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
fn every_flow_of_many_completes_and_is_recorded() {
    let run = Rehearsing::with_turns(
        r"ask, 'Name: ', answer, print, '\nok\n'",
        "
            - {prompt: 'Name:', send: 'n${flow.number}'}
            - see: <n${flow.number}>
            - exits: 0",
    )
    .flows(60, 20)
    .perform();
    assert_eq!(run.flows.len(), 60);
    run.assert_all(&FlowOutcome::Completed);
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.processes[0].ending == Ending::Itself)
    );
}

#[test]
fn a_run_that_is_stopped_at_once_reports_and_leaves_nothing() {
    let run = Rehearsing::with_turns(
        r"print, 'ready\n', forever",
        "
            - see: ready
            - see: never",
    )
    .flows(10, 3)
    .perform_until(|event| matches!(event, RunEvent::Heard { .. }).then_some(Stop::Now));
    assert!(run.outcome.summary.interrupted);
    assert_eq!(run.flows.len(), 3);
    run.assert_all(&FlowOutcome::Interrupted);
}

#[test]
fn an_unfinished_line_is_reported_while_the_step_waits() {
    let run = Rehearsing::with_turns("print, 'half a line', await-end", "- see: never")
        .perform_until(|event| {
            let is_half = matches!(event, RunEvent::Heard { text, .. } if text == "half a line");
            is_half.then_some(Stop::Now)
        });
    // Otherwise it would have been reported with the failure.
    assert_eq!(run.flow().outcome, FlowOutcome::Interrupted);
}

#[test]
fn a_run_that_is_stopped_gently_lets_its_flows_finish() {
    let grace = Duration::from_secs(20);
    let run = Rehearsing::with_turns(
        r"ask, 'Name: ', print, 'fine\n'",
        "
            - {prompt: 'Name:', send: x}
            - see: fine",
    )
    .flows(1000, 2)
    .perform_until(move |event| {
        matches!(event, RunEvent::Heard { .. }).then_some(Stop::Graceful { grace })
    });
    assert!(run.outcome.summary.interrupted);
    assert!(run.flows.len() < 100, "{} flows", run.flows.len());
    run.assert_all(&FlowOutcome::Completed);
}

/// A scenario whose only program answers after this many seconds.
fn answers_after(seconds: &str) -> Rehearsing {
    Rehearsing::with_turns(
        &format!(r"sleep, '{seconds}', print, 'done\n'"),
        "
            - see: done
            - exits: 0",
    )
}

#[test]
fn an_open_load_starts_by_the_clock_and_counts_what_it_drops() {
    let load = Load {
        shape: Shape::Open {
            rate: Ramp::constant(20.0),
            arrivals: Arrivals::Even,
            most_in_flight: 4,
        },
        flows: None,
        duration: Some(Duration::from_secs(1)),
        ..Load::closed(1, 1)
    };
    let run = answers_after("0.5").load(load).perform();
    let drops = run
        .events
        .iter()
        .filter(|event| matches!(event, RunEvent::FlowDropped { .. }));
    assert_eq!(
        run.flows.len() + drops.count(),
        20,
        "every flow that was due is accounted for"
    );
    assert!(
        run.flows.len() <= 12,
        "at most four at once for half a second each"
    );
    run.assert_all(&FlowOutcome::Completed);
}

#[test]
fn flows_of_the_warm_up_are_not_counted() {
    let load = Load {
        shape: Shape::Open {
            rate: Ramp::constant(20.0),
            arrivals: Arrivals::Even,
            most_in_flight: 100,
        },
        flows: Some(4),
        warm_up: Duration::from_millis(200),
        ..Load::closed(1, 1)
    };
    let run = answers_after("0").load(load).perform();
    let counted = run.flows.iter().filter(|flow| flow.counted).count();
    assert_eq!((run.flows.len(), counted), (8, 4));
}

#[test]
fn flows_that_outlast_the_graceful_stop_are_interrupted() {
    let load = Load {
        flows: None,
        duration: Some(Duration::from_millis(200)),
        graceful_stop: Duration::from_millis(200),
        ..Load::closed(1, 2)
    };
    let run = Rehearsing::with_turns("forever", "- see: never")
        .load(load)
        .perform();
    assert!(!run.outcome.summary.interrupted, "the load ended the run");
    assert_eq!(run.flows.len(), 2);
    run.assert_all(&FlowOutcome::Interrupted);
}

/// Closed loads hide a stall: they start fewer flows meanwhile.
#[test]
fn a_stall_shows_in_the_response_times_of_an_open_load() {
    // The one worker's flow takes 300 ms; flows are due every 100 ms.
    let load = |shape| Load {
        shape,
        flows: Some(8),
        ..Load::closed(1, 1)
    };
    let closed = load(Shape::Closed {
        parallel: Ramp::constant(1.0),
        flows_each: None,
        between: Pacing::Pace(Duration::from_millis(100)),
    });
    let open = load(Shape::Open {
        rate: Ramp::constant(10.0),
        arrivals: Arrivals::Even,
        most_in_flight: 100,
    });
    let response = |load: Load| -> Vec<u64> {
        let flows = answers_after("0.3").load(load).perform().flows;
        flows
            .iter()
            .map(|flow| flow.late_us + flow.duration_us)
            .collect()
    };
    for times in [response(closed), response(open)] {
        assert_eq!(times.len(), 8);
        assert!(times.iter().all(|time| *time >= 300_000), "{times:?}");
    }
}

#[test]
fn a_single_character_is_pressed_without_enter() {
    let run = Rehearsing::of("engine/single-keys").perform();
    run.assert_completed();
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
fn a_captured_secret_is_masked_everywhere() {
    let run = Rehearsing::of("engine/token").perform();
    run.assert_completed();
    let shown = run.transcript();
    assert!(
        shown.contains("Your token: ***") && shown.contains("used ***"),
        "{shown}"
    );
    // The command line holds it as well: it is part of the test.
    assert!(!shown.contains("tk-9988"), "{shown}");
}

#[test]
fn a_secret_that_is_printed_in_two_pieces_is_masked() {
    let whole = Rehearsing::of("engine/pieces");
    let cut = Rehearsing::of("engine/pieces").replaced(r"print, 'er2secret\n', ", "");
    for run in [whole, cut] {
        let run = run.perform();
        assert_eq!(run.failure().kind, FailureKind::Timeout);
        // The command line holds the pieces as well: it is part of the test.
        let shown = run.transcript() + &run.failure().tail;
        for part in ["hunt", "er2", "secret"] {
            assert!(!shown.contains(part), "{part} is in {shown}");
        }
    }
}
