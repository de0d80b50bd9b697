//! The books of a run: what is wrong with its values taken together, though every single flow
//! looks successful, and what an audit says. By the program itself, with real programs.

use crate::support::home;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use home::Home;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

/// Flows 1 and 2 get the same order, and so do 3 and 4, and so on; the courier of flow 3 delivers
/// the order of flow 5; the cashier of flow 4 collects something else than was told.
const POST: &str = "\
name: post
variables: {pin: sesame-77}
secrets: [pin]
roles:
  clerk:
    title: Clerk
    run: [/bin/sh, -c, 'echo order A$(( ($0 + 1) / 2 )) of B$0, total 5.0$0', '${flow.number}']
    actions: {take: [{see: '/order (?<order>A\\d+) of (?<parcel>B\\d+), total (?<total>\\S+)/'}, {exits: 0}]}
  courier:
    title: Courier
    run: [/bin/sh, -c, 'test $0 = 3 && echo brought B5 || echo brought B$0; test $0 = 4 && echo got 9 || echo got 5.0\"$0\"0', '${flow.number}']
    actions: {bring: [{see: '/brought (?<brought>B\\d+)/'}, {see: '/got (?<got>\\S+)/'}, {exits: 0}]}
flow:
  - {step: 1_take, role: clerk, do: take}
  - {step: 2_bring, role: courier, do: bring}
";

/// A folder with a scenario, in which the program is run.
struct Stage {
    folder: Home,
}

struct Outcome {
    output: Output,
    result: Value,
}

impl Deref for Stage {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.folder
    }
}

impl Stage {
    fn new(integrity: &str) -> Self {
        Stage::with(&format!("{POST}integrity: {integrity}\n"))
    }

    fn with(scenario: &str) -> Self {
        let folder = Home::new();
        fs::write(folder.path().join("post.yaml"), scenario).expect("a file");
        Stage { folder }
    }

    /// `rehearsal run post.yaml --json`, with these arguments.
    fn run(&self, arguments: &str) -> Outcome {
        Outcome::of(self.rehearsal(&format!("run post.yaml --json {arguments}")))
    }

    fn has(&self, file: &str) -> bool {
        self.folder.path().join(file).exists()
    }
}

impl Outcome {
    fn of(output: Output) -> Self {
        let result = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        Outcome { output, result }
    }

    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn count(&self, pointer: &str) -> u64 {
        let found = self.result.pointer(pointer).and_then(Value::as_u64);
        found.unwrap_or_else(|| panic!("no {pointer} in {}", self.result["summary"]))
    }

    fn books(&self) -> &Value {
        &self.result["summary"]["integrity"]
    }

