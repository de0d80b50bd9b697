//! JUnit report of a run, for CI servers.
//!
//! A run is one test suite. Its test cases, by class name:
//!
//! | class name | test cases | fails if |
//! | --- | --- | --- |
//! | `SCENARIO.ROLE` | one for each step; its time is the mean duration | a flow failed at the step, unless so many failures are allowed |
//! | `SCENARIO` | `flow`; its time is the mean response time | a flow failed outside of the steps, or there was none; an error if the run was interrupted |
//! | `SCENARIO.thresholds` | one for each threshold | it was crossed |
//! | `SCENARIO.integrity` | one for each integrity check | it has findings; skipped if it could not be determined |
//!
//! A step that no flow reached is skipped. There is no test case for each flow: ten thousand flows
//! that fail alike are one finding, and its message has their number.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::model::StepInfo;
use crate::stats::{Checked, FailureGroup, FlowFailures, Spread, StepSummary, Summary};

use super::checks::{self, IntegrityResult};
use super::failure;
use super::result_file::Head;
use super::sanitize::sanitize;
use super::units;
use super::verdict::{RunVerdict, trust};

/// The maximum number of groups of failures described in one test case.
const MAX_GROUPS: usize = 5;

/// The message about a run in which no flow was completed.
const NONE_COMPLETED: &str = "no flow was completed";

/// Writes the JUnit report of a run. Bundles are named as in the summary.
///
/// # Errors
/// Errors of the writer.
pub fn write_junit(head: &Head, out: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("rehearsal");
    report.set_time(elapsed(&head.summary));
    report.add_test_suite(suite(head));
    let text = report.to_string().map_err(io::Error::other)?;
    out.write_all(without_skipped(&text).as_bytes())
}

/// Removes the number of skipped test cases from the root element; the test suite has it as well.
///
/// The schema with which the xUnit plugin of Jenkins validates reports does not know it there.
fn without_skipped(report: &str) -> String {
    let start = report.find("<testsuites").unwrap_or_default();
    let (prolog, rest) = report.split_at(start);
    let (root, cases) = rest.split_at(rest.find('>').unwrap_or_default());
    let mut parts = root.split(" skipped=\"");
    let before = parts.next().unwrap_or_default();
    let after = parts.next().and_then(|it| it.split_once('"'));
    let after = after.map_or("", |(_number, after)| after);
    [prolog, before, after, cases].concat()
}

fn suite(head: &Head) -> TestSuite {
    let Head { run, summary, .. } = head;
    let scenario = sanitize(&run.scenario);
    let mut suite = TestSuite::new(&*scenario);
    suite.set_timestamp(run.started_at.fixed_offset());
    suite.set_time(elapsed(summary));
    let host = sanitize(&head.environment.host);
    suite.extra.insert("hostname".into(), host.as_ref().into());
    for (name, value) in properties(head) {
        suite.add_property((name, sanitize(&value).as_ref()));
    }
    for step in &run.steps {
        let figures = summary.steps.iter().find(|it| it.name == step.name);
        let status = of_step(summary, step, figures);
        let time = figures.and_then(|it| it.duration);
        let class = format!("{scenario}.{}", sanitize(&step.role));
        suite.add_test_case(case(&step.name, &class, status, time));
    }
    let status = of_flow(head);
    suite.add_test_case(case("flow", &scenario, status, summary.flow_response));
    for checked in &summary.thresholds {
        let class = format!("{scenario}.thresholds");
        let status = of_threshold(checked);
        suite.add_test_case(case(&checked.threshold, &class, status, None));
    }
    let results = summary.integrity.iter().flat_map(checks::integrity);
    for result in results {
        let class = format!("{scenario}.integrity");
        suite.add_test_case(case(&result.demand, &class, of_check(&result), None));
    }
    suite
}

fn elapsed(summary: &Summary) -> Duration {
    Duration::from_micros(summary.elapsed_us)
}

fn properties(head: &Head) -> Vec<(&'static str, String)> {
    let Head { run, summary, .. } = head;
    let flows = summary.flows;
    let mut properties = vec![
        ("run", run.id.to_string()),
        ("result", RunVerdict::of(summary).word().to_owned()),
        ("load", run.load.clone()),
        ("flows.completed", flows.completed.to_string()),
        ("flows.recovered", flows.recovered.to_string()),
        ("flows.failed", flows.failed.to_string()),
        ("flows.interrupted", flows.interrupted.to_string()),
        ("flows.dropped", flows.dropped.to_string()),
    ];
    properties.extend(run.seed.map(|seed| ("seed", seed.to_string())));
    if let Some(verdict) = &summary.verdict {
        let reasons = verdict
            .reasons
            .iter()
            .map(|it| ("figures.reason", it.clone()));
        properties.push(("figures", trust(verdict.trust).to_owned()));
        properties.extend(reasons);
    }
    let version = &head.environment.rehearsal_version;
    properties.push(("rehearsal.version", version.clone()));
    properties
}

