//! Screens: real programs that draw them, driven by the scenarios in `config/screens`, each by many
//! flows at once, also with output that comes in single bytes and on a bigger screen.
//!
//! `.ci/install-screen-programs` installs the programs. What is not there is skipped, aloud.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::support::fixture::{self, replaced};
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;

/// Returns the directory of the programs from PyPI and npm.
fn programs() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("a target").join("screen-programs")
}

/// Returns the search path with the Python that has questionary in front.
fn search_path() -> OsString {
    let own = fixture::search_path();
    let python = programs().join("python/bin");
    let paths = std::iter::once(python).chain(std::env::split_paths(&own));
    std::env::join_paths(paths).expect("no colons")
}

/// Returns whether a command succeeds, and says so if not.
fn is_there(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    let output = command
        .args(&words[1..])
        .env("PATH", search_path())
        .output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: `{}` fails", words.join(" "));
    }
    is_there
}

/// Returns a sandbox with the files of `config/screens` and this scenario.
fn sandbox(scenario: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/screens");
    for entry in fs::read_dir(directory).expect("config/screens").flatten() {
        let name = entry.file_name().into_string().expect("UTF-8");
        sandbox.write(&name, &fs::read_to_string(entry.path()).expect("a text"));
    }
    sandbox.write("scenario.yaml", scenario);
    let modules = programs().join("node_modules");
    if modules.exists() {
        std::os::unix::fs::symlink(modules, sandbox.home().join("node_modules")).expect("a link");
    }
    sandbox
}

fn rehearsal(sandbox: &Sandbox, line: &str) -> Finished {
    Finished::of(sandbox.command(line).env("PATH", search_path()))
}

fn config(name: &str) -> String {
    let file = format!("config/screens/{name}.yaml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs 50 flows, 10 at once, on a screen of 24x80, and as many on one of 50x132 with the output in
/// single bytes.
fn drive(scenario: &str) {
    const LOAD: &str = "run scenario.yaml --json --flows 50 --parallel 10 --timeout 60s";
    let on_big_screen = replaced(scenario, "screen: 24x80", "screen: 50x132");
    for (scenario, more) in [(scenario, ""), (&on_big_screen, " --chaos bytewise=100%")] {
        let sandbox = sandbox(scenario);
        let finished = rehearsal(
            &sandbox,
            &LOAD.replace(" --json", &format!(" --json{more}")),
        );
        finished.assert_code(0);
        let flows = finished.json()["flows"].clone();
        let flows = flows.as_array().expect("flows");
        assert_eq!(flows.len(), 50);
        for flow in flows {
            assert_eq!(flow["outcome"], "completed", "{flow}");
        }
        sandbox.assert_empty(Instant::now());
    }
}

/// Declares a test for each program: its scenario, and a command that succeeds where it is there.
macro_rules! programs {
    ($($name:ident: $there:expr,)*) => {
        $(
            #[test]
            fn $name() {
                if is_there(&$there) {
                    drive(&config(stringify!($name)));
                }
            }
        )*
    };
}

programs! {
    dialog: ["dialog", "--version"],
    fdisk: ["/sbin/fdisk", "--version"],
    fish: ["fish", "--version"],
    less: ["less", "--version"],
    nano: ["nano", "--version"],
    questionary: ["python3", "-c", "import questionary"],
    tmux: ["tmux", "-V"],
    top: ["top", "-v"],
    vim: ["vim", "--version"],
    whiptail: ["whiptail", "--version"],
}

#[test]
fn inquirer() {
    let modules = programs().join("node_modules/@inquirer/prompts");
    if is_there(&["node", "--version"]) && is_there(&["test", "-d", &modules.to_string_lossy()]) {
        drive(&config("inquirer"));
    }
}

#[test]
fn dialoguer() {
    drive(&fixture::scenario("screens/dialoguer"));
}

#[test]
fn s3270_is_a_program_of_lines() {
    if is_there(&["s3270", "-v"]) {
        let sandbox = sandbox(&config("s3270"));
        let line = "run scenario.yaml --json --flows 50 --parallel 10 --timeout 60s";
        rehearsal(&sandbox, line).assert_code(0);
    }
}
