//! The main job: the built-in scenario against the five programs of the shop, by the program
//! itself as its users run it.
//!
//! Here belongs what the whole does. Single turns are tested in `engine.rs`, the shop's programs
//! in `shop`, the command line in `cli.rs`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A run of the program in a folder and with a database of its own.
struct Trial {
    folder: tempfile::TempDir,
    faults: String,
}

struct Outcome {
    output: Output,
    result: Value,
}

impl Trial {
    fn new() -> Self {
        Trial {
            folder: tempfile::tempdir().expect("a temporary folder"),
            faults: String::new(),
        }
    }

    fn with_fault(fault: &str) -> Self {
        Trial {
            faults: fault.to_owned(),
            ..Trial::new()
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("REHEARSAL_SHOP_DB", self.folder.path().join("shop.db"))
            .env_remove("REHEARSAL_RESULTS")
            .env_remove("REHEARSAL_SHOP_FAULT")
            .stdin(Stdio::null());
        if !self.faults.is_empty() {
            command.env("REHEARSAL_SHOP_FAULT", &self.faults);
        }
        command
    }

    /// `rehearsal run --json` with these arguments, and its result.
    fn run(&self, arguments: &[&str]) -> Outcome {
        let arguments = [&["run", "--json"], arguments].concat();
        let output = self
            .command(&arguments)
            .output()
            .expect("the program starts");
        let result = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        Outcome { output, result }
    }

    /// What the audit says, and its exit code.
    fn audit(&self) -> (Value, Option<i32>) {
        let mut command = self.command(&["shop", "audit", "--json"]);
        let output = command
            .env_remove("REHEARSAL_SHOP_FAULT")
            .output()
            .expect("it starts");
        (
            serde_json::from_slice(&output.stdout).expect("JSON"),
            output.status.code(),
        )
    }
}

impl Outcome {
    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn count(&self, what: &str) -> u64 {
        self.result["summary"]["flows"][what]
            .as_u64()
            .unwrap_or_else(|| panic!("no count of {what} in {}", self.result["summary"]))
    }

    fn flows(&self) -> &[Value] {
        self.result["flows"].as_array().expect("flows")
    }

    /// The only failure: its step and its kind.
    fn failure(&self) -> (&str, String, &str) {
        assert_eq!(self.count("completed"), 0, "{}", self.result["summary"]);
        let failure = &self.flows()[0]["failure"];
        let kind = match &failure["kind"] {
            Value::String(kind) => kind.clone(),
            kind => kind["business"].as_str().unwrap_or_default().to_owned(),
        };
        let text = |key: &str| failure[key].as_str().unwrap_or_default();
        (text("step"), kind, text("message"))
    }

    fn assert_no_process_left(&self) {
        for flow in self.flows() {
            for process in flow["processes"].as_array().expect("processes") {
                let path = Path::new("/proc").join(process["pid"].to_string());
                assert!(!path.exists(), "{} is left", path.display());
            }
        }
        assert_eq!(self.result["summary"]["processes"]["left_over"], 0);
    }
}

/// The built-in scenario with four instances of each program of the staff, for all flows.
fn with_shared_staff() -> String {
    let source = include_str!("../../config/order-flow.yaml");
    let titles = [
        "Inventory Staff",
        "Warehouse Manager",
        "Logistics Manager",
        "Delivery Personnel",
    ];
    titles.iter().fold(source.to_owned(), |source, title| {
        let line = format!("    title: {title}\n");
        assert!(source.contains(&line), "{title}");
        source.replace(&line, &format!("{line}    lifetime: {{pool: 4}}\n"))
    })
}

#[test]
fn a_staff_of_four_each_serves_all_orders() {
    let trial = Trial::new();
    let file = trial.folder.path().join("shared.yaml");
    std::fs::write(&file, with_shared_staff()).expect("a file");
    let outcome = trial.run(&["shared.yaml", "--flows", "16", "--parallel", "8"]);
    assert_eq!(
        outcome.code(),
        Some(0),
        "{}",
        outcome.result["summary"]["failures"]
    );
    let flows = &outcome.result["summary"]["flows"];
    assert_eq!(
        (&flows["completed"], &flows["recovered"]),
        (&16.into(), &0.into())
    );
    let started = outcome.result["summary"]["processes"]["started"].as_u64();
    assert!(
        started > Some(16) && started <= Some(16 + 4 * 4),
        "{started:?}"
    );
    let ended_well = &outcome.result["summary"]["processes"]["ended_well"];
    assert_eq!(ended_well.as_u64(), started, "all have logged out");
}

#[test]
fn one_order_goes_through_five_programs() {
    let trial = Trial::new();
    let outcome = trial.run(&[]);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.result);
    assert_eq!(outcome.count("completed"), 1);
    let flow = &outcome.flows()[0];
    assert_eq!(flow["steps"].as_array().map(Vec::len), Some(10));
    assert_eq!(flow["processes"].as_array().map(Vec::len), Some(5));
    let captures = flow["captures"].to_string();
    assert!(
        captures.contains("ORD-") && captures.contains("DEL-"),
        "{captures}"
    );
    outcome.assert_no_process_left();
    let (books, code) = trial.audit();
    assert_eq!(code, Some(0), "{books}");
}

