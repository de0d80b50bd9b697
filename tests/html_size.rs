//! Size of an HTML report, and memory for making it: both are bounded, however many flows there are.
//! Belongs to `report`. A test binary for itself, as it measures the whole process.

#[path = "it/support/records.rs"]
mod records;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rehearsal::model::*;
use rehearsal::report::result_file::{Head, RunEnvironment};
use rehearsal::report::{
    HtmlSource, MAX_HTML_BYTES, Recorder, Reporters, ResultDirectory, write_html,
};
use rehearsal::stats::Tally;

/// With optimisations these take seconds.
const FLOWS: u64 = if cfg!(debug_assertions) {
    10_000
} else {
    100_000
};

/// The run's length, which does not grow with its flows.
const SECONDS: u64 = 36_000;

/// The most memory of everything together, for 40 steps and 8 roles.
const MOST_MEMORY: u64 = 64 << 20;

fn environment() -> RunEnvironment {
    RunEnvironment {
        host: "host".into(),
        kernel: "Linux".into(),
        cores: 2,
        processor: None,
        governor: None,
        rehearsal_version: "0".into(),
        command_line: vec!["rehearsal".into(), "word".repeat(10_000)],
        clock_offset_us: None,
    }
}

fn info(flows: u64) -> RunInfo {
    let roles: Vec<_> = (0..8).map(|role| format!("role_{role}")).collect();
    let roles: Vec<_> = roles
        .iter()
        .map(|role| (&**role, "Role", "./program"))
        .collect();
    let steps: Vec<_> = (0..40).map(|step| (step_name(step), step)).collect();
    let steps: Vec<_> = steps
        .iter()
        .map(|(name, step)| (&**name, step / 5, "act"))
        .collect();
    let mut info = RunInfo {
        flows: Some(flows),
        warm_up_us: 60_000_000,
        ..records::run_info(&roles, &steps, 100)
    };
    for step in &mut info.steps {
        step.turns = (0..5).map(|turn| format!("turn_{turn}")).collect();
    }
    info
}

fn step_name(number: usize) -> String {
    format!("{number:02}_step")
}

/// A flow; one in five fails, each with another message.
fn flow(info: &RunInfo, random: &mut fastrand::Rng, number: u64, flows: u64) -> FlowRecord {
    let started_us = SECONDS * 1_000_000 / flows * number;
    let mut began_us = 0;
    let steps = (0..40).map(|step| {
        let duration_us = random.u64(500..100_000);
        let started_after_us = began_us;
        began_us += duration_us + 50;
        StepRecord {
            started_after_us,
            waited_us: random.u64(0..1_000),
            ..records::step(&step_name(step), StepOutcome::Completed, duration_us)
        }
    });
    let steps: Vec<_> = steps.collect();
    let outcome = if number.is_multiple_of(5) {
        let kind = FailureKind::Business(format!("category_{}", number % 1_000));
        FlowOutcome::Failed(Box::new(Failure {
            tail: "<x>&".repeat(500),
            ..Failure::new(kind, format!("it saw {}", "&".repeat(1_000))).at(step_name(3), "role_1")
        }))
    } else {
        FlowOutcome::Completed
    };
    FlowRecord {
        started_after_us: Some(started_us),
        ended_after_us: Some(started_us + began_us),
        counted: number > 100,
        duration_us: began_us,
        outcome,
        steps,
        processes: vec![records::process("role_1", 1_000_000)],
        ..records::flow(info, number)
    }
}

/// Saves a made-up run.
fn save(path: &Path, flows: u64) -> (ResultDirectory, Head) {
    let info = info(flows);
    let directory = ResultDirectory::create(path).expect("a directory");
    directory
        .keep_scenario(&"# <scenario>\n".repeat(50_000))
        .expect("a file");
    let writer = directory.write_flows(environment()).expect("a file");
    let reporters = Reporters::start(Recorder::with_flows(writer), Vec::new()).expect("a thread");
    let sink = reporters.sink();
    sink.emit(RunEvent::RunStarted(Box::new(info.clone())));
    let mut tally = Tally::new(&info);
    let mut random = fastrand::Rng::with_seed(1);
    for number in 1..=flows {
        let flow = flow(&info, &mut random, number, flows);
        tally.record(&flow);
        sink.emit(RunEvent::FlowEnded(Box::new(flow)));
        while sink.is_behind() {
            std::thread::yield_now();
        }
    }
    let elapsed = Duration::from_secs(SECONDS);
    sink.emit(RunEvent::RunEnded {
        elapsed,
        interrupted: false,
    });
    reporters.finish().expect("the reporters live");
    let histograms = tally.histograms();
    let summary = tally.summary(elapsed, false);
    let head = Head::new(&info, environment(), summary, histograms, Vec::new());
    directory.finish(&head, None).expect("a file");
    (directory, head)
}

/// The most memory that this process ever had.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.expect("a size").parse::<u64>().expect("a number") * 1024
}

#[test]
fn a_report_of_many_flows_is_small_and_takes_little_memory() {
    let home = tempfile::tempdir().expect("a directory");
    let mut sizes = Vec::new();
    for flows in [10, 1_000, FLOWS] {
        let (directory, head) = save(&home.path().join(flows.to_string()), flows);
        let (began, before) = (Instant::now(), peak());
        let path = directory.path().join("report.html");
        let source = HtmlSource {
            head: &head,
            saved: Some(&directory),
            bundles: directory.path(),
            trends: &[],
        };
        write_html(&source, &path).expect("a report");
        let size = fs::metadata(&path).expect("it is there").len();
        let bytes = fs::metadata(directory.flows().path).expect("a file").len();
        eprintln!(
            "{flows} flows of {bytes} bytes: a report of {size} bytes in {:?}; peak memory {} KiB before, {} KiB after",
            began.elapsed(),
            before / 1024,
            peak() / 1024
        );
        assert!(size <= MAX_HTML_BYTES as u64, "{size} bytes");
        assert!(peak() <= MOST_MEMORY, "{} bytes of memory", peak());
        sizes.push(size);
    }
    assert!(sizes.is_sorted(), "{sizes:?}");
}
