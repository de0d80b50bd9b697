//! Cost of a flow: wall time, and CPU time of this process without its programs. A flow is one
//! program with ten questions and answers. Figures are per flow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rehearsal::engine::{Control, Programs, RunOptions, run};
use rehearsal::model::{EventSink, FlowOutcome, RunEvent, StepOutcome};
use rehearsal::scenario::{self, CompileOptions, Load, Overrides};
use rustix::time::{ClockId, clock_gettime};

/// The number of questions per program that are answered with an order.
const ORDERS: usize = 9;

/// A program that asks until the answer is 0.
const PROGRAM: &str = r#"
    while printf 'Order (0 leaves): ' && read -r what && [ "$what" != 0 ]; do
        echo "Order ID: ORD-$what"
        echo "Status: accepted"
    done
"#;

/// CPU time of this process and all its threads, without its programs.
struct OwnCpu;

impl Measurement for OwnCpu {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        now.try_into().expect("a clock that began at zero")
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// An event sink that checks that the measured flows were completed.
struct CompletionCheck;

impl EventSink for CompletionCheck {
    fn emit(&self, event: RunEvent) {
        if let RunEvent::FlowEnded(flow) = event {
            assert_eq!(flow.outcome, FlowOutcome::Completed);
            let is_due = flow
                .steps
                .iter()
                .any(|it| it.outcome == StepOutcome::Completed);
            assert_eq!(flow.captures.len(), if is_due { ORDERS } else { 0 });
        }
    }
}

fn scenario(terminal: &str) -> String {
    let mut text = format!(
        "name: bench\nroles:\n  clerk:\n    run: [/bin/sh, -c, {PROGRAM:?}]\n    \
         terminal: {terminal}\n    actions:\n      order:\n"
    );
    for order in 1..=ORDERS {
        text.push_str(&format!(
            "        - {{prompt: \"Order (0 leaves):\", send: \"{order}\"}}\n        \
             - see: '/Order ID: (?<order_{order}>ORD-\\d+)/'\n"
        ));
    }
    text.push_str(
        "        - {prompt: \"Order (0 leaves):\", send: \"0\"}\n        - exits: 0\n\
         flow:\n  - {step: orders, role: clerk, do: order}\n",
    );
    text
}

/// A scenario file of the benchmark.
fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file of the benchmark's own");
    path
}

/// Prepares the options of a run, outside of the measured time.
fn prepare(path: &Path, flows: u64, parallel: u64) -> RunOptions {
    let compiled = scenario::load(path, CompileOptions::default());
    let plan = compiled.unwrap_or_else(|faults| panic!("{faults}")).plan;
    let plan = plan.with_overrides(Overrides {
        load: Some(Load::closed(flows, parallel)),
        ..Overrides::default()
    });
    let directory = path.parent().expect("a directory").to_owned();
    let programs = Programs::new(directory.clone(), Vec::new(), "/bin/false".into(), None);
    RunOptions::new(Arc::new(plan), Arc::new(programs))
        .environment(std::env::vars_os().collect())
        .run_directory(directory)
}

/// Measures the cost of a run with this number of flows.
fn cost<M: Measurement<Value = Duration>>(
    measure: &M,
    path: &Path,
    flows: u64,
    parallel: u64,
) -> Duration {
    let options = prepare(path, flows, parallel);
    let start = measure.start();
    let outcome = run(options, Arc::new(CompletionCheck), &Control::new()).expect("a run");
    let cost = measure.end(start);
    assert!(outcome.left_over.is_empty());
    cost
}

fn flows<M: Measurement<Value = Duration>>(c: &mut Criterion<M>, name: &str, measure: &M) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut group = c.benchmark_group(format!("flow, {name}"));
    group.sample_size(10);
    for terminal in ["pipes", "pty"] {
        let path = write(
            directory.path(),
            &format!("{terminal}.yaml"),
            &scenario(terminal),
        );
        for parallel in [1, 10] {
            let id = BenchmarkId::new(terminal, format!("{parallel} at once"));
            group.bench_function(id, |b| {
                b.iter_custom(|flows| cost(measure, &path, flows, parallel));
            });
        }
    }
    group.finish();
}

/// Measures the same while this process holds much memory: the start of a program must not copy
/// its page tables.
fn beside_memory<M: Measurement<Value = Duration>>(c: &mut Criterion<M>, name: &str, measure: &M) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = write(directory.path(), "pipes.yaml", &scenario("pipes"));
    let mut group = c.benchmark_group(format!("flow beside memory, {name}"));
    group.sample_size(10);
    for megabytes in [10, 1_000] {
        // Written, so that the pages are mapped.
        let held = vec![1_u8; megabytes << 20];
        group.bench_function(BenchmarkId::new("MB", megabytes), |b| {
            b.iter_custom(|flows| cost(measure, &path, flows, 10));
        });
        std::hint::black_box(&held);
    }
    group.finish();
}

/// Measures a flow whose steps are all skipped: the cost of coordinator, supervisor and flow
/// record without any program.
fn without_programs<M: Measurement<Value = Duration>>(
    c: &mut Criterion<M>,
    name: &str,
    measure: &M,
) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = scenario("pipes").replace("do: order}", "do: order, when: 'false'}");
    let path = write(directory.path(), "none.yaml", &text);
    let mut group = c.benchmark_group(format!("flow without programs, {name}"));
    group.sample_size(10);
    group.bench_function("100 at once", |b| {
        b.iter_custom(|flows| cost(measure, &path, flows, 100));
    });
    group.finish();
}

fn time(c: &mut Criterion) {
    flows(c, "time", &WallTime);
    without_programs(c, "time", &WallTime);
    beside_memory(c, "time", &WallTime);
}

fn own_cpu(c: &mut Criterion<OwnCpu>) {
    flows(c, "own CPU", &OwnCpu);
    without_programs(c, "own CPU", &OwnCpu);
    beside_memory(c, "own CPU", &OwnCpu);
}

criterion_group!(times, time);
criterion_group! {
    name = own;
    config = Criterion::default().with_measurement(OwnCpu);
    targets = own_cpu
}
criterion_main!(times, own);
