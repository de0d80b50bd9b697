//! The scenario language with real programs: rows, values of roles, and where a scenario is from.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::support::fixture::{replaced, scenario};
use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, files_below, flows};

use serde_json::Value;

const SELECT: &str = r#"PS3='Pick: '
select choice in "New order" Approve Quit; do
    case $choice in
        "New order") echo "1 order was created" ;;
        Approve) echo "Status: approved" ;;
        Quit) exit 0 ;;
    esac
done
"#;

const LISTING: &str = r#"#!/bin/sh
printf '1   Fresh Milk   70\n2   Bread   55\nNumber: '
read first
printf 'Sure? '
read sure
printf 'Number again: '
read second
echo "$first then $second"
"#;

/// Refuses all but the right password of each name.
const COUNTER: &str = r#"#!/bin/sh
printf 'Name: '
read name
printf 'Password: '
stty -echo
read password
stty echo
case $name:$password in
    ann:red-1 | bob:blue-2) ;;
    *) echo "REFUSED $name"; exit 1 ;;
esac
echo "Hello $name"
while :; do
    printf '1. Serve\nSelect: '
    read key || exit 0
    sleep 0.1
    echo "window $1 served by $name"
done
"#;

/// Answers a line only if nothing else was typed before: it discards input that comes too early.
const CALCULATOR: &str = r#"#!/usr/bin/env python3
import select, sys, time
while True:
    time.sleep(0.05)
    if select.select([0], [], [], 0)[0]:
        print("TOO EARLY", flush=True)
        sys.exit(1)
    line = sys.stdin.readline().strip()
    if line == "quit":
        sys.exit(0)
    print("=", eval(line), flush=True)
"#;

const STAMP: &str = r#"#!/bin/sh
printf 'Order? '
read answer
echo "id $(date +%s)"
"#;

const DESK: &str = r#"#!/bin/sh
printf 'Name: '
read name
printf 'Hello %s\nPress Enter' "$name"
read enter
printf '1. Order\nSelect: '
read key
echo "order $key in $(basename "$PWD")"
"#;

fn assert_says(finished: &Finished, code: i32, text: &str) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let all = format!("{}{}", finished.out, finished.err);
    assert!(all.contains(text), "no {text:?} in {all}");
}

/// A sandbox with this fixture as `test.yaml`.
fn with_fixture(name: &str, change: (&str, &str)) -> Sandbox {
    let text = scenario(&format!("language/{name}"));
    let text = if change.0.is_empty() {
        text
    } else {
        replaced(&text, change.0, change.1)
    };
    let sandbox = Sandbox::with("test.yaml", &text);
    sandbox.write("desk.sh", SELECT);
    sandbox.write_program("listing", LISTING);
    sandbox.write_program("desk", DESK);
    for directory in ["work", "office"] {
        std::fs::create_dir(sandbox.home().join(directory)).expect("a directory");
    }
    sandbox
}

#[test]
fn a_menu_of_bash_is_chosen_from_again_and_again() {
    let sandbox = with_fixture("select", ("", ""));
    assert_says(&sandbox.rehearsal("run test.yaml --flows 3"), 0, "");
    let sandbox = with_fixture("select", ("choose: Quit", "choose: Refund"));
    let finished = sandbox.rehearsal("run test.yaml --save");
    assert_says(
        &finished,
        1,
        "row not found: no row for `Refund`; the rows are:",
    );
    assert_says(&finished, 1, "3) Quit");
    let bundle = sandbox.run().join("bundles");
    let transcripts = files_below(&bundle);
    let texts = transcripts
        .iter()
        .map(|it| std::fs::read_to_string(it).unwrap_or_default());
    let all: String = texts.collect();
    assert!(
        all.contains("chosen from those shown before this prompt earlier: 1) New order"),
        "{all}"
    );
    sandbox.assert_empty(Instant::now());
}

#[test]
fn a_listing_without_marks_has_rows() {
    let sandbox = with_fixture("listing", ("", ""));
    assert_says(&sandbox.rehearsal("run test.yaml"), 0, "");
    let sandbox = with_fixture("listing", ("row: Fresh Milk", "row: Fresh"));
    assert_says(&sandbox.rehearsal("run test.yaml"), 0, "");
    let sandbox = with_fixture("listing", ("{row: Fresh Milk}", "{row: ''}"));
    assert_says(
        &sandbox.rehearsal("run test.yaml"),
        2,
        "the row's text is empty",
    );
    let sandbox = with_fixture("listing", ("row: Fresh Milk", "row: '5'"));
    let finished = sandbox.rehearsal("run test.yaml");
    assert_says(&finished, 1, "row not found: no row for `5`");
    assert_says(&finished, 1, "a row is a line like `1. Label`");
    assert_says(&finished, 1, "menu: {row:");
}

#[test]
fn several_rows_are_an_ambiguous_row() {
    let sandbox = with_fixture(
        "listing",
        ("{row: Fresh Milk}", "{row: [Fresh Milk], count: '/./'}"),
    );
    assert_says(&sandbox.rehearsal("run test.yaml"), 0, "");
    let two = replaced(LISTING, "Bread", "Fresh Milk");
    sandbox.write_program("listing", &two);
    let finished = sandbox.rehearsal("run test.yaml --json");
    assert_says(&finished, 1, "ambiguous_row");
    let finished = sandbox.rehearsal("run test.yaml");
    assert_says(&finished, 1, "ambiguous row: 2 rows for `Fresh Milk`:");
    assert_says(&finished, 1, "`last` or `random`");
}

