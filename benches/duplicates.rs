//! Duplicate values of a run: the library's external search against a map of all values.
//!
//! ```text
//! cargo bench --bench duplicates
//! ```
//! prints, for each number of values, the time to take one, the time for all of them with the
//! search at the end, and the peak of the heap. Measured on 2 cores beside other
//! work:
//!
//! | values | form | a value | all of them | peak |
//! | --- | --- | --- | --- | --- |
//! | 100,000 | external | 0.1 µs | 0.10 s | 9 MiB |
//! | 100,000 | in memory | 0.7 µs | 0.09 s | 12 MiB |
//! | 1,000,000 | external | 0.1 µs | 1 s | 19 MiB |
//! | 1,000,000 | in memory | 2 µs | 2 s | 193 MiB |

#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use duplicates::{Duplicates, FlowOf};
// For the module below.
use rehearsal::stats;

#[expect(
    dead_code,
    reason = "the benchmark needs a part of the library's private module"
)]
#[path = "../src/report/duplicates.rs"]
mod duplicates;

/// The system's allocator, with a count of the bytes in use and of their peak.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all calls are passed on to the system's allocator; resizing is made of both.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let in_use = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(in_use, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Returns values of which every thousandth is that of the flow before.
fn values(count: u64) -> impl Iterator<Item = (FlowOf, String)> {
    (1..=count).map(|number| {
        let value = number - u64::from(number.is_multiple_of(1_000));
        let flow = FlowOf { run: 0, number };
        (flow, format!("ORD-20240115-143035-{value:06}"))
    })
}

/// Searches with the library's form; returns the time of the last value and the duplicates.
fn external(count: u64, directory: &Path) -> (Instant, u64) {
    let mut duplicates = Duplicates::new(Some(directory.to_owned()));
    for (flow, value) in values(count) {
        duplicates.add(0, flow, &value);
    }
    let taken = Instant::now();
    let (findings, _) = duplicates.close(1, &[]).expect("the file can be read");
    (taken, findings[0].duplicates)
}

/// Searches with a map; returns the same.
fn in_memory(count: u64, _: &Path) -> (Instant, u64) {
    let mut flows: HashMap<Box<str>, (FlowOf, Vec<FlowOf>)> = HashMap::new();
    for (flow, value) in values(count) {
        match flows.get_mut(&*value) {
            Some((_, more)) => more.push(flow),
            None => drop(flows.insert(value.into(), (flow, Vec::new()))),
        }
    }
    let taken = Instant::now();
    let duplicates = flows.values().map(|(_, more)| more.len() as u64).sum();
    black_box(&flows);
    (taken, duplicates)
}

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    println!("   values  form       a value   all of them   peak of the heap");
    for count in [100_000, 1_000_000] {
        for (name, search) in [
            ("external", external as fn(u64, &Path) -> (Instant, u64)),
            ("in memory", in_memory),
        ] {
            let before = IN_USE.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let start = Instant::now();
            let (taken, found) = search(count, directory.path());
            let all = start.elapsed();
            assert_eq!(found, count / 1_000);
            let a_value: Duration = (taken - start) / u32::try_from(count).expect("few");
            let peak = (PEAK.load(Ordering::Relaxed) - before) >> 20;
            println!("{count:>9}  {name:<9} {a_value:>8.0?} {all:>13.0?} {peak:>14} MiB");
        }
    }
}
