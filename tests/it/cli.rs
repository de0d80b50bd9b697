//! The program from outside: what can be typed, what comes out where, and how it ends.
//! Belongs to `cli`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use predicates::prelude::*;
use tempfile::TempDir;

/// The program in an empty folder of its own.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        Stage {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn plain(&self) -> std::process::Command {
        let mut command = std::process::Command::cargo_bin("rehearsal").unwrap();
        command
            .current_dir(self.path())
            .env_remove("REHEARSAL_RESULTS")
            .env_remove("REHEARSAL_SHOP_DB")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    fn rehearsal(&self, line: &str) -> assert_cmd::Command {
        let mut command = self.plain();
        command.args(line.split_whitespace());
        assert_cmd::Command::from_std(command)
    }

    fn spawn(&self, line: &str) -> Child {
        let mut command = self.plain();
        command
            .args(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The folders of saved runs that are in the usual place.
    fn results(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path().join("rehearsal-results")) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| !path.ends_with("orchestrator_logs"))
            .collect()
    }
}

fn contains(text: &str) -> predicates::str::ContainsPredicate {
    predicate::str::contains(text)
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn help_tells_examples_exit_codes_and_environment() {
    let told = contains("Examples:")
        .and(contains("130  interrupted"))
        .and(contains("REHEARSAL_RESULTS"))
        .and(contains("NO_COLOR"))
        .and(contains("REHEARSAL_SHOP_DB"));
    Stage::new()
        .rehearsal("--help")
        .assert()
        .code(0)
        .stdout(told)
        .stderr("");
}

#[test]
fn what_cannot_be_done_is_exit_code_2_and_says_what_can() {
    let cases = [
        ("run --flows 0", "--flows"),
        ("run --flows many", "--flows"),
        ("run --timeout soon", "write seconds, such as 60"),
        ("run --timeout 0", "greater than zero"),
        ("run --var nothing", "NAME=VALUE"),
        ("run --scripts nowhere", "nowhere is not a folder"),
        ("run nowhere.yaml", "nowhere.yaml does not exist"),
        ("run --save results", "--save=results"),
        ("check nowhere.yaml", "nowhere.yaml does not exist"),
        ("--flows 3", "rehearsal --batch"),
        ("--batch run", "run"),
        ("rehearse", "rehearse"),
    ];
    let stage = Stage::new();
    for (line, said) in cases {
        stage
            .rehearsal(line)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains(said));
    }
    assert!(
        stage.path().read_dir().unwrap().next().is_none(),
        "nothing was started"
    );
}

#[test]
fn a_misspelt_scenario_is_proposed() {
    let stage = Stage::new();
    fs::create_dir(stage.path().join("config")).unwrap();
    fs::write(stage.path().join("config/guestbook.yaml"), "").unwrap();
    fs::write(stage.path().join("other.yaml"), "").unwrap();
    let said = contains("did you mean config/guestbook.yaml?");
    stage
        .rehearsal("run guestbok.yaml")
        .assert()
        .code(2)
        .stderr(said);
}

#[test]
fn a_folder_that_takes_no_results_is_refused_before_anything_starts() {
    let stage = Stage::new();
    fs::write(stage.path().join("file"), "").unwrap();
    let said = contains("file").and(contains("--save=DIR"));
    stage
        .rehearsal("run --save=file")
        .assert()
        .code(2)
        .stdout("")
        .stderr(said);
}

#[test]
fn a_single_flow_is_told_as_a_story_and_reported() {
    let told = || {
        contains("Session      REAL-E2E-")
            .and(contains("customer_id  CUST001"))
            .and(contains("Step 2/10: 02_create_order"))
            .and(contains("order_id: ORD-"))
            .and(contains("Status       COMPLETED"))
            .and(contains("Execution          single flow"))
            .and(contains("Success rate       100 %"))
            .and(contains("orchestrator_logs"))
            .and(contains("\x1b").not())
    };
    let stage = Stage::new();
    for line in ["run", "--batch"] {
        stage
            .rehearsal(line)
            .assert()
            .code(0)
            .stdout(told())
            .stderr("");
    }
    assert!(
        stage.results().is_empty(),
        "results are kept only when asked for"
    );
}

