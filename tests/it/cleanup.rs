//! Whatever ends a run, nothing of it is left: no process, no zombie, no temporary folder; and if
//! it can still speak, it reports.
//!
//! Here belongs what the program itself does about signals. How single processes are ended is
//! tested in `transport.rs` and `transport_alone.rs`.

use crate::support::program;

use std::collections::HashSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use program::{LONG, Running, Sandbox, Seen, assert_gone};
use rehearsal::process::{RunMarker, Spawner};
use rustix::process::Signal;

/// After being killed, and after a wish to end at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Programs that ignore what they can, with all that a program can start; then a wait for what
/// never comes.
const STUBBORN: &str = r#"
name: stubborn
defaults: {startup: 60s, step: 60s}
roles:
  terminal: {run: [FIXTURE, ignore, "1", "2", "15", print, 'ready\n', forever], actions: {&go go: &see [{see: ready}]}}
  parent: {run: [FIXTURE, child, ignore, "1", "15", forever, --, print, 'ready\n', forever], actions: {go: *see}}
  pipes: {run: [FIXTURE, ignore, "1", "15", print, 'ready\n', forever], terminal: pipes, actions: {go: *see}}
  family: {run: [FIXTURE, child, ignore, "1", "15", forever, --, print, 'ready\n'], terminal: pipes, actions: {go: *see}}
  escapee: {run: [FIXTURE, escape, ignore, "1", "15", forever, --, print, 'ready\n', forever], actions: {go: *see}}
  mute: {run: [FIXTURE, print, 'ready\n', close-all, forever], terminal: pipes, actions: {go: *see}}
  ghost: {run: [FIXTURE, vanish, env, MARK, forever, --, print, 'ready\n', forever], terminal: TERMINAL, actions: {go: *see, wait: [{see: never}]}}
flow:
  - {step: 1, role: terminal, do: go}
  - {step: 2, role: parent, do: go}
  - {step: 3, role: pipes, do: go}
  - {step: 4, role: family, do: go}
  - {step: 5, role: escapee, do: go}
  - {step: 6, role: mute, do: go}
  - {step: 7, role: ghost, do: go}
  - {step: 8_wait, role: ghost, do: wait}
"#;

/// Freezes every program for longer than any test as soon as it has said that it is ready.
const ICE: &str = "freeze 100% for 1h mid_turn after 1h";

/// A run that has come to its last step, with all its processes; `terminal` is the ghost's.
fn stubborn(sandbox: &Sandbox, terminal: &str) -> (Running, HashSet<Seen>) {
    stubborn_with(sandbox, terminal, &[])
}

fn stubborn_with(sandbox: &Sandbox, terminal: &str, more: &[&str]) -> (Running, HashSet<Seen>) {
    sandbox.write("stubborn.yaml", &STUBBORN.replace("TERMINAL", terminal));
    let arguments = [&["run", "stubborn.yaml"], more].concat();
    let running = Running::start(&mut sandbox.command(&arguments));
    running.hear("8_wait");
    let processes = sandbox.processes();
    assert!(processes.len() >= 11, "{processes:?}");
    (running, processes)
}

fn assert_reported(heard: &str, sandbox: &Sandbox) {
    for text in [
        "Report of ",
        "The run was interrupted.",
        "interrupted      1",
        "0 left over",
    ] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(heard).contains(&words(text)), "no {text:?}: {heard}");
    }
    assert!(sandbox.log().contains("run interrupted after"));
}

#[test]
fn every_signal_that_asks_to_stop_ends_all_and_is_reported() {
    for signals in [
        &[Signal::TERM][..],
        &[Signal::HUP],
        &[Signal::INT, Signal::INT],
    ] {
        let sandbox = Sandbox::new();
        let (running, processes) = stubborn(&sandbox, "pty");
        let begin = Instant::now();
        for (index, &signal) in signals.iter().enumerate() {
            if index > 0 {
                running.hear("press it again");
            }
            running.signal(signal);
        }
        let (code, heard) = running.end();
        let took = begin.elapsed();
        assert_eq!(code, Some(130), "{signals:?}: {heard}");
        assert!(took < 2 * AT_ONCE, "{signals:?}: {took:?}");
        assert_gone(&processes);
        sandbox.assert_empty(Instant::now());
        assert_reported(&heard, &sandbox);
    }
}

