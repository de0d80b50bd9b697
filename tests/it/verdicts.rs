//! Thresholds, allowed failures, and their exit codes. Belongs to `cli`, `report` and `stats`.

use serde_json::{Value, json};

use crate::support::fixture::{replaced, scenario};
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;

/// A sandbox with the scenario `half.yaml`, and `keys` added to it.
fn stage(keys: &str) -> Sandbox {
    Sandbox::with("half.yaml", &(scenario("verdicts/half") + keys))
}

/// Runs the scenario with the words of `options`, and with `threshold` if it is not empty.
fn run(stage: &Sandbox, options: &str, threshold: &str) -> Finished {
    let mut command = stage.command("run half.yaml");
    command.args(options.split_whitespace());
    if !threshold.is_empty() {
        command.args(["--threshold", threshold]);
    }
    Finished::of(&mut command)
}

#[test]
fn thresholds_that_hold_change_nothing() {
    let stage = stage("thresholds: [step.greet.p95 < 1m, {check: flow.failed == 0}]\n");
    run(&stage, "", "")
        .assert_code(0)
        .assert_out("✓ step.greet.p95 < 1m")
        .assert_out("✓ flow.failed == 0");
}

#[test]
fn check_shows_the_thresholds() {
    stage("thresholds: [flow.p95 < 1m]\n")
        .rehearsal("check half.yaml")
        .assert_code(0)
        .assert_out("Thresholds\n  flow.p95 < 1m\n");
}

#[test]
fn a_crossed_threshold_is_exit_code_99() {
    let stage = stage("thresholds: [flow.max < 1us]\n");
    run(&stage, "", "dropped <= 5")
        .assert_code(99)
        .assert_out("✗ flow.max < 1us")
        .assert_out("✓ dropped <= 5");
}

#[test]
fn a_crossed_threshold_can_end_the_run() {
    // A load of a minute, unless it is stopped.
    let endless = "--duration 1m --parallel 2 --graceful-stop 5s --allow-failures=100%";
    for threshold in [
        "flow.failed == 0 stop",
        "flow.rate > 1000000/s over 1s stop",
    ] {
        run(&stage(""), endless, threshold)
            .assert_code(99)
            .assert_out(&format!("the run was ended early: {threshold} was crossed"))
            .assert_out(&format!("✗ {threshold}"))
            .assert_out(" after ")
            .assert_out_lacks("INTERRUPTED")
            .assert_err(&format!("Note: {threshold} was crossed: the run is ended"))
            .assert_err("Stopping: ")
            .assert_err_lacks("130");
    }
}

#[test]
fn a_threshold_that_holds_over_every_window_ends_nothing() {
    let stage = stage(
        "thresholds: [{check: flow.failed_rate < 90%, over: 1s, stop: true}]
load: {duration: 3s, parallel: 2}
",
    );
    run(&stage, "--allow-failures=100%", "")
        .assert_code(0)
        .assert_out("✓ flow.failed_rate < 90% over 1s stop")
        .assert_out_lacks("early");
}

#[test]
fn the_record_has_the_results_of_thresholds() {
    let threshold = "step.greet.failed_rate < 10%";
    let finished = run(&stage(""), "--flows 4 --json", threshold);
    assert_eq!(
        finished.assert_code(99).json()["summary"]["thresholds"],
        json!([{
            "threshold": threshold,
            "holds": false,
            "value": { "ratio": 0.5 },
            "crossed_after_us": null,
            "stopped_run": false,
        }])
    );
}

#[test]
fn failures_are_allowed_by_number_or_by_percentage() {
    let stage = stage("");
    for (allowed, code) in [("1", 1), ("2", 0), ("49%", 1), ("50%", 0)] {
        run(&stage, &format!("--flows 4 --allow-failures {allowed}"), "").assert_code(code);
    }
    run(&stage, "--flows 4", "").assert_code(1);
}

#[test]
fn of_several_reasons_thresholds_decide_and_all_are_named() {
    let stage = stage("thresholds: [flow.failed == 0]\n");
    run(&stage, "--flows 2", "").assert_code(99).assert_err(
        "Exit code 99: a threshold was crossed; also: more flows failed than are allowed (1)",
    );
}

#[test]
fn an_invalid_threshold_or_allowance_starts_nothing() {
    let stage = stage("");
    for (options, threshold, error) in [
        ("", "flow.p95 < 2", "the limit `2` has no unit"),
        ("", "step.gret.p95 < 2s", "is `greet` meant?"),
        ("--allow-failures some", "", "write a number or a part"),
    ] {
        let finished = run(&stage, options, threshold);
        finished.assert_code(2).assert_err(error);
        assert_eq!(finished.out, "");
    }
}

#[test]
fn the_record_says_whether_its_figures_are_valid() {
    let record = run(&stage(""), "--json", "").json();
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
    let slow = replaced(
        &scenario("verdicts/half"),
        "echo hello",
        "sleep 0.2; echo hello",
    );
    let stage = Sandbox::with("half.yaml", &slow);
    let load = "--rate 50/s --duration 1s --max-in-flight 1 --allow-failures 100% --report full";
    run(&stage, load, "")
        .assert_code(0)
        .assert_out("invalid")
        .assert_out("flows were dropped");
}

#[test]
fn the_doctor_compares_measured_with_true_times_and_detects_a_stall() {
    let found: Value = stage("").rehearsal("doctor --json").assert_code(0).json();
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
