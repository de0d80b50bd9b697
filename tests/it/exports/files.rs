//! Files about a whole run: JUnit, Markdown and annotations, CSV.

use std::path::Path;
use std::process::Command;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};

use super::*;
use crate::support::running::Finished;

const RUN: &str = "run exports.yaml --flows 4";

/// The test case of this class and name.
#[track_caller]
fn case<'r>(report: &'r Report, class: &str, name: &str) -> &'r TestCase {
    let mut cases = report.test_suites.iter().flat_map(|it| &it.test_cases);
    let is_it = |case: &&TestCase| {
        case.name.as_str() == name
            && case
                .classname
                .as_ref()
                .is_some_and(|it| it.as_str() == class)
    };
    cases.find(is_it).expect("a test case")
}

/// The message and the description of a test case that is no success.
#[track_caller]
fn failure(case: &TestCase) -> (NonSuccessKind, &str, &str) {
    match &case.status {
        TestCaseStatus::NonSuccess {
            kind,
            message,
            description,
            ..
        } => (
            *kind,
            message.as_ref().map_or("", |it| it.as_str()),
            description.as_ref().map_or("", |it| it.as_str()),
        ),
        other => panic!("{other:?}"),
    }
}

/// Validates a report with `xmllint`, where that is installed: against the schema of Jenkins' xUnit
/// plugin, and against one of the elements that other readers know, which demands more of them.
fn validate(path: &Path) {
    validate_against("jenkins-junit-10.xsd", path);
    validate_against("junit.xsd", path);
}

fn validate_against(schema: &str, path: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--schema"]);
    command.arg(fixtures.join(schema)).arg(path);
    match command.output() {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(_) => println!("not validated: xmllint is not installed"),
    }
}

#[test]
fn junit_has_a_case_for_each_step_threshold_and_check() {
    let sandbox = sandbox();
    sandbox
        .rehearsal(&format!("{RUN} --save --junit run.xml"))
        .assert_code(98);
    let text = sandbox.read("run.xml");
    let report = Report::deserialize_from_str(&text).expect("a JUnit report");
    assert_eq!((report.tests, report.failures, report.errors), (7, 3, 0));
    let class = "exports.clerk";
    assert!(matches!(
        case(&report, class, "1_take").status,
        TestCaseStatus::Success { .. }
    ));
    assert!(case(&report, class, "1_take").time.is_some());
    let (kind, message, description) = failure(case(&report, class, "2_pack"));
    assert_eq!(kind, NonSuccessKind::Failure);
    assert_eq!(
        message,
        "1 of 4 flows failed: timeout: waited 300ms for line `=packed`"
    );
    for text in [
        "1 × timeout",
        "<b>&@ann ]]> =1+1",
        "</details>",
        "rehearsal replay",
        "failed-000002",
    ] {
        assert!(description.contains(text), "{text}: {description}");
    }
    let (_, message, _) = failure(case(&report, "exports.thresholds", "flow.p95 < 1us"));
    assert!(message.starts_with("flow.p95 < 1us: "), "{message}");
    let (_, message, found) = failure(case(
        &report,
        "exports.integrity",
        "order (Clerk) is unique",
    ));
    assert_eq!(message, "4 values, 1 duplicate");
    assert!(found.starts_with("A3 in flows "), "{found}");
    validate(&sandbox.home().join("run.xml"));

    // The saved run has the same, but for how the directory is named.
    let run = sandbox.run();
    let line = format!("report --junit saved.xml {}", run.display());
    sandbox.rehearsal(&line).assert_code(0);
    let of_saved = sandbox
        .read("saved.xml")
        .replace(&format!("{}/", sandbox.home().display()), "");
    assert_eq!(of_saved, text);
}

#[test]
fn allowed_failures_and_steps_that_no_flow_reached_are_no_failures_of_junit() {
    let sandbox = sandbox();
    sandbox
        .rehearsal(&format!("{RUN} --allow-failures 1 --junit allowed.xml"))
        .assert_code(98);
    let report = Report::deserialize_from_str(&sandbox.read("allowed.xml")).expect("a report");
    assert!(matches!(
        case(&report, "exports.clerk", "2_pack").status,
        TestCaseStatus::Success { .. }
    ));

    // The fixture fails in its second flow only: with hostile output at once, the run has one.
    let text = sandbox
        .read("exports.yaml")
        .replace("test $0 = 2", "test $0 = 1");
    sandbox.write("exports.yaml", &text);
    sandbox
        .rehearsal("run exports.yaml --junit one.xml")
        .assert_code(99);
    let report = Report::deserialize_from_str(&sandbox.read("one.xml")).expect("a report");
    validate(&sandbox.home().join("one.xml"));
    let status = &case(&report, "exports.courier", "3_bring").status;
    assert!(
        matches!(status, TestCaseStatus::Skipped { .. }),
        "{status:?}"
    );
}

