//! Runs of scenarios through the library, with every event that the engine emits.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::fixture;
use rehearsal::engine::{Control, Programs, Recording, RunOptions, RunResult, Stop, run};
use rehearsal::model::{EventSink, Failure, FlowOutcome, FlowRecord, RunEvent, RunId};
use rehearsal::scenario::{self, CompileOptions, Load, Overrides};

/// A run before it starts: a scenario and its options.
pub struct Rehearsing {
    pub flows: u64,
    pub parallel: u64,
    /// Instead of so many flows, so many at once.
    pub load: Option<Load>,
    pub seed: u64,
    pub variables: Vec<(String, String)>,
    pub delay: Option<Duration>,
    pub step_timeout: Option<Duration>,
    source: String,
    home: tempfile::TempDir,
}

/// The outcome of a run, with its events and its flow records.
pub struct Rehearsed {
    pub outcome: RunResult,
    pub events: Vec<RunEvent>,
    pub flows: Vec<FlowRecord>,
}

/// Called with every event.
type Reaction = Box<dyn Fn(&RunEvent) + Send + Sync>;

struct Recorder {
    events: Mutex<Vec<RunEvent>>,
    react: Option<Reaction>,
}

impl EventSink for Recorder {
    fn emit(&self, event: RunEvent) {
        if let Some(react) = &self.react {
            react(&event);
        }
        self.events.lock().expect("no panic").push(event);
    }
}

impl Rehearsing {
    /// The scenario in `tests/it/fixtures/NAME.yaml`.
    pub fn of(name: &str) -> Self {
        Self::new(&fixture::scenario(name))
    }

