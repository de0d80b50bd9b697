//! What a run is judged by: thresholds, allowed failures, and the exit codes that tell of them.
//! Belongs to `cli`, `report` and `stats`.

use std::fs;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

/// Every other flow fails, from the second on.
const SCENARIO: &str = "\
name: half
roles:
  teller:
    run: [/bin/sh, -c, 'echo hello; exit $(( ($0 + 1) % 2 ))', '${flow.number}']
    actions: {greet: [{see: hello}, {exits: 0}]}
flow: [{step: greet, role: teller, do: greet}]
";

/// The program in a folder with the scenario, `demands` added to it.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new(demands: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("half.yaml"),
            format!("{SCENARIO}{demands}"),
        )
        .unwrap();
        Stage { folder }
    }

    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = Command::cargo_bin("rehearsal").unwrap();
        command
            .current_dir(self.folder.path())
            .env_remove("REHEARSAL_RESULTS")
            .args(["run", "half.yaml"])
            .args(arguments)
            .stdin(Stdio::null());
        assert_cmd::Command::from_std(command).assert()
    }
}

#[test]
fn thresholds_that_hold_change_nothing() {
    let stage = Stage::new("thresholds: [step.greet.p95 < 1m, {check: flow.failed == 0}]\n");
    let shown = contains("✓ step.greet.p95 < 1m").and(contains("✓ flow.failed == 0"));
    stage.run(&[]).code(0).stdout(shown);
}

#[test]
fn a_crossed_threshold_is_exit_code_99() {
    let stage = Stage::new("thresholds: [flow.max < 1us]\n");
    stage
        .run(&["--threshold", "dropped <= 5"])
        .code(99)
        .stdout(contains("✗ flow.max < 1us").and(contains("✓ dropped <= 5")));
}

#[test]
fn the_record_has_what_came_of_thresholds() {
    let stage = Stage::new("");
    let threshold = "step.greet.failed_rate < 10%";
    let run = stage.run(&["--flows", "4", "--json", "--threshold", threshold]);
    let output = run.code(99).get_output().stdout.clone();
    let record: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(
        record["summary"]["thresholds"],
        serde_json::json!([{ "threshold": threshold, "holds": false, "value": { "ratio": 0.5 } }])
    );
}

#[test]
fn failures_are_allowed_by_number_or_by_part() {
    let stage = Stage::new("");
    let flows = ["--flows", "4", "--allow-failures"];
    for (allowed, code) in [("1", 1), ("2", 0), ("49%", 1), ("50%", 0)] {
        stage.run(&[&flows[..], &[allowed]].concat()).code(code);
    }
    stage.run(&["--flows", "4"]).code(1);
}

#[test]
fn of_several_reasons_thresholds_win_and_all_are_told() {
    let stage = Stage::new("thresholds: [flow.failed == 0]\n");
    let told =
        "Exit code 99: a threshold was crossed; also: more flows failed than are allowed (1)";
    stage.run(&["--flows", "2"]).code(99).stderr(contains(told));
}

#[test]
fn what_is_no_threshold_or_allowance_starts_nothing() {
    let stage = Stage::new("");
    let cases = [
        (["--threshold", "flow.p95 < 2"], "the limit `2` has no unit"),
        (["--threshold", "step.gret.p95 < 2s"], "is `greet` meant?"),
        (["--allow-failures", "some"], "write a number or a part"),
    ];
    for (arguments, told) in cases {
        stage
            .run(&arguments)
            .code(2)
            .stdout("")
            .stderr(contains(told));
    }
}
