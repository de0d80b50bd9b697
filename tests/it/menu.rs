//! The menu at a real terminal. Belongs to `cli`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::sandbox::Sandbox;
use crate::support::terminal::Terminal;
use crate::support::wait::LONG;

/// The menu, and a person at its terminal.
struct Person {
    child: Child,
    terminal: File,
    output: Receiver<Vec<u8>>,
    /// Output that the test has not looked at yet.
    shown: String,
    sandbox: Sandbox,
}

impl Person {
    fn at_the_menu(options: &str) -> Self {
        let sandbox = Sandbox::new();
        let terminal = Terminal::new(80);
        let mut command = sandbox.command(options);
        command
            .env("NO_COLOR", "1")
            .stdin(terminal.theirs())
            .stdout(terminal.theirs())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let terminal = terminal.ours;
        let mut reader = terminal.try_clone().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Person {
            child,
            terminal,
            output,
            shown: String::new(),
            sandbox,
        }
    }

    /// Reads until this is shown, and keeps the rest for the next call.
    fn sees(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        while !self.shown.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(piece) = self.output.recv_timeout(left) else {
                panic!("{text:?} was not shown, but {:?}", self.shown);
            };
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        let end = self.shown.find(text).unwrap() + text.len();
        self.shown.drain(..end);
    }

    fn types(&mut self, line: &str) {
        writeln!(self.terminal, "{line}").unwrap();
    }

    fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn leaves_with(&mut self, code: i32) {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }

    /// Reads the rest of a line.
    fn sees_line(&mut self) -> String {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some((line, rest)) = self.shown.split_once('\n') {
                let line = line.trim().to_owned();
                self.shown = rest.to_owned();
                return line;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = self.output.recv_timeout(left).expect("the end of a line");
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // After a test that succeeds it has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_end_of_input_ends_the_menu() {
    let mut person = Person::at_the_menu("");
    person.sees("Select (0-7): ");
    person.terminal.write_all(b"\x04").unwrap();
    person.leaves_with(0);
}

#[test]
fn a_run_continues_behind_the_menu_and_can_be_inspected_and_ended() {
    let mut person = Person::at_the_menu("--delay 2s");
    person.sees("Select (0-7): ");
    person.types("1");
    person.sees("Customer (");
    person.types("CUST003");
    person.sees("Step 1/10: 01_start_customer_portal");
    person.sees("completed");
    person.types("6");
    person.sees("PID  Script");
    person.sees("1.1.1");
    person.types("1");
    person.sees("A run is in progress");
    person.types("5");
    person.sees("0 of 1 flow completed, 1 interrupted");
    person.sees("has ended.");
    person.sees("Select (0-7): ");
    person.types("6");
    person.sees("No scripts are running.");
    person.types("0");
    person.leaves_with(0);
}

#[test]
fn the_exit_waits_for_the_run_in_progress() {
    let mut person = Person::at_the_menu("");
    person.sees("Select (0-7): ");
    person.types("2");
    person.types("2");
    person.types("2");
    person.sees("Started");
    person.types("0");
    person.sees("will be finished first");
    person.sees("2 of 2 flows completed");
    person.leaves_with(0);
}

#[test]
fn a_signal_ends_the_menu() {
    let mut person = Person::at_the_menu("");
    person.sees("Select (0-7): ");
    person.signals(Signal::INT);
    person.leaves_with(130);
}

#[test]
fn a_termination_ends_run_and_menu() {
    let mut person = Person::at_the_menu("--delay 2s");
    person.sees("Select (0-7): ");
    person.types("1");
    person.types("");
    person.sees("completed");
    person.signals(Signal::TERM);
    person.sees("INTERRUPTED  ");
    person.leaves_with(130);
}

#[test]
fn outputs_can_be_chosen_and_are_written_after_each_run() {
    let mut person = Person::at_the_menu("--junit named.xml");
    person.sees("Select (0-7): ");
    person.types("7");
    person.sees("1  [ ] Live page");
    // Named on the command line.
    person.sees("3  [x] Test results (JUnit)");
    for number in ["1", "2", "4", "5", "4"] {
        person.sees("Number to change (Enter to go back): ");
        person.types(number);
    }
    for row in ["1  [x]", "2  [x]", "3  [x]", "4  [ ]", "5  [x]"] {
        person.sees(row);
    }
    person.sees("Number to change (Enter to go back): ");
    person.types("");
    person.sees("Select (0-7): ");
    person.types("1");
    person.types("");
    person.sees("Live page: http://127.0.0.1:");
    person.sees("1 of 1 flow completed");
    person.sees("HTML:");
    let html = person.sees_line();
    let html = person.sandbox.read(html);
    assert!(html.starts_with("<!doctype html>"), "{}", &html[..200]);
    person.sees("Written: ");
    assert_eq!(person.sees_line(), "named.xml");
    let junit = person.sandbox.read("named.xml");
    assert!(junit.contains("<testsuite "), "{junit}");
    person.sees("Written: ");
    let steps = person.sees_line();
    assert!(steps.ends_with(".steps.csv"), "{steps}");
    let steps = person.sandbox.read(steps);
    assert_eq!(steps.lines().count(), 11, "{steps}");
    person.sees("has ended.");

    // None are chosen for the next run.
    person.types("7");
    for number in ["1", "2", "3", "5", ""] {
        person.sees("Number to change (Enter to go back): ");
        person.types(number);
    }
    person.sees("Select (0-7): ");
    person.types("1");
    person.types("");
    person.sees("Started ");
    person.sees("Log: ");
    person.sees_line();
    assert_eq!(person.sees_line(), "");
    person.sees("has ended.");
    person.types("0");
    person.leaves_with(0);
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_run_of_the_menu() {
    let mut person = Person::at_the_menu("--markdown nowhere/summary.md");
    person.sees("Select (0-7): ");
    person.types("1");
    person.types("");
    person.sees("error: cannot write nowhere/summary.md");
    person.sees("Select (0-7): ");
    person.types("0");
    person.leaves_with(0);
}

#[test]
fn options_that_the_menu_has_no_use_for_are_refused() {
    let sandbox = Sandbox::new();
    for option in [
        "--otlp traces.jsonl",
        "--prometheus 0",
        "--csv-flows flows.csv",
        "--save",
    ] {
        let name = option.split(' ').next().expect("a name");
        let finished = sandbox.rehearsal(option);
        finished
            .assert_code(2)
            .assert_err(&format!("{name} is not available in the menu"));
    }
}
