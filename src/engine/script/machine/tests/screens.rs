//! Screens that settle, and keys whose effect is awaited.

use super::super::*;
use super::bench::{Bench, Options, QUIET};
use crate::model::Activity;
use crate::terminal::{ScreenSize, Typed};

/// Silence after which a screen counts as complete, although the program does not wait for input.
const LONG_QUIET: u64 = 10 * QUIET;

fn bench(turns: &str) -> Bench {
    let options = Options {
        screen: Some(ScreenSize {
            rows: 10,
            columns: 40,
        }),
        ..Options::default()
    };
    Bench::with(turns, options)
}

fn reads(bench: &Bench) {
    bench.program.activity.set(Activity::WaitingForInput);
}

#[test]
fn a_reply_waits_until_the_program_waits_for_input() {
    let mut bench = bench("{screen: Menu, press: q}, {screen: Bye}");
    bench.output(100, "\x1b[HMenu");
    assert!(!bench.is_typing());
    // It is silent, but at work.
    bench.alarm(100 + QUIET);
    assert!(!bench.is_typing());
    reads(&bench);
    bench.alarm(100 + 2 * QUIET);
    assert!(bench.is_typing());
}

#[test]
fn a_program_that_never_waits_for_input_is_answered_after_a_long_silence() {
    let mut bench = bench("{screen: Menu, press: q}, {screen: Bye}");
    bench.output(100, "\x1b[HMenu");
    for looks in 1..10 {
        bench.alarm(100 + looks * QUIET);
        assert!(!bench.is_typing(), "{looks}");
    }
    bench.alarm(100 + LONG_QUIET);
    assert!(bench.is_typing());
}

#[test]
fn a_capture_waits_for_the_rest_of_its_text() {
    let mut bench = bench("{screen: '/Total (?<total>[0-9]+)/'}");
    bench.output(100, "\x1b[HTotal 12");
    bench.alarm(100 + QUIET);
    bench.output(150, "34");
    reads(&bench);
    bench.alarm(150 + QUIET);
    let values = bench.effects.iter().find_map(|effect| match effect {
        ScriptEffect::NewValues(values) => Some(values.captures.clone()),
        _ => None,
    });
    assert_eq!(&*values.expect("a capture")[0].1, "1234");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.ended, bench.at(150));
}

#[test]
fn a_text_without_a_reply_counts_when_it_is_drawn() {
    let mut bench = bench("{screen: Saving}, {screen: Done}");
    bench.output(100, "\x1b[HSaving\x1b[2J\x1b[HDone\x1b[2J");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.ended, bench.at(100));
}

#[test]
fn the_keys_of_a_list_are_typed_one_after_the_other() {
    let mut bench = bench("{screen: Menu, press: [down, enter]}, {screen: Bye}");
    reads(&bench);
    bench.output(100, "\x1b[HMenu");
    bench.alarm(100 + QUIET);
    assert!(bench.is_typing());
    bench.written(150);
    assert!(!bench.is_typing());
    // The program has not read the first key.
    bench.program.unread.set(3);
    bench.alarm(150 + QUIET);
    assert!(!bench.is_typing());
    bench.program.unread.set(0);
    bench.alarm(150 + 2 * QUIET);
    assert!(bench.is_typing());
    bench.written(250);
    bench.output(260, "\x1b[2J\x1b[HBye\x1b[H");
    assert!(bench.report().expect("a report").result.is_ok());
}

#[test]
fn a_key_without_effect_fails_sooner_if_the_program_reads_on() {
    for (activity, patience) in [(Activity::WaitingForInput, 1000), (Activity::Waiting, 5000)] {
        let mut bench = bench("{screen: Menu, choose: Two}, {screen: Bye}");
        reads(&bench);
        bench.output(100, "\x1b[HMenu\r\n\r\n\x1b[7mOne\x1b[m\r\nTwo\r\nThree");
        bench.alarm(100 + QUIET);
        assert!(bench.is_typing());
        bench.program.activity.set(activity);
        bench.written(200);
        let mut now = 200;
        let failure = loop {
            let alarm = bench.machine.next_alarm().expect("an alarm");
            now = now.max(alarm.duration_since(bench.origin).as_millis() as u64);
            bench.on(now, ScriptInput::Alarm);
            if let Some(performed) = bench.report() {
                break performed.result.expect_err("nothing has changed");
            }
        };
        assert_eq!(failure.kind, FailureKind::NotTaken, "{failure}");
        assert!(failure.message.contains("nothing changed"), "{failure}");
        let screen = failure.screen.expect("a screen");
        assert!(screen.contains("Three"), "{screen}");
        let took = now - 200;
        assert!((patience..patience + 700).contains(&took), "{took}");
    }
}

#[test]
fn an_exit_between_keys_ends_the_action() {
    let mut bench = bench("{screen: Menu, press: [down, enter]}, {screen: Bye}");
    reads(&bench);
    bench.output(100, "\x1b[HMenu");
    bench.alarm(100 + QUIET);
    bench.written(150);
    bench.exited(160);
    assert_eq!(bench.failure().kind, FailureKind::EndedEarly);
}

/// The lines are those of an injected fault.
#[test]
fn a_reply_after_other_lines_needs_new_evidence_too() {
    let mut bench = bench("{screen: Menu, type: q}, {screen: Bye}");
    reads(&bench);
    bench.output(100, "\x1b[HMenu  Bye");
    bench.alarm(100 + QUIET);
    assert!(bench.is_typing());
    let line = Typed::line("garbage", true).expect("a line");
    bench.on(150, ScriptInput::Preceded(vec![line]));
    bench.written(160);
    bench.output(170, "\x1b[3;1Hq");
    assert!(bench.report().is_none(), "it stood there before");
    bench.output(200, "\x1b[2J\x1b[HBye\x1b[H");
    assert!(bench.report().expect("a report").result.is_ok());
}

#[test]
fn a_text_that_stood_there_hides_no_new_one_elsewhere() {
    let mut bench = bench("{screen: Menu, type: q}, {screen: Bye}");
    reads(&bench);
    bench.output(100, "\x1b[HMenu  Bye");
    bench.alarm(100 + QUIET);
    bench.written(160);
    bench.output(170, "\x1b[5;1HBye\x1b[H");
    assert!(bench.report().expect("a report").result.is_ok());
}
