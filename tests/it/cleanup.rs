//! The end of a run by signals: no process, zombie or temporary directory is left, and all but a
//! killed run report.
//!
//! The termination of single processes is tested in `process.rs` and `process_alone.rs`.

use std::collections::HashSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::support::fixture::{replaced, scenario};
use crate::support::running::Running;
use crate::support::sandbox::{Sandbox, Seen, assert_gone, result};
use crate::support::wait;
use rehearsal::process::{RunMarker, Spawner};
use rustix::process::Signal;

/// The limit after a kill, and after a request to stop at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Freezes every program for longer than any test as soon as it has said that it is ready.
const ICE: &str = "freeze 100% for 1h mid_turn after 1h";

/// A run that has come to its last step, with all its processes; `terminal` is the ghost's.
fn stubborn(sandbox: &Sandbox, terminal: &str) -> (Running, HashSet<Seen>) {
    stubborn_with(sandbox, terminal, &[])
}

fn stubborn_with(sandbox: &Sandbox, terminal: &str, more: &[&str]) -> (Running, HashSet<Seen>) {
    let ghost = format!("terminal: {terminal}, actions: {{go: *see, wait");
    let text = scenario("cleanup/stubborn");
    let text = replaced(&text, "terminal: pty, actions: {go: *see, wait", &ghost);
    sandbox.write("stubborn.yaml", &text);
    let running = Running::start(sandbox.command("run stubborn.yaml").args(more));
    running.hear("8_wait");
    let processes = sandbox.processes();
    assert!(processes.len() >= 11, "{processes:?}");
    (running, processes)
}

/// Sends these signals, each one after the first when it is asked for.
fn send(running: &Running, signals: &[Signal]) {
    for (index, &signal) in signals.iter().enumerate() {
        if index > 0 {
            running.hear("press it again");
        }
        running.signal(signal);
    }
}

fn assert_reported(heard: &str, sandbox: &Sandbox) {
    assert!(!heard.contains("left over"), "{heard}");
    for text in [
        "INTERRUPTED  stubborn",
        "0 of 1 flow completed, 1 interrupted",
    ] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(heard).contains(&words(text)), "no {text:?}: {heard}");
    }
    assert!(sandbox.log().contains("run interrupted after"));
}

