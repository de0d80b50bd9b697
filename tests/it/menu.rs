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
    _sandbox: Sandbox,
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
            _sandbox: sandbox,
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

    fn leaves_with(mut self, code: i32) {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
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
