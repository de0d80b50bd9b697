//! Figures of runs of real programs: rates, response times, stalls, drops and the headline. How
//! they are computed is tested beside `stats`.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::fixture::{replaced, scenario};
use crate::support::running::{Finished, Running};
use crate::support::sandbox::{Sandbox, result};

fn stage(name: &str) -> Sandbox {
    Sandbox::with("s.yaml", &scenario(&format!("figures/{name}")))
}

/// The summary of the only saved run.
fn summary(sandbox: &Sandbox) -> Value {
    result(&sandbox.run())["summary"].take()
}

/// A figure of a summary, by its place.
#[track_caller]
fn number(summary: &Value, pointer: &str) -> f64 {
    let found = summary.pointer(pointer).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no {pointer} in {summary}"))
}

fn run(sandbox: &Sandbox, options: &str, thresholds: &[&str]) -> Finished {
    let mut command = sandbox.command(&format!("run s.yaml --save {options}"));
    for threshold in thresholds {
        command.args(["--threshold", threshold]);
    }
    Finished::of(&mut command)
}

#[test]
fn a_rate_is_not_overstated_by_a_run_that_ends_before_its_clock() {
    let sandbox = stage("work");
    let thresholds = ["flow.rate >= 1.5/s"];
    run(&sandbox, "--rate 1/s --duration 2s", &thresholds)
        .assert_code(99)
        .assert_out("✗ flow.rate >= 1.5/s  1.0/s")
        .assert_out("  1.0 flows/s in ");
    let rate = number(&summary(&sandbox), "/completed_per_second");
    assert!((rate - 1.0).abs() < 0.05, "{rate}");
}

#[test]
fn flows_that_end_after_the_clock_count_in_the_rate() {
    let sandbox = stage("work");
    let options = "--rate 2/s --duration 1s --var seconds=1.5";
    run(&sandbox, options, &["flow.rate > 0.1/s"]).assert_code(0);
    let summary = summary(&sandbox);
    // Two flows, the last from 0.5 s to 2 s.
    let rate = number(&summary, "/completed_per_second");
    assert!(rate > 0.5 && rate <= 1.0, "{rate}");
    let started = number(&summary, "/started_per_second");
    assert!(started > 1.0 && started < 2.1, "{started}");
}

#[test]
fn a_burst_does_not_start_thousands_of_flows_a_second() {
    let sandbox = stage("work");
    run(&sandbox, "--flows 4 --parallel 4", &[]).assert_code(0);
    let started = number(&summary(&sandbox), "/started_per_second");
    assert!(started <= 40.0, "{started}");
}

#[test]
fn response_has_the_wait_for_a_pool_and_service_does_not() {
    let sandbox = stage("pool");
    let options = "--rate 20/s --duration 1s --report full";
    let thresholds = ["flow.response.p95 < 500ms", "flow.service.p50 < 500ms"];
    run(&sandbox, options, &thresholds)
        .assert_code(99)
        .assert_out("✗ flow.response.p95 < 500ms")
        .assert_out("✓ flow.service.p50 < 500ms")
        .assert_out("Response, since it was due")
        .assert_out("Service, without waits");
    let summary = summary(&sandbox);
    // Twenty flows in a second, of which the one instance serves ten.
    let waited_us = number(&summary, "/phases/waited/max_us");
    assert!(waited_us > 800_000.0, "{waited_us}");
    assert!(number(&summary, "/flow_response/max_us") >= waited_us);
    assert!(number(&summary, "/flow_duration/max_us") < waited_us);
    // An instance that is logged in skips the log-in, and its flow has waited for it.
    let hand_over_us = number(&summary, "/phases/hand_over/p95_us");
    assert!(hand_over_us < 400_000.0, "{hand_over_us}");
}

#[test]
fn a_stop_of_rehearsal_is_named_in_the_verdict() {
    let text = replaced(
        &scenario("figures/work"),
        "echo done",
        "touch begun; echo done",
    );
    let sandbox = Sandbox::with("s.yaml", &text);
    let line = "run s.yaml --save --rate 10/s --duration 2s --var seconds=0.05";
    let running = Running::start(&mut sandbox.command(line));
    sandbox.wait_for("begun");
    let stopped_at = Instant::now();
    running.signal(Signal::STOP);
    // The length of the stop itself, in which there is nothing to wait for.
    std::thread::sleep(Duration::from_secs(1));
    running.signal(Signal::CONT);
    let stopped_us = stopped_at.elapsed().as_secs_f64() * 1e6;
    let (code, text) = running.end();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Note: rehearsal was stopped for "), "{text}");
    let summary = summary(&sandbox);
    let longest_us = number(&summary, "/generator/longest_stall/length_us");
    assert!(
        (800_000.0..stopped_us + 1_000_000.0).contains(&longest_us),
        "{longest_us} of {stopped_us}"
    );
    let reasons = summary["verdict"]["reasons"].to_string();
    assert!(reasons.contains("Rehearsal was stopped for "), "{reasons}");
    assert!(!reasons.contains("flows were started"), "{reasons}");
}

