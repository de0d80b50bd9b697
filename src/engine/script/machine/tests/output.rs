//! Output: unfinished lines, its end, refusals, and reading that is held back on purpose.

use std::time::Duration;

use super::super::*;
use super::bench::{Bench, Options, QUIET, STEP};
use crate::model::Activity;

#[test]
fn an_unfinished_line_is_a_prompt_when_it_has_been_quiet() {
    let mut bench = Bench::new("{prompt: 'Name:', send: me}");
    bench.output(100, "Name: (anonymous) ");
    assert!(!bench.is_typing());
    bench.output(120, " ");
    // It is looked at before, and does not wait for input.
    while bench.machine.next_alarm() < Some(bench.at(120 + QUIET)) {
        let alarm = bench.machine.next_alarm().expect("an alarm");
        let at = alarm
            .duration_since(bench.origin)
            .as_micros()
            .div_ceil(1000);
        bench.on(u64::try_from(at).expect("a short time"), ScriptInput::Alarm);
        assert!(!bench.is_typing());
    }
    bench.alarm(120 + QUIET);
    assert!(bench.is_typing());
    bench.written(165);
    let performed = bench.report().expect("a report");
    assert!(performed.result.is_ok());
    let held = performed.timing.held + performed.timing.held_after;
    assert!(held >= Duration::from_millis(QUIET), "{held:?}");
}

#[test]
fn an_unfinished_line_is_a_prompt_when_the_program_can_do_nothing_else_but_read() {
    // At once.
    let mut bench = Bench::new("{prompt: 'Name:', send: me}");
    bench.program.activity.set(Activity::WaitingForInput);
    bench.output(100, "Name: (anonymous) ");
    assert!(bench.is_typing());
    // At one of the looks before the line has been quiet for long enough.
    let mut bench = Bench::new("{prompt: 'Name:', send: me}");
    bench.output(100, "Name: (anonymous) ");
    bench.on(101, ScriptInput::Alarm);
    assert!(!bench.is_typing());
    bench.program.activity.set(Activity::WaitingForInput);
    bench.alarm(102);
    assert!(bench.is_typing());
}

#[test]
fn an_unfinished_line_is_no_prompt_while_it_may_go_on() {
    type Set = fn(&Bench);
    let not_yet: [Set; 3] = [
        |bench| bench.program.activity.set(Activity::Running),
        // It has not read what was typed before.
        |bench| bench.program.unread.set(1),
        // It has written more before it began to wait.
        |bench| bench.program.has_news.set(true),
    ];
    for set in not_yet {
        let mut bench = Bench::new("{prompt: 'Name:', send: me}");
        bench.program.activity.set(Activity::WaitingForInput);
        set(&bench);
        bench.output(100, "Name: (anonymous) ");
        assert!(!bench.is_typing());
    }
    // The program waits, and the line is another one.
    let mut bench = Bench::new("{prompt: 'Name:', send: me}");
    bench.program.activity.set(Activity::WaitingForInput);
    bench.output(100, "Surname (none) ");
    assert!(!bench.is_typing());
    bench.assert_alarm(100 + QUIET);
}

#[test]
fn output_that_ends_while_the_program_lives_fails_after_a_grace() {
    let mut bench = Bench::new("{see: a}");
    bench.closed(1000);
    bench.alarm(1500);
    assert_eq!(bench.failure().kind, FailureKind::EndedEarly);

    let mut bench = Bench::new("{see: a}");
    bench.closed(1000);
    bench.exited(1200);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::EndedEarly);
    assert_eq!(failure.activity, Activity::Gone);
}

#[test]
fn a_program_that_refuses_is_heard_out_until_it_is_silent() {
    let options = Options {
        role: "    fail_on: {denied: Denied}",
        ..Options::default()
    };
    let mut bench = Bench::with("{see: a}", options);
    bench.output(1000, "Denied\n");
    bench.output(1060, "because\n");
    bench.alarm(1160);
    let performed = bench.report().expect("a report");
    assert_eq!(performed.timing.ended, bench.at(1000));
    assert!(performed.result.unwrap_err().tail.contains("because"));

    let mut bench = Bench::with("{see: a}", options);
    for more in 0..12 {
        bench.output(1000 + 90 * more, "Denied\n");
    }
    bench.alarm(2000);
    assert!(bench.report().is_some(), "a second is the most");

    let mut bench = Bench::with("{see: a}", options);
    bench.output(1000, "Denied\n");
    bench.exited(1010);
    assert!(bench.report().is_some(), "nothing follows an exit");
}

#[test]
fn output_left_unread_on_purpose_is_no_time_of_the_program() {
    let mut bench = Bench::new("{see: a}");
    bench.program.held_back.set(Duration::from_secs(1));
    bench.output(3000, "a\n");
    let timing = bench.report().expect("a report").timing;
    assert_eq!(timing.duration(), Duration::from_secs(2));
}

#[test]
fn an_unfinished_line_is_printed_when_it_has_been_quiet() {
    let options = Options {
        prints: true,
        ..Options::default()
    };
    let mut bench = Bench::with("{see: never}", options);
    bench.output(0, "one\ntwo");
    assert_eq!(bench.printed(), "one\n");
    bench.output(200, "2");
    bench.on(300, ScriptInput::Alarm);
    assert_eq!(bench.printed(), "");
    bench.alarm(500);
    assert_eq!(bench.printed(), "two2");
    bench.assert_alarm(STEP);
}

#[test]
fn a_screen_is_printed_before_replies_and_at_the_end_if_it_has_changed() {
    let options = Options {
        prints: true,
        screen: Some(ScreenSize {
            rows: 3,
            columns: 20,
        }),
        ..Options::default()
    };
    let mut bench = Bench::with("{see: Name, secret: s3cret}, {see: Done}", options);
    bench.program.echo.set(TerminalMode::Off);
    bench.output(0, "\x1b[2J\x1b[HName\r\n");
    assert!(bench.is_typing());
    assert_eq!(bench.printed(), "", "between replies it is half drawn");
    bench.written(1);
    let printed = bench.printed();
    assert!(
        printed.ends_with("┌──────┐\n│ Name │\n└──────┘\n"),
        "{printed}"
    );
    bench.output(2, "\x1b[1;12Hret\x1b[1;9Hs3c\x1b[2;1HDone\r\n");
    let printed = bench.printed();
    assert!(
        printed.contains("│ Name    *** │\n│ Done        │\n"),
        "{printed}"
    );
    bench.machine.print_all(&mut bench.effects);
    assert_eq!(bench.printed(), "", "it has not changed");
}
