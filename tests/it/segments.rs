//! Segments: parts of one run in several processes, and their merged result. Belongs to `scenario`,
//! `report` and `cli`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, flows, result};

/// A role that prints the values of its flow.
fn scenario(sandbox: &Sandbox) {
    sandbox.write("rows.csv", "name\nann\nbob\ncat\ndan\neve\nfay\ngus\n");
    sandbox.write("staff.csv", "badge\nB1\nB2\nB3\nB4\n");
    sandbox.write(
        "s.yaml",
        "name: parts
data:
  people: {file: rows.csv, take: unique}
  staff: {file: staff.csv, per: instance}
roles:
  user:
    run: [/bin/sh, -c, 'echo user \"$0\" \"$1\"', '${people.name}', '${flow.number}']
    actions:
      go: [{see: '/user (?<person>[a-z]+) (?<number>\\d+)/'}, {exits: 0}]
  clerk:
    run: [/bin/sh, -c, 'echo here; printf \"ready> \"; while read line; do echo \"badge $0 for $line\"; printf \"ready> \"; done', '${instance.badge}']
    lifetime: {pool: 4}
    menu: {prompt: 'ready>'}
    actions:
      start: [{see: here}]
      serve: [{prompt: 'ready>', send: '${person}'}, {see: '/badge (?<badge>\\S+) for/'}]
      leave: [{prompt: 'ready>', press: ctrl-d}]
flow:
  - {step: go, role: user, do: go}
  - {step: come, role: clerk, do: start}
  - {step: serve, role: clerk, do: serve}
integrity: {unique: [person, number], audit: {run: [/bin/true]}}
",
    );
}

fn segment(sandbox: &Sandbox, part: &str, options: &str) -> PathBuf {
    let before = sandbox.runs();
    let line = format!("run s.yaml --save --seed 5 --segment {part} {options}");
    sandbox.rehearsal(&line).assert_code(0);
    let new = sandbox.runs().into_iter().find(|it| !before.contains(it));
    new.expect("a new directory")
}

fn merge(sandbox: &Sandbox, runs: &[&PathBuf], into: &str) -> Finished {
    let mut command = sandbox.command("merge");
    Finished::of(command.args(runs).args(["--into", into]))
}

#[test]
fn segments_together_are_the_run() {
    let sandbox = Sandbox::new();
    scenario(&sandbox);
    let load = "--flows 7 --parallel 4";
    let runs = ["1/3", "2/3", "3/3"].map(|part| segment(&sandbox, part, load));
    let captured = |flow: &Value, name: &str| -> String {
        let value = flow["captures"][name].as_str();
        value.expect("it is captured").to_owned()
    };
    let mut people = BTreeSet::new();
    let mut numbers = Vec::new();
    for (run, own_badges) in runs.iter().zip([&["B1", "B4"][..], &["B2"], &["B3"]]) {
        for flow in flows(run) {
            numbers.push(flow["number"].as_u64().expect("a number"));
            people.insert(captured(&flow, "person"));
            let badge = captured(&flow, "badge");
            assert!(own_badges.contains(&badge.as_str()), "{badge}");
        }
        let head = result(run);
        assert_eq!(head["summary"]["integrity"]["audits"], Value::Array(vec![]));
        assert!(head["notices"].to_string().contains("audit is left out"));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=7).collect::<Vec<_>>());
    assert_eq!(people.len(), 7, "{people:?}");
    let [one, two, three] = &runs;
    merge(&sandbox, &[one, two, three], "all").assert_code(0);
    let all = result(&sandbox.home().join("all"));
    assert_eq!(all["summary"]["flows"]["completed"], 7);
    assert_eq!(all["run"]["flows"], 7);
    assert_eq!(all["run"]["parallel"], 4);
    assert_eq!(all["run"]["seed"], 5);
    assert_eq!(all["summary"]["integrity"]["violations"], 0);
    assert_eq!(all["missing_segments"], Value::Null);
}

