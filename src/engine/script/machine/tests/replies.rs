//! Replies: when they may be typed, and when they have been read.

use std::time::Duration;

use super::super::*;
use super::bench::{Bench, Options, QUIET, STEP};
use crate::model::Activity;
use crate::process::TerminalMode;

#[test]
fn a_last_reply_has_to_be_read() {
    let begun = || {
        let mut bench = Bench::new("{prompt: 'Name:', send: me}");
        bench.output(100, "Name:");
        bench.on(100 + QUIET, ScriptInput::Alarm);
        bench.program.unread.set(3);
        bench.written(200);
        assert!(bench.report().is_none());
        bench
    };
    let mut bench = begun();
    bench.on(201, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.program.unread.set(0);
    bench.on(203, ScriptInput::Alarm);
    assert!(bench.report().expect("a report").result.is_ok());

    let mut bench = begun();
    bench.on(STEP, ScriptInput::Alarm);
    assert_eq!(bench.failure().kind, FailureKind::NotSent);
}

#[test]
fn a_read_of_the_program_can_be_awaited() {
    let mut bench = Bench::new("{reads: true, send: '6*7'}, {see: '42'}, {reads: true}");
    bench.on(1, ScriptInput::Alarm);
    assert!(bench.machine.reply().is_none());
    bench.program.activity.set(Activity::WaitingForInput);
    bench.on(2, ScriptInput::Alarm);
    assert!(bench.machine.reply().is_some());
    bench.written(3);
    bench.output(4, "42\n");
    // It waits as before as long as it has not read the reply.
    bench.program.unread.set(4);
    bench.on(50, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    // Nor does it count before its output was taken in.
    bench.program.unread.set(0);
    bench.program.has_news.set(true);
    bench.on(150, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.program.has_news.set(false);
    bench.on(300, ScriptInput::Alarm);
    assert!(bench.report().expect("a report").result.is_ok());

    let mut bench = Bench::new("{reads: true, send: x}");
    bench.on(STEP, ScriptInput::Alarm);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.awaited, ["a read of its input"]);
}

#[test]
fn a_secret_waits_until_the_echo_is_off() {
    let turns = "{prompt: 'Password:', secret: s3cret}";
    let begun = || {
        let mut bench = Bench::new(turns);
        bench.program.echo.set(TerminalMode::On);
        bench.output(0, "Password: ");
        assert!(!bench.is_typing());
        bench
    };
    let mut bench = begun();
    let first = bench.machine.next_alarm().expect("another look");
    assert_eq!(first, bench.at(0) + Duration::from_micros(200));
    bench.program.echo.set(TerminalMode::Off);
    bench.on(1, ScriptInput::Alarm);
    assert!(bench.is_typing());

    let mut bench = begun();
    bench.on(5000, ScriptInput::Alarm);
    assert!(bench.report().is_none());
    bench.on(5001, ScriptInput::Alarm);
    assert_eq!(bench.failure().kind, FailureKind::EchoStayedOn);
}

#[test]
fn a_secret_of_an_abandoned_action_stays_masked() {
    let options = Options {
        prints: true,
        ..Options::default()
    };
    let mut bench = Bench::with("{see: Password, secret: s3cret}, {see: more}", options);
    bench.program.echo.set(TerminalMode::Off);
    bench.output(0, "Password\n");
    assert!(bench.is_typing());
    bench.written(1);
    bench.machine.abandon();
    bench.output(2, "it was s3cret\n");
    assert_eq!(bench.printed().trim_end(), "it was ***");
}

#[test]
fn a_reply_that_cannot_be_typed_fails_unless_the_program_exits_soon() {
    let begun = || {
        let mut bench = Bench::new("{see: go}, {prompt: '>', send: x}");
        bench.output(0, "go\n> ");
        assert!(bench.is_typing());
        let reason = "its input is full".to_owned();
        bench.on(100, ScriptInput::NotTyped { reason });
        bench
    };
    let mut bench = begun();
    bench.alarm(600);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::NotSent);
    assert!(failure.message.contains("its input is full"));
    let mut bench = begun();
    bench.exited(300);
    assert_ne!(bench.failure().kind, FailureKind::NotSent);
}

#[test]
fn a_reply_is_held_for_faults_and_its_delay_is_a_pause() {
    let options = Options {
        is_filtered: true,
        ..Options::default()
    };
    let mut bench = Bench::with("{prompt: '>', send: x}, {see: a}", options);
    bench.output(0, "> ");
    let points = std::mem::take(&mut bench.effects);
    assert!(matches!(
        points.as_slice(),
        [
            ScriptEffect::WaitBegan(_),
            ScriptEffect::EvidenceCame,
            ScriptEffect::BeforeReply(_)
        ]
    ));
    bench.on(40, ScriptInput::Delayed(Duration::from_secs(2)));
    assert_eq!(bench.machine.next_alarm(), None);
    bench.on(2040, ScriptInput::Released);
    assert!(bench.is_typing());
    bench.written(2040);
    bench.assert_alarm(STEP + 2000);
    bench.output(2100, "a\n");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.paused, Duration::from_secs(2));
}