#[test]
fn roles_inherit_from_defaults_and_the_check_shows_it() {
    let sandbox = with_fixture("defaults", ("", ""));
    assert_says(&sandbox.rehearsal("run test.yaml --save"), 0, "");
    assert!(sandbox.log().contains("directory"), "{}", sandbox.log());
    let finished = sandbox.rehearsal("check test.yaml");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let roles = finished.out.split("\nSteps").next().unwrap_or_default();
    insta::assert_snapshot!("inherited_roles", roles);
    let sandbox = with_fixture("defaults", ("x-login", "y-login"));
    assert_says(
        &sandbox.rehearsal("check test.yaml"),
        2,
        "unknown key `y-login`",
    );
    // A fault of the defaults is reported once.
    let sandbox = with_fixture("defaults", ("directory: work", "directory: nowhere"));
    let finished = sandbox.rehearsal("check test.yaml");
    assert_says(&finished, 2, "there is no directory `nowhere`");
    assert_eq!(finished.err.matches("nowhere`").count(), 1, "{finished:?}");
}

#[test]
fn a_scenario_is_read_from_a_stream() {
    let sandbox = with_fixture("select", ("", ""));
    let reads = [
        "\"$REHEARSAL\" run - < test.yaml",
        "cat test.yaml | \"$REHEARSAL\" run -",
        "mkfifo pipe; cat test.yaml > pipe & \"$REHEARSAL\" run pipe",
        "bash -c '\"$REHEARSAL\" run <(cat test.yaml)'",
    ];
    for read in reads {
        assert_says(&sandbox.shell(read), 0, "");
    }
    let finished = sandbox.shell("echo 'roles: {' | \"$REHEARSAL\" check -");
    assert_says(&finished, 2, "standard input:");
    assert_says(
        &sandbox.shell("\"$REHEARSAL\" check /"),
        2,
        "is a directory",
    );
}

#[test]
fn a_reply_that_nothing_follows_is_warned_of() {
    let sandbox = with_fixture("select", ("        - exits: 0\n", ""));
    let finished = sandbox.rehearsal("check test.yaml");
    assert_says(&finished, 0, "nothing shows that this answer was taken");
    for file in ["order-flow.yaml", "guestbook.yaml"] {
        let path = format!("{}/config/{file}", env!("CARGO_MANIFEST_DIR"));
        let finished = sandbox.rehearsal(&format!("check {path}"));
        assert_eq!(finished.err, "", "{file}");
    }
}

#[test]
fn instances_of_a_pool_have_accounts_of_their_own() {
    let sandbox = with_fixture("staff", ("", ""));
    sandbox.write_program("counter", COUNTER);
    sandbox.write("staff.csv", "login,password\nann,red-1\nbob,blue-2\n");
    assert_says(&sandbox.rehearsal("run test.yaml --save"), 0, "");
    let clerks: BTreeSet<String> = flows(&sandbox.run())
        .iter()
        .map(|flow| flow["captures"]["clerk"].to_string())
        .collect();
    assert_eq!(clerks.len(), 2, "{clerks:?}");
    for file in sandbox.results() {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
        assert!(
            !text.contains("red-1") && !text.contains("blue-2"),
            "{file:?}"
        );
    }
    sandbox.write("staff.csv", "login,password\nann,red-1\n");
    let finished = sandbox.rehearsal("check test.yaml");
    assert_says(
        &finished,
        2,
        "the pool of `clerk` has 2 instances, and there are 1 rows",
    );
    sandbox.assert_empty(Instant::now());
}

#[test]
fn a_program_that_says_nothing_is_started_on_when_it_reads() {
    for terminal in ["pty", "pipes"] {
        let change = ("terminal: pty", format!("terminal: {terminal}"));
        let sandbox = with_fixture("silent", (change.0, &change.1));
        sandbox.write_program("calculator", CALCULATOR);
        assert_says(&sandbox.rehearsal("run test.yaml"), 0, "");
    }
    let sandbox = with_fixture("silent", ("{reads: true, send: \"6*7\"}", "{send: x}"));
    let finished = sandbox.rehearsal("check test.yaml");
    assert_says(&finished, 2, "`send` has nothing to wait for");
    assert_says(
        &finished,
        2,
        "or `reads: true` if it prints nothing and waits for input",
    );
}

#[test]
fn replies_of_different_flows_are_spaced() {
    let sandbox = with_fixture("spaced", ("", ""));
    sandbox.write_program("stamp", STAMP);
    assert_says(
        &sandbox.rehearsal("run test.yaml --save --report full"),
        0,
        "4 values, no duplicates",
    );
    // A flow's wait for others is not a time of its program, but it is a part of its response time.
    let mut waits = Vec::new();
    for flow in flows(&sandbox.run()) {
        let time = |value: &Value| value.as_u64().expect("a time");
        assert!(time(&flow["steps"][0]["duration_us"]) < 1_000_000, "{flow}");
        assert_eq!(time(&flow["paused_us"]), 0, "{flow}");
        waits.push(time(&flow["waited_us"]));
    }
    assert!(waits.iter().any(|wait| *wait > 2_000_000), "{waits:?}");
    sandbox.assert_empty(Instant::now());
}
