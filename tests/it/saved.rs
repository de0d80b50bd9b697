//! Saved runs: shown again, merged, cut off, and counted again from their flows. Belongs to `report`
//! and `cli`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, flows, result};
use crate::support::wait::{self, LONG};

/// Saves a run, and returns its directory.
fn save(sandbox: &Sandbox, options: &str) -> PathBuf {
    let before = sandbox.runs();
    let line = format!("run --save {options}");
    sandbox.rehearsal(&line).assert_code(0);
    let new = sandbox.runs().into_iter().find(|it| !before.contains(it));
    new.expect("a new directory")
}

/// The report of a saved run.
fn report(sandbox: &Sandbox, run: &Path, options: &str) -> Finished {
    let line = format!("report --report full {options} {}", run.display());
    sandbox.rehearsal(&line)
}

#[test]
fn a_saved_run_is_shown_as_it_was() {
    let sandbox = Sandbox::new();
    let whole = |finished: &Finished| {
        let report = finished.out.split("\nResults:").next().expect("a report");
        report.trim_end().to_owned()
    };
    for options in ["", " --report full"] {
        let finished = sandbox.rehearsal(&format!("run --save --flows 3 --seed 7{options}"));
        let shown = sandbox.rehearsal(&format!("report last{options}"));
        assert_eq!(whole(shown.assert_code(0)), whole(&finished));
        assert_eq!(finished.out.contains("Phases"), !options.is_empty());
        let [run] = &sandbox.runs()[..] else {
            panic!("one run");
        };
        if options.is_empty() {
            fs::remove_dir_all(run).expect("it is there");
        }
    }
    let listed = sandbox.rehearsal("report");
    listed
        .assert_code(0)
        .assert_out("order-flow  PASSED    3/3");
    let listed = sandbox.rehearsal("report --json").json();
    assert_eq!(listed[0]["result"], "passed");
    assert_eq!(listed[0]["flows"]["completed"], 3);
    let json = report(&sandbox, &sandbox.run(), "--json").json();
    assert_eq!(json["flows"].as_array().expect("flows").len(), 3);
    assert_eq!(json["run"]["seed"], 7);
}