    /// A scenario; the fixture program is called `fixture` in it.
    pub fn new(source: &str) -> Self {
        Rehearsing {
            flows: 1,
            parallel: 1,
            load: None,
            seed: 1,
            variables: Vec::new(),
            delay: None,
            step_timeout: None,
            source: source.to_owned(),
            home: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// A scenario of one role with one action, `turns`, and one step, `1_talk`; the program is the
    /// fixture program with these words.
    pub fn with_turns(words: &str, turns: &str) -> Self {
        Self::with_role(words, turns, "")
    }

    /// The same with more keys of the role, one a line.
    pub fn with_role(words: &str, turns: &str, more: &str) -> Self {
        let turns = indent(turns, 8);
        let more = indent(more, 4);
        Self::new(&format!(
            "\
name: test
defaults: {{startup: 20s, step: 20s}}
roles:
  user:
    run: [fixture, {words}]
{more}
    actions:
      talk:
{turns}
flow:
  - {{step: 1_talk, role: user, do: talk}}
"
        ))
    }

    /// Replaces a text that the scenario contains.
    #[track_caller]
    pub fn replaced(mut self, from: &str, to: &str) -> Self {
        self.source = fixture::replaced(&self.source, from, to);
        self
    }

    /// Sets the number of flows, and how many run at once.
    pub fn flows(mut self, flows: u64, parallel: u64) -> Self {
        (self.flows, self.parallel) = (flows, parallel);
        self
    }

    /// Performs an open or closed load instead of a number of flows.
    pub fn load(mut self, load: Load) -> Self {
        self.load = Some(load);
        self
    }

    pub fn perform(&self) -> Rehearsed {
        self.perform_with(&Control::new(), None)
    }

    /// Performs the run, and stops it at the first event for which `stop` returns something.
    pub fn perform_until(
        &self,
        stop: impl Fn(&RunEvent) -> Option<Stop> + Send + Sync + 'static,
    ) -> Rehearsed {
        let control = Control::new();
        let stopper = control.clone();
        let react = move |event: &RunEvent| {
            if let Some(stop) = stop(event) {
                stopper.stop(stop);
            }
        };
        let rehearsed = self.perform_with(&control, Some(Box::new(react)));
        assert!(control.live_scripts().is_empty());
        rehearsed
    }

    fn perform_with(&self, control: &Control, react: Option<Reaction>) -> Rehearsed {
        let path = self.home.path().join("test.yaml");
        std::fs::write(&path, &self.source).expect("a file of the test's own");
        let compiled = scenario::load(&path, CompileOptions::default())
            .unwrap_or_else(|faults| panic!("{faults}\n{}", self.source));
        let recorder = Arc::new(Recorder {
            events: Mutex::default(),
            react,
        });
        let run_directory = tempfile::tempdir().expect("a temporary directory");
        let plan = compiled.plan.with_overrides(Overrides {
            variables: self.variables.clone(),
            step_timeout: self.step_timeout,
            delay: self.delay,
            load: Some(
                self.load
                    .clone()
                    .unwrap_or_else(|| Load::closed(self.flows, self.parallel)),
            ),
            faults: None,
        });
        let programs = Programs::new(
            self.home.path().to_owned(),
            Vec::new(),
            fixture::program(),
            Some(fixture::search_path()),
        );
        let options = RunOptions::new(Arc::new(plan), Arc::new(programs))
            .run_id(RunId("TEST".into()))
            .seed(self.seed)
            .recording(Recording {
                dialogue: true,
                evidence: None,
            })
            .environment(std::env::vars_os().collect())
            .run_directory(run_directory.path().to_owned());
        let (sink, control) = (Arc::clone(&recorder), control.clone());
        // The run is the actor system of its thread.
        let running = thread::spawn(move || run(options, sink, &control));
        let outcome = running
            .join()
            .expect("the run does not panic")
            .expect("the run works");
        let events = std::mem::take(&mut *recorder.events.lock().expect("no panic"));
        let mut flows: Vec<FlowRecord> = events
            .iter()
            .filter_map(|event| match event {
                RunEvent::FlowEnded(record) => Some((**record).clone()),
                _ => None,
            })
            .collect();
        flows.sort_by_key(|flow| flow.number);
        let rehearsed = Rehearsed {
            outcome,
            events,
            flows,
        };
        rehearsed.assert_nothing_left();
        rehearsed
    }
}

impl Rehearsed {
    /// The only flow.
    pub fn flow(&self) -> &FlowRecord {
        assert_eq!(self.flows.len(), 1, "one flow");
        &self.flows[0]
    }

    /// Returns the reason why the only flow failed.
    pub fn failure(&self) -> &Failure {
        match &self.flow().outcome {
            FlowOutcome::Failed(failure) => failure,
            other => panic!("the flow did not fail: {other:?}\n{}", self.transcript()),
        }
    }

    pub fn assert_completed(&self) -> &FlowRecord {
        let flow = self.flow();
        assert_eq!(
            flow.outcome,
            FlowOutcome::Completed,
            "{}",
            self.transcript()
        );
        flow
    }

    /// Asserts the outcome of every flow.
    #[track_caller]
    pub fn assert_all(&self, outcome: &FlowOutcome) {
        for flow in &self.flows {
            assert_eq!(&flow.outcome, outcome, "{}", self.transcript());
        }
    }

    /// The texts of all notices.
    pub fn notices(&self) -> Vec<&str> {
        let notices = self.events.iter().filter_map(|event| match event {
            RunEvent::Notice { text, .. } => Some(text.as_str()),
            _ => None,
        });
        notices.collect()
    }

    pub fn capture(&self, name: &str) -> Option<&str> {
        let found = self
            .flow()
            .captures
            .iter()
            .find(|(captured, _)| **captured == *name);
        found.map(|(_, value)| &**value)
    }

    /// The dialogue: output as it is, input in «».
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            match event {
                RunEvent::Heard { text: heard, .. } => text.push_str(heard),
                RunEvent::Said { text: said, .. } => text.push_str(&format!("«{said}»")),
                _ => {}
            }
        }
        text
    }

    /// Every event, as text.
    pub fn everything(&self) -> String {
        format!("{:?}", self.events)
    }

    fn assert_nothing_left(&self) {
        assert!(
            self.outcome.left_over.is_empty(),
            "{:?}",
            self.outcome.left_over
        );
        let pooled = self.events.iter().filter_map(|event| match event {
            RunEvent::PooledScriptEnded(process) => Some(&**process),
            _ => None,
        });
        let of_flows = self.flows.iter().flat_map(|flow| &flow.processes);
        for process in of_flows.chain(pooled) {
            let there = Path::new("/proc").join(process.pid.to_string()).exists();
            assert!(!there, "process {} is still there", process.pid);
        }
    }
}

/// Indents the lines of a block by `by` blanks, in place of the indentation that all of them have.
fn indent(text: &str, by: usize) -> String {
    let blanks = |line: &str| line.len() - line.trim_start().len();
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let common = lines().map(blanks).min().unwrap_or(0);
    let pad = " ".repeat(by);
    lines()
        .map(|line| format!("{pad}{}\n", &line[common..]))
        .collect()
}
