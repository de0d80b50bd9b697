//! The search for the capacity: its answer, its files, its end. Belongs to `stats`, `report` and
//! `cli`.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::running::{Finished, Running};
use crate::support::sandbox::Sandbox;

/// Eight instances of the customer portal, each of which answers twice for a flow.
const PROFILES: &str = "name: profiles
secrets: [password]
variables: {password: customer123}
defaults: {terminal: pty}
roles:
  customer:
    run: [rehearsal, shop, customer-portal]
    lifetime: {pool: 8}
    menu: {prompt: '/Select operation \\(0-\\d\\):/'}
    actions:
      log_in:
        - {prompt: 'Customer ID:', send: CUST001}
        - {prompt: 'Password:', secret: '${password}'}
        - see: Welcome
      look:
        - choose: My Profile
        - {prompt: Press Enter to continue..., press: enter}
        - prompt: '/Select operation \\(0-\\d\\):/'
      return: [{prompt: '/Select operation \\(0-\\d\\):/'}]
      leave: [{choose: Logout}, {see: Goodbye!}]
flow:
  - {step: 1_log_in, role: customer, do: log_in}
  - {step: 2_look, role: customer, do: look}
";

/// A program that answers at once.
const QUICK: &str = "name: quick
roles:
  user:
    run: [/bin/sh, -c, 'echo hello']
    terminal: pipes
    actions:
      go: [{see: hello}, {exits: 0}]
flow:
  - {step: go, role: user, do: go}
";

/// One that takes so long that other work on the machine does not make its figures invalid.
fn unhurried() -> String {
    QUICK.replace("echo hello", "sleep 0.3; echo hello")
}

fn search(sandbox: &Sandbox, line: &str) -> Finished {
    sandbox.rehearsal(&format!("capacity {line}"))
}

fn trials(answer: &Value) -> &Vec<Value> {
    answer["trials"].as_array().expect("trials")
}

/// The capacity of a queue with eight servers is eight over the service time.
#[test]
fn the_answer_is_that_of_queueing_arithmetic() {
    let sandbox = Sandbox::new();
    sandbox.write("profiles.yaml", PROFILES);
    let line = "capacity profiles.yaml --threshold=flow.p95<800ms --rate 8/s --up-to 40/s \
                --trial 5s --longest-trial 5s --warm-up 1s --precision 8% --repeats 1 --json \
                --html capacity.html --csv capacity.csv";
    let mut command = sandbox.command(line);
    let found = Finished::of(command.env("REHEARSAL_SHOP_FAULT", "slow=200"));
    let answer = found.assert_code(0).json();
    let trials = trials(&answer);
    // A response at the lightest load has no waits: it is the service time, of 400 ms and the
    // program's own.
    let service_us = trials[0]["figures"]["response_mean_us"]
        .as_f64()
        .expect("a time");
    assert!(service_us >= 400_000.0, "{answer:#}");
    let expected = 8.0 / (service_us / 1e6);
    let load = answer["capacity"]["load"].as_f64().expect("a load");
    assert!(
        (0.9..=1.1).contains(&(load / expected)),
        "{load} of {expected}: {answer:#}"
    );
    assert_eq!(answer["capacity"]["limit"], "thresholds");
    assert_eq!(answer["bottleneck"]["kind"], "waiting", "{answer:#}");
    let rows = sandbox.read("capacity.csv");
    assert_eq!(rows.lines().count(), 1 + trials.len());
    assert!(rows.starts_with("load,outcome,completed,"), "{rows}");
    let page = sandbox.read("capacity.html");
    assert!(page.contains("chart-throughput") && !page.contains("src="));
}

#[test]
fn an_interrupted_search_goes_on_with_its_trials() {
    let sandbox = Sandbox::new();
    sandbox.write("quick.yaml", &unhurried());
    let line = "capacity quick.yaml --threshold=flow.failed==0 --parallel --up-to 2 --repeats 1 \
                --trial 1s --warm-up 0s";
    let running = Running::start(&mut sandbox.command(line));
    running.hear("Trial 1, 1 in parallel: ");
    running.signal(Signal::INT);
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert!(
        heard.contains("INTERRUPTED  at least 1 in parallel, quick"),
        "{heard}"
    );
    let place = heard.lines().find_map(|line| line.strip_prefix("Trials: "));
    let place = place.expect("the directory of the trials");
    let resumed = search(
        &sandbox,
        &format!(
            "quick.yaml --threshold=flow.failed==0 --parallel --up-to 2 --repeats 1 --trial 1s \
                  --warm-up 0s --json --resume {place}"
        ),
    );
    let answer = resumed.assert_code(0).json();
    let loads: Vec<_> = trials(&answer)
        .iter()
        .map(|it| it["load"].as_f64())
        .collect();
    assert_eq!(loads, [Some(1.0), Some(2.0)]);
    assert_eq!(answer["capacity"]["limit"], "highest");
    let saved: Value =
        serde_json::from_str(&sandbox.read(format!("{place}/capacity.json"))).expect("the record");
    assert_eq!(trials(&saved), trials(&answer));
    let other = format!("quick.yaml --threshold=flow.p95<1s --parallel --resume {place}");
    search(&sandbox, &other)
        .assert_code(2)
        .assert_err("it has other thresholds");
}

