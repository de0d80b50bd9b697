//! What chaos does to real programs, over terminals and over pipes: that it is done, told, and
//! told truly; that what is harmless harms nothing; and that nothing is left, frozen or not.
//!
//! Which steps are struck is tested beside the engine's `chaos`; how the words are read, in
//! `scenario_errors.rs`; what signals to the run do meanwhile, in `cleanup.rs`.

#[path = "support/flows.rs"]
mod flows;

use std::sync::{Arc, Mutex};

use flows::{Recorder, Rehearsed, Rehearsing};
use rehearsal::engine::{Control, Stop};
use rehearsal::model::{
    Activity, Ending, ExitCause, Failure, FailureKind, FlowOutcome, InjectionKind, InjectionRecord,
    RunEvent,
};

/// Asks twice and says what it heard.
const WORDS: &str = r#"ask, "One: ", answer, ask, "Two: ", answer, exit, "0""#;
const TURNS: &str = "- {prompt: 'One:', send: first}
- see: <first>
- {prompt: 'Two:', send: second, name: two}
- see: <second>
- exits: 0";

/// A dialogue under this chaos.
fn talk(words: &str, turns: &str, terminal: &str, chaos: &str) -> Rehearsing {
    let indented = turns.replace('\n', "\n        ");
    Rehearsing::new(&format!(
        "name: chaos
chaos: '{chaos}'
defaults: {{startup: 20s, step: 20s}}
roles:
  user:
    run: [FIXTURE, {words}]
    terminal: {terminal}
    actions:
      talk:
        {indented}
flow: [{{step: 1_talk, role: user, do: talk}}]
"
    ))
}