fn case(name: &str, class: &str, status: TestCaseStatus, time: Option<Spread>) -> TestCase {
    let mut case = TestCase::new(&*sanitize(name), status);
    case.set_classname(class);
    if let Some(spread) = time {
        case.set_time(Duration::from_micros(spread.mean_us));
    }
    case
}

fn of_step(summary: &Summary, step: &StepInfo, figures: Option<&StepSummary>) -> TestCaseStatus {
    let groups = summary.failures.groups.iter();
    let groups: Vec<_> = groups.filter(|it| it.step == step.name).collect();
    let of_groups = groups.iter().map(|it| it.count).sum::<u64>();
    let failed = figures.map_or(0, |it| it.failed).max(of_groups);
    if failed > 0 {
        return of_failures(summary, failed, &groups);
    }
    match figures {
        Some(StepSummary { completed: 1.., .. }) => TestCaseStatus::success(),
        Some(StepSummary { skipped: 1.., .. }) => skipped("it was skipped in all flows"),
        _ => skipped("no flow completed it"),
    }
}

fn of_flow(head: &Head) -> TestCaseStatus {
    let Head { run, summary, .. } = head;
    if summary.interrupted {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let flows = &summary.flows;
        let ended = units::counted(flows.completed + flows.failed, "flow");
        status.set_type("interrupted");
        status.set_message(format!("the run was interrupted after {ended}"));
        return status;
    }
    let groups = summary.failures.groups.iter();
    let groups: Vec<_> = groups.filter(|it| run.step(&it.step).is_none()).collect();
    match groups.iter().map(|it| it.count).sum() {
        0 if summary.flows.completed > 0 => TestCaseStatus::success(),
        0 if summary.failures.groups.is_empty() && summary.flow_failures == FlowFailures::Count => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("no flow");
            status.set_message(NONE_COMPLETED);
            status
        }
        // The steps at which flows failed say so.
        0 => skipped(NONE_COMPLETED),
        failed => of_failures(summary, failed, &groups),
    }
}

/// The status of a test case at which flows failed; the most frequent failures come first.
fn of_failures(summary: &Summary, failed: u64, groups: &[&FailureGroup]) -> TestCaseStatus {
    if summary.flow_failures == FlowFailures::AreAllowed {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let all = units::counted(summary.flows.ended(), "flow");
    let mut message = format!("{failed} of {all} failed");
    if let Some(first) = groups.first() {
        let text = first.example.message.lines().next().unwrap_or_default();
        message.push_str(&format!(": {}: {}", first.example.kind, sanitize(text)));
        status.set_type(&*sanitize(&first.cause));
    }
    status.set_message(&*sanitize(&message));
    let shown = groups.iter().take(MAX_GROUPS).map(|group| described(group));
    let mut texts: Vec<_> = shown.collect();
    if let Some(more @ 1..) = groups.len().checked_sub(MAX_GROUPS) {
        texts.push(format!("and {more} more, which are in the report"));
    }
    status.set_description(texts.join("\n\n"));
    status
}

/// Describes failures with the same signature, with an example and its last output.
fn described(group: &FailureGroup) -> String {
    let mut lines = vec![format!("{} × {}", group.count, sanitize(&group.cause))];
    if let Some(saw) = group.saw.as_deref().filter(|saw| !saw.is_empty()) {
        lines.push(format!("saw      {}", sanitize(saw)));
    }
    lines.push(format!("flow     {}", sanitize(&group.example_flow.0)));
    lines.extend(failure::lines(&group.example));
    if let Some(bundle) = &group.bundle {
        lines.push(format!("replay   rehearsal replay {}", sanitize(bundle)));
    }
    lines.join("\n")
}

fn of_threshold(checked: &Checked) -> TestCaseStatus {
    if checked.holds {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("threshold");
    let value = checks::threshold_value(checked);
    let message = format!("{}: {value}", sanitize(&checked.threshold));
    status.set_message(message);
    status
}

fn of_check(result: &IntegrityResult) -> TestCaseStatus {
    match result.findings {
        Some(0) => TestCaseStatus::success(),
        None => skipped(&result.found),
        Some(_) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("integrity");
            status.set_message(result.found.as_str());
            status.set_description(result.lines().join("\n"));
            status
        }
    }
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}
