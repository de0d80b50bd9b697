//! Python programs, which ask with `input()` and `getpass`: the scenario that comes with
//! Rehearsal, and what becomes of it when things go wrong.

use crate::support::program;

use std::path::Path;
use std::time::Instant;

use program::{Finished, Sandbox};
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
        assert!(SCENARIO.contains(run));
        let scenario = SCENARIO.replace(run, &format!("{run}    terminal: {kind}\n"));
        sandbox.write("guestbook.yaml", &scenario);
        sandbox.write("guestbook.py", SCRIPT);
        sandbox
    };
    ["pty", "pipes"].map(guest_book).into()
}

fn failure(finished: &Finished) -> Value {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    finished.json()["flows"][0]["failure"].clone()
}

#[test]
fn the_guest_book_is_written_by_many() {
    for sandbox in guest_books() {
        let finished = sandbox.output(&[
            "run",
            "guestbook.yaml",
            "--json",
            "--flows",
            "4",
            "--parallel",
            "2",
        ]);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let result = finished.json();
        for flow in result["flows"].as_array().expect("flows") {
            assert!(flow["captures"].to_string().contains("G-"), "{flow}");
            assert_eq!(flow["processes"][0]["exit_code"], 0, "{flow}");
        }
        assert!(!finished.out.contains("sesame"));
        sandbox.assert_empty(Instant::now());
    }
}

#[test]
fn it_is_there_where_it_comes_from() {
    if guest_books().is_empty() {
        return;
    }
    let sandbox = Sandbox::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/guestbook.yaml");
    let finished = sandbox.output(&["run", file.to_str().expect("a UTF-8 path")]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[test]
fn a_wrong_door_code_is_named() {
    for sandbox in guest_books() {
        let finished = sandbox.output(&[
            "run",
            "guestbook.yaml",
            "--json",
            "--var",
            "door_code=rosebud",
        ]);
        let failure = failure(&finished);
        assert_eq!(failure["kind"]["business"], "wrong_door_code", "{failure}");
        assert_eq!(failure["step"], "1_come_in");
        assert!(!finished.out.contains("rosebud"), "{}", finished.out);
        sandbox.assert_empty(Instant::now());
    }
}

#[test]
fn a_traceback_is_told() {
    for sandbox in guest_books() {
        let broken = SCRIPT.replace("len(text.split())", "len(text.splat())");
        assert_ne!(broken, SCRIPT);
        sandbox.write("guestbook.py", &broken);
        let failure = failure(&sandbox.output(&["run", "guestbook.yaml", "--json"]));
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

/// `input()` writes its prompt to a terminal by other ways than to a pipe, and flushes neither by
/// a line's end.
#[test]
fn prompts_of_input_are_seen() {
    for sandbox in guest_books() {
        sandbox.write(
            "guestbook.py",
            "a = input('First? ')\nb = input('Second? ')\nprint('both:', a, b)\n",
        );
        let actions = "\nflow: [{step: 1_ask, role: visitor, do: ask, provides: [both]}]\n";
        let scenario =
            std::fs::read_to_string(sandbox.home().join("guestbook.yaml")).expect("it is there");
        let (head, _) = scenario.split_once("    actions:").expect("actions");
        let ask = "    actions:\n      ask: [{prompt: First?, send: eins}, {prompt: Second?, send: zwei}, \
                   {see: '/both: (?<both>.*)/'}, {exits: 0}]\n";
        sandbox.write("guestbook.yaml", &format!("{head}{ask}{actions}"));
        let finished = sandbox.output(&["run", "guestbook.yaml", "--json"]);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let result = finished.json();
        assert!(
            result["flows"][0]["captures"]
                .to_string()
                .contains("eins zwei"),
            "{result}"
        );
    }
}
