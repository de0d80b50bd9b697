//! Bundles of failed and slow flows, and their replays. Belongs to `engine`, `report` and `cli`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use crate::support::fixture::{replaced, scenario};
use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, entries, files_below, flows};
use crate::support::wait;

/// A sandbox with the scenario `evidence/NAME.yaml` as `test.yaml`.
fn sandbox(name: &str) -> Sandbox {
    Sandbox::with("test.yaml", &scenario(&format!("evidence/{name}")))
}

/// All bundles, in the order of their names.
fn bundles(sandbox: &Sandbox) -> Vec<PathBuf> {
    let runs = sandbox.runs();
    runs.iter()
        .flat_map(|run| entries(&run.join("bundles")))
        .collect()
}

/// The only bundle.
#[track_caller]
fn bundle(sandbox: &Sandbox) -> PathBuf {
    let [bundle] = bundles(sandbox).try_into().expect("one bundle");
    bundle
}

fn read(bundle: &Path) -> Value {
    let bytes = fs::read(bundle.join("bundle.json")).expect("a bundle");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn transcript(bundle: &Path) -> String {
    fs::read_to_string(bundle.join("transcript.txt")).expect("a transcript")
}

/// Asserts that no file among the results contains one of these texts.
#[track_caller]
fn assert_nowhere(sandbox: &Sandbox, secrets: &[&str]) {
    // Encoded histograms, figures and times of day contain short texts by chance.
    let by_chance = r#"[A-Za-z0-9+/]{60,}=*|(": ?)[0-9.]+|[0-9]+\.[0-9]{3,}"#;
    let by_chance = regex::Regex::new(by_chance).expect("a regex");
    let files = files_below(&sandbox.home().join("rehearsal-results"));
    assert!(!files.is_empty());
    for path in files {
        let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
        let text = by_chance.replace_all(&text, "$1");
        for secret in secrets {
            assert!(
                !text.contains(secret),
                "{secret} in {}:\n{text}",
                path.display()
            );
        }
    }
}

#[test]
fn a_failure_of_the_shop_is_bundled_and_reproduced() {
    let sandbox = Sandbox::new();
    let finished = sandbox.rehearsal_with_fault("crash@warehouse-manager", "run --seed 11");
    let bundle = bundle(&sandbox);
    let shown = bundle.strip_prefix(sandbox.home()).expect("it is in it");
    let name = bundle.file_name().expect("a name");
    finished
        .assert_code(1)
        .assert_out(&format!("bundle   {}", name.display()))
        .assert_out("(1 failed flow)");

    let story = transcript(&bundle);
    for part in [
        "failed at 06_approve_order",
        "  seed     11\n",
        "role     warehouse\n",
        "the program was gone",
        "\\x1b[2J\\x1b[H--- Loading, please wait ---\\r\\n",
        "captured order_id = ORD-",
        "variable customer_password = ***\n",
        "ended by itself after",
        "exit code 70",
        "── 04_process_order ──\n",
        "customer  > ***\n",
        "inventory > y\n",
        "warehouse · ended with exit code 70\n",
        "  rehearsal replay rehearsal-results/REAL-E2E-",
    ] {
        assert!(story.contains(part), "{part} in {story}");
    }
    let json = read(&bundle);
    assert_eq!(json["format"], "rehearsal-bundle/1");
    assert_eq!(json["signature"]["cause"], "ended_early");
    assert_eq!(json["run"]["seed"], 11);
    let times: Vec<_> = json["transcript"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["after_us"].as_u64().expect("a time"))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let customer = json["transcript"].to_string();
    assert!(!customer.contains("customer123"), "{customer}");

    let run = shown.parent().and_then(Path::parent).expect("the run's");
    sandbox
        .rehearsal(&format!("report {}", run.display()))
        .assert_code(2)
        .assert_err("the run was not saved; bundles of some of its flows");

    // The same fault comes from the bundle, as the environment names none.
    let line = format!("replay {}", shown.display());
    let replay = sandbox.rehearsal(&line);
    replay
        .assert_code(1)
        .assert_out("Reproduced: it failed as before, at 06_approve_order")
        .assert_out("  warehouse < --- Warehouse Menu ---\n")
        .assert_out("  warehouse > ***\n");
    // The same choices: the order is drawn from the seed.
    let ordered = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.contains("Quantity of"))
            .expect("an order");
        line.split("Quantity of")
            .nth(1)
            .expect("a product")
            .trim()
            .to_owned()
    };
    assert_eq!(ordered(&replay.out), ordered(&story));

    sandbox
        .rehearsal_with_fault("", &line)
        .assert_code(0)
        .assert_out("Not reproduced: it was completed")
        .assert_out("the run had crash@warehouse-manager");
    sandbox
        .rehearsal_with_fault("crash@inventory-staff", &line)
        .assert_code(3)
        .assert_out("before  at 06_approve_order: ended early")
        .assert_out("now     at 04_process_order: ended early");
    let finished = sandbox.rehearsal(&format!("{line}/bundle.json --json"));
    let json = finished.assert_code(1).json();
    assert_eq!(json["result"], "reproduced");
    assert_eq!(json["now"]["failure"]["step"], "06_approve_order");
    assert_eq!(bundles(&sandbox).len(), 1, "replays leave no bundles");
    assert_nowhere(&sandbox, &["customer123"]);
    sandbox.assert_empty(Instant::now());
}

