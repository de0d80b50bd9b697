//! Bundles of failed and slow flows, and flows that are performed again. Belongs to `engine`,
//! `report` and `cli`.

use crate::support::fixture::fixture;
use crate::support::home;

use std::fs;
use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use home::Home;
use serde_json::Value;

/// A folder in which runs are made.
struct Workshop {
    home: Home,
}

impl Deref for Workshop {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

impl Workshop {
    fn new() -> Self {
        Workshop { home: Home::new() }
    }

    /// The same with a scenario in which `FIXTURE` stands for the fixture program.
    fn with(scenario: &str) -> Self {
        let workshop = Workshop::new();
        workshop.write("test.yaml", scenario);
        workshop
    }

    fn write(&self, name: &str, text: &str) {
        let text = text.replace("FIXTURE", fixture().to_str().expect("UTF-8"));
        fs::write(self.home.path().join(name), text).expect("a file");
    }

    /// What the shop is to get wrong.
    fn faulty(&self, fault: &str, line: &str) -> Output {
        let mut command = self.command(line);
        command.env("REHEARSAL_SHOP_FAULT", fault);
        command.output().expect("it starts")
    }

    /// All bundles, in the order of their names.
    fn bundles(&self) -> Vec<PathBuf> {
        let runs = entries(&self.home.path().join("kept"));
        let mut bundles: Vec<_> = runs
            .iter()
            .flat_map(|run| entries(&run.join("bundles")))
            .collect();
        bundles.sort();
        bundles
    }

    /// The only bundle.
    fn bundle(&self) -> PathBuf {
        let [bundle] = self.bundles().try_into().expect("one bundle");
        bundle
    }