/// The same with a program that stays for all that is to happen to it.
fn patient(terminal: &str, chaos: &str) -> Rehearsing {
    let turns = TURNS.replace("- exits: 0", "");
    let words = WORDS.replace(r#"exit, "0""#, "await-end");
    talk(&words, turns.trim_end(), terminal, chaos)
}

fn injections(run: &Rehearsed) -> Vec<InjectionRecord> {
    run.flow().injections.clone()
}

/// The only one, which was told as an event as well.
fn only_injection(run: &Rehearsed, kind: InjectionKind) -> InjectionRecord {
    let all = injections(run);
    assert_eq!(all.len(), 1, "{all:?}\n{}", run.transcript());
    assert_eq!(all[0].injection.kind, kind);
    let told = run.events.iter().filter_map(|event| match event {
        RunEvent::Injected(injection) => Some((**injection).clone()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [all[0].injection.clone()]);
    all[0].clone()
}

#[track_caller]
fn failed_after<'r>(run: &'r Rehearsed, what: &str) -> &'r Failure {
    let failure = run.failure();
    let blamed = format!("(chaos before that: {what}");
    assert!(failure.message.contains(&blamed), "{}", failure.message);
    failure
}

const BOTH: [&str; 2] = ["pty", "pipes"];

#[test]
fn what_is_harmless_harms_nothing() {
    for terminal in BOTH {
        for (chaos, kind) in [
            ("dribble once every 1ms", InjectionKind::Dribble),
            ("delay once for 20ms", InjectionKind::Delay),
            (
                "slow_read once of 1 byte every 1ms",
                InjectionKind::SlowRead,
            ),
            (
                "freeze once for 10ms..30ms between_turns",
                InjectionKind::Freeze,
            ),
            (
                "freeze once for 20ms mid_turn after 0s",
                InjectionKind::Freeze,
            ),
            (
                "freeze once for 20ms between_turns turn two",
                InjectionKind::Freeze,
            ),
        ] {
            let run = patient(terminal, chaos).perform();
            run.assert_completed();
            let injection = only_injection(&run, kind);
            assert!(injection.recovered_after_us.is_some(), "{chaos}");
        }
    }
}

#[test]
fn what_makes_only_us_slow_is_in_no_latency() {
    for terminal in BOTH {
        for (chaos, least) in [
            ("delay once for 1s", 1_000_000),
            ("dribble once every 200ms turn two", 1_200_000),
        ] {
            let run = talk(WORDS, TURNS, terminal, chaos).perform();
            let step = &run.assert_completed().steps[0];
            assert!(step.paused_us >= least, "{chaos}: {step:?}");
            assert!(step.duration_us < least, "{chaos}: {step:?}");
        }
        let words = r#"ask, "One: ", lines, "200", ask, "Two: ", exit, "0""#;
        let turns = "- {prompt: 'One:', send: x}
- {see: line 200, name: all}
- {prompt: 'Two:', send: x}
- exits: 0";
        let chaos = "slow_read once of 20 bytes every 15ms";
        let run = talk(words, turns, terminal, chaos).perform();
        let step = &run.assert_completed().steps[0];
        // Some 1700 bytes, 20 at a time.
        assert!(step.held_us > 800_000, "{step:?}");
        assert!(step.duration_us < step.held_us, "{step:?}");
        assert!(step.turns[0].duration_us < step.held_us, "{step:?}");
    }
}

#[test]
fn what_a_program_suffers_is_in_its_latency() {
    let run = talk(
        WORDS,
        TURNS,
        "pty",
        "freeze once for 300ms between_turns turn two",
    )
    .perform();
    let step = &run.assert_completed().steps[0];
    assert!(step.duration_us >= 300_000, "{step:?}");
}

#[test]
fn a_killed_program_fails_its_step_and_that_is_told_as_chaos() {
    for terminal in BOTH {
        for (chaos, what) in [
            ("kill once between_turns", "killed between turns"),
            ("kill once between_turns turn two", "killed between turns"),
            ("kill once mid_turn after 0s turn two", "killed in mid-turn"),
        ] {
            let turns = TURNS.replace("- exits: 0", "- see: never");
            let words = WORDS.replace(r#"exit, "0""#, "await-end");
            let run = talk(&words, &turns, terminal, chaos).perform();
            let failure = failed_after(&run, what);
            assert_eq!(failure.kind, FailureKind::EndedEarly, "{failure:?}");
            assert_eq!(failure.activity, Activity::Gone);
            let process = &run.flow().processes[0];
            assert_eq!(process.ending, Ending::Injected);
            assert_eq!(process.exit, Some(ExitCause::Signal(9)));
            assert_eq!(
                only_injection(&run, InjectionKind::Kill).recovered_after_us,
                None
            );
        }
    }
}

#[test]
fn a_strike_in_mid_turn_waits_no_longer_than_for_the_evidence() {
    let turns = TURNS.replace("- exits: 0", "- see: never");
    let words = WORDS.replace(r#"exit, "0""#, "await-end");
    let chaos = "kill once mid_turn after 1h turn two";
    let run = talk(&words, &turns, "pty", chaos).perform();
    failed_after(&run, "killed in mid-turn");
    assert!(
        run.transcript().contains("<second>"),
        "{}",
        run.transcript()
    );
}

#[test]
fn a_program_whose_input_is_closed_gets_no_answer() {
    for terminal in BOTH {
        let run = talk(WORDS, TURNS, terminal, "close once turn two").perform();
        let failure = failed_after(&run, "its input closed");
        assert_eq!(failure.kind, FailureKind::EndedEarly, "{failure:?}");
        assert_eq!(run.flow().processes[0].exit, Some(ExitCause::Code(3)));
        assert!(
            !run.transcript().contains("«second»"),
            "{}",
            run.transcript()
        );
        only_injection(&run, InjectionKind::Close);
    }
}

#[test]
fn a_program_that_ignores_the_end_of_its_input_is_not_written_to() {
    for terminal in BOTH {
        let words = r#"print, "One: ", forever"#;
        let turns = "- {prompt: 'One:', send: first}\n- see: never";
        let run = talk(words, turns, terminal, "close once").perform();
        let failure = failed_after(&run, "its input closed");
        assert_eq!(failure.kind, FailureKind::NotSent, "{failure:?}");
    }
}

#[test]
fn garbage_is_typed_before_the_answer_and_is_no_evidence() {
    for terminal in BOTH {
        for (chaos, kind) in [
            ("garbage once of 40 bytes turn two", InjectionKind::Garbage),
            ("long_line once turn two", InjectionKind::LongLine),
        ] {
            // A program that asks again.
            let words = r#"ask, "One: ", answer, ask, "Two: ", print, "what?\\n", ask, "Two: ", answer, exit, "0""#;
            let turns = "- {prompt: 'One:', send: first}
- see: <first>
- {prompt: 'Two:', send: second, name: two}
- see: what?
- see: <second>
- exits: 0";
            let run = talk(words, turns, terminal, chaos).perform();
            run.assert_completed();
            only_injection(&run, kind);
            let transcript = run.transcript();
            assert!(transcript.contains("»«second»"), "{transcript}");
        }
    }
}

#[test]
fn garbage_never_shows_a_secret() {
    let run = Rehearsing::new(
        r#"
name: secret
chaos: [garbage 100%, dribble 100% every 1ms]
roles:
  user:
    run: [FIXTURE, password, "Password: ", password, "Password: ", answer, print, "ok\\n"]
    actions:
      log_in: [{prompt: "Password:", secret: tr0ub4dor}, {see: ok}]
flow: [{step: 1_log_in, role: user, do: log_in}]
"#,
    )
    .perform();
    run.assert_completed();
    assert_eq!(injections(&run).len(), 2);
    assert!(
        !run.everything().contains("tr0ub4dor"),
        "{}",
        run.everything()
    );
}

#[test]
fn a_program_that_is_refused_was_never_there() {
    let run = talk(WORDS, TURNS, "pty", "refuse once").perform();
    let failure = failed_after(&run, "not started, as if it were not there");
    assert_eq!(failure.kind, FailureKind::NotStarted);
    assert!(run.flow().processes.is_empty());
    only_injection(&run, InjectionKind::Refuse);
}

#[test]
fn a_frozen_program_runs_into_its_deadline_and_is_ended() {
    for terminal in BOTH {
        let turns = "- {prompt: 'One:', send: first}\n- {see: <first>, within: 300ms}";
        let chaos = "freeze once for 1h between_turns";
        let run = talk(WORDS, turns, terminal, chaos).perform();
        let failure = failed_after(&run, "frozen for 1h between turns");
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert_eq!(failure.activity, Activity::Stopped);
        assert_ne!(run.flow().processes[0].ending, Ending::LeftOver);
    }
}

#[test]
fn frozen_programs_are_ended_with_their_run() {
    for terminal in BOTH {
        let turns = "- {prompt: 'One:', send: first}\n- see: never";
        let chaos = "freeze once for 1h mid_turn after 0s";
        for words in [WORDS, r#"ignore, "1", "15", ask, "One: ", forever"#] {
            let mut run = talk(words, turns, terminal, chaos);
            (run.flows, run.parallel) = (3, 3);
            let (control, frozen) = (Control::new(), Arc::new(Mutex::new(0)));
            let stop = control.clone();
            let react = move |event: &RunEvent| {
                if let RunEvent::Injected(_) = event {
                    let mut frozen = frozen.lock().unwrap();
                    *frozen += 1;
                    if *frozen == 3 {
                        stop.stop(Stop::Now);
                    }
                }
            };
            let recorder = Recorder {
                react: Some(Box::new(react)),
                ..Recorder::default()
            };
            let run = run.perform_with(&control, recorder);
            assert!(run.outcome.summary.interrupted);
            assert_eq!(run.flows.len(), 3);
            for flow in &run.flows {
                assert_eq!(flow.outcome, FlowOutcome::Interrupted);
                assert_eq!(flow.injections.len(), 1);
            }
        }
    }
}

#[test]
fn the_same_seed_strikes_the_same_steps() {
    let struck = |seed| {
        let chaos = "kill 20%, freeze 20% for 1ms..20ms, delay 20% for 1ms, refuse 10%";
        let mut run = patient("pipes", chaos);
        (run.flows, run.parallel, run.seed) = (30, 6, seed);
        let run = run.perform();
        assert_eq!(run.flows.len(), 30);
        let told =
            |record: &InjectionRecord| (record.injection.kind, record.injection.turn.clone());
        let of_flow = |flow: &rehearsal::model::FlowRecord| flow.injections.iter().map(told).next();
        run.flows.iter().map(of_flow).collect::<Vec<_>>()
    };
    let first = struck(4);
    assert_eq!(first, struck(4));
    assert_ne!(first, struck(5));
    assert!(first.iter().flatten().count() > 5, "{first:?}");
}

#[test]
fn a_kill_after_the_last_evidence_fails_nothing() {
    let run = patient("pty", "kill once mid_turn after 1h turn two").perform();
    run.assert_completed();
    let injection = only_injection(&run, InjectionKind::Kill);
    assert_eq!(injection.recovered_after_us, None, "nothing had to recover");
    assert_eq!(run.flow().processes[0].ending, Ending::Injected);
}

#[test]
fn what_is_tried_again_recovers_and_is_told_so() {
    for retry in ["step", "flow"] {
        let of = |what| if retry == what { "retry: 2" } else { "" };
        let run = Rehearsing::new(&format!(
            r#"
name: again
chaos: kill once at 2_talk between_turns
{}
roles:
  user:
    run: [FIXTURE, print, "ready\\n", ask, "One: ", answer, await-end]
    actions:
      start: [{{see: ready}}]
      talk: [{{prompt: "One:", send: first}}, {{see: <first>}}]
flow:
  - {{step: 1_start, role: user, do: start}}
  - {{step: 2_talk, role: user, do: talk, {}}}
"#,
            of("flow"),
            of("step"),
        ))
        .perform();
        let flow = run.assert_completed();
        assert!(flow.is_recovered());
        let blamed = &flow.retries[0].failure.message;
        assert!(
            blamed.contains("(chaos before that: killed between turns)"),
            "{blamed}"
        );
        let injection = only_injection(&run, InjectionKind::Kill);
        assert_eq!(injection.injection.instance.attempt, 1);
        assert!(injection.recovered_after_us.is_some(), "{injection:?}");
        let endings: Vec<_> = flow.processes.iter().map(|it| it.ending).collect();
        assert_eq!(endings, [Ending::Injected, Ending::Terminated]);
    }
}

#[test]
fn a_later_failure_of_another_script_is_not_blamed_on_chaos() {
    let run = Rehearsing::new(
        r#"
name: innocent
chaos: kill once at 1_talk between_turns
roles:
  user:
    run: [FIXTURE, ask, "One: ", answer, exit, "4"]
    actions: {talk: [{prompt: "One:", send: first}, {see: <first>}, {exits: 0}]}
flow: [{step: 1_talk, role: user, do: talk, retry: 1}]
"#,
    )
    .perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::WrongExit);
    assert!(!failure.message.contains("chaos"), "{}", failure.message);
}