#[test]
fn a_hundred_orders_twenty_at_a_time_keep_the_books_right() {
    let trial = Trial::new();
    let outcome = trial.run(&["--flows", "100", "--parallel", "20"]);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.result["summary"]);
    assert_eq!(outcome.count("completed"), 100);
    outcome.assert_no_process_left();
    let (books, code) = trial.audit();
    assert_eq!(code, Some(0), "{books}");
    let mut customers: Vec<String> = outcome
        .flows()
        .iter()
        .map(|flow| flow["variables"].to_string())
        .collect();
    customers.sort();
    customers.dedup();
    assert_eq!(customers.len(), 100, "every flow is another customer's");
}

#[test]
fn a_wrong_password_is_an_authentication_that_failed_and_shows_nowhere() {
    let trial = Trial::new();
    let outcome = trial.run(&["-v", "--save", "--var", "customer_password=sesame-open-77"]);
    assert_eq!(outcome.code(), Some(1));
    let (step, kind, _) = outcome.failure();
    assert_eq!(
        (step, kind.as_str()),
        ("01_start_customer_portal", "authentication_failed")
    );
    outcome.assert_no_process_left();
    let mut files = Vec::new();
    collect(trial.folder.path(), &mut files);
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e != "db"))
    {
        let text = String::from_utf8_lossy(&std::fs::read(file).expect("a file")).into_owned();
        // The command line as typed is the one place of which the program is not the author.
        let told = text.matches("sesame-open-77").count();
        assert_eq!(told, 0, "{} tells the password", file.display());
    }
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files)
        } else {
            files.push(path)
        }
    }
}

#[test]
fn no_database_is_no_success() {
    let mut trial = Trial::new();
    trial.faults = String::new();
    let mut command = trial.command(&["run", "--json"]);
    command.env("REHEARSAL_SHOP_DB", "/nonexistent/folder/shop.db");
    let output = command.output().expect("it starts");
    // Without a database nobody can say that the books are right.
    assert_eq!(output.status.code(), Some(98));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let failure = &result["flows"][0]["failure"];
    assert_eq!(failure["step"], "01_start_customer_portal");
    assert!(
        failure["tail"]
            .as_str()
            .is_some_and(|tail| tail.contains("/nonexistent/folder"))
    );
}

/// Each fault that a program shows fails its flow, at a step and with a cause that fit.
#[test]
fn faults_that_show_fail_the_flow_with_their_cause() {
    let cases = [
        (
            "crash@warehouse-manager",
            "06_approve_order",
            "ended_early",
            "exit code 70",
        ),
        (
            "crash=abort@logistics-manager",
            "08_plan_delivery",
            "ended_early",
            "SIGABRT",
        ),
        (
            "error-line@inventory-staff",
            "04_process_order",
            "program_error",
            "[ERROR]",
        ),
        (
            "stale-listing@warehouse-manager",
            "08_plan_delivery",
            "not_due",
            "is not awaiting",
        ),
    ];
    for (fault, step, kind, message) in cases {
        let trial = Trial::with_fault(fault);
        let outcome = trial.run(&[]);
        let (failed_step, failed_kind, text) = outcome.failure();
        // What this one leaves behind is wrong, too.
        let wrong = fault.starts_with("stale-listing");
        assert_eq!(outcome.code(), Some(if wrong { 98 } else { 1 }), "{fault}");
        assert_eq!(
            (failed_step, failed_kind.as_str()),
            (step, kind),
            "{fault}: {text}"
        );
        assert!(text.contains(message), "{fault}: {text}");
        outcome.assert_no_process_left();
    }
}

#[test]
fn a_hang_is_a_timeout_that_says_what_was_awaited() {
    let trial = Trial::with_fault("hang@delivery-personnel");
    let outcome = trial.run(&["--timeout", "1"]);
    let (_, kind, message) = outcome.failure();
    assert_eq!(kind, "timeout");
    assert!(message.contains("awaited"), "{message}");
    outcome.assert_no_process_left();
}

#[test]
fn slowness_and_floods_are_no_failures() {
    for fault in ["slow=30", "flood=4@customer-portal"] {
        let outcome = Trial::with_fault(fault).run(&[]);
        assert_eq!(
            outcome.code(),
            Some(0),
            "{fault}: {}",
            outcome.result["summary"]
        );
    }
}

/// Faults that no program shows are found where the journey ends with a look into the books.
#[test]
fn faults_that_do_not_show_are_found_in_the_books() {
    for fault in ["lost-allocation", "stale-listing@delivery-personnel"] {
        let trial = Trial::with_fault(fault);
        let outcome = trial.run(&[]);
        let (step, kind, message) = outcome.failure();
        let found = (step, kind.as_str());
        assert_eq!(
            found,
            ("10_complete_delivery", "command_failed"),
            "{fault}: {message}"
        );
        assert_eq!(outcome.code(), Some(98), "{fault}");
        let (books, code) = trial.audit();
        assert_eq!(code, Some(1), "{fault}: {books}");
    }
}

#[test]
fn ids_that_collide_are_found() {
    let trial = Trial::with_fault("colliding-ids");
    let outcome = trial.run(&["--flows", "20", "--parallel", "20"]);
    let (books, code) = trial.audit();
    // Twenty orders in a second or two: at least two of them share an id.
    assert_eq!(code, Some(1), "{books}");
    assert!(
        outcome.count("failed") >= 2,
        "{}",
        outcome.result["summary"]
    );
    assert_eq!(outcome.code(), Some(98));
    outcome.assert_no_process_left();
}
