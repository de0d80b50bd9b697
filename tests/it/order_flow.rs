//! The built-in scenario against the five programs of the shop, as users run it.
//!
//! Single turns are tested in `engine.rs`, the shop's programs
//! in `shop`, the command line in `cli.rs`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::fixture::replaced;
use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, files_below};

/// A sandbox with a database of the shop, in which all programs have this fault.
struct Trial {
    sandbox: Sandbox,
    fault: &'static str,
}

struct Outcome {
    finished: Finished,
    result: Value,
}

impl Trial {
    fn new() -> Self {
        Trial::with_fault("")
    }

    fn with_fault(fault: &'static str) -> Self {
        Trial {
            sandbox: Sandbox::new(),
            fault,
        }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.sandbox.command(line);
        command.env("REHEARSAL_SHOP_DB", self.sandbox.home().join("shop.db"));
        command
    }

    /// `rehearsal run --json` with these arguments, and its result.
    fn run(&self, arguments: &str) -> Outcome {
        let mut command = self.command(&format!("run --json {arguments}"));
        if !self.fault.is_empty() {
            command.env("REHEARSAL_SHOP_FAULT", self.fault);
        }
        let finished = Finished::of(&mut command);
        let result = finished.json();
        Outcome { finished, result }
    }

    /// The audit's report and its exit code.
    fn audit(&self) -> (Value, Option<i32>) {
        let finished = Finished::of(&mut self.command("shop audit --json"));
        (finished.json(), finished.code)
    }
}

impl Outcome {
    fn code(&self) -> Option<i32> {
        self.finished.code
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
        replaced(
            &source,
            &line,
            &format!("{line}    lifetime: {{pool: 4}}\n"),
        )
    })
}

#[test]
fn a_staff_of_four_each_serves_all_orders() {
    let trial = Trial::new();
    trial.sandbox.write("shared.yaml", &with_shared_staff());
    let outcome = trial.run("shared.yaml --flows 16 --parallel 8");
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
    let outcome = trial.run("");
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
    let (report, code) = trial.audit();
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn a_hundred_orders_twenty_at_a_time_keep_the_data_consistent() {
    let trial = Trial::new();
    let outcome = trial.run("--flows 100 --parallel 20");
    assert_eq!(outcome.code(), Some(0), "{}", outcome.result["summary"]);
    assert_eq!(outcome.count("completed"), 100);
    outcome.assert_no_process_left();
    let (report, code) = trial.audit();
    assert_eq!(code, Some(0), "{report}");
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
fn a_wrong_password_fails_the_authentication_and_is_shown_nowhere() {
    let trial = Trial::new();
    let outcome = trial.run("-v --save --var customer_password=sesame-open-77");
    assert_eq!(outcome.code(), Some(1));
    let (step, kind, _) = outcome.failure();
    assert_eq!(
        (step, kind.as_str()),
        ("01_start_customer_portal", "authentication_failed")
    );
    outcome.assert_no_process_left();
    let mut files = files_below(&trial.sandbox.home());
    files.retain(|file| file.extension().is_some_and(|it| it != "db"));
    assert!(!files.is_empty());
    for file in files {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
        assert!(!text.contains("sesame-open-77"), "{}", file.display());
    }
}

#[test]
fn no_database_is_no_success() {
    let trial = Trial::new();
    let mut command = trial.command("run --json");
    let finished = Finished::of(command.env("REHEARSAL_SHOP_DB", "/nonexistent/directory/shop.db"));
    // Without a database it is unknown whether the data is consistent.
    let result = finished.assert_code(98).json();
    let failure = &result["flows"][0]["failure"];
    assert_eq!(failure["step"], "01_start_customer_portal");
    assert!(
        failure["tail"]
            .as_str()
            .is_some_and(|tail| tail.contains("/nonexistent/directory"))
    );
}

/// Each fault that a program shows fails its flow at the expected step, with the expected cause.
#[test]
fn visible_faults_fail_the_flow_with_their_cause() {
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
        let outcome = trial.run("");
        let (failed_step, failed_kind, text) = outcome.failure();
        // This one also leaves inconsistent data.
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
fn a_hang_is_a_timeout_with_the_awaited_text() {
    let trial = Trial::with_fault("hang@delivery-personnel");
    let outcome = trial.run("--timeout 1");
    let (_, kind, message) = outcome.failure();
    assert_eq!(kind, "timeout");
    assert!(
        message.contains("timed out after 1s, waiting for"),
        "{message}"
    );
    outcome.assert_no_process_left();
}

#[test]
fn slowness_and_floods_are_no_failures() {
    for fault in ["slow=30", "flood=4@customer-portal"] {
        let outcome = Trial::with_fault(fault).run("");
        assert_eq!(
            outcome.code(),
            Some(0),
            "{fault}: {}",
            outcome.result["summary"]
        );
    }
}

/// Faults that no program shows are found by the audit of the order, with which the journey ends.
#[test]
fn invisible_faults_are_found_by_the_audit() {
    for fault in ["lost-allocation", "stale-listing@delivery-personnel"] {
        let trial = Trial::with_fault(fault);
        let outcome = trial.run("");
        let (step, kind, message) = outcome.failure();
        let found = (step, kind.as_str());
        assert_eq!(
            found,
            ("10_complete_delivery", "command_failed"),
            "{fault}: {message}"
        );
        assert_eq!(outcome.code(), Some(98), "{fault}");
        let (report, code) = trial.audit();
        assert_eq!(code, Some(1), "{fault}: {report}");
    }
}

#[test]
fn ids_that_collide_are_found() {
    let trial = Trial::with_fault("colliding-ids");
    let outcome = trial.run("--flows 20 --parallel 20");
    let (report, code) = trial.audit();
    // Twenty orders in a second or two: at least two of them share an id.
    assert_eq!(code, Some(1), "{report}");
    assert!(
        outcome.count("failed") >= 2,
        "{}",
        outcome.result["summary"]
    );
    assert_eq!(outcome.code(), Some(98));
    outcome.assert_no_process_left();
}