#[test]
fn several_flows_are_saved() {
    let stage = Stage::new();
    let told = contains("batch of 3 flows, 1 at once").and(contains("Results: "));
    stage
        .rehearsal("--batch --flows 3 --save")
        .assert()
        .code(0)
        .stdout(told);
    let [folder] = stage.results().try_into().unwrap();
    let result = json(&fs::read(folder.join("result.json")).unwrap());
    assert_eq!(result["format"], "rehearsal-result/3");
    assert_eq!(result["summary"]["flows"]["completed"], 3);
    assert_eq!(result["histograms"]["flow.response"]["count"], 3);
    let flows = fs::read_to_string(folder.join("flows.jsonl")).unwrap();
    assert_eq!(flows.lines().count(), 1 + 3);
    for (name, has) in [
        ("latency.hlog", "Tag=flow,"),
        ("run.log", "flow 3 ended"),
        ("scenario.yaml", "name: order-flow"),
    ] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.contains(has), "{name}: {text}");
        assert!(!text.contains("customer123"), "{name} has a secret");
    }
    let scenario = folder.join("scenario.yaml");
    let again = format!("check {}", scenario.display());
    stage.rehearsal(&again).assert().code(0);
}

#[test]
fn json_is_all_there_is_on_standard_output() {
    let stage = Stage::new();
    let secret = "--var customer_password=customer123";
    let line = format!("run --flows 2 --customer CUST005 --json {secret}");
    let output = stage.rehearsal(&line).output().unwrap();
    let result = json(&output.stdout);
    assert_eq!(result["flows"][1]["variables"]["customer_id"], "CUST005");
    let arguments = result["environment"]["command_line"].to_string();
    assert!(!arguments.contains("customer123"), "{arguments}");
    assert!(stage.results().is_empty());
}

#[test]
fn a_demo_explains_and_then_runs() {
    let told = contains("10_complete_delivery: Delivery Personnel")
        .and(contains("Now 1 flow of it"))
        .and(contains("Status       COMPLETED"));
    Stage::new()
        .rehearsal("--demo --batch")
        .assert()
        .code(0)
        .stdout(told);
}

#[test]
fn failed_flows_are_exit_code_1() {
    let line = "run --var customer_password=wrong";
    let told = contains("Status       FAILED").and(contains("Failures\n"));
    Stage::new().rehearsal(line).assert().code(1).stdout(told);
}

#[test]
fn check_prints_the_plan_for_people_and_programs() {
    let stage = Stage::new();
    let told = contains("10_complete_delivery").and(contains("This machine has room for that."));
    stage.rehearsal("check").assert().code(0).stdout(told);
    let output = stage
        .rehearsal("check --json --parallel 3")
        .output()
        .unwrap();
    let answer = json(&output.stdout);
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["plan"]["most_processes"], 18);
}

#[test]
fn check_can_check_what_run_can_run() {
    let stage = Stage::new();
    let scripts = tempfile::tempdir().unwrap();
    let script = scripts.path().join("portal.sh");
    fs::write(&script, "#!/bin/sh\nread line\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let scenario = "variables: {user: ann}\nroles: {a: {run: [portal.sh, '${user}'], actions: \
                    {x: [{see: y}]}}}\nflow: [{step: s, role: a, do: x}]\n";
    fs::write(stage.path().join("my.yaml"), scenario).unwrap();
    let said = |line: &str, code: i32, told: &str| {
        let finished = stage.rehearsal(line).assert().code(code);
        let output = finished.get_output();
        let all = String::from_utf8_lossy(&[&*output.stdout, &output.stderr].concat()).into_owned();
        assert!(all.contains(told), "{line}: {all}");
    };
    said("check my.yaml", 2, "there is no program portal.sh");
    let folder = scripts.path().display();
    said(
        &format!("check my.yaml --scripts {folder} --var user=bob"),
        0,
        "nothing is wrong",
    );
    said(
        &format!("check my.yaml --scripts {folder} --var usr=bob"),
        2,
        "is `user` meant?",
    );
    said(
        "check my.yaml --scripts nowhere",
        2,
        "nowhere is not a folder",
    );
}

#[test]
fn the_schema_is_json() {
    let output = Stage::new().rehearsal("schema").output().unwrap();
    assert!(json(&output.stdout).is_object());
}

#[test]
fn a_reader_who_leaves_early_does_no_harm() {
    let stage = Stage::new();
    for line in [
        "--help",
        "run",
        "run --json",
        "run --flows 3",
        "check",
        "schema",
    ] {
        let mut child = stage.spawn(line);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
}

#[test]
fn results_on_a_full_disk_are_an_error_though_the_run_went_well() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let stage = Stage::new();
    let mut command = stage.plain();
    let output = command
        .args(["run", "--json"])
        .stdout(full)
        .stderr(Stdio::piped());
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(70), "{said}");
    assert!(
        said.contains("cannot write the result: No space left"),
        "{said}"
    );
}

