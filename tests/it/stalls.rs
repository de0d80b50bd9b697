//! A stop of Rehearsal itself, by Ctrl-Z or a debugger: output that came in time is evidence, even if
//! it is read after the deadline. Belongs to `engine`.

use crate::support::running::Running;
use crate::support::sandbox::Sandbox;
use crate::support::wait;

use std::time::{Duration, Instant};

use rustix::process::Signal;

/// The time that a turn has.
const WITHIN: Duration = Duration::from_secs(2);

/// Answers once the file `go` is there, while Rehearsal is stopped.
const PROGRAM: &str = r#"
printf 'go? '
read -r answer
: > "asked-$$"
until [ -e go ]; do sleep 0.02; done
printf "$1"
: > "printed-$$"
[ "$2" = ends ] || sleep 60
"#;

/// Stops Rehearsal before the programs answer, continues it after the deadline, and asserts that all
/// flows complete.
fn check(terminal: &str, words: &str, wait: &str, flows: usize) {
    let sandbox = Sandbox::new();
    sandbox.write("program.sh", PROGRAM);
    let scenario = format!(
        r#"
name: stop
roles:
  clerk:
    run: [sh, program.sh, {words}]
    terminal: {terminal}
    actions:
      ask:
        - {{ prompt: "go?", send: "yes" }}
        - {{ {wait}, within: {}s }}
flow:
  - {{ step: ask, role: clerk, do: ask }}
"#,
        WITHIN.as_secs()
    );
    sandbox.write("stop.yaml", &scenario);
    let line = format!("run stop.yaml --flows {flows} --parallel {flows}");
    let running = Running::start(&mut sandbox.command(&line));
    let count = |prefix: &str| {
        let entries = std::fs::read_dir(sandbox.home()).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with(prefix))
            .count()
    };
    wait::until("all are asked", || count("asked-") == flows);
    running.signal(Signal::STOP);
    let stopped_at = Instant::now();
    sandbox.write("go", "");
    wait::until("all have printed", || count("printed-") == flows);
    // The deadline passes while Rehearsal is stopped.
    wait::until("the deadline has passed", || stopped_at.elapsed() > WITHIN);
    running.signal(Signal::CONT);
    let (code, out) = running.end();
    assert_eq!(code, Some(0), "{terminal} {wait}: {out}");
}

#[test]
fn lines_that_came_in_time_are_evidence_after_a_stop() {
    check("pty", r#""done\n", stays"#, "see: done", 1);
    check("pipes", r#""done\n", stays"#, "see: done", 1);
}

#[test]
fn prompts_that_came_in_time_are_evidence_after_a_stop() {
    check("pty", r#""done? ", stays"#, "prompt: done", 1);
    check("pipes", r#""done? ", stays"#, "prompt: done", 1);
}

#[test]
fn exits_in_time_are_evidence_after_a_stop() {
    check("pty", r#""done\n", ends"#, "exits: 0", 1);
    check("pipes", r#""done\n", ends"#, "exits: 0", 1);
}

#[test]
fn all_flows_complete_after_a_stop() {
    check("pty", r#""done\n", stays"#, "see: done", 8);
}
