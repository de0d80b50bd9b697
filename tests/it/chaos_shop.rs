//! Fault injection into the whole shop: every flow is accounted for, failures are attributed to the
//! faults, and nothing is left.
//!
//! Single injections are tested in `chaos.rs`.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;
use serde_json::Value;

const CHAOS: &str = "kill 5%, freeze 5% for 50ms..300ms, garbage 5%";

fn count(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

#[test]
fn every_flow_is_accounted_for_and_nothing_is_left() {
    let sandbox = Sandbox::new();
    let line = "run --flows=60 --parallel=12 --seed=3 --timeout=10s --allow-failures=100% --json";
    let run = Finished::of(sandbox.command(line).args(["--chaos", CHAOS]));
    sandbox.assert_empty(Instant::now());
    run.assert_code(0);
    let result = run.json();
    let summary = &result["summary"];
    let flows = result["flows"].as_array().expect("a list");

    assert_eq!(flows.len(), 60);
    let ended = &summary["flows"];
    assert_eq!(count(&ended["completed"]) + count(&ended["failed"]), 60);
    assert_eq!(count(&summary["processes"]["left_over"]), 0);

    let mut injected: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut hit, mut failed, mut not_done) = (0, 0, 0);
    for flow in flows {
        let chosen = flow["injections"].as_array().expect("a list");
        let done = |it: &&Value| it["outcome"] == "injected";
        let (injections, missed): (Vec<_>, Vec<_>) = chosen.iter().partition(done);
        hit += u64::from(!injections.is_empty());
        not_done += missed.len() as u64;
        for injection in injections {
            *injected
                .entry(injection["kind"].as_str().expect("a kind"))
                .or_default() += 1;
        }
        let Some(message) = flow["failure"]["message"].as_str() else {
            continue;
        };
        failed += 1;
        assert!(message.contains("(chaos before that: "), "{message}");
        assert_ne!(flow["failure"]["cause"], "internal", "{flow:#}");
    }
    let chaos = &summary["chaos"];
    let missed = chaos["missed"].as_object().expect("a map").values();
    assert_eq!(missed.map(count).sum::<u64>(), not_done);
    assert_eq!(count(&chaos["flows"]), hit);
    assert_eq!(count(&chaos["failed"]), failed);
    assert_eq!(
        count(&chaos["unaffected"]),
        hit - failed,
        "nothing is retried"
    );
    for kind in ["kill", "freeze", "garbage"] {
        let recorded = injected.get(kind).copied().unwrap_or_default();
        assert_eq!(count(&chaos["struck"][kind]), recorded);
        assert!(recorded > 5, "{kind}: {recorded}");
    }
    let killed = flows
        .iter()
        .flat_map(|flow| flow["processes"].as_array().expect("a list"));
    let killed = killed
        .filter(|process| process["ending"] == "injected")
        .count();
    assert_eq!(u64::try_from(killed).unwrap(), injected["kill"]);
    assert_eq!(result["run"]["chaos"].as_array().map(Vec::len), Some(3));
}

#[test]
fn retried_flows_recover_from_every_kill() {
    let sandbox = Sandbox::new();
    let scenario = include_str!("../../config/order-flow.yaml");
    sandbox.write("again.yaml", &format!("{scenario}\nretry: 20\n"));
    let line = "run again.yaml --flows=24 --parallel=8 --seed=2 --json";
    let run = Finished::of(sandbox.command(line).arg("--chaos=kill 5%"));
    sandbox.assert_empty(Instant::now());
    run.assert_code(0);
    let result = run.json();
    let summary = &result["summary"];
    assert_eq!(count(&summary["flows"]["completed"]), 24);
    let chaos = &summary["chaos"];
    assert!(count(&chaos["recovered"]) > 3, "{chaos:#}");
    assert_eq!(count(&chaos["failed"]), 0);
    assert!(count(&chaos["recovery"]["p95_us"]) > 0, "{chaos:#}");
    let kept = result["histograms"]["chaos.recovery"].is_object();
    assert!(kept, "runs can be merged");
    for flow in result["flows"].as_array().expect("a list") {
        for retry in flow["retries"].as_array().expect("a list") {
            let message = retry["failure"]["message"].as_str().expect("a text");
            assert!(message.contains("(chaos before that: killed"), "{message}");
        }
    }
}

#[test]
fn all_kinds_of_faults_together_leave_nothing() {
    let sandbox = Sandbox::new();
    let chaos = "long_line 5%, close 5%, dribble 10% every 1ms, slow_read 10% of 64 bytes every 2ms, \
                 delay 10% for 1ms..50ms, refuse 5%, freeze 5% for 10ms";
    let line = "run --flows=30 --parallel=10 --seed=5 --timeout=10s --json";
    let run = Finished::of(sandbox.command(line).args(["--chaos", chaos]));
    sandbox.assert_empty(Instant::now());
    run.assert_code(1);
    let result = run.json();
    let flows = result["flows"].as_array().expect("a list");
    assert_eq!(flows.len(), 30);
    let is_harmless = |injection: &Value| {
        let kind = injection["kind"].as_str().expect("a kind");
        ["dribble", "slow_read", "delay", "freeze"].contains(&kind)
    };
    for flow in flows {
        let injections = flow["injections"].as_array().expect("a list");
        if injections.iter().all(is_harmless) {
            assert_eq!(flow["outcome"], "completed", "{flow:#}");
        }
    }
    let summary = &result["summary"];
    assert_eq!(count(&summary["processes"]["left_over"]), 0);
    let kinds = summary["chaos"]["struck"]
        .as_object()
        .map(serde_json::Map::len);
    assert_eq!(kinds, Some(7), "{:#}", summary["chaos"]);
}
