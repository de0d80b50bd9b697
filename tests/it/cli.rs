//! The command line: arguments, output streams, and exit codes. Belongs to `cli`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::fixture::scenario;
use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, entries, result};

/// Starts the program with its output and its error output in pipes.
fn spawn(sandbox: &Sandbox, line: &str) -> Child {
    let mut command = sandbox.command(line);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs the program to its end, and types `input` meanwhile.
fn typed(sandbox: &Sandbox, line: &str, input: &str) -> Finished {
    let mut command = sandbox.command(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

#[test]
fn the_help_of_each_command_has_examples_and_fits() {
    let sandbox = Sandbox::new();
    for command in [
        "run", "init", "check", "report", "replay", "record", "merge", "compare", "history",
        "schedule", "shop", "launch", "watch",
    ] {
        let help = sandbox.rehearsal(&format!("{command} --help"));
        help.assert_code(0).assert_out("\nExamples:\n");
        let widest = help.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{}", help.out);
    }
}

#[test]
fn help_has_examples_exit_codes_and_environment() {
    let help = Sandbox::new().rehearsal("--help");
    help.assert_code(0)
        .assert_out("Examples:")
        .assert_out("130  interrupted")
        .assert_out("REHEARSAL_RESULTS")
        .assert_out("NO_COLOR")
        .assert_out("REHEARSAL_SHOP_DB");
    assert_eq!(help.err, "");
}

#[test]
fn invalid_arguments_are_exit_code_2_with_a_remedy() {
    let cases = [
        ("run --flows 0", "--flows"),
        ("run --flows many", "--flows"),
        ("run --timeout soon", "write seconds, such as 60"),
        ("run --timeout 0", "greater than zero"),
        ("run --var nothing", "NAME=VALUE"),
        ("run --scripts nowhere", "nowhere is not a directory"),
        ("run nowhere.yaml", "nowhere.yaml does not exist"),
        ("run --save results", "--save=results"),
        ("check nowhere.yaml", "nowhere.yaml does not exist"),
        ("--flows 3", "rehearsal --batch"),
        ("--batch run", "run"),
        ("rehearse", "rehearse"),
    ];
    let sandbox = Sandbox::new();
    for (line, error) in cases {
        let finished = sandbox.rehearsal(line);
        finished.assert_code(2).assert_err(error);
        assert_eq!(finished.out, "", "{line}");
    }
    assert!(entries(&sandbox.home()).is_empty(), "nothing was started");
}

#[test]
fn a_misspelt_scenario_is_proposed() {
    let sandbox = Sandbox::new();
    sandbox.write("config/guestbook.yaml", "");
    sandbox.write("other.yaml", "");
    sandbox
        .rehearsal("run guestbok.yaml")
        .assert_code(2)
        .assert_err("did you mean config/guestbook.yaml?");
}

#[test]
fn a_directory_that_takes_no_results_is_refused_before_anything_starts() {
    let sandbox = Sandbox::with("file", "");
    let finished = sandbox.rehearsal("run --save=file");
    finished
        .assert_code(2)
        .assert_err("file")
        .assert_err("--save=DIR");
    assert_eq!(finished.out, "");
}

#[test]
fn a_single_flow_is_narrated_and_reported() {
    let sandbox = Sandbox::new();
    for line in ["run", "--batch"] {
        let finished = sandbox.rehearsal(line);
        finished
            .assert_code(0)
            .assert_out("Run          REAL-E2E-")
            .assert_out("customer_id  CUST001")
            .assert_out("Step 2/10: 02_create_order")
            .assert_out("order_id: ORD-")
            .assert_out("Status       COMPLETED")
            .assert_out("PASSED  order-flow, single flow")
            .assert_out("✓ 1 of 1 flow completed")
            .assert_out("orchestrator_logs")
            .assert_out_lacks("\x1b");
        assert_eq!(finished.err, "");
    }
    assert!(
        sandbox.runs().is_empty(),
        "results are saved only when asked for"
    );
}

#[test]
fn several_flows_are_saved() {
    let sandbox = Sandbox::new();
    sandbox
        .rehearsal("--batch --flows 3 --save")
        .assert_code(0)
        .assert_out("batch of 3 flows, 1 at once")
        .assert_out("Results: ");
    let directory = sandbox.run();
    let result = result(&directory);
    assert_eq!(result["format"], "rehearsal-result/3");
    assert_eq!(result["summary"]["flows"]["completed"], 3);
    assert_eq!(result["histograms"]["flow.response"]["count"], 3);
    let flows = sandbox.read(directory.join("flows.jsonl"));
    assert_eq!(flows.lines().count(), 1 + 3);
    for (name, has) in [
        ("latency.hlog", "Tag=flow,"),
        ("run.log", "flow 3 ended"),
        ("scenario.yaml", "name: order-flow"),
    ] {
        let text = sandbox.read(directory.join(name));
        assert!(text.contains(has), "{name}: {text}");
        assert!(!text.contains("customer123"), "{name} has a secret");
    }
    let again = format!("check {}", directory.join("scenario.yaml").display());
    sandbox.rehearsal(&again).assert_code(0);
}

#[test]
fn json_is_the_only_text_on_standard_output() {
    let sandbox = Sandbox::new();
    let secret = "--var customer_password=customer123";
    let line = format!("run --flows 2 --customer CUST005 --json {secret}");
    let result = sandbox.rehearsal(&line).json();
    assert_eq!(result["flows"][1]["variables"]["customer_id"], "CUST005");
    let arguments = result["environment"]["command_line"].to_string();
    assert!(!arguments.contains("customer123"), "{arguments}");
    assert!(sandbox.runs().is_empty());
}

#[test]
fn a_demo_explains_and_then_runs() {
    Sandbox::new()
        .rehearsal("--demo --batch")
        .assert_code(0)
        .assert_out("10_complete_delivery: Delivery Personnel")
        .assert_out("Now 1 flow of it")
        .assert_out("Status       COMPLETED");
}

#[test]
fn failed_flows_are_exit_code_1() {
    Sandbox::new()
        .rehearsal("run --var customer_password=wrong")
        .assert_code(1)
        .assert_out("Status       FAILED")
        .assert_out("Failures\n");
}

#[test]
fn check_prints_the_plan_as_text_and_as_json() {
    let sandbox = Sandbox::new();
    sandbox
        .rehearsal("check")
        .assert_code(0)
        .assert_out("10_complete_delivery")
        .assert_out("This machine has room for that.");
    let answer = sandbox.rehearsal("check --json --parallel 3").json();
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["plan"]["most_processes"], 18);
}

#[test]
fn check_takes_the_scripts_and_variables_of_run() {
    let sandbox = Sandbox::with("my.yaml", &scenario("cli/portal"));
    sandbox.write_program("scripts/portal.sh", "#!/bin/sh\nread line\n");
    for (options, code, text) in [
        ("", 2, "there is no program portal.sh"),
        ("--scripts scripts --var user=bob", 0, ": OK"),
        ("--scripts scripts --var usr=bob", 2, "is `user` meant?"),
        ("--scripts nowhere", 2, "nowhere is not a directory"),
    ] {
        let finished = sandbox.rehearsal(&format!("check my.yaml {options}"));
        let all = format!("{}{}", finished.out, finished.err);
        assert_eq!(finished.code, Some(code), "{options}: {all}");
        assert!(all.contains(text), "{options}: {all}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema = Sandbox::new().rehearsal("schema").json();
    assert!(schema.is_object());
}

#[test]
fn a_reader_that_leaves_early_does_no_harm() {
    let sandbox = Sandbox::new();
    for line in [
        "--help",
        "run",
        "run --json",
        "run --flows 3",
        "check",
        "schema",
    ] {
        let mut child = spawn(&sandbox, line);
        drop(child.stdout.take());
        Finished::from(child.wait_with_output().unwrap())
            .assert_code(0)
            .assert_err_lacks("panicked");
    }
}

#[test]
fn results_on_a_full_disk_are_an_error_of_a_run_that_succeeded() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("run --json");
    let child = command.stdout(full).stderr(Stdio::piped()).spawn();
    Finished::from(child.unwrap().wait_with_output().unwrap())
        .assert_code(70)
        .assert_err("cannot write the result: No space left");
}

#[test]
fn an_unwritable_results_directory_is_replaced_and_reported() {
    let sandbox = Sandbox::with("rehearsal-results", "a file is in the way");
    sandbox
        .rehearsal("run --save")
        .assert_code(0)
        .assert_out("results and logs go to")
        .assert_out("Results: ");
    let left = entries(&sandbox.temporary());
    assert_eq!(left.len(), 1, "only the results are left: {left:?}");
}

#[test]
fn the_environment_names_the_results_directory() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("run --save");
    Finished::of(command.env("REHEARSAL_RESULTS", "else where")).assert_code(0);
    let names = entries(&sandbox.home().join("else where"));
    assert_eq!(
        names.len(),
        3,
        "the results, the directory of logs, the history"
    );
}

#[test]
fn concurrent_runs_share_no_file() {
    let sandbox = Sandbox::new();
    let runs = [(); 3].map(|()| spawn(&sandbox, "run --save"));
    for run in runs {
        assert!(run.wait_with_output().unwrap().status.success());
    }
    let runs = sandbox.runs();
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(result(&run)["summary"]["flows"]["completed"], 1);
    }
}

#[test]
fn the_menu_runs_shows_and_saves() {
    let sandbox = Sandbox::new();
    typed(&sandbox, "", "9\n1\nCUST005\n3\n4\n0\n")
        .assert_code(0)
        .assert_out("1  Run a single flow")
        .assert_out("\"9\" is not in the menu")
        .assert_out("customer_id  CUST005")
        .assert_out("Status       COMPLETED")
        .assert_out("has ended.")
        .assert_out("Saved in ");
    assert_eq!(sandbox.runs().len(), 1);
}

#[test]
fn the_menu_finishes_its_run_at_the_end_of_input_and_exits_with_1_for_failures() {
    let line = "--var customer_password=wrong";
    typed(&Sandbox::new(), line, "2\n2\n2\n")
        .assert_code(1)
        .assert_out("batch of 2 flows, 2 at once")
        .assert_out("has ended.");
}

#[test]
fn the_menu_says_when_there_is_nothing_to_do() {
    typed(&Sandbox::new(), "", "3\n4\n5\n6\n2\nx\n")
        .assert_code(0)
        .assert_out("No run has ended yet.")
        .assert_out("nothing to save")
        .assert_out("No scripts are running.")
        .assert_out("is not a number of 1 or greater");
}

/// Starts a run of many slow flows, waits until it has begun, and sends it these signals.
fn interrupted(sandbox: &Sandbox, signals: &[Signal]) -> Finished {
    let line = "run --flows 1000 --parallel 2 --delay 300ms --save";
    let mut child = spawn(sandbox, line);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert!(said.contains("1000 flows"), "{said}");
    for signal in signals {
        kill_process(Pid::from_child(&child), *signal).unwrap();
        // The next one only after the answer to this one.
        stderr.read_line(&mut said).unwrap();
    }
    stderr.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    Finished {
        err: said,
        ..output.into()
    }
}

#[test]
fn signals_end_a_run_with_a_report_and_exit_code_130() {
    for signals in [
        &[Signal::INT, Signal::INT][..],
        &[Signal::TERM],
        &[Signal::HUP],
    ] {
        let sandbox = Sandbox::new();
        interrupted(&sandbox, signals)
            .assert_code(130)
            .assert_out("INTERRUPTED  ");
        let result = result(&sandbox.run());
        assert_eq!(result["summary"]["interrupted"], true);
    }
}

#[test]
fn named_turns_and_failed_steps_have_separate_times() {
    let sandbox = Sandbox::with("slow.yaml", &scenario("cli/slow"));
    let run = "run slow.yaml --flows 3 --parallel 3 --allow-failures 3 --save --json";
    let record = sandbox.rehearsal(run).assert_code(0).json();
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

    // The same report is made from the flows alone.
    let directory = sandbox.run();
    fs::remove_file(directory.join("result.json")).unwrap();
    sandbox
        .rehearsal(&format!("report --report full {}", directory.display()))
        .assert_out("    the answer")
        .assert_out("    until it failed");
}

#[test]
fn the_dialogue_is_shown_as_it_happens_without_secrets() {
    let sandbox = Sandbox::new();
    let run = sandbox.rehearsal("run --show-dialogue");
    run.assert_code(0);
    for line in [
        "  customer  < Customer ID:\n  customer  > CUST001\n  customer  < Password:\n",
        "  customer  < Select operation (0-6):\n  customer  > 2\n  customer  < --- New Order ---\n",
        "  logistics",
    ] {
        run.assert_out(line);
    }
    // No terminal, no colours.
    run.assert_out_lacks("customer123").assert_out_lacks("\x1b");
    let mut command = sandbox.command("run --show-dialogue");
    let coloured = Finished::of(command.env("CLICOLOR_FORCE", "1")).out;
    let styles: BTreeSet<_> = ["customer ", "inventory", "warehouse", "logistics"]
        .map(|role| {
            let line = coloured
                .lines()
                .find(|line| line.contains(&format!("  {role} <")));
            let (style, _) = line.expect("it speaks").split_once("  ").unwrap();
            style.to_owned()
        })
        .into();
    assert_eq!(styles.len(), 4, "each role has its colour: {styles:?}");
    let log = run.out.split_once("Log:").unwrap().1.trim();
    let log = sandbox.read(log);
    assert!(
        !log.contains("Customer ID:"),
        "the log was not asked for it"
    );
}

#[test]
fn chaos_on_the_command_line_is_checked_and_explained() {
    let sandbox = Sandbox::new();
    let with = |line: &str, chaos: &str| {
        let mut command = sandbox.command(line);
        Finished::of(command.args(["--chaos", chaos]))
    };
    with("run", "kill 5%, frieze 2%")
        .assert_code(2)
        .assert_err("`frieze` is not a kind of fault")
        .assert_err("is `freeze` meant?");
    with("run", "kill once at 06_approve")
        .assert_code(2)
        .assert_err("is `06_approve_order` meant?");
    with("check", "kill 5%, refuse once role delivery")
        .assert_code(0)
        .assert_out("kill 5%                    at 10 of 10 steps, 0.50 times a flow")
        .assert_out("refuse once role delivery  at 1 of 10 steps, 1.00 times a flow")
        .assert_out("About 100% of the flows are affected");
    with("check --json", "freeze 2% for 1s at 02_create_order")
        .assert_code(0)
        .assert_out(r#""times_a_flow": 0.02"#);
    // With this seed it is killed between turns: after a reply it may have answered already.
    with("run --seed 2", "kill once at 02_create_order")
        .assert_code(1)
        .assert_out("Fault in script 1.1.1: killed")
        .assert_out("Injected: 1 kill")
        .assert_out("(customer, step 2 of 10, after a fault)");
}

#[test]
fn a_quiet_run_shows_the_headline_and_the_places_only() {
    let sandbox = Sandbox::new();
    let finished = sandbox.rehearsal("run --flows 3 --parallel 2 --save --quiet");
    finished.assert_code(0);
    assert_eq!(finished.err, "");
    let first = finished.out.lines().next().expect("a headline");
    assert_eq!(first, "PASSED  order-flow, batch of 3 flows, 2 at once");
    let labels = ["Results: ", "Bundles: ", "Log:     "];
    for label in labels {
        assert!(
            finished.out.contains(&format!("\n{label}")),
            "{}",
            finished.out
        );
    }
    let lines = finished.out.lines().count();
    assert!(lines <= 9, "{}", finished.out);

    let finished = sandbox.rehearsal("run --quiet --var customer_password=wrong");
    finished
        .assert_code(1)
        .assert_out("FAILED  order-flow, single flow\n");
    assert!(!finished.out.contains("Step 1/10"), "{}", finished.out);
}