#[test]
fn a_rate_beyond_the_machine_is_dropped_in_a_line_a_second() {
    let sandbox = stage("work");
    let options = "--rate 1000000/s --duration 1s --max-in-flight 2 --allow-failures 100%";
    run(&sandbox, options, &[]).assert_code(0);
    let summary = summary(&sandbox);
    let due = number(&summary, "/flows/dropped") + number(&summary, "/flows/completed");
    assert!((due - 1e6).abs() < 1.0, "{due}");
    assert!(number(&summary, "/rehearsal_peak_rss_bytes") < 100e6);
    let log = sandbox.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("dropped, as too many"));
    assert!((1..=5).contains(&lines.count()), "{log}");
}

#[test]
fn an_absurd_rate_is_refused_with_what_the_machine_could_start() {
    let text = scenario("figures/work") + "load: {rate: 3000000/s, duration: 2s}\n";
    let sandbox = Sandbox::with("s.yaml", &text);
    sandbox
        .rehearsal("check s.yaml")
        .assert_code(2)
        .assert_err("the rate `3000000/s` is too high for any machine")
        .assert_err("this machine could start about ");
    run(&stage("work"), "--rate 3000000/s --duration 1s", &[])
        .assert_code(2)
        .assert_err("3000000 flows per second are too many for any machine")
        .assert_err("this machine could start about ");
}

#[test]
fn a_stage_of_no_length_is_a_jump() {
    for (option, keys) in [
        ("--stages 0s:3,1s:3 --flows 3", ""),
        (
            "",
            "load: {stages: [{for: 0s, parallel: 3}, {for: 1s, parallel: 3}], flows: 3}\n",
        ),
    ] {
        let text = scenario("figures/work") + keys;
        let sandbox = Sandbox::with("s.yaml", &text);
        run(&sandbox, &format!("{option} --var seconds=0.5"), &[]).assert_code(0);
        let summary = summary(&sandbox);
        // All three at once, and not one after the other while the ramp rises.
        let rate = number(&summary, "/completed_per_second");
        assert!(rate > 3.0, "{option}: {rate}");
    }
}

#[test]
fn the_headline_names_inconsistent_data() {
    let text = scenario("figures/work");
    let text = replaced(&text, "- see: done", "- see: '/(?<word>done)/'");
    let text = text + "integrity: {unique: [word]}\nthresholds: [flow.failed == 0]\n";
    let sandbox = Sandbox::with("s.yaml", &text);
    let finished = run(&sandbox, "--flows 3", &[]);
    finished
        .assert_code(98)
        .assert_out("✓ 3 of 3 flows completed  ✗ data inconsistent: 2 findings  ✓ 1 threshold met");
    let place = |text: &str| finished.out.find(text).expect(text);
    assert!(place("DATA INCONSISTENT") < place("✗ data inconsistent"));
}

#[test]
fn a_run_of_half_a_second_is_judged() {
    let sandbox = stage("work");
    run(&sandbox, "--var seconds=0.5", &[]).assert_code(0);
    let summary = summary(&sandbox);
    assert!(summary["generator"]["machine_saturated_ratio"].is_number());
    assert!(summary["generator"]["machine_others_ratio"].is_number());
    assert_eq!(
        summary["verdict"]["not_judged"].as_array().map(Vec::len),
        Some(0)
    );
}

/// Removes what results of earlier versions do not have.
fn without_new_fields(value: &mut Value) {
    const NEW: [&str; 12] = [
        "flow.retry_delay",
        "retry_delay",
        "retry_delay_us",
        "started_after_us",
        "ended_after_us",
        "not_judged",
        "stalls",
        "stalled_us",
        "longest_stall",
        "machine_own_ratio",
        "machine_programs_ratio",
        "machine_others_ratio",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !NEW.contains(&name.as_str()));
            fields.values_mut().for_each(without_new_fields);
        }
        Value::Array(values) => values.iter_mut().for_each(without_new_fields),
        _ => {}
    }
}

#[test]
fn a_result_of_an_earlier_version_is_shown_and_merged() {
    let sandbox = stage("work");
    for _ in 0..2 {
        run(&sandbox, "--flows 2", &[]).assert_code(0);
    }
    let runs = sandbox.runs();
    for directory in &runs {
        let mut old = result(directory);
        without_new_fields(&mut old);
        std::fs::write(directory.join("result.json"), old.to_string()).expect("it is ours");
    }
    let [one, other] = [&runs[0], &runs[1]].map(|run| run.to_str().expect("UTF-8"));
    sandbox
        .rehearsal(&format!("report {one}"))
        .assert_code(0)
        .assert_out("✓ 2 of 2 flows completed");
    sandbox
        .rehearsal(&format!("merge {one} {other} --into merged"))
        .assert_code(0)
        .assert_out("✓ 4 of 4 flows completed");
}
