//! Runs scenarios through the library and keeps everything that the engine tells.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::fixture::fixture;
use rehearsal::engine::{Control, Programs, Recording, RunOptions, RunOutcome, run};
use rehearsal::model::{EventSink, Failure, FlowOutcome, FlowRecord, RunEvent, RunId};
use rehearsal::scenario::{self, CompileOptions, Load, Overrides};

/// A run to be: a scenario and how often.
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

/// What came of it.
pub struct Rehearsed {
    pub outcome: RunOutcome,
    pub events: Vec<RunEvent>,
    pub flows: Vec<FlowRecord>,
}

/// What a test does when something happens.
pub type Reaction = Box<dyn Fn(&RunEvent) + Send + Sync>;

#[derive(Default)]
pub struct Recorder {
    pub events: Mutex<Vec<RunEvent>>,
    /// Called with every event, for tests that react to one.
    pub react: Option<Reaction>,
}

impl EventSink for Recorder {
    fn emit(&self, event: RunEvent) {
        if let Some(react) = &self.react {
            react(&event);
        }
        self.events.lock().expect("no test panics here").push(event);
    }
}

impl Rehearsing {
    /// A scenario in which `FIXTURE` stands for the fixture program.
    pub fn new(source: &str) -> Self {
        Rehearsing {
            flows: 1,
            parallel: 1,
            load: None,
            seed: 1,
            variables: Vec::new(),
            delay: None,
            step_timeout: None,
            source: source.replace("FIXTURE", fixture().to_str().expect("a UTF-8 path")),
            home: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// A scenario of one role with one action, `turns`, and one step, `1_talk`, over `words` of
    /// the fixture.
    pub fn with_turns(words: &str, turns: &str) -> Self {
        Self::with_role(words, turns, "")
    }

    /// The same with more keys of the role, in lines of their own.
    pub fn with_role(words: &str, turns: &str, more: &str) -> Self {
        let turns = indent(turns, 8);
        let more = indent(more, 4);
        Self::new(&format!(
            "name: test\ndefaults: {{startup: 20s, step: 20s}}\nroles:\n  user:\n    \
             run: [FIXTURE, {words}]\n{more}\n    actions:\n      talk:\n{turns}\n\
             flow:\n  - {{step: 1_talk, role: user, do: talk}}\n"
        ))
    }

    /// The same with another text in place of one of its own.
    pub fn replaced(mut self, from: &str, to: &str) -> Self {
        assert!(
            self.source.contains(from),
            "{from} is not in {}",
            self.source
        );
        self.source = self.source.replace(from, to);
        self
    }

    pub fn perform(&self) -> Rehearsed {
        self.perform_with(&Control::new(), Recorder::default())
    }

    pub fn perform_with(&self, control: &Control, recorder: Recorder) -> Rehearsed {
        let path = self.home.path().join("test.yaml");
        std::fs::write(&path, &self.source).expect("a file of the test's own");
        let compiled = scenario::load(&path, CompileOptions::default())
            .unwrap_or_else(|faults| panic!("{faults}\n{}", self.source));
        let recorder = Arc::new(recorder);
        let run_directory = tempfile::tempdir().expect("a temporary folder");
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
            fixture(),
            std::env::var_os("PATH"),
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
        // A run has a thread of its own, as it is the thread's actor system.
        let running = thread::spawn(move || run(options, sink, &control));
        let outcome = running
            .join()
            .expect("the run does not panic")
            .expect("the run works");
        let events = std::mem::take(&mut *recorder.events.lock().expect("nobody panicked"));
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

    pub fn capture(&self, name: &str) -> Option<&str> {
        let found = self
            .flow()
            .captures
            .iter()
            .find(|(captured, _)| **captured == *name);
        found.map(|(_, value)| &**value)
    }

    /// What was heard and said, one after the other.
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

    /// Every text that left the engine.
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

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.trim_matches('\n')
        .lines()
        .map(|line| format!("{pad}{line}\n"))
        .collect()
}
