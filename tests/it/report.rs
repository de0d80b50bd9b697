//! Reports, logs and files of a run, from made-up events. Belongs to `report`.

mod console;
mod files;
mod logs;
mod short;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::records::{self, noon};
use crate::support::wait;
use insta::assert_snapshot;
use rehearsal::model::*;
use rehearsal::report::result_file::{Completeness, FORMAT, Head, ResultRecord, RunEnvironment};
use rehearsal::report::terminal::{Detail, Form};
use rehearsal::report::{
    Artifacts, LatencyLog, Log, Output, Place, PlainProgress, Recorder, Reporter, Reporters,
    ResultDirectory, SavedRun, SingleFlow, terminal, write_record,
};
use rehearsal::stats::{Histograms, Summary, Tally, Threshold, Verdict};

/// A writer whose text can be read while a reporter owns it.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn output(&self) -> Output {
        Output::new(self.clone())
    }

    fn ansi(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Without styles.
    fn text(&self) -> String {
        anstream::adapter::strip_str(&self.ansi()).to_string()
    }
}

impl Write for Page {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Replaces texts that depend on the clock and its zone.
fn redacted(text: &str) -> String {
    let times = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2}|Z)";
    regex::Regex::new(times)
        .unwrap()
        .replace_all(text, "[time]")
        .into_owned()
}

fn info(flows: u64, parallel: u64) -> RunInfo {
    let roles = [
        ("customer", "Customer", "rehearsal shop customer-portal"),
        ("staff", "Inventory Staff", "rehearsal shop inventory-staff"),
    ];
    let steps = [
        ("01_start_customer_portal", 0, "start_and_authenticate"),
        ("02_create_order", 0, "create_order"),
        ("03_process_order", 1, "process_order"),
    ];
    RunInfo {
        flows: Some(flows),
        ..records::run_info(&roles, &steps, parallel)
    }
}

/// Shape of a made-up flow.
#[derive(Clone, Copy, PartialEq)]
enum FlowShape {
    Completes,
    /// Its last step runs into its deadline.
    TimesOut,
    /// The run is stopped during its second step.
    CutOff,
}

/// A failure whose program prints control sequences.
fn failure() -> Failure {
    Failure {
        kind: FailureKind::Timeout,
        step: "03_process_order".into(),
        role: "staff".into(),
        turn: "order-flow.yaml:97".into(),
        message: "awaited a line with `Order processed`".into(),
        awaited: vec!["see `Order processed`".into(), "prompt `Retry?`".into()],
        waited_us: 30_000_000,
        activity: Activity::WaitingForInput,
        tail: "\x1b]0;owned\x07=== PENDING ===\n\x1b[2J1. ORD-1  \u{20b9}1,299\u{202e}\r\n> "
            .into(),
        screen: None,
        hint: Some("the program asks what the scenario does not answer".into()),
    }
}

fn flow_events(info: &RunInfo, number: u64, shape: FlowShape) -> Vec<RunEvent> {
    let flow = FlowNumber(number);
    let variables: Vec<NamedValue> = vec![
        ("customer_id".into(), format!("CUST{number:03}").into()),
        ("customer_password".into(), "***".into()),
    ];
    let mut events = vec![RunEvent::FlowStarted {
        flow,
        variables: variables.clone(),
    }];
    let mut record = FlowRecord {
        duration_us: 1_236_400 + number,
        variables,
        ..records::flow(info, number)
    };
    for (index, duration_us) in [12_345, 34_400, 1_189_655].into_iter().enumerate() {
        let step = StepIndex(index);
        let role = info.role(&info.steps[index].role).expect("a role");
        let instance = InstanceId {
            flow,
            role,
            attempt: 1,
        };
        events.push(RunEvent::StepStarted { flow, step });
        if index != 1 {
            let command = info.roles[role.0].command.clone();
            events.push(RunEvent::ScriptStarted {
                instance,
                pid: 4711,
                command,
            });
        }
        if index == 1 && shape != FlowShape::CutOff {
            let order = format!("ORD-20260131-120000-{number:06}");
            let (name, value): NamedValue = ("order_id".into(), order.into());
            record.captures.push((name.clone(), value.clone()));
            events.push(RunEvent::Captured {
                flow,
                step,
                name,
                value,
            });
        }
        let (outcome, why) = match (shape, index) {
            (FlowShape::TimesOut, 2) => (StepOutcome::Failed, Some(Box::new(failure()))),
            (FlowShape::CutOff, 1) => (StepOutcome::Interrupted, None),
            _ => (StepOutcome::Completed, None),
        };
        let name = &info.steps[index].name;
        record.steps.push(records::step(name, outcome, duration_us));
        let ended = outcome != StepOutcome::Completed;
        if let Some(failure) = &why {
            record.outcome = FlowOutcome::Failed(failure.clone());
        } else if ended {
            record.outcome = FlowOutcome::Interrupted;
        }
        let duration = Duration::from_micros(duration_us);
        events.push(RunEvent::StepEnded {
            flow,
            step,
            outcome,
            duration,
            failure: why,
        });
        if index != 0 {
            let mut process = records::process(&info.roles[role.0].name, duration_us);
            if ended {
                process.ending = Ending::Killed;
                process.exit = Some(ExitCause::Signal(9));
            }
            record.processes.push(process.clone());
            events.push(RunEvent::ScriptEnded {
                instance,
                process: Box::new(process),
            });
        }
        if ended {
            break;
        }
    }
    events.push(RunEvent::FlowEnded(Box::new(record)));
    events
}