#[test]
fn a_run_that_completes_nothing_is_good_in_no_output() {
    let nothing = "name: nothing
roles:
  clerk:
    run: [/bin/sh, -c, 'echo no']
    actions: {take: [{see: '/order (?<order>\\d+)/', within: 5s}]}
integrity: {unique: [order]}
flow: [{step: take, role: clerk, do: take}]
";
    let sandbox = Sandbox::with("nothing.yaml", nothing);
    let run = sandbox.rehearsal("run nothing.yaml --flows 2 --junit n.xml --html=n.html");
    run.assert_code(1)
        .assert_out("no data to check")
        .assert_out_lacks("data consistent");
    assert!(sandbox.read("n.html").contains("no data to check"));
    let report = Report::deserialize_from_str(&sandbox.read("n.xml")).expect("a report");
    assert_eq!((report.tests, report.failures), (3, 1));
    let status = &case(&report, "nothing", "flow").status;
    assert!(
        matches!(status, TestCaseStatus::Skipped { .. }),
        "{status:?}"
    );
    validate(&sandbox.home().join("n.xml"));
}

#[test]
fn github_gets_a_summary_and_annotations() {
    let sandbox = sandbox();
    sandbox.write("summary.md", "# Before\n");
    let mut command = sandbox.command(RUN);
    command
        .env("GITHUB_ACTIONS", "true")
        .env(
            "GITHUB_WORKSPACE",
            sandbox.home().parent().expect("a directory"),
        )
        .env("GITHUB_STEP_SUMMARY", "summary.md");
    let finished = Finished::of(&mut command);
    finished.assert_code(98);
    let summary = sandbox.read("summary.md");
    assert!(
        summary.starts_with("# Before\n## ❌ `exports`: DATA INCONSISTENT\n"),
        "{summary}"
    );
    assert!(
        summary.contains("| 1 | `2_pack` | `clerk` | `timeout` |"),
        "{summary}"
    );
    assert!(
        summary.contains("**3 of 4 flows completed** · 1 failed"),
        "{summary}"
    );
    let block = summary
        .split("\n`````text\n")
        .nth(1)
        .expect("a block with a fence of five");
    let block = block.split("\n`````\n").next().expect("its end");
    assert!(
        block.contains("</details>") && block.contains("@ann"),
        "{block}"
    );
    let outside = summary.replace(block, "");
    assert!(
        !outside.contains("@ann") && !outside.contains("<b>"),
        "{outside}"
    );

    let commands: Vec<_> = finished
        .out
        .lines()
        .filter(|line| line.trim_start().starts_with("::"))
        .collect();
    let (file, title) = ("file=home/exports.yaml", "title=2_pack%3A timeout");
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert!(
        commands[2].starts_with(&format!(
            "::error {file},line=10,{title}::1 of 4 flows failed here%0A"
        )),
        "{commands:?}"
    );
    assert!(
        commands[0].starts_with(&format!("::error {file},title=data inconsistent::order")),
        "{commands:?}"
    );
}