#[test]
fn a_place_that_takes_nothing_is_replaced_and_said_to_be() {
    let stage = Stage::new();
    fs::write(
        stage.path().join("rehearsal-results"),
        "a file is in the way",
    )
    .unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let mut command = stage.rehearsal("run --save");
    let told = contains("results and logs go to").and(contains("Results: "));
    command
        .env("TMPDIR", temporary.path())
        .assert()
        .code(0)
        .stdout(told);
    let left: Vec<_> = temporary.path().read_dir().unwrap().collect();
    assert_eq!(left.len(), 1, "only the results are left: {left:?}");
}

#[test]
fn the_environment_names_the_place() {
    let stage = Stage::new();
    let mut command = stage.rehearsal("run --save");
    command
        .env("REHEARSAL_RESULTS", "else where")
        .assert()
        .code(0);
    let names = fs::read_dir(stage.path().join("else where")).unwrap();
    assert_eq!(names.count(), 2, "the results and the folder of logs");
}

#[test]
fn two_runs_at_once_share_no_file() {
    let stage = Stage::new();
    let runs = [
        stage.spawn("run --save"),
        stage.spawn("run --save"),
        stage.spawn("run --save"),
    ];
    for run in runs {
        assert!(run.wait_with_output().unwrap().status.success());
    }
    assert_eq!(stage.results().len(), 3);
    for path in stage.results() {
        let result = json(&fs::read(path.join("result.json")).unwrap());
        assert_eq!(result["summary"]["flows"]["completed"], 1);
    }
}

#[test]
fn the_menu_runs_shows_and_saves() {
    let stage = Stage::new();
    let told = contains("1  Run a single flow")
        .and(contains("\"9\" is not in the menu"))
        .and(contains("customer_id  CUST005"))
        .and(contains("Status       COMPLETED"))
        .and(contains("has ended."))
        .and(contains("Saved in "));
    let mut command = stage.rehearsal("");
    command
        .write_stdin("9\n1\nCUST005\n3\n4\n0\n")
        .assert()
        .code(0)
        .stdout(told);
    assert_eq!(stage.results().len(), 1);
}

#[test]
fn the_menu_finishes_its_run_at_the_end_of_input_and_tells_of_failures() {
    let stage = Stage::new();
    let mut command = stage.rehearsal("--var customer_password=wrong");
    let told = contains("batch of 2 flows, 2 at once").and(contains("has ended."));
    command
        .write_stdin("2\n2\n2\n")
        .assert()
        .code(1)
        .stdout(told);
}

#[test]
fn the_menu_with_nothing_to_do_says_so() {
    let told = contains("No run has ended yet.")
        .and(contains("nothing to save"))
        .and(contains("No scripts are running."))
        .and(contains("is not a number from 1 on"));
    let stage = Stage::new();
    let mut command = stage.rehearsal("");
    command
        .write_stdin("3\n4\n5\n6\n2\nx\n")
        .assert()
        .code(0)
        .stdout(told);
}

/// Starts a run of many slow flows, waits until it has begun, and sends it these signals.
fn interrupted(stage: &Stage, signals: &[rustix::process::Signal]) -> (Output, String) {
    let mut child = stage.spawn("run --flows 1000 --parallel 2 --delay 300ms --save");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("1000 flows"), "{said}");
    for signal in signals {
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, *signal).unwrap();
        // The next one only when this one has been heard.
        stderr.read_line(&mut said).unwrap();
    }
    stderr.read_to_string(&mut said).unwrap();
    (child.wait_with_output().unwrap(), said)
}

#[test]
fn signals_end_a_run_with_a_report_and_exit_code_130() {
    use rustix::process::Signal;
    for signals in [
        &[Signal::INT, Signal::INT][..],
        &[Signal::TERM],
        &[Signal::HUP],
    ] {
        let stage = Stage::new();
        let (output, said) = interrupted(&stage, signals);
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(130), "{signals:?}: {said}{told}");
        assert!(
            told.contains("The run was interrupted."),
            "{signals:?}: {said}{told}"
        );
        let [path] = stage.results().try_into().unwrap();
        assert_eq!(
            json(&fs::read(path.join("result.json")).unwrap())["summary"]["interrupted"],
            true
        );
    }
}

/// A program that takes a tenth of a second for its answer, and a step that then fails.
const SLOW_ANSWER: &str = "\
name: slow
roles:
  clerk:
    run: [/bin/sh, -c, 'printf \"Go? \"; read x; sleep 0.1; echo done; printf \"More? \"; read x; echo no']
    actions:
      ask:
        - {prompt: 'Go?', send: y}
        - {see: done, name: the answer}
      go_on:
        - {prompt: 'More?', send: y}
        - {see: 'yes', within: 2s}
flow:
  - {step: 01_ask, role: clerk, do: ask}
  - {step: 02_go_on, role: clerk, do: go_on}
";