fn events(courses: &[FlowShape], parallel: u64) -> Vec<RunEvent> {
    let info = info(courses.len() as u64, parallel);
    let interrupted = courses.contains(&FlowShape::CutOff);
    let mut events = vec![RunEvent::RunStarted(Box::new(info.clone()))];
    for (number, shape) in (1..).zip(courses) {
        events.extend(flow_events(&info, number, *shape));
    }
    if interrupted {
        events.push(RunEvent::Stopping {
            reason: "Ctrl-C".into(),
        });
    }
    events.push(RunEvent::RunEnded {
        elapsed: Duration::from_millis(2_500),
        interrupted,
    });
    events
}

fn report_to(reporter: &mut dyn Reporter, events: &[RunEvent]) {
    events.iter().for_each(|event| reporter.event(event));
    reporter.finish().unwrap();
}

/// A run that has ended, with figures that were counted as the engine counts them.
#[derive(Clone)]
struct Recorded {
    info: RunInfo,
    summary: Summary,
    histograms: Histograms,
    artifacts: Arc<Artifacts>,
}

fn record(recorder: Recorder, events: Vec<RunEvent>) -> Recorded {
    record_with(recorder, events, &[])
}

fn record_with(recorder: Recorder, events: Vec<RunEvent>, thresholds: &[Threshold]) -> Recorded {
    let reporters = Reporters::start(recorder, Vec::new()).unwrap();
    let sink = reporters.sink();
    events.iter().for_each(|event| sink.emit(event.clone()));
    let (artifacts, errors) = reporters.finish().unwrap();
    assert!(errors.is_empty(), "{errors:?}");
    let RunEvent::RunStarted(info) = &events[0] else {
        panic!("a run begins with its start")
    };
    let mut tally = Tally::new(info);
    let (mut generator, mut end) = (None, (Duration::ZERO, true));
    for event in &events {
        match event {
            RunEvent::FlowEnded(flow) => tally.record(flow),
            RunEvent::FlowsDropped { count, counted } => tally.record_drops(*count, *counted),
            RunEvent::GeneratorMeasured(measured) => generator = Some(**measured),
            RunEvent::RunEnded {
                elapsed,
                interrupted,
            } => end = (*elapsed, *interrupted),
            _ => {}
        }
    }
    let mut summary = tally.summary(end.0, end.1);
    summary.rehearsal_cpu_us = Some(12_300);
    summary.rehearsal_peak_rss_bytes = Some(10 << 20);
    summary.integrity = artifacts.integrity.clone();
    summary.generator = generator;
    summary.verdict = generator.map(|generator| Verdict::of(&summary, &generator));
    summary.thresholds = thresholds.iter().map(|it| it.check(&summary)).collect();
    Recorded {
        info: (**info).clone(),
        histograms: tally.histograms(),
        summary,
        artifacts: Arc::new(artifacts),
    }
}

const MIXED: [FlowShape; 4] = [
    FlowShape::Completes,
    FlowShape::TimesOut,
    FlowShape::Completes,
    FlowShape::TimesOut,
];

/// A run of forty flows by the clock, each later and slower than the last; three are dropped.
fn open_load() -> Vec<RunEvent> {
    let mut events = events(&[FlowShape::Completes; 40], 200);
    for event in &mut events {
        match event {
            RunEvent::RunStarted(info) => {
                info.load = "5/s, at most 200 in flight".into();
                info.wanted_per_second = Some(5.0);
                (info.flows, info.duration_us) = (None, Some(10_000_000));
            }
            RunEvent::FlowEnded(flow) => {
                let number = flow.number.0;
                flow.started_at += Duration::from_millis(number * 250);
                flow.late_us = number * 50_000;
                flow.duration_us = 300_000 + number * number * 1_000;
            }
            _ => {}
        }
    }
    let end = events.len() - 1;
    let dropped = RunEvent::FlowsDropped {
        count: 3,
        counted: true,
    };
    events.insert(end, dropped);
    events
}
