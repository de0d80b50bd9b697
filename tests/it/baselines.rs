//! Baselines: repeated runs, comparisons, and the history. Belongs to `baseline`, `stats`, `report`
//! and `cli`.

mod history;

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::running::{Finished, Running};
use crate::support::sandbox::Sandbox;

/// A role whose one step takes about as long as `delay.txt` says, in seconds.
const SCENARIO: &str = "name: steady
roles:
  clerk:
    run: [/bin/sh, -c, 'read delay < \"$0\"; sleep \"$delay\"; echo here; sleep 0.02; echo done', '${delay_file}']
    actions:
      come: [{see: here}]
      work: [{see: done}, {exits: 0}]
variables: {delay_file: delay.txt}
flow:
  - {step: come, role: clerk, do: come}
  - {step: work, role: clerk, do: work}
load: {flows: 4, parallel: 2}
";

fn steady() -> Sandbox {
    let sandbox = Sandbox::with("s.yaml", SCENARIO);
    sandbox.write("delay.txt", "0.02\n");
    sandbox
}

#[test]
fn a_slow_role_is_found_at_its_step_and_nowhere_else() {
    let sandbox = Sandbox::new();
    // In turns, so that a machine that is busy for a while is so for both: the old programs are the
    // shop itself, the new ones the shop with a fault in one of them.
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/order-flow.yaml"))
            .expect("the built-in scenario");
    sandbox.write("old.yaml", &text);
    let slow = text.replacen(
        "run: [rehearsal, shop, warehouse-manager]",
        "run: [rehearsal, shop, warehouse-manager]\n    \
         environment: {REHEARSAL_SHOP_FAULT: slow=20}",
        1,
    );
    assert_ne!(slow, text);
    sandbox.write("new.yaml", &slow);
    let line = "run new.yaml --against old.yaml --flows 6 --parallel 1 --repeat 5 --progress none \
                --force --fail-if slower --json";
    let run = sandbox.rehearsal(line);
    run.assert_code(97);
    let series = run.json();
    let comparison = &series["comparison"];
    let conclusion = &comparison["conclusion"];
    assert_eq!(conclusion["verdict"], "slower", "{conclusion}");
    assert_eq!(
        conclusion["blamed_steps"][0], "06_approve_order",
        "{conclusion}"
    );
    let blamed = conclusion["blamed_steps"].as_array().expect("steps");
    let elsewhere = blamed
        .iter()
        .filter(|it| *it != "05_start_warehouse_manager" && *it != "06_approve_order");
    assert_eq!(elsewhere.count(), 0, "{comparison}");
    assert_eq!(sandbox.runs().len(), 10);
}

#[test]
fn unchanged_programs_raise_no_alarm() {
    let sandbox = steady();
    let line = "run s.yaml --against s.yaml --repeat 6 --progress none --fail-if slower --force";
    let run = sandbox.rehearsal(line);
    run.assert_code(0).assert_out_lacks("SLOWER:");
}

