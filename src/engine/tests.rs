//! Panics of actors: an event sink panics inside the actor that emits the event, which its contract
//! forbids.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use super::{Control, Programs, RunOptions, RunResult, StopCause, run};
use crate::model::{
    Ending, EventSink, FailureKind, FlowNumber, FlowOutcome, FlowRecord, RunEvent, StepIndex,
    StepOutcome,
};
use crate::process::live_usage;
use crate::scenario::{CompileOptions, Load, Overrides, compile};

const SCENARIO: &str = r#"
name: panics
roles:
  clerk:
    run: [sh, -c, 'echo "id: 7"; exec sleep 600']
    terminal: pipes
    actions:
      number: [{see: '/id: (?<id>\d+)/'}]
  guard:
    run: [sh, -c, 'echo hello; while printf "Menu> " && read line; do echo "word: $line"; done']
    terminal: pipes
    menu: {prompt: "Menu>"}
    POOL
    actions:
      enter: [{see: hello}]
      word: [{prompt: "Menu>", send: open}, {see: '/word: (?<word>\w+)/'}]
flow:
  - {step: 1_number, role: clerk, do: number}
  - {step: 2_enter, role: guard, do: enter}
  - {step: 3_word, role: guard, do: word}
"#;

/// Keeps all events; panics with the first flow when it sees a certain one.
struct PanickingSink {
    panics_at: fn(&RunEvent) -> bool,
    events: Mutex<Vec<RunEvent>>,
}

impl EventSink for PanickingSink {
    fn emit(&self, event: RunEvent) {
        let panics = (self.panics_at)(&event);
        self.events
            .lock()
            .expect("it panics without it")
            .push(event);
        assert!(!panics, "as the test wants");
    }
}

struct Ended {
    outcome: RunResult,
    events: Vec<RunEvent>,
}

impl Ended {
    fn flows(&self) -> Vec<&FlowRecord> {
        let flows = self.events.iter().filter_map(|event| match event {
            RunEvent::FlowEnded(flow) => Some(&**flow),
            _ => None,
        });
        let mut flows: Vec<_> = flows.collect();
        flows.sort_by_key(|flow| flow.number);
        flows
    }

    fn pids(&self) -> Vec<u32> {
        let pids = self.events.iter().filter_map(|event| match event {
            RunEvent::ScriptStarted { pid, .. } => Some(*pid),
            _ => None,
        });
        pids.collect()
    }

    /// Asserts that the first of two flows is an internal failure with these captures, that the
    /// other is completed, and that no program is left.
    fn assert_one_lost(&self, message: &str, captures: &[(&str, &str)]) {
        let flows = self.flows();
        let [lost, other] = flows.as_slice() else {
            panic!("not two flows: {flows:?}");
        };
        let FlowOutcome::Failed(failure) = &lost.outcome else {
            panic!("not failed: {lost:?}");
        };
        assert_eq!(failure.kind, FailureKind::Internal);
        assert_eq!(failure.message, message);
        let captured = lost
            .captures
            .iter()
            .map(|(name, value)| (&**name, &**value));
        assert_eq!(captured.collect::<Vec<_>>(), captures);
        let first = &lost.steps[0];
        assert_eq!(
            (&*first.step, first.outcome),
            ("1_number", StepOutcome::Completed)
        );
        assert_eq!(other.outcome, FlowOutcome::Completed);
        let figures = &self.outcome.summary.flows;
        assert_eq!((figures.completed, figures.failed), (1, 1));
        assert_eq!(self.outcome.stop_cause, StopCause::AllStarted);
        let pids = self.pids();
        assert!(pids.len() >= 3, "{pids:?}");
        assert!(pids.iter().all(|pid| live_usage(*pid).is_none()));
    }
}

/// Performs two flows, of which the first loses an actor.
fn perform(pool: &str, parallel: u64, panics_at: fn(&RunEvent) -> bool) -> Ended {
    let source = SCENARIO.replace("    POOL\n", pool);
    let compiled = compile(&source, None, CompileOptions::default())
        .unwrap_or_else(|faults| panic!("{faults}\n{source}"));
    let plan = compiled.plan.with_overrides(Overrides {
        load: Some(Load::closed(2, parallel)),
        ..Overrides::default()
    });
    let path = std::env::var_os("PATH");
    let programs = Programs::new(PathBuf::from("/"), Vec::new(), PathBuf::from("/"), path);
    let options = RunOptions::new(Arc::new(plan), Arc::new(programs))
        .environment(std::env::vars_os().collect());
    let sink = Arc::new(PanickingSink {
        panics_at,
        events: Mutex::default(),
    });
    let sink_of_run = Arc::clone(&sink);
    // A run has a thread to itself, as it is the thread's actor system.
    let running = thread::spawn(move || run(options, sink_of_run, &Control::new()));
    let outcome = running.join().expect("no panic").expect("a run");
    let events = std::mem::take(&mut *sink.events.lock().expect("it panics without it"));
    Ended { outcome, events }
}

const POOLS: [&str; 2] = ["", "    lifetime: {pool: 1}\n"];

#[test]
fn a_script_actor_that_panics_in_mid_step_fails_its_flow_and_loses_no_capture() {
    for (pool, parallel) in POOLS.into_iter().flat_map(|pool| [(pool, 1), (pool, 2)]) {
        let ended = perform(pool, parallel, |event| {
            matches!(event, RunEvent::Captured { flow: FlowNumber(1), name, .. }
                if &**name == "word")
        });
        let message = "the script's actor ended without a report";
        ended.assert_one_lost(message, &[("id", "7"), ("word", "open")]);
        let lost = ended.flows()[0];
        let ended_after_panic = |role: &str| {
            let mut processes = lost.processes.iter().filter(|it| it.role == role);
            let process = processes.next().expect("a record");
            assert!(processes.next().is_none(), "one record");
            assert!(ended.pids().contains(&process.pid));
            assert!(process.lifetime_us > 0);
            process.ending == Ending::AfterPanic
        };
        assert!(ended_after_panic("guard"));
        assert!(!ended_after_panic("clerk"));
    }
}

#[test]
fn a_supervisor_that_panics_loses_no_capture_and_ends_its_scripts() {
    for (pool, parallel) in POOLS.into_iter().flat_map(|pool| [(pool, 1), (pool, 2)]) {
        let ended = perform(pool, parallel, |event| {
            let step = StepIndex(2);
            matches!(event, RunEvent::StepEnded { flow: FlowNumber(1), step: it, .. }
                if *it == step)
        });
        let message = "the flow's supervisor ended without a report";
        ended.assert_one_lost(message, &[("id", "7"), ("word", "open")]);
    }
}
