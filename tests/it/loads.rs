//! Every kind of load, performed with real programs, and what long runs take of memory.
//! The schedules themselves are tested beside `engine::schedule`, exactly.

use std::fs;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::Value;

const QUICK: &str = "\
name: quick
roles:
  greeter: {run: [/bin/echo, hello], terminal: pipes, actions: {greet: [{see: hello}, {exits: 0}]}}
flow: [{step: greet, role: greeter, do: greet}]
";

const SLOW: &str = "\
name: slow
roles:
  sleeper: {run: [/bin/sleep, '0.6'], terminal: pipes, actions: {sleep: [{exits: 0}]}}
flow: [{step: sleep, role: sleeper, do: sleep}]
";

/// Nothing but Rehearsal itself.
const SKIPPED: &str = "\
name: skipped
roles:
  nobody: {run: [/bin/true], terminal: pipes, actions: {wait: [{exits: 0}]}}
flow:
  - {step: 01_never, role: nobody, do: wait, when: flow.number < 0}
  - {step: 02_never, role: nobody, do: wait, when: flow.number < 0}
";

/// The summary of a run, which may drop flows.
fn summary(scenario: &str, line: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("load.yaml"), scenario).unwrap();
    let output = Command::cargo_bin("rehearsal")
        .unwrap()
        .args(["run", "load.yaml", "--save=out", "--progress", "none"])
        .args(line.split_whitespace())
        .current_dir(folder.path())
        .env_remove("REHEARSAL_RESULTS")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{line}: {said}");
    let mut saved = fs::read_dir(folder.path().join("out")).unwrap();
    let result = saved
        .find_map(|entry| fs::read(entry.unwrap().path().join("result.json")).ok())
        .unwrap();
    let record: Value = serde_json::from_slice(&result).unwrap();
    record["summary"].clone()
}

fn flows(summary: &Value, what: &str) -> u64 {
    summary["flows"][what].as_u64().unwrap()
}

#[test]
fn loads_of_a_certain_number_perform_just_that() {
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
        let summary = summary(QUICK, line);
        assert_eq!(flows(&summary, "completed"), completed, "{line}");
        assert_eq!(flows(&summary, "dropped"), 0, "{line}");
    }
}

#[test]
fn loads_of_a_certain_time_end_with_it() {
    for line in [
        "--duration 600ms --parallel 2",
        "--duration 600ms --parallel 2 --pause 100ms",
        "--stages 300ms:3,300ms:1",
    ] {
        let summary = summary(QUICK, line);
        assert!(flows(&summary, "completed") >= 2, "{line}: {summary}");
        let elapsed_us = summary["elapsed_us"].as_u64().unwrap();
        assert!(elapsed_us >= 600_000, "{line}: {elapsed_us}");
    }
}

#[test]
fn what_comes_by_the_clock_is_spaced_counted_and_dropped_by_it() {
    let even = summary(QUICK, "--rate 20/s --duration 1s --warm-up 500ms");
    assert_eq!(flows(&even, "completed"), 10);
    assert_eq!(flows(&even, "not_counted"), 10);

    let few = summary(SLOW, "--rate 20/s --duration 500ms --most-in-flight 2");
    assert_eq!(flows(&few, "completed"), 2);
    assert_eq!(flows(&few, "dropped"), 8);

    let poisson = "--rate 40/s --duration 500ms --arrivals poisson --seed";
    let of = |seed: &str| flows(&summary(QUICK, &format!("{poisson} {seed}")), "completed");
    let by_seed: Vec<u64> = ["1", "2", "3", "4"].map(of).into();
    assert_eq!(of("1"), by_seed[0], "the seed decides");
    assert!(by_seed.iter().any(|it| *it != by_seed[0]), "{by_seed:?}");
}

#[test]
fn a_long_run_takes_as_much_memory_as_a_short_one() {
    let peak = |flows: u64| {
        let line = format!("--flows {flows} --parallel 50");
        let summary = summary(SKIPPED, &line);
        assert_eq!(self::flows(&summary, "completed"), flows);
        summary["rehearsal_peak_rss_bytes"].as_u64().unwrap()
    };
    let (short, long) = (peak(10_000), peak(60_000));
    assert!(long <= short + (4 << 20), "{short} bytes, then {long}");
}
