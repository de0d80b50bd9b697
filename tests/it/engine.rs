//! Flows are performed with real programs: what completes a step, what fails it and why, and what
//! is left afterwards.
//!
//! Here belongs what needs processes and actors. The matching of text is tested beside the
//! dialogue, single processes in `transport.rs`, the shop's order flow in `order_flow.rs`.

use crate::support::flows;
mod recovery;
mod sharing;

use std::time::Duration;

use flows::{Recorder, Rehearsing};
use rehearsal::engine::{Control, Stop};
use rehearsal::model::{
    Activity, Ending, ExitCause, FailureKind, FlowOutcome, RunEvent, StepOutcome,
};
use rehearsal::scenario::{Arrivals, Load, Pacing, Ramp, Shape};

#[test]
fn a_dialogue_is_completed_by_what_the_program_says() {
    for terminal in ["pty", "pipes"] {
        let run = Rehearsing::with_role(
            r#"ask, "Name: ", answer, print, "\\nID: 007\\n", exit, "3""#,
            "- {prompt: 'Name:', send: Ada}\n- see: <Ada>\n- see: '/ID: (?<id>\\d+)/'\n- exits: 3",
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
    let run = Rehearsing::new(
        r#"
name: two roles
roles:
  giver:
    run: [FIXTURE, print, "key: K-42\\n", await-end]
    actions:
      give: [{see: '/key: (?<key>\S+)/'}]
  taker:
    run: [FIXTURE, ask, "Key? ", answer, exit, "0"]
    actions:
      take: [{prompt: "Key?", send: "${key}"}, {see: "<${key}>"}, {exits: 0}]
flow:
  - {step: 1_give, role: giver, do: give, provides: [key]}
  - {step: 2_take, role: taker, do: take}
"#,
    )
    .perform();
    run.assert_completed();
    assert!(run.transcript().contains("<K-42>"));
    assert_eq!(run.flow().processes.len(), 2);
}

#[test]
fn what_we_type_is_no_evidence() {
    let run = Rehearsing::with_turns(
        r#"ask, "Say: ", ask, "More: ""#,
        "- {prompt: 'Say:', send: Welcome}\n- {see: Welcome, within: 300ms}",
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
        r#"ask, "Select: ", forever"#,
        "- {prompt: 'Select:', send: '1'}\n- {prompt: 'Select:', send: '2', within: 300ms}",
    )
    .perform();
    assert_eq!(run.failure().kind, FailureKind::Timeout);
}

#[test]
fn a_secret_waits_for_the_echo_to_go_off_and_shows_nowhere() {
    let run = Rehearsing::new(
        r#"
name: secret
variables: {password: tr0ub4dor}
secrets: [password]
roles:
  user:
    run: [FIXTURE, password, "Password: ", answer, print, "\\nok\\n"]
    actions:
      log_in: [{prompt: "Password:", secret: "${password}"}, {see: '/<(?<told>.+)>/'}, {see: ok}]
flow: [{step: 1_log_in, role: user, do: log_in}]
"#,
    )
    .perform();
    run.assert_completed();
    assert_eq!(run.capture("told"), Some("***"));
    assert!(
        !run.everything().contains("tr0ub4dor"),
        "{}",
        run.everything()
    );
}

#[test]
fn a_secret_is_not_typed_where_it_would_be_shown() {
    let run = Rehearsing::with_turns(
        r#"ask, "Password: ", answer"#,
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
fn a_program_that_ends_early_says_how_and_its_last_words() {
    let cases = [
        (r#"print, "oops\\n", exit, "9""#, "exit code 9"),
        (r#"print, "oops\\n", signal, "6""#, "SIGABRT"),
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
fn a_program_that_does_not_stay_for_its_answer_has_ended_early() {
    for terminal in ["pty", "pipes"] {
        let turns = "- {prompt: 'Name:', send: Ada}\n- see: <Ada>";
        let words = r#"print, "Name: ", exit, "9""#;
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
    let run = Rehearsing::with_turns(r#"print, "done""#, "- see: done\n- exits: 0").perform();
    run.assert_completed();
}

#[test]
fn a_program_that_closes_its_output_and_lives_on_fails_its_step_soon() {
    let run =
        Rehearsing::with_role("close-output, forever", "- see: fine", "terminal: pipes").perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::EndedEarly);
    assert!(failure.message.contains("lives on"), "{}", failure.message);
}

#[test]
fn another_exit_code_than_awaited_fails() {
    let run = Rehearsing::with_turns(r#"exit, "4""#, "- exits: 0").perform();
    assert_eq!(run.failure().kind, FailureKind::WrongExit);
    assert!(run.failure().message.contains("exit code 4"));
}

#[test]
fn what_the_role_fails_on_ends_the_step_at_once() {
    let run = Rehearsing::with_role(
        r#"ask, "ID: ", print, "Invalid credentials\\n", forever"#,
        "- {prompt: 'ID:', send: x}\n- see: Welcome",
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
    let run = Rehearsing::new(
        r#"
name: lost
variables: {program: no-such-program-anywhere}
roles:
  user:
    run: ["${program}"]
    actions: {talk: [{see: x}]}
flow: [{step: 1_talk, role: user, do: talk}]
"#,
    )
    .perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::NotStarted);
    assert!(
        failure.message.contains("no-such-program-anywhere"),
        "{}",
        failure.message
    );
}

#[test]
fn a_program_that_never_gets_ready_fails_as_a_slow_start() {
    let run = Rehearsing::new(
        r#"
name: slow
defaults: {startup: 200ms}
roles:
  user:
    run: [FIXTURE, forever]
    actions: {talk: [{prompt: "Name:", send: x}]}
flow: [{step: 1_talk, role: user, do: talk}]
"#,
    )
    .perform();
    assert_eq!(run.failure().kind, FailureKind::StartupTimeout);
    assert_eq!(run.failure().activity, Activity::Sleeping);
}

#[test]
fn a_chatty_program_cannot_put_off_a_deadline() {
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
fn stubborn_programs_are_ended_and_it_is_told_how() {
    let run = Rehearsing::with_turns(
        r#"ignore, "1", "15", print, "ready\\n", forever"#,
        "- see: ready",
    )
    .perform();
    assert_eq!(run.assert_completed().processes[0].ending, Ending::Killed);
}

#[test]
fn leaving_is_performed_when_the_flow_has_ended_well() {
    let run = Rehearsing::new(
        r#"
name: leaving
roles:
  user:
    run: [FIXTURE, print, "ready\\n", ask, "Bye? ", exit, "0"]
    actions:
      talk: [{see: ready}]
      leave: [{prompt: "Bye?", send: "yes"}, {exits: 0}]
flow: [{step: 1_talk, role: user, do: talk}]
"#,
    )
    .perform();
    assert_eq!(run.assert_completed().processes[0].ending, Ending::Itself);
}

/// A program that hangs in `leave`, and one of a pool that hangs on its way back to its menu.
const HANGING: [(&str, &str); 2] = [
    (
        r#"
name: hanging in leave
defaults: {startup: 20s}
roles:
  user:
    run: [FIXTURE, print, "ready\\n", forever]
    actions:
      talk: [{see: ready}]
      leave: [{see: never}]
flow: [{step: 1_talk, role: user, do: talk, timeout: 20s}]
"#,
        "did not leave well: took longer than 1s, and still awaited line `never`",
    ),
    (
        r#"
name: hanging before the menu
defaults: {startup: 20s}
roles:
  user:
    run: [FIXTURE, print, "ready\\n", forever]
    menu: {prompt: "Menu>"}
    lifetime: {pool: 1}
    actions:
      talk: [{see: ready}]
flow: [{step: 1_talk, role: user, do: talk, timeout: 20s}]
"#,
        "took longer than 1s, and still awaited",
    ),
];

fn assert_bounded_by_a_second(mut run: Rehearsing, complaint: &str) {
    run.flows = 1;
    let run = run.perform();
    run.assert_completed();
    // The usual limits are 5 s to leave, and 30 s for a pooled program.
    let elapsed_us = run.outcome.summary.elapsed_us;
    assert!(
        (1_000_000..4_500_000).contains(&elapsed_us),
        "{complaint}: {elapsed_us} us"
    );
    let notices: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Notice { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        notices.iter().any(|text| text.contains(complaint)),
        "{notices:?}"
    );
}

#[test]
fn a_step_timeout_of_the_caller_bounds_leaving_and_settling() {
    for (scenario, complaint) in HANGING {
        let mut run = Rehearsing::new(scenario);
        run.step_timeout = Some(Duration::from_secs(1));
        assert_bounded_by_a_second(run, complaint);
    }
}

#[test]
fn a_step_timeout_of_the_scenario_bounds_leaving_and_settling() {
    for (scenario, complaint) in HANGING {
        let run = Rehearsing::new(scenario).replaced("{startup: 20s}", "{startup: 20s, step: 1s}");
        assert_bounded_by_a_second(run, complaint);
    }
}

#[test]
fn branches_loops_and_questions_asked_again() {
    let run = Rehearsing::with_turns(
        r#"ask, "Minutes for A: ", ask, "Minutes for B: ", print, "packed B-7\\n""#,
        "- first_of:\n    - {prompt: Minutes for, send: '5', again: true}\n    - {see: '/packed (?<box>\\S+)/'}\n    - {see: broken, fail: broken}",
    )
    .perform();
    run.assert_completed();
    assert_eq!(run.capture("box"), Some("B-7"));
    assert_eq!(run.transcript().matches("«5»").count(), 2);
}

#[test]
fn a_named_business_failure_is_told_by_its_name() {
    let run = Rehearsing::with_turns(
        r#"print, "already assigned\\n", forever"#,
        "- first_of:\n    - see: accepted\n    - {see: already assigned, fail: already_assigned}",
    )
    .perform();
    assert_eq!(
        run.failure().kind,
        FailureKind::Business("already_assigned".into())
    );
}

#[test]
fn a_repeat_ends_with_what_it_waits_for_or_is_too_much() {
    let words = r#"ask, "Choice: ", ask, "Choice: ", print, "DELIVERED\\n", ask, "Choice: ""#;
    let turns = |most| {
        format!(
            "- repeat:\n    do: [{{prompt: 'Choice:', send: r}}]\n    until: {{see: DELIVERED}}\n    at_most: {most}"
        )
    };
    Rehearsing::with_turns(words, &turns(2))
        .perform()
        .assert_completed();
    let run = Rehearsing::with_turns(words, &turns(1)).perform();
    assert_eq!(run.failure().kind, FailureKind::TooOften);
}

#[test]
fn assertions_compare_what_was_read() {
    let words = r#"print, "due 12.50 paid 12.5\\n", await-end"#;
    let see = "- see: '/due (?<due>\\S+) paid (?<paid>\\S+)/'\n";
    Rehearsing::with_turns(
        words,
        &format!("{see}- assert: due | float == paid | float"),
    )
    .perform()
    .assert_completed();
    let run = Rehearsing::with_turns(words, &format!("{see}- assert: due == paid")).perform();
    assert_eq!(run.failure().kind, FailureKind::AssertionFailed);
    assert!(
        run.failure().message.contains("12.50"),
        "{}",
        run.failure().message
    );
}

#[test]
fn a_capture_that_changes_fails_unless_it_may() {
    let words = r#"print, "id 1\\nid 2\\n", await-end"#;
    let twice = |more: &str| format!("- see: '/id (?<id>1)/'\n- {{see: '/id (?<id>2)/'{more}}}");
    let run = Rehearsing::with_turns(words, &twice("")).perform();
    assert_eq!(run.failure().kind, FailureKind::CaptureChanged);
    let run = Rehearsing::with_turns(words, &twice(", overwrite: true")).perform();
    run.assert_completed();
    assert_eq!(run.capture("id"), Some("2"));
}

#[test]
fn a_promised_value_that_was_not_read_fails_the_step() {
    let run = Rehearsing::new(
        r#"
name: promise
roles:
  user:
    run: [FIXTURE, print, "no id today\\n", await-end]
    actions:
      talk:
        - first_of: [{see: '/ID (?<id>\d+)/'}, {see: no id}]
flow: [{step: 1_talk, role: user, do: talk, provides: [id]}]
"#,
    )
    .perform();
    assert_eq!(run.failure().kind, FailureKind::NotProvided);
}

#[test]
fn plain_commands_are_steps_of_the_journey() {
    let turns = |see: &str| {
        format!("- see: ready\n- {{run: [FIXTURE, print, 'books: 3 fine'], see: '{see}'}}")
    };
    let words = r#"print, "ready\\n", await-end"#;
    let run = Rehearsing::with_turns(words, &turns("/books: (?<books>\\d+)/")).perform();
    run.assert_completed();
    assert_eq!(run.capture("books"), Some("3"));
    let run = Rehearsing::with_turns(words, &turns("books: 4")).perform();
    assert_eq!(run.failure().kind, FailureKind::CommandFailed);
}

#[test]
fn skipped_steps_start_nothing() {
    let run = Rehearsing::new(
        r#"
name: skipping
variables: {wanted: "no"}
roles:
  user:
    run: [FIXTURE, print, "x\\n"]
    actions: {talk: [{see: x}]}
flow: [{step: 1_talk, role: user, do: talk, when: wanted == 'yes'}]
"#,
    )
    .perform();
    let flow = run.assert_completed();
    assert_eq!(flow.steps[0].outcome, StepOutcome::Skipped);
    assert!(flow.processes.is_empty());
}

#[test]
fn pauses_are_in_no_latency() {
    let run = Rehearsing::with_turns(
        r#"print, "ready\\n", await-end"#,
        "- see: ready\n- think: 300ms\n- see: ready",
    )
    .perform();
    let step = &run.assert_completed().steps[0];
    assert_eq!(step.paused_us, 300_000);
    assert!(step.duration_us < 250_000, "{}", step.duration_us);
}

#[test]
fn a_flood_is_heard_to_its_end_in_bounded_memory() {
    let run = Rehearsing::with_turns(
        r#"flood, "25000000", print, "\\nthe end\\n""#,
        "- see: the end\n- exits: 0",
    )
    .perform();
    run.assert_completed();
}

#[test]
fn a_program_that_never_reads_does_not_block_us() {
    let long = "x".repeat(100_000);
    let run = Rehearsing::with_role(
        r#"print, "ready\\n", forever"#,
        &format!("- {{see: ready, send: {long}}}\n- {{see: thanks, within: 300ms}}"),
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
fn many_flows_are_all_accounted_for() {
    let mut run = Rehearsing::with_turns(
        r#"ask, "Name: ", answer, print, "\\nok\\n""#,
        "- {prompt: 'Name:', send: 'n${flow.number}'}\n- see: <n${flow.number}>\n- exits: 0",
    );
    run.flows = 60;
    run.parallel = 20;
    let run = run.perform();
    assert_eq!(run.flows.len(), 60);
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.outcome == FlowOutcome::Completed)
    );
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.processes[0].ending == Ending::Itself)
    );
}

#[test]
fn a_run_that_is_stopped_at_once_reports_and_leaves_nothing() {
    let mut run = Rehearsing::with_turns(
        r#"print, "ready\\n", forever"#,
        "- see: ready\n- see: never",
    );
    run.flows = 10;
    run.parallel = 3;
    let control = Control::new();
    let stopper = control.clone();
    let react = move |event: &RunEvent| {
        if matches!(event, RunEvent::Heard { .. }) {
            stopper.stop(Stop::Now);
        }
    };
    let recorder = Recorder {
        react: Some(Box::new(react)),
        ..Recorder::default()
    };
    let run = run.perform_with(&control, recorder);
    assert!(run.outcome.summary.interrupted);
    assert_eq!(run.flows.len(), 3);
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.outcome == FlowOutcome::Interrupted)
    );
    assert!(control.live_scripts().is_empty());
}

#[test]
fn an_unfinished_line_is_told_while_it_is_waited_behind() {
    let run = Rehearsing::with_turns(r#"print, "half a line", await-end"#, "- see: never");
    let control = Control::new();
    let stopper = control.clone();
    let react = move |event: &RunEvent| {
        if matches!(event, RunEvent::Heard { text, .. } if text == "half a line") {
            stopper.stop(Stop::Now);
        }
    };
    let recorder = Recorder {
        react: Some(Box::new(react)),
        ..Recorder::default()
    };
    let run = run.perform_with(&control, recorder);
    // Else it would have been told with the failure.
    assert_eq!(run.flow().outcome, FlowOutcome::Interrupted);
}

#[test]
fn a_run_that_is_stopped_gently_lets_its_flows_finish() {
    let mut run = Rehearsing::with_turns(
        r#"ask, "Name: ", print, "fine\\n""#,
        "- {prompt: 'Name:', send: x}\n- see: fine",
    );
    run.flows = 1000;
    run.parallel = 2;
    let control = Control::new();
    let stopper = control.clone();
    let react = move |event: &RunEvent| {
        if matches!(event, RunEvent::Heard { .. }) {
            stopper.stop(Stop::Graceful {
                grace: Duration::from_secs(20),
            });
        }
    };
    let recorder = Recorder {
        react: Some(Box::new(react)),
        ..Recorder::default()
    };
    let run = run.perform_with(&control, recorder);
    assert!(run.outcome.summary.interrupted);
    assert!(run.flows.len() < 100, "{} flows", run.flows.len());
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.outcome == FlowOutcome::Completed)
    );
}

/// A scenario whose only program answers after this many seconds.
fn answers_after(seconds: &str) -> Rehearsing {
    Rehearsing::with_turns(
        &format!(r#"sleep, "{seconds}", print, "done\\n""#),
        "- see: done\n- exits: 0",
    )
}

#[test]
fn an_open_load_starts_by_the_clock_and_counts_what_it_drops() {
    let mut run = answers_after("0.5");
    run.load = Some(Load {
        shape: Shape::Open {
            rate: Ramp::constant(20.0),
            arrivals: Arrivals::Even,
            most_in_flight: 4,
        },
        flows: None,
        duration: Some(Duration::from_secs(1)),
        ..Load::closed(1, 1)
    });
    let run = run.perform();
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
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.outcome == FlowOutcome::Completed)
    );
}

#[test]
fn the_warm_up_is_marked() {
    let mut run = answers_after("0");
    run.load = Some(Load {
        shape: Shape::Open {
            rate: Ramp::constant(20.0),
            arrivals: Arrivals::Even,
            most_in_flight: 100,
        },
        flows: Some(4),
        warm_up: Duration::from_millis(200),
        ..Load::closed(1, 1)
    });
    let run = run.perform();
    let counted = run.flows.iter().filter(|flow| flow.counted).count();
    assert_eq!((run.flows.len(), counted), (8, 4));
}

#[test]
fn what_does_not_finish_when_the_time_is_over_is_ended() {
    let mut run = Rehearsing::with_turns("forever", "- see: never");
    run.load = Some(Load {
        flows: None,
        duration: Some(Duration::from_millis(200)),
        graceful_stop: Duration::from_millis(200),
        ..Load::closed(1, 2)
    });
    let run = run.perform();
    assert!(
        !run.outcome.summary.interrupted,
        "the run ended by its own clock"
    );
    assert_eq!(run.flows.len(), 2);
    assert!(
        run.flows
            .iter()
            .all(|flow| flow.outcome == FlowOutcome::Interrupted)
    );
}

/// What closed loads hide: while a program stalls, they simply ask less often.
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
        let mut run = answers_after("0.3");
        run.load = Some(load);
        let flows = run.perform().flows;
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
    let run = Rehearsing::new(
        r#"
name: single keys
roles:
  user:
    run: [bash, -c, 'read -n1 -p "Choice [a/b] " key; echo; read -p "Name? " name; echo "<$key$name>"']
    actions:
      talk: [{prompt: "Choice [a/b]", press: b}, {prompt: "Name?", send: Ann}, {see: <bAnn>}]
flow: [{step: 1_talk, role: user, do: talk}]
"#,
    )
    .perform();
    run.assert_completed();
}

#[test]
fn a_wait_in_the_wrong_place_is_told_the_right_one() {
    let run = Rehearsing::with_turns(
        r#"print, "go?\\n", forever"#,
        "- {prompt: 'go?', send: x, within: 200ms}",
    )
    .perform();
    let hint = run.failure().hint.clone().unwrap_or_default();
    assert!(hint.contains("`see` instead of `prompt`"), "{hint}");
    let run = Rehearsing::with_turns(r#"ask, "go? ""#, "- {see: 'go?', within: 200ms}").perform();
    let hint = run.failure().hint.clone().unwrap_or_default();
    assert!(hint.contains("`prompt` instead of `see`"), "{hint}");
}

#[test]
fn a_secret_that_is_captured_is_told_nowhere_not_even_where_it_comes_first() {
    let run = Rehearsing::new(
        r#"
name: token
secrets: [token]
roles:
  user:
    run: [bash, -c, 'echo "early tk-998877"; echo "Your token: tk-998877"; read -p "? "; echo "used tk-998877"']
    actions:
      get: [{see: '/token: (?<token>\S+)/'}]
      use: [{prompt: "?", send: "${token}"}, {see: used}]
flow: [{step: 1_get, role: user, do: get}, {step: 2_use, role: user, do: use}]
"#,
    )
    .perform();
    run.assert_completed();
    let told = run.transcript();
    assert!(
        told.contains("Your token: ***") && told.contains("used ***"),
        "{told}"
    );
    // The command line holds it as well: it is the test's own.
    assert!(!told.contains("tk-9988"), "{told}");
}

#[test]
fn a_secret_that_is_printed_in_two_pieces_is_masked() {
    let source = |end: &str| {
        format!(
            r#"
name: pieces
variables: {{pin: hunter2secret}}
secrets: [pin]
roles:
  user:
    run: [FIXTURE, password, "PIN: ", print, "\nit is hunt", sleep, "0.05", {end}]
    actions:
      talk: [{{prompt: "PIN:", secret: "${{pin}}"}}, {{see: never, within: 300ms}}]
flow: [{{step: 1_talk, role: user, do: talk}}]
"#
        )
    };
    for end in [r#"print, "er2secret\n", forever"#, "forever"] {
        let run = Rehearsing::new(&source(end)).perform();
        assert_eq!(run.failure().kind, FailureKind::Timeout);
        // The command line holds the pieces as well: it is the test's own.
        let told = run.transcript() + &run.failure().tail;
        for part in ["hunt", "er2", "secret"] {
            assert!(!told.contains(part), "{part} is in {told}");
        }
    }
}