/// Four flows a second of a second each are four in flight: with three, some are dropped.
#[test]
fn the_limit_of_flows_in_flight_is_none_of_the_programs() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "slow.yaml",
        &QUICK.replace("echo hello", "sleep 1; echo hello"),
    );
    let line = "slow.yaml --threshold=flow.failed==0 --rate 1/s --up-to 4/s --max-in-flight 3 \
                --precision 100% --repeats 1 --trial 2s --warm-up 1s --at-least 4/s";
    let found = search(&sandbox, line);
    found
        .assert_code(99)
        .assert_out("CAPACITY  at least 2/s, quick")
        .assert_out("raise --max-in-flight")
        .assert_out("Not known to be as high as --at-least: 4/s.");
    // Without a terminal the progress within trials is lines.
    found.assert_err(", at most 3 in flight\n");
    found.assert_err(" in flight; now in 1 go\n");
    // Once the limit is raised, what it prevented is tried again.
    let place = found.out.lines();
    let place = place
        .filter_map(|line| line.strip_prefix("Trials: "))
        .next();
    let line = line.replace("--max-in-flight 3", "--max-in-flight 50");
    let place = place.expect("the directory of the trials");
    search(&sandbox, &format!("{line} --resume {place}"))
        .assert_code(0)
        .assert_out("Not kept: 2 earlier trials, unusable or")
        .assert_out("CAPACITY  at least 4/s, quick");
}

/// One instance answers every 400 ms. Its queue grows at 4/s, which a threshold of 20 s does not
/// show within a trial.
#[test]
fn a_load_whose_queue_grows_does_not_hold() {
    let sandbox = Sandbox::new();
    sandbox.write("profiles.yaml", &PROFILES.replace("pool: 8", "pool: 1"));
    let line = "capacity profiles.yaml --threshold=flow.p95<20s --rate 1/s --up-to 4/s --trial 8s \
                --longest-trial 8s --warm-up 0s --precision 100% --repeats 1 --json";
    let mut command = sandbox.command(line);
    let found = Finished::of(command.env("REHEARSAL_SHOP_FAULT", "slow=200"));
    let answer = found.assert_code(0).json();
    assert_eq!(answer["capacity"]["load"], 2.0, "{answer:#}");
    assert_eq!(answer["capacity"]["limit"], "thresholds");
    let reason = &trials(&answer)[2]["reasons"][0];
    assert!(
        reason
            .as_str()
            .is_some_and(|it| it.starts_with("flows piled up")),
        "{answer:#}"
    );
    assert_eq!(answer["few_samples"]["needed"], 200, "{answer:#}");
}

#[test]
fn a_search_without_a_trial_has_no_answer() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "slow.yaml",
        &QUICK.replace("echo hello", "echo $$ > started; sleep 60"),
    );
    let line = "capacity slow.yaml --threshold=flow.failed==0 --parallel --trial 60s";
    let running = Running::start(&mut sandbox.command(line));
    sandbox.wait_for("started");
    running.signal(Signal::TERM);
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert!(heard.contains("INTERRUPTED  unknown, quick"), "{heard}");
    assert!(heard.contains("No trial was completed.\n"), "{heard}");
    assert!(!heard.contains("Completed"), "{heard}");
}

#[test]
fn thresholds_that_never_hold_are_no_capacity() {
    let sandbox = Sandbox::new();
    sandbox.write("quick.yaml", &QUICK.replace("see: hello", "see: goodbye"));
    let line =
        "quick.yaml --threshold=flow.failed==0 --parallel --repeats 1 --trial 1s --warm-up 0s";
    let found = search(&sandbox, line);
    found
        .assert_code(99)
        .assert_out("CAPACITY  none, quick")
        .assert_out("What gave out first: flows failed, most of them at go: ended_early");
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("quick.yaml", QUICK);
    let refused = |line: &str, text: &str| {
        search(&sandbox, line).assert_code(2).assert_err(text);
        assert!(!sandbox.has("rehearsal-results"), "nothing was started");
    };
    refused("quick.yaml", "there is no threshold");
    refused("quick.yaml --threshold=flow.p95", "--threshold 'flow.p95'");
    refused(
        "quick.yaml --threshold=flow.p95<1s --html /no/such/place.html",
        "/no/such is not a directory",
    );
    refused(
        "quick.yaml --threshold=flow.p95<1s --resume nowhere",
        "nowhere",
    );
    refused(
        "quick.yaml --threshold=flow.p95<1s --precision 5",
        "0.5% to 100%",
    );
}

#[test]
fn a_capacity_that_is_too_low_has_an_exit_code() {
    let sandbox = Sandbox::new();
    sandbox.write("quick.yaml", &unhurried());
    let line = "quick.yaml --threshold=flow.failed==0 --parallel --up-to 1 --repeats 1 --trial 1s \
                --warm-up 0s --at-least";
    let wide = line.replace("--up-to 1 ", "");
    search(&sandbox, &format!("{line} 1")).assert_code(0);
    search(&sandbox, &format!("{line} 2"))
        .assert_code(2)
        .assert_err("--at-least 2 is never reached");
    let never = wide.replace("flow.failed==0", "flow.p50<1us");
    search(&sandbox, &format!("{never} 2"))
        .assert_code(99)
        .assert_out("Lower than --at-least: 2 in parallel.")
        .assert_out("Nothing gave out: at the lowest load already");
}