#[test]
fn a_baseline_is_kept_and_later_runs_are_compared_with_it() {
    let sandbox = steady();
    let saved = sandbox.rehearsal("run s.yaml --save-baseline main --repeat 5 --progress none");
    saved
        .assert_code(0)
        .assert_out("Run 5 of 5: 4 flows, 0 failed, p50 ")
        .assert_err("Baseline main: 5 runs kept");
    let listed = sandbox.rehearsal("history baselines");
    listed.assert_code(0).assert_out("main        steady     5");

    sandbox.write("delay.txt", "0.4\n");
    let line = "run s.yaml --baseline main --repeat 5 --progress none --fail-if slower --force \
                --markdown c.md --html=c.html";
    let slow = sandbox.rehearsal(line);
    slow.assert_code(97)
        .assert_out("SLOWER: flow.p50")
        .assert_out("step come is to blame: p50")
        .assert_err("--fail-if: ");
    let markdown = sandbox.read("c.md");
    assert!(
        markdown.starts_with("## ❌ `steady`: slower\n"),
        "{markdown}"
    );
    assert!(markdown.contains("| `step.come.p50` |"), "{markdown}");
    let html = sandbox.read("c.html");
    assert!(html.contains("<span class=\"word\">SLOWER</span> steady"));
    assert!(html.contains("\"labels\":[\"old\",\"new\"]"));
    assert!(html.contains("\"name\":\"come\""), "no curves");

    // Saved runs can be compared again, by any of their names.
    assert_eq!(sandbox.runs().len(), 10);
    let history = sandbox.rehearsal("history --json").json();
    let runs = history["runs"].as_array().expect("runs");
    let directory = |run: &Value| run["directory"].as_str().expect("a path").to_owned();
    let paths: Vec<String> = runs.iter().map(directory).collect();
    let new: Vec<&str> = paths[5..].iter().map(String::as_str).collect();
    let mut command = sandbox.command("compare --force --json main");
    let compared = Finished::of(command.arg(new.join(",")));
    compared.assert_code(0);
    let compared = compared.json();
    assert_eq!(compared["conclusion"]["verdict"], "slower");
    assert_eq!(compared["old"]["runs"].as_array().map(Vec::len), Some(5));

    // Two single runs are only indicative and fail no gate.
    let mut command = sandbox.command("compare --force --fail-if slower");
    let single = Finished::of(command.args([&paths[0], "last"]));
    single
        .assert_code(0)
        .assert_out("CANNOT TELL: too few runs")
        .assert_out("only indicative")
        .assert_err("two single runs cannot tell");
    // A gate that could never fail is no gate.
    let mut command = sandbox.command("compare --force --fail-if slower main");
    let few = Finished::of(command.arg(new[..2].join(",")));
    few.assert_code(2)
        .assert_err("--fail-if: too few runs to tell: 5 of each side are the least");
    sandbox
        .rehearsal("run s.yaml --fail-if slower")
        .assert_code(2)
        .assert_err("--fail-if is about a comparison");
    // The comparison is shown even if a file of it cannot be written.
    let mut command = sandbox.command("compare --force --fail-if slower --html=none/c.html main");
    let shown = Finished::of(command.arg(new.join(",")));
    shown
        .assert_code(97)
        .assert_out("SLOWER: flow.p50")
        .assert_out_lacks("HTML: ")
        .assert_err("none/c.html");
}

#[test]
fn runs_under_other_conditions_are_refused_with_the_reason() {
    let sandbox = steady();
    let save = "run s.yaml --save-baseline main --repeat 1 --progress none";
    sandbox.rehearsal(save).assert_code(0);
    // Said after the first of the runs.
    let other = "run s.yaml --baseline main --flows 5 --repeat 5 --progress none";
    let refused = sandbox.rehearsal(other);
    refused
        .assert_code(2)
        .assert_err("main and these runs cannot be compared:")
        .assert_err("the load: ")
        .assert_err("4 flows, and now ")
        .assert_err("--force");
    assert_eq!(sandbox.runs().len(), 2);
    let forced = sandbox.rehearsal("compare main last --force");
    forced
        .assert_code(0)
        .assert_out("Ignored, as --force says: the load: ");

    let cases = [
        ("run s.yaml --baseline other", "there is no baseline other"),
        ("compare main none", "no baseline and no saved run \"none\""),
        ("compare main main", "is on both sides"),
        (
            "run s.yaml --repeat 2 --junit j.xml",
            "--junit is for a single run",
        ),
        (
            "run s.yaml --repeat 5 --fail-if slower",
            "--fail-if is about a comparison",
        ),
        (
            "run s.yaml --baseline main --repeat 3 --fail-if slower",
            "cannot be sure after --repeat 3",
        ),
        ("run s.yaml --save-baseline a/b", "write a name of letters"),
        (
            "run s.yaml --baseline main --against s.yaml",
            "cannot be used with",
        ),
        ("run s.yaml --tolerance 5 --repeat 2", "write a percentage"),
        ("history other", "there is no run of the scenario other"),
        (
            "history --figure flow.p59",
            "no run has the figure flow.p59",
        ),
    ];
    for (line, expected) in cases {
        sandbox.rehearsal(line).assert_code(2).assert_err(expected);
    }
    assert_eq!(sandbox.runs().len(), 2);
}

