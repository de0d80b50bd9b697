//! Deadlines of starts, turns, steps and flows, and the pauses that extend them.

use std::time::Duration;

use super::super::*;
use super::bench::{Bench, Options, QUIET, STEP};
use crate::model::Activity;

#[test]
fn a_start_has_its_own_deadline_that_ends_with_the_first_evidence() {
    let options = Options {
        startup: Some(2000),
        ..Options::default()
    };
    let mut bench = Bench::with("{see: ready}, {see: more}", options);
    bench.alarm(2000);
    assert_eq!(bench.failure().kind, FailureKind::StartupTimeout);
    let mut bench = Bench::with("{see: ready}, {see: more}", options);
    bench.output(1999, "ready\n");
    bench.assert_alarm(STEP);
}

#[test]
fn turn_step_and_flow_have_deadlines() {
    let mut bench = Bench::new("{see: a, within: 3s}, {see: b}");
    bench.alarm(3000);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.waited_us, 3_000_000);
    assert_eq!(failure.activity, Activity::Sleeping);

    let mut bench = Bench::new("{see: a, within: 3s}, {see: b}");
    bench.output(1000, "a\n");
    bench.program.unread.set(7);
    bench.alarm(STEP);
    let message = bench.failure().message;
    assert!(message.contains("step timed out after 10s"), "{message}");
    assert!(message.contains("last 7 bytes"), "{message}");

    let options = Options {
        flow: Some(9_000),
        ..Options::default()
    };
    let mut bench = Bench::with("{see: a}", options);
    bench.alarm(9_000);
    assert!(bench.failure().message.contains("flow timed out after 9s"));
}

#[test]
fn output_that_came_before_a_deadline_is_read_before_it_is_judged() {
    for turns in [
        "{see: done, within: 2s}",
        "{prompt: 'done', within: 2s}",
        "{see: done}",
    ] {
        let mut bench = Bench::new(turns);
        // This process was stopped: the alarm rings late, and output is still unread.
        bench.program.has_news.set(true);
        bench.on(12_000, ScriptInput::Alarm);
        assert!(bench.report().is_none(), "{turns}");
        bench.program.has_news.set(false);
        bench.output(
            12_001,
            if turns.contains("prompt") {
                "done? "
            } else {
                "done\n"
            },
        );
        bench.on(12_001, ScriptInput::Alarm);
        bench.on(12_001 + QUIET, ScriptInput::Alarm);
        assert!(bench.report().expect("a report").result.is_ok(), "{turns}");
    }
}

#[test]
fn reading_after_a_deadline_is_bounded() {
    let mut bench = Bench::new("{see: done, within: 2s}");
    bench.program.has_news.set(true);
    bench.on(2000, ScriptInput::Alarm);
    bench.output(2100, "more\n");
    bench.on(2249, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.on(2250, ScriptInput::Alarm);
    assert_eq!(bench.failure().kind, FailureKind::Timeout);
}

#[test]
fn an_early_alarm_changes_nothing() {
    let mut bench = Bench::new("{see: a}");
    bench.on(500, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.assert_alarm(STEP);
}

#[test]
fn a_pause_extends_the_deadline_of_the_step() {
    let mut bench = Bench::new("{think: 4s}, {see: a}");
    bench.alarm(4000);
    bench.assert_alarm(STEP + 4000);
    bench.output(4100, "a\n");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.paused, Duration::from_secs(4));
    assert_eq!(timing.duration(), Duration::from_millis(100));
}

#[test]
fn rounds_of_a_repeat_are_spaced() {
    let turns =
        "{repeat: {do: [{prompt: '>', send: r}], until: {see: DONE}, at_most: 3, every: 5s}}";
    let mut bench = Bench::new(turns);
    bench.output(0, "> ");
    assert!(bench.is_typing());
    bench.written(50);
    bench.assert_alarm(5050);
    bench.output(200, "DONE\n");
    assert!(bench.report().expect("a report").result.is_ok());
}

#[test]
fn a_command_has_the_deadline_of_the_step() {
    let mut bench = Bench::new("{run: [audit]}");
    assert!(matches!(bench.effects.as_slice(), [ScriptEffect::Run(_)]));
    bench.alarm(STEP);
    let is_cancel = |it: &ScriptEffect| matches!(it, ScriptEffect::CancelCommand);
    assert!(bench.effects.iter().any(is_cancel));
    assert!(bench.failure().message.contains("the command's end"));
}

#[test]
fn the_deadline_of_the_flow_also_runs_in_a_pause_and_at_the_gates_of_a_turn() {
    let options = Options {
        flow: Some(15_000),
        ..Options::default()
    };
    let mut bench = Bench::with("{think: 1h}, {see: a}", options);
    bench.assert_alarm(15_000);
    bench.alarm(15_000);
    let message = bench.failure().message;
    assert_eq!(message, "the flow timed out after 15s, in a pause");

    let turns = "{prompt: '>', send: x, exclusive: till}, {see: a}";
    let mut bench = Bench::with(turns, options);
    bench.output(0, "> ");
    // Neither the turn nor the step can time out meanwhile.
    bench.alarm(15_000);
    let leaves = |effect: &ScriptEffect| matches!(effect, ScriptEffect::LeaveGates);
    assert!(bench.effects.iter().any(leaves));
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::Timeout);
    let wait = "waiting for other flows at the `rate` or `exclusive` of a turn";
    assert_eq!(
        failure.message,
        format!("the flow timed out after 15s, {wait}")
    );

    let mut bench = Bench::with(turns, options);
    bench.output(0, "> ");
    let waited = Duration::from_secs(12);
    bench.on(12_000, ScriptInput::Admitted { waited });
    assert!(bench.is_typing());
    bench.written(12_000);
    bench.assert_alarm(15_000);
    bench.alarm(15_000);
    let message = bench.failure().message;
    assert!(message.contains("flow timed out after 15s"), "{message}");
}

#[test]
fn a_read_that_is_not_seen_is_explained() {
    let mut bench = Bench::new("{reads: true, send: x}, {see: a}");
    bench.on(STEP, ScriptInput::Alarm);
    let hint = bench.failure().hint.expect("a hint");
    assert!(
        hint.contains("shows the program as sleeping, not as waiting for input"),
        "{hint}"
    );
    assert!(hint.contains("`- think: 1s`"), "{hint}");
}