#[test]
fn a_secret_is_in_no_bundle_however_it_is_printed() {
    for terminal in ["pty", "pipes"] {
        let terminal = format!("terminal: {terminal}");
        let text = replaced(&scenario("evidence/leaky"), "terminal: pty", &terminal);
        let sandbox = Sandbox::with("test.yaml", &text);
        sandbox.write_program("leaky", include_str!("fixtures/evidence/leaky.sh"));
        let mut command = sandbox.command("run test.yaml --save");
        let finished = Finished::of(command.env("WORD", "bonjour-monde"));
        let report = &finished.assert_code(1).out;
        let story = transcript(&bundle(&sandbox));
        for part in [
            "your pin is ***\n",
            "or ␛[1m***\n",
            "in two lines: ***\n",
            "warning: *** is weak\n",
            "your token is ***\n",
            "> it is ***\n",
            "you said it is ***\n",
            "captured token = ***\n",
            "variable greeting = hi ***\n",
        ] {
            assert!(story.contains(part), "{part} in {story}\n{report}");
        }
        let secrets = [
            "hunter2", "hun", "ter2", "token-", "4711", "bonjour", "monde",
        ];
        assert_nowhere(&sandbox, &secrets);
        assert!(!secrets.iter().any(|it| report.contains(it)), "{report}");
        sandbox.assert_empty(Instant::now());
    }
}

#[test]
fn a_replay_has_the_values_of_the_run_and_asks_for_secrets() {
    let sandbox = sandbox("stuck");
    sandbox.write("people.csv", "name\nann\nbea\ncem\n");
    let run = "run test.yaml --flows 2 --var name=eve";
    sandbox.rehearsal(run).assert_code(1);
    let bundles = bundles(&sandbox);
    assert_eq!(bundles.len(), 2);
    let json = read(&bundles[1]);
    assert_eq!(json["data"]["people"]["name"], "bea");
    assert_eq!(json["flow"]["variables"]["name"], "eve");
    let replay = |options: &str| {
        let line = format!("replay {} {options}", bundles[1].display());
        sandbox.rehearsal(&line)
    };

    replay("")
        .assert_code(1)
        .assert_out("Reproduced")
        .assert_out("user > bea\n")
        .assert_out("name         eve\n");

    // Other data: the flow keeps its row.
    sandbox.write("people.csv", "name\ndan\n");
    replay("")
        .assert_code(1)
        .assert_out("`people` has changed since")
        .assert_out("user > bea\n");

    // Another scenario: the copy is performed, and it has no secrets.
    let other = replaced(&scenario("evidence/stuck"), "Welcome", "Locked out");
    sandbox.write("test.yaml", &other);
    replay("")
        .assert_code(2)
        .assert_err("bundles do not store secrets; missing: pin")
        .assert_err("--var pin=…");
    replay("--var pin=hunter2")
        .assert_code(1)
        .assert_out("test.yaml has changed since")
        .assert_out("Reproduced");
    replay("--scenario test.yaml")
        .assert_code(0)
        .assert_out("the scenario is not the one that was run")
        .assert_out("Not reproduced");

    fs::remove_file(sandbox.home().join("test.yaml")).expect("it is there");
    replay("--var pin=hunter2")
        .assert_code(1)
        .assert_out("test.yaml no longer exists: the bundle's copy");
    assert_nowhere(&sandbox, &["hunter2"]);

    sandbox
        .rehearsal("replay nowhere")
        .assert_code(2)
        .assert_err("nowhere/bundle.json")
        .assert_err("name a bundle");
    sandbox.assert_empty(Instant::now());
}