#[test]
fn an_interrupt_ends_the_run_and_the_series() {
    let sandbox = steady();
    sandbox.write("delay.txt", "0.3\n");
    let line = "run s.yaml --repeat 50 --save-baseline main --progress none";
    let series = Running::start(&mut sandbox.command(line));
    series.hear("Run 1 of 50:");
    series.signal(Signal::INT);
    let (code, text) = series.end();
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("The series was ended early"), "{text}");
    assert!(sandbox.runs().len() < 10);
    let listed = sandbox.rehearsal("history baselines");
    listed.assert_out("There are no baselines");
    // What was complete is shown and kept.
    assert!(text.contains("Completed"), "no table: {text}");
    let history = sandbox.rehearsal("history --json").json();
    assert_eq!(
        history["runs"].as_array().map(Vec::len),
        Some(sandbox.runs().len())
    );
    assert_eq!(history["runs"][0]["verdict"], "passed");
}

#[test]
fn github_gets_the_comparison() {
    let sandbox = steady();
    sandbox.write("summary.md", "# Before\n");
    let github = |line: &str| {
        let mut command = sandbox.command(line);
        Finished::of(command.env("GITHUB_STEP_SUMMARY", "summary.md"))
    };
    let saved = github("run s.yaml --save-baseline main --repeat 2 --progress none");
    saved.assert_code(0);
    assert_eq!(sandbox.read("summary.md"), "# Before\n");
    let series = github("run s.yaml --baseline main --repeat 2 --progress none --force");
    series.assert_code(0);
    let once = sandbox.read("summary.md");
    assert!(
        once.starts_with("# Before\n## ❔ `steady`: cannot tell\n"),
        "{once}"
    );
    // Named as well, it is not overwritten.
    let compared = github("compare main last --force --markdown summary.md");
    compared.assert_code(0);
    let twice = sandbox.read("summary.md");
    assert!(twice.starts_with(&once), "{twice}");
    assert_eq!(twice.matches("## ❔ `steady`").count(), 2, "{twice}");
    let elsewhere = github("compare main last --force --markdown own.md");
    elsewhere.assert_code(0);
    assert!(sandbox.read("own.md").starts_with("## ❔ `steady`"));
    assert_eq!(sandbox.read("summary.md").matches("## ❔").count(), 3);
}

#[test]
fn runs_without_completed_flows_and_renamed_steps_are_named() {
    let sandbox = steady();
    let failing = SCENARIO.replace("see: here", "see: nothing");
    sandbox.write("f.yaml", &failing);
    let failed = sandbox.rehearsal("run f.yaml --repeat 2 --save-baseline none --progress none");
    failed
        .assert_code(1)
        .assert_err("the baseline none is not saved: ")
        .assert_err("completed no flow");
    let listed = sandbox.rehearsal("history baselines");
    listed.assert_out("There are no baselines");

    let renamed = SCENARIO.replace("step: come", "step: arrive");
    sandbox.write("r.yaml", &renamed);
    let compared = sandbox.rehearsal("run r.yaml --against s.yaml --repeat 2 --progress none");
    compared
        .assert_out("only the old runs have come; only the new runs have arrive")
        .assert_out("CANNOT TELL");
}