#[test]
fn a_directory_without_a_saved_run_is_refused() {
    let sandbox = Sandbox::new();
    let refuses = |line: &str, error: &str| {
        sandbox.rehearsal(line).assert_code(2).assert_err(error);
    };
    refuses("report nowhere", "nowhere: there is no such directory");
    sandbox.write("file", "");
    refuses("report file", "Not a directory");
    sandbox.write("empty/file", "");
    refuses("report empty", "neither result.json nor flows.jsonl");
    let file = sandbox.write("old/result.json", r#"{"format": "rehearsal-result/1"}"#);
    refuses("report old", "it is a rehearsal-result/1");
    fs::write(&file, "{").expect("a file");
    refuses("report old", "old/result.json: EOF");
    fs::write(&file, "\u{feff}").expect("a file");
    refuses("report old", "old/result.json: EOF");
    fs::remove_file(&file).expect("it is there");
    sandbox.write("old/flows.jsonl", r#"{"format": "reh"#);
    refuses("report old", "it has no line about the run");
}

#[test]
fn percentiles_agree_with_the_flows() {
    let sandbox = Sandbox::new();
    let directory = save(&sandbox, "--flows 60 --parallel 6");
    let (result, flows) = (result(&directory), flows(&directory));
    assert_eq!(flows.len(), 60);
    let number = |value: &Value| value.as_u64().expect("a number");
    let check = |spread: &Value, mut values: Vec<u64>| {
        values.sort_unstable();
        assert_eq!(number(&spread["count"]), values.len() as u64);
        assert_eq!(number(&spread["max_us"]), values[values.len() - 1]);
        assert_eq!(number(&spread["min_us"]), values[0]);
        for (name, part) in [
            ("p50_us", 0.5),
            ("p90_us", 0.9),
            ("p95_us", 0.95),
            ("p99_us", 0.99),
            ("p999_us", 0.999),
        ] {
            // The value of the nearest rank.
            let rank = (part * values.len() as f64).ceil() as usize;
            let exact = values[rank.max(1) - 1];
            let found = number(&spread[name]);
            // Three significant digits.
            let off = found.abs_diff(exact);
            assert!(off * 1_000 <= exact, "{name}: {found} for {exact}");
        }
    };
    let parts = ["late_us", "waited_us", "retry_delay_us", "duration_us"];
    let response = flows
        .iter()
        .map(|flow| parts.iter().map(|part| number(&flow[part])).sum::<u64>());
    check(&result["summary"]["flow_response"], response.collect());
    for step in result["summary"]["steps"].as_array().expect("steps") {
        let durations = flows.iter().flat_map(|flow| {
            let steps = flow["steps"].as_array().expect("steps");
            let these = steps.iter().filter(|it| it["step"] == step["name"]);
            these.map(|it| number(&it["duration_us"]))
        });
        check(&step["duration"], durations.collect());
    }
}

#[test]
fn merged_runs_are_one() {
    let sandbox = Sandbox::new();
    let one = save(&sandbox, "--flows 4 --parallel 2");
    let two = save(&sandbox, "--flows 3");
    let merge = |directories: &[&Path], into: &str| {
        let mut command = sandbox.command("merge");
        Finished::of(command.args(directories).args(["--into", into]))
    };
    let merged = merge(&[&one, &two], "both");
    merged.assert_code(0).assert_out("batch of 7 flows");
    let both = sandbox.home().join("both");
    let (whole, parts) = (result(&both), [result(&one), result(&two)]);
    assert_eq!(whole["merged_from"].as_array().expect("runs").len(), 2);
    assert_eq!(whole["run"]["seed"], Value::Null);
    let sum = |pointer: &str| -> u64 {
        let counts = parts.iter().map(|part| part.pointer(pointer));
        counts
            .map(|it| it.and_then(Value::as_u64).expect("a count"))
            .sum()
    };
    for pointer in [
        "/summary/flows/completed",
        "/summary/processes/started",
        "/histograms/flow.response/count",
        "/histograms/flow.response/sum_us",
        "/histograms/step.02_create_order/sum_us",
    ] {
        let value = whole.pointer(pointer).and_then(Value::as_u64);
        assert_eq!(value, Some(sum(pointer)), "{pointer}");
    }
    let longest = |result: &Value| result["summary"]["flow_response"]["max_us"].as_u64();
    assert_eq!(longest(&whole), parts.iter().filter_map(longest).max());
    assert_eq!(sandbox.rehearsal("report both").out, merged.out);

    let refuses = |directories: &[&Path], into: &str, error: &str| {
        merge(directories, into).assert_code(2).assert_err(error);
    };
    refuses(&[&one, &two], "both", "cannot create both");
    refuses(&[&one, &one], "twice", "is listed twice");
    refuses(&[&both, &one], "twice", "is listed twice");
    fs::write(two.join("scenario.yaml"), "name: order-flow\n").expect("a file");
    refuses(&[&one, &two], "other", "runs of different scenarios");
    assert!(!sandbox.has("other"));
}

#[test]
fn a_killed_run_loses_the_last_second_at_most() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("run --save --flows 100000 --parallel 2 -v");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().expect("it starts");
    let directory = wait::retry(Instant::now() + LONG, || {
        assert!(run.try_wait().expect("it can be asked").is_none(), "ended");
        let runs = sandbox.runs();
        let run = runs.first().ok_or("no directory")?;
        let lines = fs::read_to_string(run.join("flows.jsonl")).map_err(|it| it.to_string())?;
        let is_enough = lines.lines().count() > 5;
        is_enough.then(|| run.clone()).ok_or("no flows".to_owned())
    });
    report(&sandbox, &directory, "")
        .assert_code(0)
        .assert_out("The run is still in progress; what has reached the disk is counted.");
    let killed = chrono::Utc::now();
    run.kill().expect("it is there");
    run.wait().expect("it was there");
    assert!(!directory.join("result.json").exists());

    let kept = flows(&directory);
    let ended = |flow: &Value| {
        let started = flow["started_at"].as_str().expect("a time");
        let started = chrono::DateTime::parse_from_rfc3339(started).expect("a time");
        let took = flow["duration_us"].as_i64().expect("a duration");
        started.to_utc() + chrono::TimeDelta::microseconds(took)
    };
    let last = kept.iter().map(ended).max().expect("a flow");
    // Two at once, and each takes well below a second: some have ended in the last one.
    let lost = killed - last;
    assert!(lost < chrono::TimeDelta::seconds(2), "{lost}");

    let shown = report(&sandbox, &directory, "");
    shown
        .assert_code(0)
        .assert_out("The run was cut off, as Rehearsal was killed;")
        .assert_out("not recorded")
        .assert_out_lacks("not started")
        .assert_out(&format!("completed        {}", kept.len()));

    // A torn last line is no flow, and changes nothing.
    let path = directory.join("flows.jsonl");
    let mut lines = fs::read_to_string(&path).expect("flows");
    lines.truncate(lines.rfind('\n').expect("a line") + 1);
    fs::write(&path, lines + r#"{"number": 17, "id": "RE"#).expect("a file");
    assert_eq!(report(&sandbox, &directory, "").out, shown.out);
    let json = report(&sandbox, &directory, "--json").json();
    assert_eq!(json["flows"].as_array().expect("flows").len(), kept.len());
}

#[test]
fn a_run_without_its_record_is_whole_if_all_flows_are_there() {
    let sandbox = Sandbox::new();
    let folder = save(&sandbox, "--flows 3");
    fs::remove_file(folder.join("result.json")).expect("it is there");
    report(&sandbox, &folder, "")
        .assert_code(0)
        .assert_out("completed        3")
        .assert_out(
            "result.json is missing; all planned flows are in flows.jsonl, and are counted.",
        )
        .assert_out("interrupted      0")
        .assert_out_lacks("interrupted.")
        .assert_out_lacks("cut off")
        .assert_out_lacks("not recorded");
    let json = report(&sandbox, &folder, "--json").json();
    assert_eq!(json["completeness"], "whole");

    // Without its last flow, it is not.
    let path = folder.join("flows.jsonl");
    let lines = fs::read_to_string(&path).expect("flows");
    let last = lines.trim_end().rfind('\n').expect("a line");
    fs::write(&path, &lines[..=last]).expect("a file");
    report(&sandbox, &folder, "")
        .assert_out("The run was cut off")
        .assert_out("not recorded     1");
}

#[test]
fn a_damaged_record_is_replaced_by_the_flows() {
    let sandbox = Sandbox::new();
    let directory = save(&sandbox, "--flows 3 --seed 7");
    let path = directory.join("result.json");
    let whole = fs::read_to_string(&path).expect("a record");
    let future = whole.replacen("rehearsal-result/", "rehearsal-result/1000", 1);
    let again = "The figures are counted again from flows.jsonl.";
    for (damaged, word) in [
        ("", "result.json: EOF while parsing"),
        (&whole[..whole.len() / 2], "result.json: EOF while parsing"),
        (&future, "result.json: it is a rehearsal-result/1000"),
        ("null", "result.json: invalid type: null"),
    ] {
        fs::write(&path, damaged).expect("a file");
        report(&sandbox, &directory, "")
            .assert_code(0)
            .assert_out("completed        3")
            .assert_out("Success rate       100 %")
            .assert_out(word)
            .assert_out(again)
            .assert_out_lacks("interrupted.")
            .assert_out_lacks("killed during");
    }
    fs::write(&path, b"\xff\xfe{").expect("a file");
    let shown = report(&sandbox, &directory, "");
    shown
        .assert_out("result.json: it is not UTF-8")
        .assert_out(again);
    let json = report(&sandbox, &directory, "--json").json();
    assert_eq!(json["flows"].as_array().expect("flows").len(), 3);
    assert_eq!(json["completeness"], "whole");
    let notice = json["notices"][0].as_str().expect("a notice");
    assert!(notice.contains("it is not UTF-8"), "{notice}");
    // An editor may have put a mark before it.
    fs::write(&path, format!("\u{feff}{whole}")).expect("a file");
    report(&sandbox, &directory, "")
        .assert_code(0)
        .assert_out("completed        3")
        .assert_out("result.json begins with a byte order mark, which is skipped.");
}

#[test]
fn damaged_and_repeated_flows_are_counted_and_skipped() {
    let sandbox = Sandbox::new();
    let directory = save(&sandbox, "--flows 5");
    fs::remove_file(directory.join("result.json")).expect("it is there");
    let path = directory.join("flows.jsonl");
    let text = fs::read_to_string(&path).expect("flows");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 6);
    let torn = lines[2].replacen("\"number\"", "\"n\u{0}mber\"", 1);
    let all = [
        lines[0], lines[1], &torn, lines[3], lines[4], lines[3], lines[5],
    ];
    let mut bytes = (all.join("\n") + "\n").into_bytes();
    bytes.extend(b"\xff\xfe\n");
    fs::write(&path, bytes).expect("a file");
    let shown = report(&sandbox, &directory, "");
    shown
        .assert_code(0)
        .assert_out("Flows              5")
        .assert_out("completed        4")
        .assert_out("not recorded     1")
        .assert_out("100 % of those recorded")
        .assert_out("2 lines of flows.jsonl could not be read, and")
        .assert_out(
            "1 line of flows.jsonl had a flow that was there before, which is counted once",
        );
    let json = report(&sandbox, &directory, "--json").json();
    let flows = json["flows"].as_array().expect("flows");
    let mut numbers: Vec<_> = flows.iter().map(|flow| flow["number"].as_u64()).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 4);
    assert_eq!(json["summary"]["flows"]["not_recorded"], 1);
    // A damaged line about the run: a bundle has the same.
    let mut bytes = fs::read(&path).expect("flows");
    bytes[0] = b'x';
    fs::write(&path, bytes).expect("a file");
    let without = report(&sandbox, &directory, "");
    without
        .assert_code(0)
        .assert_out("The first line of flows.jsonl, about the run, is damaged");
    let figures = |finished: &Finished| {
        let figures = finished.out.split("The run was").next().expect("a report");
        figures.to_owned()
    };
    assert_eq!(figures(&without), figures(&shown));
    // The same if the line is missing.
    let bytes = fs::read(&path).expect("flows");
    let end = bytes
        .iter()
        .position(|&byte| byte == b'\n')
        .expect("a line");
    fs::write(&path, &bytes[end + 1..]).expect("a file");
    assert_eq!(figures(&report(&sandbox, &directory, "")), figures(&shown));
}