#[test]
fn a_secret_of_the_command_line_has_to_be_given_again() {
    let sandbox = sandbox("stuck");
    sandbox.write("people.csv", "name\nann\n");
    let run = "run test.yaml --var pin=s3same";
    sandbox.rehearsal(run).assert_code(1);
    let bundle = bundle(&sandbox);
    let story = transcript(&bundle);
    assert!(story.contains(" --var pin=…\n"), "{story}");
    let replay = format!("replay {}", bundle.display());
    sandbox.rehearsal(&replay).assert_code(2);
    let replay = format!("{replay} --var pin=s3same");
    sandbox.rehearsal(&replay).assert_code(1);
    assert_nowhere(&sandbox, &["s3same"]);
}

#[test]
fn a_replay_in_steps_waits_for_enter() {
    let sandbox = sandbox("stuck");
    sandbox.write("people.csv", "name\nann\n");
    sandbox.rehearsal("run test.yaml").assert_code(1);
    let line = format!("replay --step {}", bundle(&sandbox).display());
    let mut command = sandbox.command(&line);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut replay = command.spawn().expect("it starts");
    let mut enter = replay.stdin.take().expect("a pipe");
    let mut said = std::io::BufReader::new(replay.stdout.take().expect("a pipe"));
    let mut until = |part: &str| {
        let mut all = String::new();
        while !all.contains(part) {
            let read = std::io::BufRead::read_line(&mut said, &mut all).expect("text");
            assert!(read > 0, "{part} in {all}");
        }
        all
    };
    let before = until("1_log_in is next: press Enter");
    assert!(!before.contains("Name:"), "{before}");
    writeln!(enter).expect("it reads");
    let first = until("2_go is next: press Enter");
    assert!(first.contains("user > ann\n"), "{first}");
    // The end of the input lets the rest go.
    drop(enter);
    until("Reproduced");
    assert_eq!(replay.wait().expect("it ends").code(), Some(1));
}

#[test]
fn many_failures_leave_few_bundles() {
    let failing = scenario("evidence/failing");
    let sandbox = Sandbox::with("test.yaml", &failing);
    let finished = sandbox.rehearsal("run test.yaml --flows 2000 --parallel 8 --save --json");
    let json = finished.assert_code(1).json();
    assert_eq!(json["summary"]["flows"]["failed"], 2000);
    let groups = json["summary"]["failures"]["groups"]
        .as_array()
        .expect("groups");
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(bundles(&sandbox).len(), 3);
    let named = groups[0]["bundle"].as_str().expect("a bundle");
    let run = sandbox.run();
    assert!(run.join(named).join("transcript.txt").is_file(), "{named}");

    // All messages are different: there are as many groups as are distinguished, and no more
    // bundles than the limit.
    let words = replaced(
        &failing,
        "Order ${flow.number} of ${flow.id} is lost",
        "${data.word}",
    );
    let data = "data: {data: {file: w.csv, take: unique}}\nroles:";
    let sandbox = Sandbox::with("test.yaml", &replaced(&words, "roles:", data));
    let letters = || (b'a'..=b'z').map(char::from);
    let list = letters().flat_map(|one| letters().map(move |other| format!("{one}{other}\n")));
    sandbox.write("w.csv", &format!("word\n{}", list.collect::<String>()));
    let line = "run test.yaml --flows 600 --parallel 8 --bundles 12 --max-bundles-per-cause 2";
    sandbox.rehearsal(line).assert_code(1);
    assert_eq!(bundles(&sandbox).len(), 12);
    let sandbox = Sandbox::with("test.yaml", &failing);
    let line = "run test.yaml --flows 20 --no-bundles";
    sandbox.rehearsal(line).assert_code(1);
    assert!(bundles(&sandbox).is_empty());
}

