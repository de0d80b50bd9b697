//! Runs that were kept: shown again, merged, cut off, and counted again from their flows.
//! Belongs to `report` and `cli`.

use crate::support::home;

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use home::Home;
use serde_json::Value;

/// A folder in which runs are kept.
struct Archive {
    home: Home,
}

impl Deref for Archive {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

impl Archive {
    fn new() -> Self {
        Archive { home: Home::new() }
    }

    /// Keeps a run, and tells in which folder.
    fn run(&self, line: &str) -> PathBuf {
        let before = self.kept();
        let output = self.rehearsal(&format!("run --save {line}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {said}");
        let new = self.kept().into_iter().find(|it| !before.contains(it));
        new.expect("a new folder")
    }

    fn kept(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.home.path().join("kept")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| !path.ends_with("orchestrator_logs"))
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn result(folder: &Path) -> Value {
    let bytes = fs::read(folder.join("result.json")).expect("a result");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The flows of a run, without the line about the run.
fn flows(folder: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(folder.join("flows.jsonl")).expect("flows");
    let flows = lines.lines().skip(1);
    flows
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_kept_run_is_shown_as_it_was() {
    let archive = Archive::new();
    let output = archive.rehearsal("run --save --flows 3 --seed 7");
    let [folder] = archive.kept().try_into().expect("one run");
    let shown = archive.rehearsal(&format!("report {}", folder.display()));
    assert_eq!(shown.status.code(), Some(0));
    let whole = |output: &Output| {
        let text = text(&output.stdout);
        let report = text.split("\nResults:").next().expect("a report");
        report.trim_end().to_owned()
    };
    assert_eq!(whole(&shown), whole(&output));
    let json = archive.rehearsal(&format!("report --json {}", folder.display()));
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["flows"].as_array().expect("flows").len(), 3);
    assert_eq!(json["run"]["seed"], 7);
}

#[test]
fn what_is_no_kept_run_is_refused() {
    let archive = Archive::new();
    let home = archive.home.path();
    let refuses = |line: &str, says: &str| {
        let output = archive.rehearsal(line);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(says), "{line}: {said}");
    };
    refuses("report nowhere", "neither result.json nor flows.jsonl");
    fs::create_dir(home.join("old")).expect("a folder");
    let file = home.join("old/result.json");
    fs::write(&file, "{\"format\": \"rehearsal-result/1\"}").expect("a file");
    refuses("report old", "it is a rehearsal-result/1");
    fs::write(&file, "{").expect("a file");
    refuses("report old", "old/result.json: EOF");
    fs::remove_file(&file).expect("it is there");
    fs::write(home.join("old/flows.jsonl"), "{\"format\": \"reh").expect("a file");
    refuses("report old", "it has no line about the run");
}

#[test]
fn percentiles_agree_with_the_flows() {
    let archive = Archive::new();
    let folder = archive.run("--flows 60 --parallel 6");
    let (result, flows) = (result(&folder), flows(&folder));
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
            // The least value that so many are not above.
            let rank = (part * values.len() as f64).ceil() as usize;
            let exact = values[rank.max(1) - 1];
            let found = number(&spread[name]);
            // Three significant digits.
            let off = found.abs_diff(exact);
            assert!(off * 1_000 <= exact, "{name}: {found} for {exact}");
        }
    };
    let response = flows
        .iter()
        .map(|flow| number(&flow["late_us"]) + number(&flow["duration_us"]));
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
    let archive = Archive::new();
    let one = archive.run("--flows 4 --parallel 2");
    let two = archive.run("--flows 3");
    let merge = |folders: &[&Path], into: &str| {
        let mut command = archive.command("merge");
        command.args(folders).args(["--into", into]);
        command.output().expect("it starts")
    };
    let output = merge(&[&one, &two], "both");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(shown.contains("batch of 7 flows"), "{shown}");
    let both = archive.home.path().join("both");
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
    let again = archive.rehearsal("report both");
    assert_eq!(text(&again.stdout), shown);

    let refuses = |folders: &[&Path], into: &str, says: &str| {
        let output = merge(folders, into);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    };
    refuses(&[&one, &two], "both", "cannot create both");
    refuses(&[&one, &one], "twice", "is listed twice");
    refuses(&[&both, &one], "twice", "is listed twice");
    fs::write(two.join("scenario.yaml"), "name: order-flow\n").expect("a file");
    refuses(&[&one, &two], "other", "runs of different scenarios");
    assert!(!archive.home.path().join("other").exists());
}

/// Waits until so many flows are on the disk.
fn wait_for_flows(archive: &Archive, run: &mut Child, count: usize) -> PathBuf {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let [folder] = archive.kept().as_slice()
            && let Ok(lines) = fs::read_to_string(folder.join("flows.jsonl"))
            && lines.lines().count() > count
        {
            return folder.clone();
        }
        assert!(Instant::now() < deadline, "the flows never came");
        assert!(run.try_wait().expect("it can be asked").is_none(), "ended");
        std::thread::yield_now();
    }
}

#[test]
fn a_killed_run_loses_the_last_second_at_most() {
    let archive = Archive::new();
    let mut command = archive.command("run --save --flows 100000 --parallel 2 -v");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().expect("it starts");
    let folder = wait_for_flows(&archive, &mut run, 5);
    let killed = chrono::Utc::now();
    run.kill().expect("it is there");
    run.wait().expect("it was there");
    assert!(!folder.join("result.json").exists());

    let kept = flows_of_lines(&folder);
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

    let report = archive.rehearsal(&format!("report {}", folder.display()));
    let shown = text(&report.stdout);
    assert_eq!(report.status.code(), Some(0), "{}", text(&report.stderr));
    assert!(shown.contains("The run was cut off"), "{shown}");
    let completed = format!("completed        {}", kept.len());
    assert!(shown.contains(&completed), "{completed} in {shown}");

    // A torn last line is no flow, and changes nothing.
    let path = folder.join("flows.jsonl");
    let mut lines = fs::read_to_string(&path).expect("flows");
    lines.truncate(lines.rfind('\n').expect("a line") + 1);
    fs::write(&path, lines + "{\"number\": 17, \"id\": \"RE").expect("a file");
    let again = archive.rehearsal(&format!("report {}", folder.display()));
    assert_eq!(text(&again.stdout), shown);
    let json = archive.rehearsal(&format!("report --json {}", folder.display()));
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["flows"].as_array().expect("flows").len(), kept.len());
}

/// The flows of a run whose last line may be torn.
fn flows_of_lines(folder: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(folder.join("flows.jsonl")).expect("flows");
    let whole = &lines[..lines.rfind('\n').expect("a line")];
    whole
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
