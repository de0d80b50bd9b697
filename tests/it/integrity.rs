//! Integrity of the values of a run taken together, though every single flow completes, and audits.
//! With the program itself and with real programs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::support::fixture::{replaced, scenario};
use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, result};

/// The scenario in which values are wrong, with `from` replaced.
fn post(from: &str, to: &str) -> String {
    replaced(&scenario("integrity/post"), from, to)
}

/// A sandbox with the scenario `post.yaml` and these rules.
fn stage(integrity: &str) -> Sandbox {
    checking(&scenario("integrity/post"), integrity)
}

/// The same with another scenario.
fn checking(scenario: &str, integrity: &str) -> Sandbox {
    Sandbox::with("post.yaml", &format!("{scenario}integrity: {integrity}\n"))
}

/// `rehearsal run post.yaml --json`, with these arguments.
fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    Outcome::of(sandbox.rehearsal(&format!("run post.yaml --json {arguments}")))
}

/// Starts the same, and waits for the file `begun`, which a program of the run makes.
fn start(sandbox: &Sandbox, arguments: &str) -> Child {
    let mut command = sandbox.command(&format!("run post.yaml --json {arguments}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    sandbox.wait_for("begun");
    child
}

struct Outcome {
    finished: Finished,
    result: Value,
}

impl Outcome {
    fn of(finished: Finished) -> Self {
        let result = finished.json();
        Outcome { finished, result }
    }

    fn code(&self) -> Option<i32> {
        self.finished.code
    }

    fn count(&self, pointer: &str) -> u64 {
        let found = self.result.pointer(pointer).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("no {pointer} in {}", self.result["summary"]))
    }

    fn integrity(&self) -> &Value {
        &self.result["summary"]["integrity"]
    }

    fn audit(&self) -> &Value {
        &self.integrity()["audits"][0]
    }
}

/// The scenario of the shop without the audit at the end of each flow.
fn shop() -> String {
    let scenario = include_str!("../../config/order-flow.yaml");
    let look = "        - run: [rehearsal, shop, audit, \"${order_id}\"]\n          \
                see: '/^0 inconsistencies$/'\n";
    replaced(scenario, look, "")
}

/// Each fault is one that no flow notices.
#[test]
fn faults_of_the_shop_are_found_though_every_flow_is_completed() {
    let cases = [
        (
            "colliding-ids",
            "--flows 12 --parallel 12",
            "this id was given to another order, too",
        ),
        (
            "lost-allocation",
            "--flows 2 --parallel 2",
            "has 0 stock allocations instead of 2",
        ),
        (
            "stale-listing@delivery-personnel",
            "--flows 2 --parallel 2",
            "it is delivered and has 1 payment instead of 0",
        ),
    ];
    for (fault, load, said) in cases {
        let sandbox = Sandbox::with("post.yaml", &shop());
        let line = format!("run post.yaml --json {load}");
        let outcome = Outcome::of(sandbox.rehearsal_with_fault(fault, &line));
        let summary = &outcome.result["summary"];
        assert_eq!(outcome.code(), Some(98), "{fault}: {summary}");
        assert_eq!(summary["flows"]["failed"], 0, "{fault}: {summary}");
        assert_eq!(summary["flows"]["completed"], summary["flows"]["planned"]);
        assert_eq!(outcome.audit()["outcome"], "failed", "{fault}");
        assert_eq!(outcome.audit()["exit"]["code"], 1, "{fault}");
        assert!(
            outcome.audit()["output"].to_string().contains(said),
            "{summary}"
        );
        // Twelve orders at once take a few seconds at most: some share theirs.
        let duplicates = outcome.count("/summary/integrity/duplicates");
        assert_eq!(duplicates > 0, fault == "colliding-ids", "{summary}");
        assert_eq!(summary["processes"]["left_over"], 0);
    }
}

#[test]
fn consistent_data_is_reported_as_such() {
    let sandbox = Sandbox::with("post.yaml", &shop());
    let finished = sandbox.rehearsal("run post.yaml --flows 3 --report full");
    finished.assert_code(0);
    for line in [
        "✓ order_id (Customer) is unique: 3 values, no duplicates",
        "✓ total (Customer), collected (Delivery Personnel) agree: 3 flows, no disagreement",
        "✓ the audit rehearsal shop audit: passed",
        "│ 0 inconsistencies",
    ] {
        finished.assert_out(line);
    }
}

#[test]
fn duplicates_are_reported_with_their_flows_and_crossed_thresholds() {
    let sandbox = stage("{unique: [order, parcel]}");
    let line = "run post.yaml --flows 6 --report full --json-lines=lines --threshold integrity.duplicates<4 \
                --threshold integrity.violations==0";
    let finished = sandbox.rehearsal(line);
    finished
        .assert_code(98)
        .assert_err("the data is inconsistent; also: a threshold was crossed (99)")
        .assert_out("✗ order (Clerk) is unique: 6 values, 3 duplicates")
        .assert_out("✓ parcel (Clerk) is unique: 6 values, no duplicates")
        .assert_out("✓ integrity.duplicates<4")
        .assert_out("✗ integrity.violations==0");
    let shown = &finished.out;
    let listed = shown
        .lines()
        .find(|line| line.trim_start().starts_with("A2 in flows "));
    let listed = listed.unwrap_or_else(|| panic!("no A2 in {shown}"));
    assert!(
        listed.contains("-000003, ") && listed.ends_with("-000004"),
        "{listed}"
    );

    let lines = sandbox.read("lines");
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let [.., integrity, last] = events.as_slice() else {
        panic!("{lines}");
    };
    assert_eq!(
        (&integrity["event"], &last["event"]),
        (&"integrity".into(), &"run_ended".into())
    );
    assert_eq!(integrity["duplicates"], 3);
    assert_eq!(integrity["unique"][0]["found"][2]["value"], "A3");
}

#[test]
fn flows_of_the_warm_up_are_checked() {
    // The rows of data end the run.
    let data = "data: {people: {file: people.csv, take: unique}}\nroles:";
    let sandbox = checking(&post("roles:", data), "{unique: [order]}");
    sandbox.write("people.csv", "name\na\nb\nc\nd\n");
    let outcome = run(&sandbox, "--duration 2m --warm-up 1m");
    assert_eq!(outcome.count("/summary/flows/not_counted"), 4);
    assert_eq!(outcome.count("/summary/integrity/duplicates"), 2);
    assert_eq!(outcome.code(), Some(98));
}

#[test]
fn disagreements_and_mix_ups_are_reported_with_their_roles() {
    let sandbox = stage("{unique: [parcel], agree: [[total, got]], own: {brought: parcel}}");
    let outcome = run(&sandbox, "--flows 5 --parallel 2");
    assert_eq!(outcome.code(), Some(98));
    let integrity = outcome.integrity();
    assert_eq!(integrity["violations"], 2, "{integrity}");
    let rule = &integrity["agree"][0];
    assert_eq!(
        (&rule["compared"], &rule["disagreements"]),
        (&5.into(), &1.into())
    );
    assert_eq!(rule["found"][0]["values"], serde_json::json!(["5.04", "9"]));
    assert_eq!(rule["values"][1]["roles"][0], "Courier");
    let mix_up = &integrity["own"][0]["found"][0];
    assert_eq!(
        (&mix_up["saw"], &mix_up["own"]),
        (&"B5".into(), &"B3".into())
    );
    let ends = |of: &str, end: &str| mix_up[of].as_str().is_some_and(|id| id.ends_with(end));
    assert!(
        ends("flow", "-000003") && ends("belongs_to", "-000005"),
        "{mix_up}"
    );

    sandbox
        .rehearsal("run post.yaml --flows 5 --report full")
        .assert_out("✗ brought (Courier) is the flow's own parcel: 5 flows, 1 mix-up")
        .assert_out("✗ total (Clerk), got (Courier) agree: 5 flows, 1 disagreement")
        .assert_out("saw B5, that of flow ");
}

#[test]
fn masked_values_are_not_compared() {
    // A part of each parcel's number is a secret of its flow.
    let scenario = post("pin: sesame-77", "pin: 'B${flow.number}'");
    let sandbox = checking(&scenario, "{unique: [parcel]}");
    let outcome = run(&sandbox, "--flows 3");
    assert_eq!(outcome.code(), Some(0), "{}", outcome.integrity());
    assert_eq!(outcome.count("/summary/integrity/not_compared"), 3);
    assert_eq!(outcome.count("/summary/integrity/unique/0/values"), 0);
}

#[test]
fn an_audit_that_fails_or_lacks_a_text_or_hangs_is_a_violation() {
    let cases = [
        ("echo all is well", "expect: '/^all/'", 0, "passed"),
        ("echo all is well; exit 3", "expect: well", 98, "failed"),
        ("kill -KILL $$", "expect: well", 98, "failed"),
        (
            "echo 2 wrong",
            "expect: [wrong, 0 wrong]",
            98,
            "expected_missing",
        ),
        (
            "echo begun; exec sleep 1000",
            "within: 300ms",
            98,
            "timed_out",
        ),
    ];
    for (script, rest, code, outcome) in cases {
        let audit = format!("{{audit: {{run: [/bin/sh, -c, '{script}'], {rest}}}}}");
        let found = run(&stage(&audit), "--flows 1");
        assert_eq!(found.code(), Some(code), "{script}: {}", found.integrity());
        assert_eq!(found.audit()["outcome"], outcome, "{script}");
        assert_eq!(found.count("/summary/flows/completed"), 1);
        assert_eq!(
            found.count("/summary/integrity/violations"),
            u64::from(code > 0)
        );
        if outcome == "timed_out" {
            assert_eq!(found.audit()["output"][0], "begun", "its output is kept");
        }
    }
    let missing = stage("{audit: {run: [/bin/sh, -c, 'echo 2 wrong'], expect: 0 wrong}}");
    missing
        .rehearsal("run post.yaml --report full")
        .assert_out("did not print `0 wrong` as expected")
        .assert_out("│ 2 wrong");
}

/// Its program goes while the flows are in flight.
#[test]
fn an_audit_that_cannot_be_started_is_a_violation() {
    let scenario = post("echo order", "rm -f audit.sh; echo order");
    let sandbox = checking(&scenario, "{audit: {run: [./audit.sh]}}");
    sandbox.write_program("audit.sh", "#!/bin/sh\n");
    let outcome = run(&sandbox, "");
    assert_eq!(outcome.code(), Some(98), "{}", outcome.integrity());
    assert_eq!(outcome.audit()["outcome"], "not_started");
    assert_eq!(outcome.count("/summary/flows/completed"), 1);
}

#[test]
fn an_audit_runs_after_all_flows_completed_or_failed() {
    let scenario = post("echo brought B$0", "echo lost; touch failed");
    let sandbox = checking(&scenario, "{audit: {run: [/bin/sh, -c, 'test -e failed']}}");
    let outcome = run(&sandbox, "--flows 2");
    assert_eq!(outcome.count("/summary/flows/failed"), 2);
    assert_eq!(outcome.audit()["outcome"], "passed");
    assert_eq!(outcome.code(), Some(1), "the data is consistent");
}

#[test]
fn an_audit_has_its_environment_and_its_output_is_safe_to_show() {
    let sandbox = stage(
        r#"
  audit:
    run: [/bin/sh, -c, 'pwd; echo "$WHERE in $REHEARSAL_RUN_DIR";
      printf "\033[31msesame-$(( 70 + 7 ))\033[0m \007\n" >&2', '${run.id}']
    environment: {WHERE: 'audit of ${run.id}'}
    directory: inner
    expect: audit of"#,
    );
    fs::create_dir(sandbox.home().join("inner")).expect("a directory");
    let outcome = run(&sandbox, "--save");
    let audit = outcome.audit();
    assert_eq!(outcome.code(), Some(0), "{audit}");
    let id = outcome.result["run"]["id"].as_str().expect("an id");
    let lines: Vec<_> = audit["output"].as_array().expect("lines").iter().collect();
    assert!(
        lines[0]
            .as_str()
            .is_some_and(|line| line.ends_with("/inner")),
        "{audit}"
    );
    let where_from = format!("audit of {id} in /");
    assert!(
        lines[1]
            .as_str()
            .is_some_and(|line| line.starts_with(&where_from)),
        "{audit}"
    );
    assert!(
        lines[2]
            .as_str()
            .is_some_and(|line| line.starts_with("***")),
        "{audit}"
    );
    assert!(!outcome.result.to_string().contains("sesame-77"));
    let log = sandbox.log();
    assert!(log.contains("audit passed after"), "{log}");
    assert!(
        !log.contains("sesame-77") && !log.contains('\u{7}'),
        "{log}"
    );
}

/// The process that wrote its id into the file.
fn writer_of(file: &Path) -> Pid {
    let id = fs::read_to_string(file).expect("a file");
    Pid::from_raw(id.trim().parse().expect("a number")).expect("an id")
}

/// Stopped at once, in a flow and in the audit itself.
#[test]
fn an_immediate_stop_skips_the_audit_and_reports_it() {
    let hangs = "echo $$ > id; mv id begun; exec sleep 1000";
    let audit = |script: &str| format!("{{audit: {{run: [/bin/sh, -c, '{script}']}}}}");
    let hanging_flow = post("echo order", &format!("{hangs}; echo order"));
    let in_flow = checking(&hanging_flow, &audit("touch audited"));
    let in_audit = stage(&audit(hangs));
    for (sandbox, why) in [
        (in_flow, "the run was stopped at once"),
        (in_audit, "it was ended, as the run was stopped"),
    ] {
        let child = start(&sandbox, "");
        let program = Pid::from_child(&child);
        kill_process(program, Signal::TERM).expect("it is there");
        let outcome = Outcome::of(child.wait_with_output().expect("it ends").into());
        assert_eq!(outcome.code(), Some(130), "{}", outcome.integrity());
        assert_eq!(outcome.audit()["outcome"], "not_run");
        assert_eq!(outcome.audit()["reason"], why);
        assert_eq!(outcome.count("/summary/integrity/violations"), 0);
        assert!(!sandbox.has("audited"));
        let left = writer_of(&sandbox.home().join("begun"));
        assert!(test_kill_process(left).is_err(), "{left:?} is left");
    }
}

/// The second attempt gets another order; the first one's is taken all the same.
#[test]
fn captures_of_a_failed_attempt_are_checked() {
    let outcome = run(
        &Sandbox::with("post.yaml", &scenario("integrity/retried")),
        "--flows 2",
    );
    assert_eq!(
        outcome.count("/summary/flows/completed"),
        2,
        "{}",
        outcome.result
    );
    let retry = &outcome.result["flows"][0]["retries"][0];
    assert_eq!(retry["forgotten"]["order"], "A2", "{retry}");
    assert_eq!(outcome.count("/summary/integrity/unique/0/values"), 3);
    // The second flow saw the capture of the first one's first attempt.
    let mix_up = &outcome.integrity()["own"][0]["found"][1];
    assert_eq!(mix_up["saw"], "A2");
    assert!(
        mix_up["belongs_to"]
            .as_str()
            .is_some_and(|id| id.ends_with("-000001")),
        "{mix_up}"
    );
}

/// Ctrl-C once: flows in flight may finish, and the audit runs.
#[test]
fn a_run_that_is_stopped_gently_is_audited() {
    let waits = post("echo order", "touch begun; read go < gate; echo order");
    let audit = "{audit: {run: [/bin/sh, -c, 'echo all is well'], expect: well}}";
    let sandbox = checking(&waits, audit);
    let gate = sandbox.make_gate("gate");
    let mut child = start(&sandbox, "--flows 2");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let heard = said.find(|line| line.as_ref().is_ok_and(|it| it.starts_with("Stopping: ")));
    assert!(heard.is_some(), "it never stopped");
    fs::write(&gate, "go\n").expect("the flow reads it");
    // The rest is read, so that no write blocks.
    said.for_each(drop);
    let outcome = Outcome::of(child.wait_with_output().expect("it ends").into());
    assert_eq!(outcome.code(), Some(130), "{}", outcome.integrity());
    assert_eq!(outcome.count("/summary/flows/completed"), 1);
    assert_eq!(outcome.audit()["outcome"], "passed");
}

#[test]
fn merged_runs_are_checked_together() {
    let sandbox = stage("{unique: [parcel], audit: {run: [/bin/sh, -c, 'echo $0', '${run.id}']}}");
    for flows in ["2", "3"] {
        let outcome = run(&sandbox, &format!("--save=runs --flows {flows}"));
        assert_eq!(outcome.code(), Some(0), "{}", outcome.integrity());
    }
    let mut runs = sandbox.runs_in("runs");
    // Names of one second are in no order.
    runs.sort_by_key(|run| result(run)["summary"]["flows"]["completed"].as_u64());
    let [one, two] = runs.as_slice() else {
        panic!("{runs:?}");
    };
    let merge = |directories: &[&Path], into: &str| {
        let mut command = sandbox.command("merge");
        let finished = Finished::of(command.args(directories).args(["--into", into]));
        finished.assert_code(0);
        let mut result = result(&sandbox.home().join(into));
        (finished.out, result["summary"]["integrity"].take())
    };
    let (shown, integrity) = merge(&[one, two], "both");
    // Each has the parcels B1 and B2.
    assert_eq!(
        (&integrity["duplicates"], &integrity["violations"]),
        (&2.into(), &2.into())
    );
    assert_eq!(integrity["unique"][0]["across_runs"], 2);
    assert_eq!(integrity["unique"][0]["values"], 5);
    assert_eq!(integrity["audits"].as_array().map(Vec::len), Some(2));
    assert!(
        shown.contains("2 duplicates, 2 of them across runs"),
        "{shown}"
    );
    assert_eq!(sandbox.rehearsal("report both").out, shown);

    // A merged run has no flows: its findings are added, and that is reported.
    fs::rename(one, one.with_file_name("moved")).expect("a directory");
    let outcome = run(&sandbox, "--save=more --flows 1");
    let more = sandbox
        .home()
        .join("more")
        .join(outcome.result["run"]["id"].as_str().expect("an id"));
    let (shown, integrity) = merge(&[&sandbox.home().join("both"), &more], "all");
    assert_eq!(
        (&integrity["duplicates"], &integrity["unique"][0]["values"]),
        (&2.into(), &6.into())
    );
    assert!(
        shown.contains("Note: the flows of both are not there"),
        "{shown}"
    );

    // A run whose result is missing is counted again.
    fs::remove_file(two.join("result.json")).expect("it is there");
    sandbox
        .rehearsal(&format!("report --report full {}", two.display()))
        .assert_out("✓ parcel (Clerk) is unique: 3 values, no duplicates")
        .assert_out("was not run: its result could not be saved or read");
}

#[test]
fn thresholds_on_integrity_need_rules() {
    Sandbox::with("post.yaml", &scenario("integrity/post"))
        .rehearsal("run post.yaml --threshold integrity.duplicates==0")
        .assert_code(2)
        .assert_err("has no integrity checks");
}