    /// Every file among the results holds none of these.
    fn assert_nowhere(&self, secrets: &[&str]) {
        let by_chance = r#"[A-Za-z0-9+/]{60,}=*|(": ?)[0-9.]+|[0-9]+\.[0-9]{3,}"#;
        let by_chance = regex::Regex::new(by_chance).expect("a regex");
        let mut folders = vec![self.home.path().join("kept")];
        while let Some(folder) = folders.pop() {
            for path in entries(&folder) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
                // Encoded histograms, figures and times of day hold short texts by chance.
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
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(bundle: &Path) -> Value {
    let bytes = fs::read(bundle.join("bundle.json")).expect("a bundle");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn transcript(bundle: &Path) -> String {
    fs::read_to_string(bundle.join("transcript.txt")).expect("a transcript")
}

/// Asserts the exit code, and gives what was said on standard output.
#[track_caller]
fn ends_with(output: &Output, code: i32) -> String {
    let said = text(&output.stdout);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}\n{errors}");
    said
}

/// No process of a run lives that had this folder as its own.
fn assert_nothing_runs(workshop: &Workshop) {
    let home = workshop.home.path().to_str().expect("UTF-8").as_bytes();
    let left = fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter(|entry| {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let is_ours = environment.windows(home.len()).any(|part| part == home);
            let is_marked = environment
                .windows(19)
                .any(|part| part == b"REHEARSAL_RUN_TOKEN");
            is_ours && is_marked
        });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_failure_of_the_shop_explains_itself_and_is_reproduced() {
    let workshop = Workshop::new();
    let output = workshop.faulty("crash@warehouse-manager", "run --seed 11");
    let report = ends_with(&output, 1);
    let bundle = workshop.bundle();
    let shown = bundle
        .strip_prefix(workshop.home.path())
        .expect("it is in it");
    let named = format!("bundle   {}", shown.display());
    assert!(report.contains(&named), "{named} in {report}");
    assert!(report.contains("(1 failed flow)"), "{report}");

    let told = transcript(&bundle);
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
        "  rehearsal replay kept/REAL-E2E-",
    ] {
        assert!(told.contains(part), "{part} in {told}");
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
    let refused = workshop.rehearsal(&format!("report {}", run.display()));
    ends_with(&refused, 2);
    assert!(text(&refused.stderr).contains("the run was not saved; of some of its flows"));

    // The same fault comes from the bundle, as nothing is said of it here.
    let line = format!("replay {}", shown.display());
    let said = ends_with(&workshop.rehearsal(&line), 1);
    assert!(
        said.contains("Reproduced: it failed as before, at 06_approve_order"),
        "{said}"
    );
    assert!(
        said.contains("  warehouse < --- Warehouse Menu ---\n"),
        "{said}"
    );
    assert!(said.contains("  warehouse > ***\n"), "{said}");
    // The same choices: what was ordered is drawn from the seed.
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
    assert_eq!(ordered(&said), ordered(&told));

    let said = ends_with(&workshop.faulty("", &line), 0);
    assert!(said.contains("Gone: it was completed"), "{said}");
    assert!(
        said.contains("the run had crash@warehouse-manager"),
        "{said}"
    );
    let said = ends_with(&workshop.faulty("crash@inventory-staff", &line), 3);
    assert!(
        said.contains("before  at 06_approve_order: ended early"),
        "{said}"
    );
    assert!(
        said.contains("now     at 04_process_order: ended early"),
        "{said}"
    );
    let output = workshop.rehearsal(&format!("{line}/bundle.json --json"));
    let json: Value = serde_json::from_str(&ends_with(&output, 1)).expect("JSON");
    assert_eq!(json["result"], "reproduced");
    assert_eq!(json["now"]["failure"]["step"], "06_approve_order");
    assert_eq!(workshop.bundles().len(), 1, "replays leave no bundles");
    workshop.assert_nowhere(&["customer123"]);
    assert_nothing_runs(&workshop);
}

/// Reads a secret and prints it back: split over reads and over lines, in colours, and as a value
/// that is captured.
const TELLTALE: &str = r#"#!/bin/sh
stty -echo 2>/dev/null
printf 'Pin: '
read pin
stty echo 2>/dev/null
printf '\nyour pin is hun'
sleep 0.05
printf 'ter2-, or \033[1mhunter\033[0m2-\nbonjour-'
sleep 0.05
printf 'monde\n'
printf 'warning: hunter2- is weak\n' >&2
printf 'in two lines: hun'
read line
printf 'ter2-\nyour token is tok\033[1men-4711\nAgain: '
read line
printf 'you said %s\nLast: ' "$line"
read line
"#;

const TALKING_TO_IT: &str = r#"
name: telltale
variables: {pin: hunter2-, greeting: "hi ${env.WORD}", word: "${env.WORD}"}
environment: [WORD]
secrets: [pin, token, word]
roles:
  user:
    run: [./telltale]
    terminal: TERMINAL
    actions:
      talk:
        - {prompt: 'Pin:', secret: "${pin}"}
        - {prompt: 'in two lines:', send: ''}
        - see: '/your token is (?<token>\S+)/'
        - {prompt: 'Again:', send: 'it is ${token}'}
        - {see: never, within: 200ms}
flow:
  - {step: 1_talk, role: user, do: talk}
"#;

#[test]
fn a_secret_is_in_no_bundle_however_it_comes() {
    use std::os::unix::fs::PermissionsExt as _;
    for terminal in ["pty", "pipes"] {
        let workshop = Workshop::with(&TALKING_TO_IT.replace("TERMINAL", terminal));
        workshop.write("telltale", TELLTALE);
        let program = workshop.home.path().join("telltale");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it is there");
        let mut command = workshop.command("run test.yaml --save");
        let output = command
            .env("WORD", "bonjour-monde")
            .output()
            .expect("it starts");
        let report = ends_with(&output, 1);
        let told = transcript(&workshop.bundle());
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
            assert!(told.contains(part), "{part} in {told}\n{report}");
        }
        let secrets = [
            "hunter2", "hun", "ter2", "token-", "4711", "bonjour", "monde",
        ];
        workshop.assert_nowhere(&secrets);
        assert!(!secrets.iter().any(|it| report.contains(it)), "{report}");
        assert_nothing_runs(&workshop);
    }
}

/// A program that says something and waits for what never comes.
const STUCK: &str = r#"
name: stuck
variables: {pin: hunter2, name: ann}
secrets: [pin]
data:
  people: {file: people.csv, take: unique}
roles:
  user:
    run: [FIXTURE, ask, 'Name: ', password, 'Pin: ', print, 'Locked out\n', await-end]
    actions:
      log_in:
        - {prompt: 'Name:', send: "${people.name}"}
        - {prompt: 'Pin:', secret: "${pin}"}
      go: [{see: Welcome, within: 100ms}]
flow:
  - {step: 1_log_in, role: user, do: log_in}
  - {step: 2_go, role: user, do: go}
"#;

#[test]
fn a_replay_has_the_values_of_the_run_and_asks_for_secrets() {
    let workshop = Workshop::with(STUCK);
    workshop.write("people.csv", "name\nann\nbea\ncem\n");
    ends_with(
        &workshop.rehearsal("run test.yaml --flows 2 --var name=eve"),
        1,
    );
    let bundles = workshop.bundles();
    assert_eq!(bundles.len(), 2);
    let json = read(&bundles[1]);
    assert_eq!(json["data"]["people"]["name"], "bea");
    assert_eq!(json["flow"]["variables"]["name"], "eve");
    let replay = format!("replay {}", bundles[1].display());

    let said = ends_with(&workshop.rehearsal(&replay), 1);
    assert!(said.contains("Reproduced"), "{said}");
    assert!(said.contains("user > bea\n"), "{said}");
    assert!(said.contains("name         eve\n"), "{said}");

    // Other data: the flow keeps its row.
    workshop.write("people.csv", "name\ndan\n");
    let said = ends_with(&workshop.rehearsal(&replay), 1);
    assert!(said.contains("`people` has changed since"), "{said}");
    assert!(said.contains("user > bea\n"), "{said}");

    // Another scenario: the copy is performed, and it has no secrets.
    workshop.write("test.yaml", &STUCK.replace("Welcome", "Locked out"));
    let refused = workshop.rehearsal(&replay);
    ends_with(&refused, 2);
    let errors = text(&refused.stderr);
    assert!(
        errors.contains("the values of secrets are in no bundle, and pin is missing"),
        "{errors}"
    );
    assert!(errors.contains("--var pin=…"), "{errors}");
    let said = ends_with(
        &workshop.rehearsal(&format!("{replay} --var pin=hunter2")),
        1,
    );
    assert!(said.contains("test.yaml has changed since"), "{said}");
    assert!(said.contains("Reproduced"), "{said}");
    let said = ends_with(
        &workshop.rehearsal(&format!("{replay} --scenario test.yaml")),
        0,
    );
    assert!(
        said.contains("the scenario is not the one that was run"),
        "{said}"
    );
    assert!(said.contains("Gone"), "{said}");

    fs::remove_file(workshop.home.path().join("test.yaml")).expect("it is there");
    let said = ends_with(
        &workshop.rehearsal(&format!("{replay} --var pin=hunter2")),
        1,
    );
    assert!(
        said.contains("test.yaml is gone: the bundle's copy"),
        "{said}"
    );
    workshop.assert_nowhere(&["hunter2"]);

    let nothing = workshop.rehearsal("replay nowhere");
    ends_with(&nothing, 2);
    let errors = text(&nothing.stderr);
    assert!(
        errors.contains("nowhere/bundle.json") && errors.contains("name a bundle"),
        "{errors}"
    );
    assert_nothing_runs(&workshop);
}

#[test]
fn a_secret_that_was_given_has_to_be_given_again() {
    let workshop = Workshop::with(STUCK);
    workshop.write("people.csv", "name\nann\n");
    ends_with(&workshop.rehearsal("run test.yaml --var pin=s3same"), 1);
    let bundle = workshop.bundle();
    let told = transcript(&bundle);
    assert!(told.contains(" --var pin=…\n"), "{told}");
    let replay = format!("replay {}", bundle.display());
    ends_with(&workshop.rehearsal(&replay), 2);
    ends_with(
        &workshop.rehearsal(&format!("{replay} --var pin=s3same")),
        1,
    );
    workshop.assert_nowhere(&["s3same"]);
}

#[test]
fn steps_wait_for_enter() {
    let workshop = Workshop::with(STUCK);
    workshop.write("people.csv", "name\nann\n");
    ends_with(&workshop.rehearsal("run test.yaml"), 1);
    let line = format!("replay --step {}", workshop.bundle().display());
    let mut command = workshop.command(&line);
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
    let scenario = r"
name: failing
roles:
  user:
    run: [/bin/echo, 'Order ${flow.number} of ${flow.id} is lost']
    terminal: pipes
    actions:
      go: [{see: Welcome}]
flow:
  - {step: 1_go, role: user, do: go}
";
    let workshop = Workshop::with(scenario);
    let output = workshop.rehearsal("run test.yaml --flows 2000 --parallel 8 --save --json");
    let json: Value = serde_json::from_str(&ends_with(&output, 1)).expect("JSON");
    assert_eq!(json["summary"]["flows"]["failed"], 2000);
    let groups = json["summary"]["failures"]["groups"]
        .as_array()
        .expect("groups");
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(workshop.bundles().len(), 3);
    let named = groups[0]["bundle"].as_str().expect("a bundle");
    let run = workshop.bundles()[0].join("../..");
    assert!(run.join(named).join("transcript.txt").is_file(), "{named}");

    // All are different in words: there are so many texts as are told apart, and no more bundles
    // than are wanted.
    let words = scenario.replace("Order ${flow.number} of ${flow.id} is lost", "${data.word}");
    let workshop = Workshop::with(&words.replace(
        "roles:",
        "data: {data: {file: w.csv, take: unique}}\nroles:",
    ));
    let letters = || (b'a'..=b'z').map(char::from);
    let list = letters().flat_map(|one| letters().map(move |other| format!("{one}{other}\n")));
    workshop.write("w.csv", &format!("word\n{}", list.collect::<String>()));
    let line = "run test.yaml --flows 600 --parallel 8 --bundles 12 --bundles-alike 2";
    ends_with(&workshop.rehearsal(line), 1);
    assert_eq!(workshop.bundles().len(), 12);
    let workshop = Workshop::with(scenario);
    ends_with(
        &workshop.rehearsal("run test.yaml --flows 20 --no-bundles"),
        1,
    );
    assert!(workshop.bundles().is_empty());
}

/// A desk that serves all flows, and a guest who is not let in, however often.
const SHARED: &str = r#"
name: shared
variables: {pin: s3same}
secrets: [pin]
roles:
  desk:
    run: [bash, -c, 'read -p "Pin: " pin; while read -p "Menu> " line; do echo "$pin served $line"; done']
    menu: {prompt: "Menu>"}
    lifetime: {pool: 1}
    actions:
      log_in: [{prompt: "Pin:", send: "${pin}"}]
      serve: [{prompt: "Menu>", send: "F${flow.number}"}, {see: "served F${flow.number}"}]
  guest:
    run: [FIXTURE, ask, 'Guest: ', print, 'Go away\n', await-end]
    actions:
      come: [{prompt: "Guest:", send: ann}, {see: Welcome, within: 100ms}]
flow:
  - {step: 1_log_in, role: desk, do: log_in}
  - {step: 2_serve, role: desk, do: serve}
  - {step: 3_come, role: guest, do: come, retry: {times: 1}}
"#;

#[test]
fn what_shared_and_further_scripts_did_for_a_flow_is_there() {
    let workshop = Workshop::with(SHARED);
    ends_with(&workshop.rehearsal("run test.yaml --flows 2"), 1);
    let [one, two] = workshop.bundles().try_into().expect("two bundles");
    let (one, two) = (transcript(&one), transcript(&two));
    for (told, this, other) in [(&one, "F1", "F2"), (&two, "F2", "F1")] {
        assert!(told.contains(&format!("> {this}\n")), "{told}");
        assert!(told.contains(&format!("< *** served {this}\n")), "{told}");
        assert!(!told.contains(other), "{told}");
        assert!(
            told.contains("guest    > ann\n") && told.contains("guest #2 > ann\n"),
            "{told}"
        );
        assert!(told.contains("and was performed again\n"), "{told}");
    }
    workshop.assert_nowhere(&["s3same"]);
    assert_nothing_runs(&workshop);
}

#[test]
fn the_slowest_flows_of_a_saved_run_are_kept() {
    let scenario = "name: fine\nroles:\n  user:\n    run: [/bin/echo, Welcome]\n    actions:\n      \
                    go: [{see: Welcome}]\nflow:\n  - {step: 1_go, role: user, do: go}\n";
    let workshop = Workshop::with(scenario);
    ends_with(&workshop.rehearsal("run test.yaml --flows 30"), 0);
    assert!(workshop.bundles().is_empty());
    let output = workshop.rehearsal("run test.yaml --flows 30 --save");
    let said = ends_with(&output, 0);
    assert!(said.contains("bundles (the 3 slowest)"), "{said}");
    let bundles = workshop.bundles();
    let durations: Vec<_> = bundles
        .iter()
        .map(|bundle| {
            read(bundle)["flow"]["duration_us"]
                .as_u64()
                .expect("a time")
        })
        .collect();
    let run = bundles[0].join("../..");
    let lines = fs::read_to_string(run.join("flows.jsonl")).expect("flows");
    let mut all: Vec<_> = lines
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|flow| flow["duration_us"].as_u64().expect("a time"))
        .collect();
    all.sort_unstable();
    let slowest = |mut durations: Vec<u64>| {
        durations.sort_unstable();
        durations
    };
    assert_eq!(slowest(durations), all[27..]);
    let replayed = workshop.rehearsal(&format!("replay {}", bundles[0].display()));
    let said = ends_with(&replayed, 0);
    assert!(said.contains("Completed in "), "{said}");
}

#[test]
fn the_bundles_of_a_killed_run_are_there() {
    let workshop = Workshop::new();
    let mut command = workshop.command("run --save --flows 100000 --parallel 2");
    command.env("REHEARSAL_SHOP_FAULT", "crash@inventory-staff");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().expect("it starts");
    let deadline = Instant::now() + Duration::from_mins(1);
    let is_told = || {
        let named = |bundle: &PathBuf| bundle.to_string_lossy().contains("/failed-");
        let bundles = workshop.bundles();
        let flows = bundles.first().map(|it| it.join("../../flows.jsonl"));
        bundles.iter().any(named)
            && flows.is_some_and(|it| {
                fs::read_to_string(it).is_ok_and(|lines| lines.lines().count() > 3)
            })
    };
    while !is_told() {
        assert!(Instant::now() < deadline, "the bundles never came");
        std::thread::yield_now();
    }
    run.kill().expect("it is there");
    run.wait().expect("it was there");
    let bundles = workshop.bundles();
    let failed = bundles
        .iter()
        .find(|it| it.to_string_lossy().contains("/failed-"));
    let failed = failed.expect("a bundle");
    assert!(transcript(failed).contains("failed at 04_process_order"));
    let folder = failed.parent().and_then(Path::parent).expect("the run's");
    let report = ends_with(
        &workshop.rehearsal(&format!("report {}", folder.display())),
        0,
    );
    assert!(report.contains("/bundles/failed-0"), "{report}");
}
