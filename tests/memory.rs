//! Memory of a run, which does not grow with the number of its flows. Belongs to `report`. A test
//! binary for itself, as it measures the whole process.

#[path = "it/support/records.rs"]
mod records;

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rehearsal::dialogue::{Dialogue, DialogueSettings, ReplyPart, RoleMatcher};
use rehearsal::model::*;
use rehearsal::report::{
    LatencyLog, Output, PlainProgress, Recorder, ReportError, Reporter, Reporters,
};
use rehearsal::stats::Tally;
use rehearsal::terminal::{EchoMode, ScreenSize, Typed};

/// With optimisations this many flows take a few seconds; without, it is a fifth of them.
const FLOWS: u64 = if cfg!(debug_assertions) {
    200_000
} else {
    1_000_000
};

/// After so many flows everything is there that ever will be.
const FIRST: u64 = 10_000;

/// The number of flows that wait to be reported, at most.
const BATCH: u64 = 1_000;

/// The most that memory may grow by between the first flows and the last: fragmentation, which is
/// the same after 200,000 and 700,000 flows.
const MOST_GROWTH: u64 = 6 << 20;

/// The most memory of everything together, for ten steps and five roles.
const MOST_MEMORY: u64 = 64 << 20;

/// Signals each batch that has been reported.
struct Acknowledge {
    seen: u64,
    batches: SyncSender<()>,
}

impl Reporter for Acknowledge {
    fn event(&mut self, event: &RunEvent) {
        if matches!(event, RunEvent::FlowEnded(_)) {
            self.seen += 1;
            if self.seen.is_multiple_of(BATCH) {
                self.batches.send(()).expect("the test waits for it");
            }
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(())
    }
}

/// Resident memory of this process.
fn memory() -> u64 {
    status("VmRSS:")
}

/// The most that it ever had.
fn peak() -> u64 {
    status("VmHWM:")
}

fn status(of: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(of));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.expect("a size").parse::<u64>().expect("a number") * 1024
}

fn info() -> RunInfo {
    let names: Vec<_> = (0..10)
        .map(|it| (format!("role_{it}"), step_name(it)))
        .collect();
    let roles = names.iter().take(5);
    let roles: Vec<_> = roles
        .map(|(role, _)| (&**role, "Role", "./program"))
        .collect();
    let steps = names.iter().enumerate();
    let steps: Vec<_> = steps
        .map(|(at, (_, step))| (&**step, at / 2, "act"))
        .collect();
    RunInfo {
        flows: Some(FLOWS),
        integrity: integrity(),
        ..records::run_info(&roles, &steps, 100)
    }
}

fn step_name(number: usize) -> String {
    format!("{number:02}_step")
}

/// Rules for the values of the flows.
fn integrity() -> IntegrityInfo {
    let value = |name: &str| ValueInfo {
        name: name.into(),
        roles: vec!["Role 0".into()],
    };
    IntegrityInfo {
        unique: vec![value("order_id"), value("delivery_id")],
        agree: vec![vec![value("total"), value("collected")]],
        own: vec![OwnInfo {
            seen: value("delivered"),
            of: "order_id".into(),
        }],
        audit: None,
    }
}

/// The captures of a flow. One in a thousand has the order of the one before it, and one in ten the
/// delivery of all these; one in a hundred sees another's order.
fn captures(number: u64) -> Vec<NamedValue> {
    let order = |number| format!("ORD-20260131-120000-{number:06}");
    let own = order(number - u64::from(number % 1_000 == 999));
    let delivered = match number % 100 {
        50 => order(number + 10_000),
        _ => own.clone(),
    };
    let delivery = if number.is_multiple_of(10) { 0 } else { number };
    vec![
        ("order_id".into(), own.into()),
        (
            "delivery_id".into(),
            format!("DEL-20260131-{delivery:06}").into(),
        ),
        ("total".into(), format!("{number}.50").into()),
        ("collected".into(), format!("{number}.5").into()),
        ("delivered".into(), delivered.into()),
    ]
}

/// A flow like no other; one in five fails, each with another message.
fn flow(info: &RunInfo, random: &mut fastrand::Rng, number: u64) -> FlowRecord {
    let mut began_us = 0;
    let steps = (0..10).map(|step| {
        let duration_us = random.u64(500..3_000_000);
        let started_after_us = began_us;
        began_us += duration_us + random.u64(0..1_000);
        StepRecord {
            started_after_us,
            ..records::step(&step_name(step), StepOutcome::Completed, duration_us)
        }
    });
    let steps: Vec<_> = steps.collect();
    let processes = (0..5).map(|role| ProcessRecord {
        startup_us: Some(number % 40_000),
        ..records::process(&format!("role_{role}"), 1_000_000)
    });
    let outcome = if number.is_multiple_of(5) {
        FlowOutcome::Failed(Box::new(Failure {
            kind: FailureKind::Business(format!("category_{}", number % 10_000)),
            step: format!("{:02}_step", number % 10),
            role: "role_1".into(),
            turn: "synthetic.yaml:42".into(),
            message: format!("flow {number} saw what no other saw"),
            awaited: vec!["prompt `>`".into()],
            waited_us: 1,
            activity: Activity::WaitingForInput,
            tail: "x".repeat(2_000),
            screen: None,
            hint: None,
        }))
    } else {
        FlowOutcome::Completed
    };
    FlowRecord {
        started_at: info.started_at + TimeDelta::microseconds(number.cast_signed()),
        late_us: random.u64(0..5_000),
        duration_us: began_us,
        outcome,
        steps,
        captures: captures(number),
        variables: vec![("customer_id".into(), format!("CUST{number}").into())],
        processes: processes.collect(),
        ..records::flow(info, number)
    }
}

