//! Python programs, which ask with `input()` and `getpass`: the guest book scenario of `config`, as
//! it is and with faults.

use std::path::Path;
use std::time::Instant;

use crate::support::fixture::replaced;
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;
use serde_json::Value;

const SCENARIO: &str = include_str!("../../config/guestbook.yaml");
const SCRIPT: &str = include_str!("../../config/guestbook.py");

/// The guest book over a terminal and over pipes; nowhere without Python.
fn guest_books() -> Vec<Sandbox> {
    let python = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if !python.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no python3");
        return Vec::new();
    }
    let guest_book = |kind: &str| {
        let sandbox = Sandbox::new();
        let run = "run: [python3, guestbook.py]\n";
        let scenario = replaced(SCENARIO, run, &format!("{run}    terminal: {kind}\n"));
        sandbox.write("guestbook.yaml", &scenario);
        sandbox.write("guestbook.py", SCRIPT);
        sandbox
    };
    ["pty", "pipes"].map(guest_book).into()
}

fn failure(finished: &Finished) -> Value {
    finished.assert_code(1);
    finished.json()["flows"][0]["failure"].clone()
}

#[test]
fn the_guest_book_is_written_by_many() {
    for sandbox in guest_books() {
        let finished = sandbox.rehearsal("run guestbook.yaml --json --flows 4 --parallel 2");
        finished.assert_code(0).assert_out_lacks("sesame");
        let result = finished.json();
        for flow in result["flows"].as_array().expect("flows") {
            assert!(flow["captures"].to_string().contains("G-"), "{flow}");
            assert_eq!(flow["processes"][0]["exit_code"], 0, "{flow}");
        }
        sandbox.assert_empty(Instant::now());
    }
}

#[test]
fn the_guest_book_runs_from_its_own_directory() {
    if guest_books().is_empty() {
        return;
    }
    let sandbox = Sandbox::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/guestbook.yaml");
    Finished::of(sandbox.command("run").arg(file)).assert_code(0);
}

#[test]
fn a_wrong_door_code_is_named() {
    for sandbox in guest_books() {
        let finished = sandbox.rehearsal("run guestbook.yaml --json --var door_code=rosebud");
        let failure = failure(&finished);
        assert_eq!(failure["kind"]["business"], "wrong_door_code", "{failure}");
        assert_eq!(failure["step"], "1_come_in");
        finished.assert_out_lacks("rosebud");
        sandbox.assert_empty(Instant::now());
    }
}

#[test]
fn a_traceback_is_a_crash_with_its_text() {
    for sandbox in guest_books() {
        let broken = replaced(SCRIPT, "len(text.split())", "len(text.splat())");
        sandbox.write("guestbook.py", &broken);
        let failure = failure(&sandbox.rehearsal("run guestbook.yaml --json"));
        assert_eq!(failure["kind"]["business"], "crashed", "{failure}");
        assert_eq!(failure["step"], "2_write");
        let tail = failure["tail"].as_str().expect("a text");
        assert!(
            tail.contains("Traceback") && tail.contains("AttributeError"),
            "{tail}"
        );
        sandbox.assert_empty(Instant::now());
    }
}

/// `input()` writes its prompt to a terminal in another way than to a pipe, without a line end.
#[test]
fn prompts_of_input_are_seen() {
    for sandbox in guest_books() {
        sandbox.write(
            "guestbook.py",
            "a = input('First? ')\nb = input('Second? ')\nprint('both:', a, b)\n",
        );
        let scenario = sandbox.read("guestbook.yaml");
        let (head, _) = scenario.split_once("    actions:").expect("actions");
        let ask = "    actions:
      ask:
        - {prompt: First?, send: eins}
        - {prompt: Second?, send: zwei}
        - see: '/both: (?<both>.*)/'
        - exits: 0
flow: [{step: 1_ask, role: visitor, do: ask, provides: [both]}]
";
        sandbox.write("guestbook.yaml", &format!("{head}{ask}"));
        let finished = sandbox.rehearsal("run guestbook.yaml --json");
        finished.assert_code(0);
        let result = finished.json();
        assert!(
            result["flows"][0]["captures"]
                .to_string()
                .contains("eins zwei"),
            "{result}"
        );
    }
}