#[test]
fn older_programs_that_are_not_started_are_refused() {
    let sandbox = steady();
    let program = "#!/bin/sh\necho here\n";
    for directory in ["new", "old"] {
        sandbox.write(&format!("{directory}/visit.sh"), program);
    }
    let scenario = "name: visits
roles:
  guest:
    run: [sh, visit.sh]
    terminal: pipes
    actions:
      come: [{see: here}, {exits: 0}]
flow:
  - {step: come, role: guest, do: come}
";
    sandbox.write("v.yaml", scenario);
    let line =
        "run v.yaml --scripts new --against-scripts old --flows 2 --repeat 1 --progress none";
    sandbox.rehearsal(line).assert_code(0);
    // Runs of the older version are kept, and have no part in trends.
    let history = sandbox.rehearsal("history --json").json();
    let is_old = |at: usize| history["runs"][at]["conditions"]["is_older_version"].clone();
    assert_eq!(
        [is_old(0), is_old(1)],
        [Value::Bool(true), Value::Bool(false)]
    );
    let points = history["trends"][0]["points"].as_array().expect("points");
    let ids: Vec<_> = points.iter().map(|it| &it["run"]).collect();
    assert_eq!(ids, [&history["runs"][1]["id"]]);
    sandbox.rehearsal("history --rebuild").assert_code(0);
    sandbox.rehearsal("history").assert_out(" (old)");
    sandbox
        .rehearsal(&line.replace("--scripts new", "--scripts old"))
        .assert_code(2)
        .assert_err("both versions would start the same programs");
    // Beside the scenario, it is taken before those of both directories.
    sandbox.write("visit.sh", program);
    sandbox
        .rehearsal(line)
        .assert_code(2)
        .assert_err("both versions would start the same programs")
        .assert_err("put each version into a directory of its own");
    sandbox
        .rehearsal("run v.yaml --against-scripts old --flows 2 --repeat 1 --progress none")
        .assert_code(2)
        .assert_err("visit.sh");
    sandbox.rehearsal(&format!("{line} --force")).assert_code(0);
}

#[test]
fn seeds_that_are_fixed_on_one_side_are_named() {
    let sandbox = steady();
    let save = "run s.yaml --save-baseline main --repeat 2 --seed 7 --progress none";
    sandbox.rehearsal(save).assert_code(0);
    let drawn = "run s.yaml --baseline main --repeat 2 --progress none --force";
    let compared = sandbox.rehearsal(drawn);
    compared
        .assert_code(0)
        .assert_out("the seed: 7 in all runs, and now drawn");
    let fixed = "run s.yaml --baseline main --repeat 2 --seed 7 --progress none --force";
    let compared = sandbox.rehearsal(fixed);
    compared.assert_code(0).assert_out_lacks("the seed:");
}

#[test]
fn killing_a_series_leaves_a_history_that_can_be_read() {
    let sandbox = steady();
    let known = || {
        let history = sandbox.rehearsal("history --json");
        history.assert_code(0);
        history.json()["runs"].as_array().map_or(0, Vec::len)
    };
    let mut ended = 0;
    for _ in 0..3 {
        let line = "run s.yaml --repeat 50 --progress none";
        let series = Running::start(&mut sandbox.command(line));
        // The line is printed right after the run was added.
        series.hear("Run 2 of 50:");
        series.signal(Signal::KILL);
        let (code, text) = series.end();
        assert_eq!(code, None, "{text}");
        ended += text.lines().filter(|line| line.starts_with("Run ")).count();
        assert!(known() >= ended, "{} of {ended}", known());
    }
}

#[test]
fn a_schedule_makes_runs_in_its_time_zone_and_ends_with_a_signal() {
    let sandbox = steady();
    let refused = [
        ("schedule --cron bad -- run s.yaml", "write minute, hour"),
        (
            "schedule --cron @daily -- check s.yaml",
            "only `run` can be scheduled",
        ),
        (
            "schedule --cron @daily -- run --flows x",
            "the command is wrong",
        ),
        (
            "schedule --cron @daily --time-zone Berlin -- run",
            "IANA database",
        ),
    ];
    for (line, expected) in refused {
        sandbox.rehearsal(line).assert_code(2).assert_err(expected);
    }
    let mut command = sandbox.command("schedule --time-zone Asia/Tokyo --cron");
    command.args(["0 0 1 1 *", "--", "run", "s.yaml"]);
    let schedule = Running::start(&mut command);
    schedule.hear("-01-01 00:00:00 JST");
    schedule.signal(Signal::INT);
    let (code, text) = schedule.end();
    assert_eq!(code, Some(130), "{text}");
}