fn report(
    sink: &dyn EventSink,
    tally: &mut Tally,
    done: &Receiver<()>,
    info: &RunInfo,
    numbers: std::ops::Range<u64>,
) {
    let mut random = fastrand::Rng::with_seed(numbers.start);
    for number in numbers {
        let flow = flow(info, &mut random, number);
        tally.record(&flow);
        sink.emit(RunEvent::FlowEnded(Box::new(flow)));
        if (number + 1).is_multiple_of(BATCH) {
            done.recv().expect("the reporters live");
        }
    }
}

/// The most that an idle session with a screen of 24x80 may take beyond one without a screen.
const MOST_OF_SCREEN: u64 = 80 << 10;

#[test]
fn the_screen_of_an_idle_session_takes_no_more_than_80_kb() {
    const SESSIONS: u64 = 400;
    let matcher = Arc::new(RoleMatcher::new(Vec::new(), &[]));
    let now = Instant::now();
    let row = format!("\x1b[44m{}\x1b[0m\r\n", "0123456789é".repeat(7));
    let session = |screen: Option<ScreenSize>| {
        let settings = DialogueSettings {
            columns: Some(80),
            screen,
            quiet: Duration::from_millis(10),
        };
        let mut dialogue = Dialogue::new(Arc::clone(&matcher), settings, now);
        for _ in 0..4 {
            dialogue.feed(Stream::Out, b"\x1b[H\x1b[2J", now);
            for _ in 0..23 {
                dialogue.feed(Stream::Out, row.as_bytes(), now);
            }
            dialogue.drained();
            let typed = Typed::text("a").expect("a text");
            if screen.is_some() {
                dialogue.typed_on_screen(&typed, ReplyPart::First, now);
            }
            dialogue.answered(&typed, EchoMode::Raw);
        }
        dialogue
    };
    let mut kept = Vec::new();
    let [of_lines, of_screens] = [
        None,
        Some(ScreenSize {
            rows: 24,
            columns: 80,
        }),
    ]
    .map(|screen| {
        kept.extend((0..20).map(|_| session(screen)));
        let before = memory();
        kept.extend((0..SESSIONS).map(|_| session(screen)));
        memory().saturating_sub(before) / SESSIONS
    });
    let screen = of_screens.saturating_sub(of_lines);
    eprintln!("{screen} bytes a screen, beside {of_lines} of lines");
    assert!(screen <= MOST_OF_SCREEN, "{screen} beside {of_lines}");
    drop(kept);
}

#[test]
fn a_run_of_a_million_flows_takes_no_more_memory_than_one_of_ten_thousand() {
    let began = Instant::now();
    let info = info();
    let (batches, done) = sync_channel(1);
    let reporters: Vec<Box<dyn Reporter>> = vec![
        Box::new(PlainProgress::new(Output::new(io::sink()))),
        Box::new(LatencyLog::new("latency.hlog".as_ref(), io::sink())),
        Box::new(Acknowledge { seen: 0, batches }),
    ];
    let room = tempfile::tempdir().expect("a directory");
    let recorder = Recorder::new().with_temporary_directory(room.path().to_owned());
    let reporters = Reporters::start(recorder, reporters).expect("a thread");
    let sink = reporters.sink();
    sink.emit(RunEvent::RunStarted(Box::new(info.clone())));
    let mut tally = Tally::new(&info);
    report(&*sink, &mut tally, &done, &info, 0..FIRST);
    let before = memory();
    report(&*sink, &mut tally, &done, &info, FIRST..FLOWS);
    let after = memory();
    let (started, before_integrity) = (Instant::now(), peak());
    sink.emit(RunEvent::RunEnded {
        elapsed: Duration::from_secs(1),
        interrupted: false,
    });
    let (artifacts, errors) = reporters.finish().expect("the reporters live");
    assert!(errors.is_empty(), "{errors:?}");
    let summary = tally.summary(Duration::from_secs(1), false);
    assert_eq!(summary.flows.ended(), FLOWS);
    assert_eq!(summary.failures.count(), FLOWS / 5);
    let found = artifacts.integrity.expect("integrity is checked");
    assert_eq!(found.unique[0].duplicates, Some(FLOWS / 1_000));
    assert_eq!(found.unique[1].duplicates, Some(FLOWS / 10 - 1));
    assert_eq!((found.disagreements, found.mix_ups), (0, FLOWS / 100));
    assert_eq!(found.unique[0].found[0].flows.len(), 2);
    let owner = found.own[0].found[0].belongs_to.clone();
    assert_eq!(owner, Some(FlowId::new(&info.id, FlowNumber(10_050))));
    eprintln!(
        "integrity in {:?}; peak memory {} KiB before, {} KiB with them",
        started.elapsed(),
        before_integrity / 1024,
        peak() / 1024
    );
    assert!(peak() <= MOST_MEMORY, "{} bytes at most", peak());
    eprintln!(
        "{FLOWS} flows in {:?}; memory {} KiB after {FIRST}, {} KiB at the end",
        began.elapsed(),
        before / 1024,
        after / 1024
    );
    let growth = after.saturating_sub(before);
    assert!(growth <= MOST_GROWTH, "memory grew by {growth} bytes");
    assert!(after <= MOST_MEMORY, "{after} bytes");
}
