//! Turns of a dialogue: waits, replies, alternatives, repeats, captures, pauses.

use crate::support::flows::Rehearsing;
use rehearsal::engine::Stop;
use rehearsal::model::{
    Activity, Ending, ExitCause, FailureKind, FlowOutcome, RunEvent, StepOutcome,
};

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
fn a_single_character_is_pressed_without_enter() {
    let run = Rehearsing::of("engine/single-keys").perform();
    run.assert_completed();
}

#[test]
fn a_role_with_a_screen_is_on_an_xterm_of_its_size() {
    let words = "env, TERM, env, NO_COLOR, env, COLUMNS, size, ask, '? ', size, exit, '0'";
    let turns = "
        - see: TERM=xterm-256color
        - see: /^NO_COLOR=$/
        - see: /^COLUMNS=$/
        - see: 'size: 24x80'
        - resize: 31x101
        - {prompt: '?', send: x}
        - see: 'size: 31x101'
        - exits: 0";
    let run = Rehearsing::with_role(words, turns, "screen: 24x80").perform();
    run.assert_completed();
    let run = Rehearsing::with_role(
        &words.replace("COLUMNS, ", "COLORTERM, "),
        "- see: TERM=vt220\n- see: COLORTERM=truecolor\n- resize: 31x101\n- {prompt: '?', send: x}\n\
         - exits: 0",
        "screen: 24x80\nenvironment: {TERM: vt220, COLORTERM: truecolor}",
    );
    run.perform().assert_completed();
}