#[test]
fn a_signal_to_stop_ends_all_processes_and_is_reported() {
    for signals in [
        &[Signal::TERM][..],
        &[Signal::HUP],
        &[Signal::QUIT],
        &[Signal::INT, Signal::INT],
    ] {
        let sandbox = Sandbox::new();
        let (running, processes) = stubborn(&sandbox, "pty");
        let begin = Instant::now();
        send(&running, signals);
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
fn after_one_interrupt_running_flows_finish_and_no_other_starts() {
    let sandbox = Sandbox::new();
    let gate = sandbox.make_gate("gate");
    sandbox.write("patient.yaml", &scenario("cleanup/patient"));
    let mut command = sandbox.command("run patient.yaml --flows 5 --save -v");
    let running = Running::start(&mut command);
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
    let result = result(&sandbox.run());
    let flows = &result["summary"]["flows"];
    assert_eq!(
        (&flows["planned"], &flows["completed"]),
        (&5.into(), &1.into()),
        "{flows}"
    );
    assert_eq!(result["summary"]["interrupted"], true);
}

#[test]
fn a_hanging_shop_is_cleaned_up() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("run --flows 8 --parallel 8");
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
    assert!(heard.contains("INTERRUPTED  "), "{heard}");
}

#[test]
fn a_killed_run_leaves_nothing() {
    // Makes this process the one to which orphans come, and reaps them.
    let reaper = Spawner::new(1, RunMarker::unique(), None).expect("a spawner");
    let sandbox = Sandbox::new();
    // On a terminal its parent would die of the hangup at once, and then nothing would show
    // that the ghost belongs to it.
    let (running, processes) = stubborn(&sandbox, "pipes");
    assert!(
        sandbox
            .temporary()
            .read_dir()
            .expect("a directory")
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

/// A run whose program has left a daemon behind, with all its processes.
fn with_daemon(sandbox: &Sandbox) -> (Running, HashSet<Seen>) {
    sandbox.write("daemon.yaml", &scenario("cleanup/daemon"));
    let running = Running::start(&mut sandbox.command("run daemon.yaml"));
    running.hear("2_wait");
    let processes = sandbox.processes();
    // Rehearsal, its watcher, the program, and the daemon.
    assert_eq!(processes.len(), 4, "{processes:?}");
    (running, processes)
}

#[test]
fn no_daemon_outlives_the_run_however_it_ends() {
    for (signal, code) in [
        (Signal::KILL, None),
        (Signal::ABORT, None),
        (Signal::QUIT, Some(130)),
    ] {
        // As above.
        let reaper = Spawner::new(1, RunMarker::unique(), None).expect("a spawner");
        let sandbox = Sandbox::new();
        let (running, processes) = with_daemon(&sandbox);
        running.signal(signal);
        sandbox.assert_empty(Instant::now() + 2 * AT_ONCE);
        assert_eq!(running.end().0, code, "{signal:?}");
        assert!(reaper.shutdown(Duration::from_secs(5)).is_empty());
        assert_gone(&processes);
    }
}

#[test]
fn programs_that_fork_for_ever_are_ended_or_counted() {
    let sandbox = Sandbox::new();
    sandbox.write("hop.yaml", &scenario("cleanup/hop"));
    let finished = sandbox.rehearsal("run hop.yaml --flows 4 --parallel 4 --report full");
    let none_is_left = finished.out.contains(" 0 left over");
    let is_named = finished.err.contains("these processes could not be ended");
    assert_eq!(none_is_left, !is_named, "{finished:?}");
    assert_eq!(finished.code, Some(if none_is_left { 0 } else { 70 }));
    // What was left, the watcher ends, or the time that they have at most is over.
    sandbox.assert_empty(Instant::now() + wait::LONG);
}

#[test]
fn a_watcher_that_is_killed_is_replaced() {
    // As above.
    let reaper = Spawner::new(1, RunMarker::unique(), None).expect("a spawner");
    let sandbox = Sandbox::new();
    let (running, processes) = stubborn(&sandbox, "pipes");
    let is_watcher = |seen: &&Seen| {
        let line = std::fs::read(format!("/proc/{}/cmdline", seen.pid)).unwrap_or_default();
        line.split(|&byte| byte == 0).nth(1) == Some(b"__watch")
    };
    let watcher = processes.iter().find(is_watcher).expect("a watcher");
    let pid = rustix::process::Pid::from_raw(watcher.pid.cast_signed()).expect("a pid");
    rustix::process::kill_process(pid, Signal::KILL).expect("it is there");
    wait::until("another watcher is there", || {
        let now = sandbox.processes();
        now.iter()
            .any(|it| is_watcher(&it) && it.pid != watcher.pid)
    });
    wait::until("the log has it", || {
        sandbox
            .log()
            .contains("killed from outside; another one was started")
    });
    running.signal(Signal::KILL);
    sandbox.assert_empty(Instant::now() + AT_ONCE);
    assert_eq!(running.end().0, None);
    assert!(reaper.shutdown(Duration::from_secs(5)).is_empty());
    assert_gone(&processes);
}

/// The same run with all its programs frozen.
fn frozen(sandbox: &Sandbox, terminal: &str, more: &[&str]) -> (Running, HashSet<Seen>) {
    let more = [&["--chaos", ICE], more].concat();
    let (running, processes) = stubborn_with(sandbox, terminal, &more);
    // Each of the seven, and those of their children that are in their groups.
    wait::until("seven processes are stopped", || {
        processes.iter().filter(|it| it.is_stopped()).count() >= 7
    });
    (running, processes)
}

#[test]
fn a_signal_to_stop_ends_frozen_programs() {
    for signals in [
        &[Signal::TERM][..],
        &[Signal::HUP],
        &[Signal::INT],
        &[Signal::INT, Signal::INT],
    ] {
        let sandbox = Sandbox::new();
        let (running, processes) = frozen(&sandbox, "pty", &["--graceful-stop", "300ms"]);
        send(&running, signals);
        let (code, heard) = running.end();
        assert_eq!(code, Some(130), "{signals:?}: {heard}");
        assert_gone(&processes);
        sandbox.assert_empty(Instant::now());
        assert_reported(&heard, &sandbox);
    }
}

#[test]
fn a_killed_run_leaves_no_frozen_program() {
    // As above.
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
