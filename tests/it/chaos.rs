//! Fault injection into real programs, over terminals and over pipes: its effect, its record, the
//! failures that are attributed to it, and clean ends, frozen or not.
//!
//! The choice of steps is tested beside the engine's fault injection; the syntax of faults, in
//! `scenario_errors.rs`; signals to the run meanwhile, in `cleanup.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::flows::{Rehearsed, Rehearsing};
use rehearsal::engine::Stop;
use rehearsal::model::{
    Activity, Ending, ExitCause, Failure, FailureKind, FaultKind, FlowOutcome, FlowRecord,
    InjectionOutcome, InjectionRecord, RunEvent,
};

/// Asks twice, and prints each answer.
const WORDS: &str = "ask, 'One: ', answer, ask, 'Two: ', answer, exit, '0'";
const TURNS: &str = "
    - {prompt: 'One:', send: first}
    - see: <first>
    - {prompt: 'Two:', send: second, name: two}
    - see: <second>
    - exits: 0";

/// A dialogue under this chaos.
fn talk(words: &str, turns: &str, terminal: &str, chaos: &str) -> Rehearsing {
    Rehearsing::with_role(words, turns, &format!("terminal: {terminal}"))
        .replaced("name: test", &format!("name: chaos\nchaos: '{chaos}'"))
}

/// The same dialogue with a program that stays alive after it, and with `last` as the last turn.
fn patient(terminal: &str, chaos: &str, last: &str) -> Rehearsing {
    let words = WORDS.replace("exit, '0'", "await-end");
    talk(&words, &TURNS.replace("- exits: 0", last), terminal, chaos)
}

fn injections(run: &Rehearsed) -> Vec<InjectionRecord> {
    run.flow().injections.clone()
}