#[test]
fn the_dialogue_of_shared_and_replaced_scripts_is_in_the_bundle() {
    let sandbox = sandbox("shared");
    sandbox.rehearsal("run test.yaml --flows 2").assert_code(1);
    let [one, two] = bundles(&sandbox).try_into().expect("two bundles");
    let (one, two) = (transcript(&one), transcript(&two));
    for (story, this, other) in [(&one, "F1", "F2"), (&two, "F2", "F1")] {
        assert!(story.contains(&format!("> {this}\n")), "{story}");
        let served = format!("< *** served {this}\n");
        assert!(story.contains(&served), "{story}");
        assert!(!story.contains(other), "{story}");
        assert!(
            story.contains("guest    > ann\n") && story.contains("guest #2 > ann\n"),
            "{story}"
        );
        assert!(story.contains("and was retried\n"), "{story}");
    }
    assert_nowhere(&sandbox, &["s3same"]);
    sandbox.assert_empty(Instant::now());
}

#[test]
fn the_slowest_flows_of_a_saved_run_are_kept() {
    let sandbox = sandbox("fine");
    sandbox.rehearsal("run test.yaml --flows 30").assert_code(0);
    assert!(bundles(&sandbox).is_empty());
    sandbox
        .rehearsal("run test.yaml --flows 30 --save")
        .assert_code(0)
        .assert_out("bundles (the 3 slowest)");
    let bundles = bundles(&sandbox);
    let duration = |flow: &Value| flow["duration_us"].as_u64().expect("a time");
    let mut slowest: Vec<_> = bundles
        .iter()
        .map(|bundle| duration(&read(bundle)["flow"]))
        .collect();
    slowest.sort_unstable();
    let mut all: Vec<_> = flows(&sandbox.run()).iter().map(duration).collect();
    all.sort_unstable();
    assert_eq!(slowest, all[27..]);
    sandbox
        .rehearsal(&format!("replay {}", bundles[0].display()))
        .assert_code(0)
        .assert_out("Completed in ");
}

#[test]
fn the_bundles_of_a_killed_run_are_there() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("run --save --flows 100000 --parallel 2");
    command.env("REHEARSAL_SHOP_FAULT", "crash@inventory-staff");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().expect("it starts");
    let failed = || {
        let is_failed = |bundle: &PathBuf| bundle.to_string_lossy().contains("/failed-");
        bundles(&sandbox).into_iter().find(is_failed)
    };
    wait::until("a bundle and three flows", || {
        let runs = sandbox.runs();
        let lines = runs
            .first()
            .map(|it| fs::read_to_string(it.join("flows.jsonl")));
        failed().is_some() && matches!(lines, Some(Ok(it)) if it.lines().count() > 3)
    });
    run.kill().expect("it is there");
    run.wait().expect("it was there");
    let story = transcript(&failed().expect("a bundle"));
    assert!(story.contains("failed at 04_process_order"), "{story}");
    sandbox
        .rehearsal(&format!("report {}", sandbox.run().display()))
        .assert_code(0)
        .assert_out("bundle   failed-0");
}
