//! Every kind of load with real programs, and the memory of long runs. The exact schedules are
//! tested beside the engine's schedule.

use serde_json::Value;

use crate::support::fixture::scenario;
use crate::support::sandbox::{Sandbox, result};

/// The summary of a run of `loads/NAME.yaml`, which may drop flows.
fn summary(name: &str, line: &str) -> Value {
    let sandbox = Sandbox::with("load.yaml", &scenario(&format!("loads/{name}")));
    let run = format!("run load.yaml --save --progress none {line}");
    sandbox.rehearsal(&run).assert_code(0);
    result(&sandbox.run())["summary"].take()
}

fn flows(summary: &Value, what: &str) -> u64 {
    summary["flows"][what].as_u64().unwrap()
}

#[test]
fn a_load_of_a_number_of_flows_performs_exactly_that_number() {
    let cases = [
        ("--flows 6 --parallel 3", 6),
        ("--flows-each 3 --parallel 2", 6),
        // Each worker starts at 0, 300 and 600 ms.
        ("--duration 800ms --parallel 2 --pace 300ms", 6),
        ("--rate 20/s --flows 5", 5),
        ("--rate 20/s --duration 500ms", 10),
        // The rate's integral is 5.25, and one is due at each whole number, 0 among them.
        ("--rate 1/s --stages 500ms:20/s", 6),
    ];
    for (line, completed) in cases {
        let summary = summary("quick", line);
        assert_eq!(flows(&summary, "completed"), completed, "{line}");
        assert_eq!(flows(&summary, "dropped"), 0, "{line}");
    }
}

#[test]
fn a_load_of_a_duration_ends_with_it() {
    for line in [
        "--duration 600ms --parallel 2",
        "--duration 600ms --parallel 2 --pause 100ms",
        "--stages 300ms:3,300ms:1",
    ] {
        let summary = summary("quick", line);
        assert!(flows(&summary, "completed") >= 2, "{line}: {summary}");
        let elapsed_us = summary["elapsed_us"].as_u64().unwrap();
        assert!(elapsed_us >= 600_000, "{line}: {elapsed_us}");
    }
}

#[test]
fn an_open_load_spaces_counts_and_drops_flows_by_the_clock() {
    let even = summary("quick", "--rate 20/s --duration 1s --warm-up 500ms");
    assert_eq!(flows(&even, "completed"), 10);
    assert_eq!(flows(&even, "not_counted"), 10);

    let few = summary("slow", "--rate 20/s --duration 500ms --max-in-flight 2");
    assert_eq!(flows(&few, "completed"), 2);
    assert_eq!(flows(&few, "dropped"), 8);

    let poisson = "--rate 40/s --duration 500ms --arrivals poisson --seed";
    let of = |seed: &str| flows(&summary("quick", &format!("{poisson} {seed}")), "completed");
    let by_seed: Vec<u64> = ["1", "2", "3", "4"].map(of).into();
    assert_eq!(of("1"), by_seed[0], "the seed decides");
    assert!(by_seed.iter().any(|it| *it != by_seed[0]), "{by_seed:?}");
}

#[test]
fn a_long_run_takes_as_much_memory_as_a_short_one() {
    let peak = |flows: u64| {
        let line = format!("--flows {flows} --parallel 50");
        let summary = summary("skipped", &line);
        assert_eq!(self::flows(&summary, "completed"), flows);
        summary["rehearsal_peak_rss_bytes"].as_u64().unwrap()
    };
    let (short, long) = (peak(10_000), peak(60_000));
    assert!(long <= short + (4 << 20), "{short} bytes, then {long}");
}