/// The only injection, which is also reported as an event.
fn only_injection(run: &Rehearsed, kind: FaultKind) -> InjectionRecord {
    let all = injections(run);
    assert_eq!(all.len(), 1, "{all:?}\n{}", run.transcript());
    assert_eq!(all[0].kind, kind);
    let reported = run.events.iter().filter_map(|event| match event {
        RunEvent::Injected(injection) => Some((injection.kind, injection.what.clone())),
        _ => None,
    });
    assert_eq!(reported.collect::<Vec<_>>(), [(kind, all[0].what.clone())]);
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
fn harmless_faults_fail_no_step() {
    for terminal in BOTH {
        for (chaos, kind) in [
            ("dribble once every 1ms", FaultKind::Dribble),
            ("delay once for 20ms", FaultKind::Delay),
            ("slow_read once of 1 byte every 1ms", FaultKind::SlowRead),
            ("bytewise once", FaultKind::Bytewise),
            (
                "freeze once for 10ms..30ms between_turns",
                FaultKind::Freeze,
            ),
            ("freeze once for 20ms mid_turn after 0s", FaultKind::Freeze),
            (
                "freeze once for 20ms between_turns turn two",
                FaultKind::Freeze,
            ),
        ] {
            let run = patient(terminal, chaos, "").perform();
            run.assert_completed();
            let injection = only_injection(&run, kind);
            assert!(injection.recovered_after_us.is_some(), "{chaos}");
        }
    }
}

#[test]
fn a_resize_reaches_the_program() {
    let words = "ask, 'One: ', size, exit, '0'";
    let turns = "
        - {prompt: 'One:', send: x}
        - see: 'size: 40x120'
        - exits: 0";
    let run = talk(words, turns, "pty", "resize 40x120 once between_turns").perform();
    run.assert_completed();
    only_injection(&run, FaultKind::Resize);
}

#[test]
fn delays_on_our_side_are_excluded_from_latency() {
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
        let words = "ask, 'One: ', lines, '200', ask, 'Two: ', exit, '0'";
        let turns = "
            - {prompt: 'One:', send: x}
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
fn a_freeze_is_included_in_the_latency() {
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
fn a_kill_fails_the_step_and_the_failure_names_it() {
    for terminal in BOTH {
        for (chaos, what) in [
            ("kill once between_turns", "killed between turns"),
            ("kill once between_turns turn two", "killed between turns"),
            ("kill once mid_turn after 0s turn two", "killed in mid-turn"),
        ] {
            let run = patient(terminal, chaos, "- see: never").perform();
            let failure = failed_after(&run, what);
            assert_eq!(failure.kind, FailureKind::EndedEarly, "{failure:?}");
            assert_eq!(failure.activity, Activity::Gone);
            let process = &run.flow().processes[0];
            assert_eq!(process.ending, Ending::Injected);
            assert_eq!(process.exit, Some(ExitCause::Signal(9)));
            assert_eq!(
                only_injection(&run, FaultKind::Kill).recovered_after_us,
                None
            );
        }
    }
}

#[test]
fn a_fault_in_mid_turn_is_injected_at_the_evidence_at_the_latest() {
    let chaos = "kill once mid_turn after 1h turn two";
    let run = patient("pty", chaos, "- see: never").perform();
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
        only_injection(&run, FaultKind::Close);
    }
}

#[test]
fn a_program_that_ignores_the_end_of_its_input_is_not_written_to() {
    for terminal in BOTH {
        let words = "print, 'One: ', forever";
        let turns = "
            - {prompt: 'One:', send: first}
            - see: never";
        let run = talk(words, turns, terminal, "close once").perform();
        let failure = failed_after(&run, "its input closed");
        assert_eq!(failure.kind, FailureKind::NotSent, "{failure:?}");
    }
}

#[test]
fn garbage_is_typed_before_the_answer_and_is_no_evidence() {
    for terminal in BOTH {
        for (chaos, kind) in [
            ("garbage once of 40 bytes turn two", FaultKind::Garbage),
            ("long_line once turn two", FaultKind::LongLine),
        ] {
            // A program that asks again.
            let words = WORDS.replace(
                "answer, exit",
                r"print, 'what?\n', ask, 'Two: ', answer, exit",
            );
            let turns = TURNS.replace("- see: <second>", "- see: what?\n    - see: <second>");
            let run = talk(&words, &turns, terminal, chaos).perform();
            run.assert_completed();
            only_injection(&run, kind);
            let transcript = run.transcript();
            assert!(transcript.contains("»«second»"), "{transcript}");
        }
    }
}

#[test]
fn garbage_never_shows_a_secret() {
    let run = Rehearsing::of("chaos/secret").perform();
    run.assert_completed();
    assert_eq!(injections(&run).len(), 2);
    assert!(
        !run.everything().contains("tr0ub4dor"),
        "{}",
        run.everything()
    );
}

#[test]
fn a_refused_program_is_not_started() {
    let run = talk(WORDS, TURNS, "pty", "refuse once").perform();
    let failure = failed_after(&run, "not started, as if it were missing");
    assert_eq!(failure.kind, FailureKind::NotStarted);
    assert!(run.flow().processes.is_empty());
    only_injection(&run, FaultKind::Refuse);
}

#[test]
fn a_frozen_program_runs_into_its_deadline_and_is_ended() {
    for terminal in BOTH {
        let turns = "
            - {prompt: 'One:', send: first}
            - {see: <first>, within: 300ms}";
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
        let turns = "
            - {prompt: 'One:', send: first}
            - see: never";
        let chaos = "freeze once for 1h mid_turn after 0s";
        for words in [WORDS, "ignore, '1', '15', ask, 'One: ', forever"] {
            let frozen = AtomicUsize::new(0);
            let all_frozen = move |event: &RunEvent| {
                let is_last = matches!(event, RunEvent::Injected(_))
                    && frozen.fetch_add(1, Ordering::Relaxed) == 2;
                is_last.then_some(Stop::Now)
            };
            let run = talk(words, turns, terminal, chaos).flows(3, 3);
            let run = run.perform_until(all_frozen);
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
fn the_same_seed_injects_into_the_same_steps() {
    let injected = |seed| {
        let chaos = "kill 20%, freeze 20% for 1ms..20ms, delay 20% for 1ms, refuse 10%";
        let mut run = patient("pipes", chaos, "").flows(30, 6);
        run.seed = seed;
        let run = run.perform();
        assert_eq!(run.flows.len(), 30);
        let summary = |record: &InjectionRecord| (record.kind, record.turn.clone());
        let of_flow = |flow: &FlowRecord| flow.injections.iter().map(summary).next();
        run.flows.iter().map(of_flow).collect::<Vec<_>>()
    };
    let first = injected(4);
    assert_eq!(first, injected(4));
    assert_ne!(first, injected(5));
    assert!(first.iter().flatten().count() > 5, "{first:?}");
}

#[test]
fn the_same_faults_are_chosen_whether_or_not_they_are_possible() {
    let chosen = || {
        let words = "print, 'Hi\\n'";
        let mut run = talk(words, "- see: Hi\n- exits: 0", "pty", "kill 10%").flows(400, 4);
        run.seed = 3;
        let run = run.perform();
        let of_flow = |flow: &FlowRecord| {
            let injections = flow.injections.iter();
            let chosen = injections.map(|it| (it.kind, it.step.clone()));
            (flow.number, chosen.collect::<Vec<_>>())
        };
        let chosen: Vec<_> = run.flows.iter().map(of_flow).collect();
        let count = |outcome| {
            let injections = run.flows.iter().flat_map(|flow| &flow.injections);
            injections.filter(|it| it.outcome == outcome).count() as u64
        };
        let chaos = run.outcome.summary.chaos.as_ref().expect("there was chaos");
        let all = |counts: &BTreeMap<FaultKind, u64>| counts.values().sum::<u64>();
        assert_eq!(all(&chaos.injected), count(InjectionOutcome::Injected));
        assert_eq!(all(&chaos.missed), count(InjectionOutcome::Missed));
        if chaos.recovered == 0 {
            assert_eq!(chaos.recovery, None);
        }
        chosen
    };
    let first = chosen();
    assert_eq!(first, chosen());
    let hit = first
        .iter()
        .filter(|(_, chosen)| !chosen.is_empty())
        .count();
    assert!((25..60).contains(&hit), "{hit}");
}

#[test]
fn a_kill_after_the_last_evidence_fails_nothing() {
    let run = patient("pty", "kill once mid_turn after 1h turn two", "").perform();
    run.assert_completed();
    let injection = only_injection(&run, FaultKind::Kill);
    assert_eq!(injection.recovered_after_us, None, "nothing had to recover");
    assert_eq!(run.flow().processes[0].ending, Ending::Injected);
}

#[test]
fn a_retry_after_a_kill_is_recorded_as_recovered() {
    for (place, with_retry) in [
        ("do: talk}", "do: talk, retry: 2}"),
        ("roles:", "retry: 2\nroles:"),
    ] {
        let run = Rehearsing::of("chaos/again")
            .replaced(place, with_retry)
            .perform();
        let flow = run.assert_completed();
        assert!(flow.is_recovered());
        let blamed = &flow.retries[0].failure.message;
        assert!(
            blamed.contains("(chaos before that: killed between turns)"),
            "{blamed}"
        );
        let injection = only_injection(&run, FaultKind::Kill);
        assert_eq!(injection.attempt, 1);
        assert!(injection.recovered_after_us.is_some(), "{injection:?}");
        let endings: Vec<_> = flow.processes.iter().map(|it| it.ending).collect();
        assert_eq!(endings, [Ending::Injected, Ending::Terminated]);
    }
}

#[test]
fn a_later_failure_of_another_script_is_not_blamed_on_chaos() {
    let run = Rehearsing::of("chaos/innocent").perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::WrongExit);
    assert!(!failure.message.contains("chaos"), "{}", failure.message);
}