    fn audit(&self) -> &Value {
        &self.books()["audits"][0]
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The scenario of the shop without the look into the books at the end of each flow.
fn shop() -> String {
    let scenario = include_str!("../../config/order-flow.yaml");
    let look = "        - run: [rehearsal, shop, audit, \"${order_id}\"]\n          \
                see: '/^0 inconsistencies$/'\n";
    assert!(scenario.contains(look), "the built-in scenario has changed");
    scenario.replace(look, "")
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
        let stage = Stage::with(&shop());
        let mut command = stage.command(&format!("run post.yaml --json {load}"));
        command.env("REHEARSAL_SHOP_FAULT", fault);
        let outcome = Outcome::of(command.output().expect("it starts"));
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
fn books_that_are_right_are_told_to_be() {
    let stage = Stage::with(&shop());
    let output = stage.rehearsal("run post.yaml --flows 3");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for line in [
        "✓ order_id (Customer) is unique: 3 values, no duplicates",
        "✓ total (Customer), collected (Delivery Personnel) agree: 3 flows, no disagreement",
        "✓ the audit rehearsal shop audit: passed",
        "│ 0 inconsistencies",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn duplicates_are_told_with_their_flows_and_crossed_thresholds_beside_them() {
    let stage = Stage::new("{unique: [order, parcel]}");
    let line = "run post.yaml --flows 6 --json-lines=lines --threshold integrity.duplicates<4 \
                --threshold integrity.violations==0";
    let output = stage.rehearsal(line);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(98), "{said}");
    assert!(
        said.contains("the data is inconsistent; also: a threshold was crossed (99)"),
        "{said}"
    );
    assert!(
        shown.contains("✗ order (Clerk) is unique: 6 values, 3 duplicates"),
        "{shown}"
    );
    assert!(
        shown.contains("✓ parcel (Clerk) is unique: 6 values, no duplicates"),
        "{shown}"
    );
    let listed = shown
        .lines()
        .find(|line| line.trim_start().starts_with("A2 in flows "));
    let listed = listed.unwrap_or_else(|| panic!("no A2 in {shown}"));
    assert!(
        listed.contains("-000003, ") && listed.ends_with("-000004"),
        "{listed}"
    );
    assert!(shown.contains("✓ integrity.duplicates<4"), "{shown}");
    assert!(shown.contains("✗ integrity.violations==0"), "{shown}");

    let lines = fs::read_to_string(stage.folder.path().join("lines")).expect("lines");
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let [.., books, last] = events.as_slice() else {
        panic!("{lines}");
    };
    assert_eq!(
        (&books["event"], &last["event"]),
        (&"integrity".into(), &"run_ended".into())
    );
    assert_eq!(books["duplicates"], 3);
    assert_eq!(books["unique"][0]["found"][2]["value"], "A3");
}

/// Data is data: what is performed to warm up is in the books, too.
#[test]
fn flows_of_the_warm_up_are_in_the_books() {
    // The rows of data end the run.
    let data = "data: {people: {file: people.csv, take: unique}}";
    let stage = Stage::with(&format!("{POST}integrity: {{unique: [order]}}\n{data}\n"));
    let table = stage.folder.path().join("people.csv");
    fs::write(&table, "name\na\nb\nc\nd\n").expect("a file");
    let outcome = stage.run("--duration 2m --warm-up 1m");
    assert_eq!(outcome.count("/summary/flows/not_counted"), 4);
    assert_eq!(outcome.count("/summary/integrity/duplicates"), 2);
    assert_eq!(outcome.code(), Some(98));
}

#[test]
fn values_that_disagree_and_ids_that_are_anothers_are_told_with_their_roles() {
    let stage = Stage::new("{unique: [parcel], agree: [[total, got]], own: {brought: parcel}}");
    let outcome = stage.run("--flows 5 --parallel 2");
    assert_eq!(outcome.code(), Some(98));
    let books = outcome.books();
    assert_eq!(books["violations"], 2, "{books}");
    let rule = &books["agree"][0];
    assert_eq!(
        (&rule["compared"], &rule["disagreements"]),
        (&5.into(), &1.into())
    );
    assert_eq!(rule["found"][0]["values"], serde_json::json!(["5.04", "9"]));
    assert_eq!(rule["values"][1]["roles"][0], "Courier");
    let mix_up = &books["own"][0]["found"][0];
    assert_eq!(
        (&mix_up["saw"], &mix_up["own"]),
        (&"B5".into(), &"B3".into())
    );
    let ends = |of: &str, end: &str| mix_up[of].as_str().is_some_and(|id| id.ends_with(end));
    assert!(
        ends("flow", "-000003") && ends("belongs_to", "-000005"),
        "{mix_up}"
    );

    let shown = text(&stage.rehearsal("run post.yaml --flows 5").stdout);
    let line = "✗ brought (Courier) is the flow's own parcel: 5 flows, 1 mix-up";
    assert!(shown.contains(line), "{shown}");
    assert!(shown.contains("✗ total (Clerk), got (Courier) agree: 5 flows, 1 disagreement"));
    assert!(shown.contains("saw B5, that of flow "), "{shown}");
}

#[test]
fn what_is_masked_is_not_taken_for_the_same() {
    // A part of each parcel's number is a secret of its flow.
    let scenario = POST.replace("pin: sesame-77", "pin: 'B${flow.number}'");
    let stage = Stage::with(&format!("{scenario}integrity: {{unique: [parcel]}}\n"));
    let outcome = stage.run("--flows 3");
    assert_eq!(outcome.code(), Some(0), "{}", outcome.books());
    assert_eq!(outcome.count("/summary/integrity/not_compared"), 3);
    assert_eq!(outcome.count("/summary/integrity/unique/0/values"), 0);
}

#[test]
fn an_audit_fails_misses_something_or_does_not_end_and_each_is_told() {
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
        let found = Stage::new(&audit).run("--flows 1");
        assert_eq!(found.code(), Some(code), "{script}: {}", found.books());
        assert_eq!(found.audit()["outcome"], outcome, "{script}");
        assert_eq!(found.count("/summary/flows/completed"), 1);
        assert_eq!(
            found.count("/summary/integrity/violations"),
            u64::from(code > 0)
        );
        if outcome == "timed_out" {
            assert_eq!(found.audit()["output"][0], "begun", "what it said is kept");
        }
    }
    let missing = Stage::new("{audit: {run: [/bin/sh, -c, 'echo 2 wrong'], expect: 0 wrong}}");
    let shown = text(&missing.rehearsal("run post.yaml").stdout);
    assert!(
        shown.contains("did not print `0 wrong` as expected"),
        "{shown}"
    );
    assert!(shown.contains("│ 2 wrong"), "{shown}");
}

/// Its program goes while the flows are in flight.
#[test]
fn an_audit_that_cannot_be_started_is_told() {
    let scenario = POST.replace("echo order", "rm -f audit.sh; echo order");
    let stage = Stage::with(&format!(
        "{scenario}integrity: {{audit: {{run: [./audit.sh]}}}}\n"
    ));
    let program = stage.folder.path().join("audit.sh");
    fs::write(&program, "#!/bin/sh\n").expect("a file");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, executable).expect("a mode");
    let outcome = stage.run("");
    assert_eq!(outcome.code(), Some(98), "{}", outcome.books());
    assert_eq!(outcome.audit()["outcome"], "not_started");
    assert_eq!(outcome.count("/summary/flows/completed"), 1);
}

#[test]
fn an_audit_comes_after_all_flows_also_those_that_failed() {
    let scenario = POST.replace("echo brought B$0", "echo lost; touch failed");
    let audit = "{audit: {run: [/bin/sh, -c, 'test -e failed']}}";
    let stage = Stage::with(&format!("{scenario}integrity: {audit}\n"));
    let outcome = stage.run("--flows 2");
    assert_eq!(outcome.count("/summary/flows/failed"), 2);
    assert_eq!(outcome.audit()["outcome"], "passed");
    assert_eq!(outcome.code(), Some(1), "the books are right");
}

#[test]
fn an_audit_has_its_surroundings_and_what_it_prints_is_safe_to_show() {
    let script = r#"pwd; echo "$WHERE in $REHEARSAL_RUN_DIR"; printf "\033[31msesame-$(( 70 + 7 ))\033[0m \007\n" >&2"#;
    let scenario = format!(
        "{POST}integrity:\n  audit:\n    run: [/bin/sh, -c, '{script}', '${{run.id}}']\n    \
         environment: {{WHERE: 'books of ${{run.id}}'}}\n    directory: inner\n    expect: books of\n"
    );
    let stage = Stage::with(&scenario);
    fs::create_dir(stage.folder.path().join("inner")).expect("a folder");
    let outcome = stage.run("--save");
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
    let where_from = format!("books of {id} in /");
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
    let log = fs::read_dir(stage.folder.path().join("kept/orchestrator_logs"));
    for file in log.expect("a log").flatten() {
        let log = fs::read_to_string(file.path()).expect("a log");
        assert!(log.contains("audit passed after"), "{log}");
        assert!(
            !log.contains("sesame-77") && !log.contains('\u{7}'),
            "{log}"
        );
    }
}

/// Waits for a file that a program of the run makes.
fn wait_for(stage: &Stage, file: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !stage.has(file) {
        assert!(Instant::now() < deadline, "{file} never came");
        std::thread::yield_now();
    }
}

/// The process that wrote its id into the file.
fn writer_of(file: &Path) -> Pid {
    let id = fs::read_to_string(file).expect("a file");
    Pid::from_raw(id.trim().parse().expect("a number")).expect("an id")
}

/// Stopped at once, in a flow and in the audit itself.
#[test]
fn an_immediate_stop_leaves_the_audit_out_and_says_so() {
    let hangs = "echo $$ > id; mv id begun; exec sleep 1000";
    let in_flow = POST.replace("echo order", &format!("{hangs}; echo order"));
    let in_flow =
        format!("{in_flow}integrity: {{audit: {{run: [/bin/sh, -c, 'touch audited']}}}}\n");
    let in_audit = format!("{POST}integrity: {{audit: {{run: [/bin/sh, -c, '{hangs}']}}}}\n");
    for (scenario, why) in [
        (in_flow, "the run was stopped at once"),
        (in_audit, "it was ended, as the run was stopped"),
    ] {
        let stage = Stage::with(&scenario);
        let mut command = stage.command("run post.yaml --json");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("it starts");
        wait_for(&stage, "begun");
        let program = Pid::from_child(&child);
        kill_process(program, Signal::TERM).expect("it is there");
        let outcome = Outcome::of(child.wait_with_output().expect("it ends"));
        assert_eq!(outcome.code(), Some(130), "{}", outcome.books());
        assert_eq!(outcome.audit()["outcome"], "not_run");
        assert_eq!(outcome.audit()["reason"], why);
        assert_eq!(outcome.count("/summary/integrity/violations"), 0);
        assert!(!stage.has("audited"));
        let left = writer_of(&stage.folder.path().join("begun"));
        assert!(test_kill_process(left).is_err(), "{left:?} is left");
    }
}

/// The second attempt gets another order; the first one's is somebody's all the same.
#[test]
fn what_a_failed_attempt_was_given_is_in_the_books() {
    let scenario = "\
name: post
retry: {times: 1}
roles:
  clerk:
    run: [/bin/sh, -c, 'test -e again && echo order B$0 || { touch again; echo order A2; echo lost; }', '${flow.number}']
    fail_on: {lost: lost}
    actions: {take: [{see: '/order (?<order>\\w+)/'}, {exits: 0}]}
  other:
    run: [/bin/sh, -c, 'test $0 = 2 && echo also A2 || echo also A1', '${flow.number}']
    actions: {look: [{see: '/also (?<also>\\w+)/'}, {exits: 0}]}
flow:
  - {step: 1_take, role: clerk, do: take}
  - {step: 2_look, role: other, do: look}
integrity: {unique: [order], own: {also: order}}
";
    let outcome = Stage::with(scenario).run("--flows 2");
    assert_eq!(
        outcome.count("/summary/flows/completed"),
        2,
        "{}",
        outcome.result
    );
    let retry = &outcome.result["flows"][0]["retries"][0];
    assert_eq!(retry["forgotten"]["order"], "A2", "{retry}");
    assert_eq!(outcome.count("/summary/integrity/unique/0/values"), 3);
    // What the second flow saw is what the first one's first attempt was given.
    let mix_up = &outcome.books()["own"][0]["found"][1];
    assert_eq!(mix_up["saw"], "A2");
    assert!(
        mix_up["belongs_to"]
            .as_str()
            .is_some_and(|id| id.ends_with("-000001")),
        "{mix_up}"
    );
}

/// Ctrl-C once: what is in flight may finish, and then the books are looked at.
#[test]
fn a_run_that_is_stopped_gently_is_audited() {
    let waits = POST.replace("echo order", "touch begun; read go < gate; echo order");
    let audit = "{audit: {run: [/bin/sh, -c, 'echo all is well'], expect: well}}";
    let stage = Stage::with(&format!("{waits}integrity: {audit}\n"));
    let gate = stage.folder.path().join("gate");
    let made = Command::new("mkfifo").arg(&gate).status();
    assert!(made.expect("mkfifo").success());
    let mut command = stage.command("run post.yaml --json --flows 2");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    wait_for(&stage, "begun");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let heard = said.find(|line| line.as_ref().is_ok_and(|it| it.starts_with("Stopping: ")));
    assert!(heard.is_some(), "it never stopped");
    fs::write(&gate, "go\n").expect("the flow reads it");
    // Nobody may be kept from saying more.
    said.for_each(drop);
    let outcome = Outcome::of(child.wait_with_output().expect("it ends"));
    assert_eq!(outcome.code(), Some(130), "{}", outcome.books());
    assert_eq!(outcome.count("/summary/flows/completed"), 1);
    assert_eq!(outcome.audit()["outcome"], "passed");
}

#[test]
fn merged_runs_share_their_books() {
    let stage =
        Stage::new("{unique: [parcel], audit: {run: [/bin/sh, -c, 'echo $0', '${run.id}']}}");
    for flows in ["2", "3"] {
        let outcome = stage.run(&format!("--save=runs --flows {flows}"));
        assert_eq!(outcome.code(), Some(0), "{}", outcome.books());
    }
    let mut runs: Vec<_> = fs::read_dir(stage.folder.path().join("runs"))
        .expect("runs")
        .map(|entry| entry.expect("a run").path())
        .filter(|path| path.join("result.json").exists())
        .collect();
    runs.sort();
    let [one, two] = runs.as_slice() else {
        panic!("{runs:?}");
    };
    let merge = |folders: &[&Path], into: &str| {
        let mut command = stage.command("merge");
        command.args(folders).args(["--into", into]);
        let output = command.output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let result = fs::read(stage.folder.path().join(into).join("result.json"));
        let result: Value = serde_json::from_slice(&result.expect("a result")).expect("JSON");
        (text(&output.stdout), result["summary"]["integrity"].clone())
    };
    let (shown, books) = merge(&[one, two], "both");
    // Each has the parcels B1 and B2.
    assert_eq!(
        (&books["duplicates"], &books["violations"]),
        (&2.into(), &2.into())
    );
    assert_eq!(books["unique"][0]["across_runs"], 2);
    assert_eq!(books["unique"][0]["values"], 5);
    assert_eq!(books["audits"].as_array().map(Vec::len), Some(2));
    assert!(
        shown.contains("2 duplicates, 2 of them across runs"),
        "{shown}"
    );
    assert_eq!(text(&stage.rehearsal("report both").stdout), shown);

    // What was merged before has no flows: its findings are added, and that is said.
    fs::rename(one, one.with_file_name("moved")).expect("a folder");
    let outcome = stage.run("--save=more --flows 1");
    let more = stage
        .folder
        .path()
        .join("more")
        .join(outcome.result["run"]["id"].as_str().expect("an id"));
    let (shown, books) = merge(&[&stage.folder.path().join("both"), &more], "all");
    assert_eq!(
        (&books["duplicates"], &books["unique"][0]["values"]),
        (&2.into(), &6.into())
    );
    assert!(
        shown.contains("Note: the flows of both are not there"),
        "{shown}"
    );

    // A run that was cut off is counted again.
    fs::remove_file(two.join("result.json")).expect("it is there");
    let report = stage.rehearsal(&format!("report {}", two.display()));
    let shown = text(&report.stdout);
    assert!(
        shown.contains("✓ parcel (Clerk) is unique: 3 values, no duplicates"),
        "{shown}"
    );
    assert!(
        shown.contains("was not run: Rehearsal was killed during the run"),
        "{shown}"
    );
}

#[test]
fn thresholds_on_books_need_some() {
    let stage = Stage::with(POST);
    let output = stage.rehearsal("run post.yaml --threshold integrity.duplicates==0");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("has no integrity checks"), "{said}");
}