#[test]
fn a_missing_or_repeated_segment_is_named() {
    let sandbox = Sandbox::new();
    scenario(&sandbox);
    let [one, three, again] =
        ["1/4", "3/4", "3/4"].map(|part| segment(&sandbox, part, "--flows 4 --parallel 4"));
    let merged = merge(&sandbox, &[&one, &three], "some");
    merged
        .assert_code(0)
        .assert_out("Segments 2, 4 of 4 are missing.");
    merge(&sandbox, &[&one, &three, &again], "twice")
        .assert_code(2)
        .assert_err("both are segment 3/4");
    let other = segment(&sandbox, "2/3", "--flows 4 --parallel 4");
    merge(&sandbox, &[&one, &other], "mixed")
        .assert_code(2)
        .assert_err("segments of different runs");
}

#[test]
fn segments_need_a_common_seed_and_large_pools() {
    let sandbox = Sandbox::new();
    scenario(&sandbox);
    let refuses = |line: &str, error: &str| {
        let line = format!("run s.yaml {line}");
        sandbox.rehearsal(&line).assert_code(2).assert_err(error);
    };
    refuses("--segment 1/2", "add the same --seed N to each of them");
    refuses("--segment auto", "neither SLURM_ARRAY_TASK_ID nor");
    refuses("--segment 3/2", "write it as 2/8");
    refuses(
        "--segment 1/2 --seed 1",
        "has 1 flows, fewer than its 2 segments",
    );
    let load = "--segment 1/5 --seed 1 --flows 9";
    refuses(load, "1 flows at once, fewer than its 5 segments");
    refuses(
        &format!("{load} --parallel 9"),
        "4 instances in the pool of `clerk`, fewer than its 5 segments",
    );
    refuses("--start-at noon", "write 14:30");
}

#[test]
fn flows_that_were_due_before_a_late_start_are_late() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "s.yaml",
        "name: late
roles: {user: {run: [/bin/sh, -c, echo ready], actions: {go: [{see: ready}, {exits: 0}]}}}
flow: [{step: go, role: user, do: go}]
",
    );
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let at = |time: Duration| {
        chrono::DateTime::from_timestamp(time.as_secs().try_into().expect("a time"), 0)
            .expect("a time")
            .to_rfc3339()
    };
    let line = format!(
        "run s.yaml --rate 2/s --flows 4 --save --start-at {}",
        at(now - Duration::from_secs(10))
    );
    let finished = sandbox.rehearsal(&line);
    finished.assert_code(0);
    let late: Vec<u64> = flows(&sandbox.run())
        .iter()
        .map(|flow| flow["late_us"].as_u64().expect("a time"))
        .collect();
    assert!(late.iter().all(|late| *late > 7_000_000), "{late:?}");
    assert!(late[0] > late[3], "{late:?}");
}

#[test]
fn clocks_that_differ_are_in_the_verdict() {
    let sandbox = Sandbox::new();
    scenario(&sandbox);
    let runs = ["1/2", "2/2"].map(|part| segment(&sandbox, part, "--flows 4 --parallel 2"));
    let clock = |run: &PathBuf| {
        let offset = result(run)["environment"]["clock_offset_us"].as_i64();
        offset.expect("a measured clock")
    };
    // The same clock, but for the kernel's tick and the time of writing.
    assert!(clock(&runs[0]).abs_diff(clock(&runs[1])) < 1_000_000);
    let mut head = result(&runs[1]);
    head["environment"]["clock_offset_us"] = (clock(&runs[0]) - 2_500_000).into();
    head["environment"]["host"] = "fast".into();
    std::fs::write(runs[1].join("result.json"), head.to_string()).expect("a result");
    let merged = merge(&sandbox, &[&runs[0], &runs[1]], "whole");
    merged.assert_code(0);
    let verdict = &result(&sandbox.home().join("whole"))["summary"]["verdict"];
    assert_ne!(verdict["trust"], "valid", "{verdict}");
    let text = verdict["reasons"].to_string();
    assert!(
        text.contains("the clock of fast is 2.50 s ahead of that of"),
        "{text}"
    );
}
