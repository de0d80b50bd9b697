//! `rehearsal init`: what it writes, checked and run. Belongs to `cli`.

use std::io::{Read as _, Write as _};

use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;
use crate::support::terminal::Terminal;

/// A program with a log-in and a menu.
const DESK: &str = r#"#!/bin/sh
printf 'Login: '; read -r user
stty -echo; printf 'PIN: '; read -r pin; stty echo; echo
[ "$pin" = sesame ] || { echo 'Wrong PIN'; exit 1; }
echo '1. New ticket'; echo '0. Quit'
printf 'Your choice: '; read -r choice
echo "Choice $choice of $user taken"
"#;

fn desk() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write_program("desk.sh", DESK);
    sandbox
}

/// Asserts that the scenario passes the check and completes a flow.
fn assert_runs(sandbox: &Sandbox, file: &str) {
    for line in ["check", "run"] {
        let mut command = sandbox.command(line);
        command.arg(file).env("DESK_PIN", "sesame");
        Finished::of(&mut command).assert_code(0);
    }
    assert!(!sandbox.read(file).contains("sesame"));
}

#[test]
fn without_answers_it_writes_a_scenario_that_runs() {
    let sandbox = Sandbox::new();
    sandbox
        .rehearsal("init")
        .assert_code(0)
        .assert_out("Wrote scenario.yaml.");
    sandbox.rehearsal("check scenario.yaml").assert_code(0);
    sandbox
        .rehearsal("run scenario.yaml")
        .assert_code(0)
        .assert_out("2_act");
}

#[test]
fn a_scenario_from_options_runs_the_program() {
    let sandbox = desk();
    let mut command = sandbox.command("init desk.yaml --program ./desk.sh --user ann");
    command
        .args(["--user-prompt", "Login:", "--secret-prompt", "PIN:"])
        .args(["--secret-env", "DESK_PIN", "--prompt", "Your choice:"])
        .args([
            "--choose",
            "New ticket",
            "--expect",
            "Choice 1 of ann taken",
        ]);
    Finished::of(&mut command)
        .assert_code(0)
        .assert_out("export DESK_PIN=");
    assert_runs(&sandbox, "desk.yaml");
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let sandbox = desk();
    let terminal = Terminal::new(80);
    let mut command = sandbox.command("init desk.yaml");
    command
        .stdin(terminal.theirs())
        .stdout(terminal.theirs())
        .stderr(terminal.theirs());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut ours = terminal.ours;
    let answers = "./desk.sh\n\nLogin:\nann\nPIN:\nDESK_PIN\nYour choice:\nNew ticket\nChoice 1 of ann taken\n";
    ours.write_all(answers.as_bytes()).unwrap();
    let mut shown = Vec::new();
    // The last one to close a terminal ends it with an error.
    let _ = ours.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown);
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    assert!(
        shown.contains("The environment variable with the password"),
        "{shown}"
    );
    assert_runs(&sandbox, "desk.yaml");
}

#[test]
fn a_file_is_overwritten_only_by_force() {
    let sandbox = Sandbox::with("scenario.yaml", "mine");
    sandbox
        .rehearsal("init")
        .assert_code(2)
        .assert_err("--force");
    assert_eq!(sandbox.read("scenario.yaml"), "mine");
    sandbox.rehearsal("init --force").assert_code(0);
    assert!(sandbox.read("scenario.yaml").contains("flow:"));
}

#[test]
fn answers_that_make_no_scenario_write_nothing() {
    let sandbox = Sandbox::new();
    for (line, error) in [
        ("init --program ./none.sh", "none.sh"),
        ("init --program 'sh", "a quote is not closed"),
        (
            "init --program sh --secret-prompt PIN: --secret-env pa$$",
            "--secret-env:",
        ),
        ("init --program sh --prompt /[/ --send x", "/[/"),
        ("init --program sh --screen", "--prompt"),
        ("init no/such/directory.yaml", "no/such/directory.yaml"),
    ] {
        let finished = sandbox.rehearsal(line);
        assert_ne!(finished.code, Some(0), "{line}");
        finished.assert_err(error).assert_err_lacks("pa$$");
        assert!(!sandbox.has("scenario.yaml"), "{line}");
    }
}
