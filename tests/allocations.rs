//! The number of allocations in a turn and in a flow, and the memory of a screen: they do not depend
//! on the machine, so that it shows at once when something costly has come in.

#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rehearsal::engine::{Control, Programs, Recording, RunOptions, run};
use rehearsal::model::{EventSink, FlowOutcome, RunEvent};
use rehearsal::scenario::{self, CompileOptions, Load, Overrides};
use rehearsal::stats::{EvidenceChoice, EvidenceLimits};
use rehearsal::terminal::{Screen, ScreenSize};

/// The most allocations in a turn: a prompt, a reply, a line of the answer with a value in it.
const MOST_A_TURN: f64 = 14.0;
/// The same for a flow of one program, its turns not counted. A few depend on the number of reads and
/// wake-ups: up to ten more on a busy machine.
const MOST_A_FLOW: f64 = 175.0;
/// The most memory of a screen of 24 rows and 80 columns, in bytes.
const MOST_A_SCREEN: usize = 80_000;

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// Held by each test, as all allocations are counted together.
static ALONE: Mutex<()> = Mutex::new(());

// SAFETY: hands everything on to the system's allocator, as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size, Ordering::Relaxed);
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Checks the flows and keeps nothing.
struct Witness {
    captures: usize,
}

impl EventSink for Witness {
    fn emit(&self, event: RunEvent) {
        if let RunEvent::FlowEnded(flow) = event {
            assert_eq!(flow.outcome, FlowOutcome::Completed);
            assert_eq!(flow.captures.len(), self.captures);
        }
    }
}

fn scenario(turns: usize) -> String {
    let exchange = |turn| {
        format!(
            r"
        - {{prompt: 'Order:', send: '{turn}'}}
        - see: '/Order ID: (?<order_{turn}>ORD-\d+)/'"
        )
    };
    let turns: String = (1..=turns).map(exchange).collect();
    let text = include_str!("it/fixtures/allocations.yaml");
    text.replace("order:", &format!("order:{turns}"))
}

/// Returns the number of allocations in a run, its preparation not counted.
fn count(directory: &Path, turns: usize, flows: u64) -> u64 {
    let path = directory.join(format!("{turns}.yaml"));
    std::fs::write(&path, scenario(turns)).unwrap();
    let compiled = scenario::load(&path, CompileOptions::default());
    let plan = compiled.unwrap_or_else(|faults| panic!("{faults}")).plan;
    let plan = plan.with_overrides(Overrides {
        load: Some(Load::closed(flows, 1)),
        ..Overrides::default()
    });
    let programs = Programs::new(directory.to_owned(), Vec::new(), "/bin/false".into(), None);
    // Everything that can be recorded.
    let evidence = EvidenceChoice::new(EvidenceLimits {
        in_all: 10,
        alike: 10,
        slowest: 0,
    });
    let options = RunOptions::new(Arc::new(plan), Arc::new(programs))
        .recording(Recording {
            dialogue: false,
            evidence: Some(Arc::new(evidence)),
        })
        .environment(vec![("PATH".into(), "/usr/bin:/bin".into())])
        .run_directory(directory.to_owned());
    let before = COUNT.load(Ordering::Relaxed);
    let end = run(
        options,
        Arc::new(Witness { captures: turns }),
        &Control::new(),
    )
    .unwrap();
    assert!(end.left_over.is_empty());
    COUNT.load(Ordering::Relaxed) - before
}

#[test]
fn turns_and_flows_allocate_little() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    // Allocations at first use, such as the automata of regexes, are not counted.
    count(directory.path(), 10, 2);
    let [few, more, longer] = [(10, 10), (10, 30), (30, 10)]
        .map(|(turns, flows)| count(directory.path(), turns, flows) as f64);
    let turn = (longer - few) / (20.0 * 10.0);
    let flow = (more - few) / 20.0 - 10.0 * turn;
    println!("{turn} a turn, {flow} a flow");
    assert!(turn <= MOST_A_TURN, "{turn} a turn");
    assert!(flow <= MOST_A_FLOW, "{flow} a flow");
}

#[test]
fn a_screen_needs_little_memory_whatever_is_drawn() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let before = BYTES.load(Ordering::Relaxed);
    let size = ScreenSize {
        rows: 24,
        columns: 80,
    };
    let mut screen = Screen::new(size, now);
    for output in [
        "a line of text, wide 界, in \x1b[38;2;1;2;3mcolour\x1b[m\r\n",
        "\x1b[?1049h\x1b[5;9rthe other one\x1b[T\r\n",
        "\x1b[6n\x1b]11;?\x07\x1b]0;title",
        "\x07\x1b[?1049l\x1b[38;2;1;2;3;4;5;6;7;8;9;10;11;12mx\r\n",
    ] {
        screen.feed(output.repeat(1_000).as_bytes(), now, &mut |_| false);
        screen.take_answers();
    }
    let size = size_of_val(&screen) + BYTES.load(Ordering::Relaxed) - before;
    println!("{size} bytes a screen");
    assert!(size <= MOST_A_SCREEN, "{size} bytes a screen");
}