#[test]
fn tables_have_steps_and_flows() {
    let sandbox = sandbox();
    sandbox
        .rehearsal(&format!(
            "{RUN} --save --csv-steps steps.csv --csv-flows flows.csv"
        ))
        .assert_code(98);
    let table = |name: &str| {
        let mut rows = csv::Reader::from_path(sandbox.home().join(name)).expect("a table");
        let rows = rows.deserialize::<std::collections::HashMap<String, String>>();
        rows.collect::<Result<Vec<_>, _>>()
            .expect("rows of one length")
    };
    let steps = table("steps.csv");
    let names: Vec<_> = steps
        .iter()
        .map(|row| (&*row["step"], &*row["turn"]))
        .collect();
    assert_eq!(
        names,
        [
            ("1_take", ""),
            ("2_pack", ""),
            ("2_pack", "'=packing"),
            ("3_bring", "")
        ]
    );
    assert_eq!(
        (
            &*steps[1]["completed"],
            &*steps[1]["failed"],
            &*steps[1]["success_rate"]
        ),
        ("3", "1", "0.75")
    );
    let flows = table("flows.csv");
    let mut outcomes: Vec<_> = flows
        .iter()
        .map(|row| (&*row["number"], &*row["outcome"], &*row["failed_step"]))
        .collect();
    outcomes.sort_unstable();
    assert_eq!(
        outcomes,
        [
            ("1", "completed", ""),
            ("2", "failed", "2_pack"),
            ("3", "completed", ""),
            ("4", "completed", "")
        ]
    );
    let number = |row: usize, column: &str| flows[row][column].parse::<u64>().expect("a number");
    let response = ["duration_us", "late_us", "waited_us", "retry_delay_us"];
    assert_eq!(
        response.iter().map(|it| number(0, it)).sum::<u64>(),
        number(0, "response_us")
    );
    assert!(number(0, "step.1_take.duration_us") > 0);

    let line = format!(
        "report --csv-steps steps2.csv --csv-flows flows2.csv {}",
        sandbox.run().display()
    );
    sandbox.rehearsal(&line).assert_code(0);
    assert_eq!(sandbox.read("steps2.csv"), sandbox.read("steps.csv"));
    assert_eq!(sandbox.read("flows2.csv"), sandbox.read("flows.csv"));
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_run() {
    let sandbox = sandbox();
    for option in [
        "--junit ",
        "--markdown ",
        "--csv-steps ",
        "--csv-flows ",
        "--otlp ",
        "--json-lines=",
    ] {
        let finished = sandbox.rehearsal(&format!("{RUN} {option}nowhere/file"));
        finished
            .assert_code(2)
            .assert_err("cannot write nowhere/file");
        assert!(
            !sandbox.has("rehearsal-results/orchestrator_logs"),
            "the run was started"
        );
    }
}

#[test]
fn two_outputs_in_one_file_are_refused_before_the_run() {
    let sandbox = sandbox();
    let finished = sandbox.rehearsal(&format!("{RUN} --csv-flows a.csv --csv-steps ./a.csv"));
    finished
        .assert_code(2)
        .assert_err("--csv-steps and --csv-flows both name a.csv");
    let finished = sandbox.rehearsal(&format!("{RUN} --html=a --json-lines=a"));
    finished.assert_code(2).assert_err("both name a");
    sandbox.write("below/file", "");
    let finished = sandbox.rehearsal(&format!("{RUN} --junit a --markdown below/../a"));
    finished.assert_code(2).assert_err("both name below/../a");
    assert!(!sandbox.has("rehearsal-results"), "the run was started");
    // A device takes all.
    let finished = sandbox.rehearsal("run exports.yaml --junit /dev/null --csv-steps /dev/null");
    finished.assert_err_lacks("both name");
}

#[test]
fn an_output_that_would_overwrite_an_input_is_refused() {
    let sandbox = sandbox();
    let scenario = sandbox.read("exports.yaml");
    std::os::unix::fs::symlink("exports.yaml", sandbox.home().join("link")).expect("a link");
    for output in [
        "--html=exports.yaml",
        "--json-lines=./exports.yaml",
        "--junit exports.yaml",
        "--markdown link",
        "--csv-steps exports.yaml",
        "--csv-flows exports.yaml",
        "--otlp exports.yaml",
    ] {
        let finished = sandbox.rehearsal(&format!("run exports.yaml {output}"));
        finished.assert_code(2).assert_err("would overwrite");
    }
    assert_eq!(sandbox.read("exports.yaml"), scenario);

    sandbox.rehearsal("run exports.yaml --save").assert_code(99);
    let run = sandbox.run();
    for name in ["flows.jsonl", "result.json", "scenario.yaml"] {
        let file = run.join(name);
        let before = std::fs::read(&file).expect("a file of the run");
        let line = format!("report --csv-flows {} {}", file.display(), run.display());
        let finished = sandbox.rehearsal(&line);
        finished.assert_code(2).assert_err("would overwrite");
        assert_eq!(std::fs::read(&file).expect("a file of the run"), before);
    }
}

#[test]
fn a_merged_run_has_a_junit_report_and_no_table_of_flows() {
    let sandbox = sandbox();
    for _ in 0..2 {
        sandbox.rehearsal("run exports.yaml --save").assert_code(99);
    }
    let runs = sandbox.runs();
    let runs: Vec<_> = runs.iter().map(|run| run.display().to_string()).collect();
    let line = format!("merge {} --into both", runs.join(" "));
    sandbox.rehearsal(&line).assert_code(0);
    sandbox
        .rehearsal("report --junit both.xml both")
        .assert_code(0);
    let report = Report::deserialize_from_str(&sandbox.read("both.xml")).expect("a report");
    // The order of both runs is the same.
    let (_, message, _) = failure(case(
        &report,
        "exports.integrity",
        "order (Clerk) is unique",
    ));
    assert!(message.starts_with("2 values, 1 duplicate"), "{message}");
    let finished = sandbox.rehearsal("report --csv-flows flows.csv both");
    finished
        .assert_code(2)
        .assert_err("a merged run has no flows");
}