/// A flow that fails.
const BAD: &str = "\
name: bad
roles:
  a: {run: [echo, Hello], actions: {go: [{see: Bye}]}}
flow: [{step: 1_go, role: a, do: go}]
";

/// Puts something else in the place of a file.
fn replace(sandbox: &Sandbox, path: &Path, kind: &str) {
    let _ = fs::remove_file(path);
    match kind {
        "a FIFO" => drop(sandbox.make_gate(&path.display().to_string())),
        "a device" => std::os::unix::fs::symlink("/dev/zero", path).expect("a link"),
        _ => fs::create_dir(path).expect("a directory"),
    }
}

#[test]
fn what_is_no_file_is_refused_by_name_and_at_once() {
    let sandbox = Sandbox::new();
    let refuses = |line: &str, path: &str, kind: &str| {
        let error = format!("cannot read {path}: it is {kind}, not a file");
        sandbox.rehearsal(line).assert_code(2).assert_err(&error);
    };
    let kinds = ["a FIFO", "a device", "a directory"];
    for kind in kinds {
        for name in ["result.json", "flows.jsonl"] {
            let directory = format!("{name} {kind}").replace([' ', '.'], "_");
            sandbox.write(&format!("{directory}/empty"), "");
            replace(&sandbox, &sandbox.home().join(&directory).join(name), kind);
            refuses(
                &format!("report {directory}"),
                &format!("{directory}/{name}"),
                kind,
            );
        }
    }
    let sandbox = Sandbox::with("bad.yaml", BAD);
    sandbox.rehearsal("run bad.yaml --save").assert_code(1);
    let bundle = sandbox.run().join("bundles/failed-000001");
    for (kind, name) in kinds
        .into_iter()
        .flat_map(|kind| ["scenario.yaml", "bundle.json"].map(|name| (kind, name)))
    {
        let path = bundle.join(name);
        let kept = fs::read(&path).expect("a file");
        replace(&sandbox, &path, kind);
        let error = format!("{name}: it is {kind}, not a file");
        sandbox
            .rehearsal(&format!("replay {}", bundle.display()))
            .assert_code(2)
            .assert_err(&error);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir(&path))
            .expect("it is there");
        fs::write(&path, kept).expect("a file");
    }
}

#[test]
fn impossible_figures_are_damage() {
    let sandbox = Sandbox::new();
    let directory = save(&sandbox, "--flows 2");
    let path = directory.join("result.json");
    let mut record = result(&directory);
    record["summary"]["flows"]["failed"] = u64::MAX.into();
    fs::write(&path, record.to_string()).expect("a file");
    report(&sandbox, &directory, "")
        .assert_code(0)
        .assert_out("a figure in its summary is impossibly large")
        .assert_out("completed        2");
    let path = directory.join("flows.jsonl");
    let text = fs::read_to_string(&path).expect("flows");
    let (head, flows) = text.split_once('\n').expect("a line about the run");
    let late = flows.replacen("\"late_us\":", "\"late_us\":9876543210123456", 1);
    fs::write(&path, format!("{head}\n{late}")).expect("a file");
    report(&sandbox, &directory, "")
        .assert_code(0)
        .assert_out("completed        1")
        .assert_out("1 line of flows.jsonl could not be read");
}