#[test]
fn named_turns_and_failed_steps_have_times_of_their_own() {
    let stage = Stage::new();
    fs::write(stage.path().join("slow.yaml"), SLOW_ANSWER).unwrap();
    let run = "run slow.yaml --flows 3 --parallel 3 --allow-failures 3 --save=out --json";
    let output = stage.rehearsal(run).assert().code(0).get_output().clone();
    let record = json(&output.stdout);
    let steps = &record["summary"]["steps"];
    let turn = &steps[0]["turns"][0];
    assert_eq!(turn["name"], "the answer");
    let took = &turn["duration"];
    assert_eq!(took["count"], 3);
    assert!(took["min_us"].as_u64().unwrap() >= 95_000, "{took}");
    assert!(took["max_us"].as_u64() <= steps[0]["duration"]["max_us"].as_u64());
    assert!(record["histograms"]["turn.01_ask.the answer"].is_object());
    assert_eq!(
        record["flows"][0]["steps"][0]["turns"][0]["turn"],
        "the answer"
    );
    assert_eq!(steps[1]["duration"], serde_json::Value::Null);
    assert_eq!(steps[1]["failed_duration"]["count"], 3);

    let saved = fs::read_dir(stage.path().join("out")).unwrap();
    let folder = saved
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("flows.jsonl").exists())
        .unwrap();
    // What is counted again from the flows alone is the same.
    fs::remove_file(folder.join("result.json")).unwrap();
    let mut report = stage.plain();
    report.arg("report").arg(&folder);
    let shown = assert_cmd::Command::from_std(report)
        .assert()
        .get_output()
        .clone();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("    the answer"), "{shown}");
    assert!(shown.contains("    until it failed"), "{shown}");
}

#[test]
fn the_dialogue_is_shown_as_it_happens_without_secrets() {
    let stage = Stage::new();
    let run = stage.rehearsal("run --show-dialogue").assert().code(0);
    let shown = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    for line in [
        "  customer  < Customer ID:\n  customer  > CUST001\n  customer  < Password:\n",
        "  customer  < Select operation (0-6):\n  customer  > 2\n  customer  < --- New Order ---\n",
        "  logistics",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("customer123"), "{shown}");
    assert!(!shown.contains('\x1b'), "no terminal, no colours");
    let mut coloured = stage.rehearsal("run --show-dialogue");
    let coloured = coloured.env("CLICOLOR_FORCE", "1").output().unwrap();
    let coloured = String::from_utf8_lossy(&coloured.stdout).into_owned();
    let styles: std::collections::BTreeSet<_> =
        ["customer ", "inventory", "warehouse", "logistics"]
            .map(|role| {
                let line = coloured
                    .lines()
                    .find(|line| line.contains(&format!("  {role} <")));
                let (style, _) = line.expect("it speaks").split_once("  ").unwrap();
                style.to_owned()
            })
            .into();
    assert_eq!(styles.len(), 4, "each role has its colour: {styles:?}");
    let log = shown.split_once("Log:").unwrap().1.trim();
    let log = fs::read_to_string(stage.path().join(log)).unwrap();
    assert!(
        !log.contains("Customer ID:"),
        "the log was not asked for it"
    );
}

#[test]
fn chaos_on_the_command_line_is_checked_and_explained() {
    let stage = Stage::new();
    let with = |command: &str, chaos: &str| {
        let mut rehearsal = stage.rehearsal(command);
        rehearsal.args(["--chaos", chaos]);
        rehearsal.assert()
    };
    let wrong = with("run", "kill 5%, frieze 2%");
    wrong
        .code(2)
        .stderr(predicate::str::contains("`frieze` is not a kind of fault"))
        .stderr(predicate::str::contains("is `freeze` meant?"));
    with("run", "kill once at 06_approve")
        .code(2)
        .stderr(predicate::str::contains("is `06_approve_order` meant?"));
    with("check", "kill 5%, refuse once role delivery")
        .code(0)
        .stdout(predicate::str::contains(
            "kill 5%                    at 10 of 10 steps, 0.50 times a flow",
        ))
        .stdout(predicate::str::contains(
            "refuse once role delivery  at 1 of 10 steps, 1.00 times a flow",
        ))
        .stdout(predicate::str::contains(
            "About 100% of the flows are affected",
        ));
    with("check --json", "freeze 2% for 1s at 02_create_order")
        .code(0)
        .stdout(predicate::str::contains(r#""times_a_flow": 0.02"#));
    // With this seed it is killed between turns: after a reply it may have answered already.
    with("run --seed 2", "kill once at 02_create_order")
        .code(1)
        .stdout(predicate::str::contains("Fault in script 1.1.1: killed"))
        .stdout(predicate::str::contains("Injected           1 kill"))
        .stdout(predicate::str::contains(
            "(customer, step 2 of 10, after chaos)",
        ));
}
