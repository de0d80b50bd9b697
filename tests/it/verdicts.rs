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
        Stage::with(&format!("{SCENARIO}{demands}"))
    }

    fn with(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("half.yaml"), scenario).unwrap();
        Stage { folder }
    }

    fn command(&self) -> Command {
        let mut command = Command::cargo_bin("rehearsal").unwrap();
        command
            .current_dir(self.folder.path())
            .env_remove("REHEARSAL_RESULTS")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = self.command();
        command.args(["run", "half.yaml"]).args(arguments);
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
fn check_tells_what_is_demanded() {
    let stage = Stage::new("thresholds: [flow.p95 < 1m]\n");
    let mut command = stage.command();
    command.args(["check", "half.yaml"]);
    let shown = contains("Thresholds\n  flow.p95 < 1m\n");
    assert_cmd::Command::from_std(command)
        .assert()
        .code(0)
        .stdout(shown);
}

#[test]
fn a_crossed_threshold_is_exit_code_99() {
    let stage = Stage::new("thresholds: [flow.max < 1us]\n");
    stage
        .run(&["--threshold", "dropped <= 5"])
        .code(99)
        .stdout(contains("✗ flow.max < 1us").and(contains("✓ dropped <= 5")));
}

/// A load that goes on for a minute unless it is stopped.
const ENDLESS: &[&str] = &[
    "--duration",
    "1m",
    "--parallel",
    "2",
    "--graceful-stop",
    "5s",
];

#[test]
fn a_crossed_threshold_can_end_the_run() {
    let ended = [
        "flow.failed == 0 stop",
        "flow.rate > 1000000/s over 1s stop",
    ];
    for threshold in ended {
        let stage = Stage::new("");
        let arguments = [
            ENDLESS,
            &["--allow-failures=100%", "--threshold", threshold],
        ]
        .concat();
        let shown = contains(format!("The run was ended early: {threshold} was not met."))
            .and(contains(format!("✗ {threshold}")))
            .and(contains(" after "))
            .and(contains("interrupted").and(contains("The run was interrupted").not()));
        let told = contains(format!("Note: {threshold} is not met: the run is ended"))
            .and(contains("Stopping: "))
            .and(contains("130").not());
        stage.run(&arguments).code(99).stdout(shown).stderr(told);
    }
}

#[test]
fn a_threshold_that_holds_over_every_stretch_ends_nothing() {
    let stage = Stage::new(
        "thresholds: [{check: flow.failed_rate < 90%, over: 1s, stop: true}]\n\
         load: {duration: 3s, parallel: 2}\n",
    );
    let shown = contains("✓ flow.failed_rate < 90% over 1s stop").and(contains("early").not());
    stage.run(&["--allow-failures=100%"]).code(0).stdout(shown);
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
        serde_json::json!([{
            "threshold": threshold,
            "holds": false,
            "value": { "ratio": 0.5 },
            "crossed_after_us": null,
            "stopped_run": false,
        }])
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

#[test]
fn the_record_says_whether_its_figures_can_be_believed() {
    let output = Stage::new("").run(&["--json"]).get_output().stdout.clone();
    let record: serde_json::Value = serde_json::from_slice(&output).unwrap();
    let verdict = &record["summary"]["verdict"];
    let trust = verdict["trust"].as_str().unwrap();
    assert!(["valid", "doubtful", "invalid"].contains(&trust), "{trust}");
    assert_eq!(
        trust == "valid",
        verdict["reasons"].as_array().unwrap().is_empty()
    );
    assert!(record["summary"]["generator"]["lag_samples"].is_number());
}

#[test]
fn an_open_load_that_drops_flows_is_not_valid() {
    let stage = Stage::with(&SCENARIO.replace("echo hello", "sleep 0.2; echo hello"));
    let load = "--rate 50/s --duration 1s --most-in-flight 1 --allow-failures 100%";
    let arguments: Vec<_> = load.split(' ').collect();
    stage
        .run(&arguments)
        .code(0)
        .stdout(contains("invalid").and(contains("flows were dropped")));
}

#[test]
fn the_doctor_compares_measured_with_true_times_and_sees_a_stall() {
    let stage = Stage::new("");
    let mut command = stage.command();
    command.args(["doctor", "--json"]);
    let output = assert_cmd::Command::from_std(command).assert().code(0);
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(found["format"], "rehearsal-doctor/1");
    let answers = |level: usize| found["levels"][level]["answers"].as_u64();
    assert_eq!(
        [answers(0), answers(1), answers(2)],
        [Some(40), Some(1_500), Some(6_000)]
    );
    let us = |name: &str| found["stall"][name].as_u64().unwrap();
    assert!(us("open_response_p95_us") >= 500_000, "{found:#}");
    assert!(
        us("closed_response_p95_us") < us("open_response_p95_us"),
        "{found:#}"
    );
}