#[test]
fn after_one_interrupt_flows_under_way_finish_and_no_other_begins() {
    let sandbox = Sandbox::new();
    let gate = sandbox.home().join("gate");
    let status = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(status.expect("mkfifo").success());
    sandbox.write(
        "patient.yaml",
        r#"
name: patient
roles:
  user:
    run: [sh, -c, 'echo at the gate; read line < MARK/home/gate; echo through']
    directory: MARK
    actions: {wait: [{see: at the gate}], go: [{see: through}, {exits: 0}]}
flow:
  - {step: 1_wait, role: user, do: wait}
  - {step: 2_go, role: user, do: go}
"#,
    );
    let arguments = ["run", "patient.yaml", "--flows", "5", "--save", "-v"];
    let running = Running::start(&mut sandbox.command(&arguments));
    // Opens when the program has come to its gate.
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .open(&gate)
        .expect("a pipe");
    let processes = sandbox.processes();
    running.signal(Signal::INT);
    running.hear("may finish within");
    opened.write_all(b"go\n").expect("it listens");
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert_gone(&processes);
    sandbox.assert_empty(Instant::now());
    let json = sandbox
        .results()
        .into_iter()
        .find(|path| path.ends_with("result.json"));
    let result = std::fs::read(json.expect("it was saved")).expect("it is there");
    let result: serde_json::Value = serde_json::from_slice(&result).expect("JSON");
    let flows = &result["summary"]["flows"];
    assert_eq!(
        (&flows["planned"], &flows["completed"]),
        (&5.into(), &1.into()),
        "{flows}"
    );
    assert_eq!(result["summary"]["interrupted"], true);
}

#[test]
fn a_hanging_shop_is_left_as_clean() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["run", "--flows", "8", "--parallel", "8"]);
    command.env("REHEARSAL_SHOP_FAULT", "hang@warehouse-manager");
    let running = Running::start(&mut command);
    running.hear("8 06_approve_order");
    let processes = sandbox.processes();
    assert!(processes.len() >= 8 * 3, "{processes:?}");
    running.signal(Signal::TERM);
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert_gone(&processes);
    sandbox.assert_empty(Instant::now());
    assert!(heard.contains("The run was interrupted."), "{heard}");
}

#[test]
fn a_killed_run_leaves_nothing_either() {
    // Makes this process the one to which orphans come, and reaps them.
    let reaper = Spawner::new(1, RunMarker::unique(), None).expect("a spawner");
    let sandbox = Sandbox::new();
    // On a terminal its parent would die of the hangup at once, and then nothing would tell
    // whose ghost it is.
    let (running, processes) = stubborn(&sandbox, "pipes");
    assert!(
        sandbox
            .temporary()
            .read_dir()
            .expect("a folder")
            .next()
            .is_some()
    );
    running.signal(Signal::KILL);
    let killed = Instant::now();
    sandbox.assert_empty(killed + AT_ONCE);
    let (code, _) = running.end();
    assert_eq!(code, None);
    assert!(reaper.shutdown(Duration::from_secs(5)).is_empty());
    assert_gone(&processes);
}

/// The same run with all its programs frozen.
fn frozen(sandbox: &Sandbox, terminal: &str, more: &[&str]) -> (Running, HashSet<Seen>) {
    let more = [&["--chaos", ICE], more].concat();
    let (running, processes) = stubborn_with(sandbox, terminal, &more);
    // Each of the seven, and those of their children that are in their groups.
    let by = Instant::now() + LONG;
    while processes.iter().filter(|it| it.is_stopped()).count() < 7 {
        assert!(Instant::now() < by, "not frozen: {processes:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    (running, processes)
}

#[test]
fn frozen_programs_are_ended_by_every_signal_that_asks_to_stop() {
    for signals in [
        &[Signal::TERM][..],
        &[Signal::HUP],
        &[Signal::INT],
        &[Signal::INT, Signal::INT],
    ] {
        let sandbox = Sandbox::new();
        let (running, processes) = frozen(&sandbox, "pty", &["--graceful-stop", "300ms"]);
        for (index, &signal) in signals.iter().enumerate() {
            if index > 0 {
                running.hear("press it again");
            }
            running.signal(signal);
        }
        let (code, heard) = running.end();
        assert_eq!(code, Some(130), "{signals:?}: {heard}");
        assert_gone(&processes);
        sandbox.assert_empty(Instant::now());
        assert_reported(&heard, &sandbox);
    }
}

#[test]
fn a_killed_run_leaves_no_frozen_program_either() {
    // As for one whose programs run.
    let reaper = Spawner::new(1, RunMarker::unique(), None).expect("a spawner");
    let sandbox = Sandbox::new();
    let (running, processes) = frozen(&sandbox, "pipes", &[]);
    running.signal(Signal::KILL);
    sandbox.assert_empty(Instant::now() + AT_ONCE);
    let (code, _) = running.end();
    assert_eq!(code, None);
    assert!(reaper.shutdown(Duration::from_secs(5)).is_empty());
    assert_gone(&processes);
}
