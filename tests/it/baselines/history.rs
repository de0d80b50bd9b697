//! The history of saved runs: its tables, trends and files, and what a killed writer leaves.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::browser::{assert_contained, packages};
use crate::support::running::{Finished, Running};
use crate::support::sandbox::Sandbox;
use crate::support::wait;

use super::{SCENARIO, steady};

#[test]
fn every_saved_run_is_in_the_history_and_can_be_read_again() {
    let sandbox = steady();
    for _ in 0..2 {
        let run = sandbox.rehearsal("run s.yaml --save --progress none");
        run.assert_code(0);
    }
    sandbox
        .rehearsal("run s.yaml --progress none")
        .assert_code(0);
    let history = sandbox.rehearsal("history steady --json");
    let history = history.json();
    assert_eq!(history["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(history["trends"][0]["figure"], "flow.p95");
    let shown = sandbox.rehearsal("history --figure step.work.p50");
    shown
        .assert_code(0)
        .assert_out("step.work.p50 of steady")
        .assert_out("there are 2");
    let csv = sandbox.rehearsal("history --csv");
    assert!(
        csv.out
            .starts_with("run,scenario,started_at,verdict,completed,failed,flow.p50")
    );
    assert_eq!(csv.out.lines().count(), 3);
    let otava = sandbox.rehearsal("history --otava --figure flow.p50");
    assert!(
        otava.out.starts_with("time,run,flow.p50\n"),
        "{}",
        otava.out
    );

    // A damaged history loses no run.
    let results = sandbox.home().join("rehearsal-results");
    fs::write(
        results.join("history.db"),
        "damaged, and no database at all; long enough",
    )
    .unwrap();
    let run = sandbox.rehearsal("run s.yaml --save --progress none");
    run.assert_code(70)
        .assert_out("Results: ")
        .assert_err("history.db: file is not a database")
        .assert_err("history --rebuild");
    // A series is refused before it spends time on runs that could not be kept.
    let before = sandbox.runs().len();
    let series = sandbox.rehearsal("run s.yaml --repeat 2 --progress none");
    series
        .assert_code(2)
        .assert_err("history.db: file is not a database")
        .assert_out_lacks("Run 1 of 2");
    assert_eq!(sandbox.runs().len(), before);
    fs::remove_file(results.join("history.db")).unwrap();
    let rebuilt = sandbox.rehearsal("history --rebuild");
    rebuilt.assert_code(0).assert_out("3 runs read again");
    let history = sandbox.rehearsal("history --json").json();
    assert_eq!(history["runs"].as_array().map(Vec::len), Some(3));

    let pruned = sandbox.rehearsal("history prune --keep 1");
    pruned.assert_code(0).assert_out("2 runs removed");
    let history = sandbox.rehearsal("history --json").json();
    assert_eq!(history["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(sandbox.runs().len(), 3);
}

/// Copies of a saved run among the results, as other runs.
fn copy_run(sandbox: &Sandbox, count: usize) {
    let original = sandbox.run();
    let id = original.file_name().expect("a name").to_string_lossy();
    let result = fs::read_to_string(original.join("result.json")).expect("a record");
    for number in 0..count {
        let copy = original.with_file_name(format!("COPY-{number}"));
        fs::create_dir(&copy).expect("a directory");
        let result = result.replace(&*id, &format!("COPY-{number}"));
        fs::write(copy.join("result.json"), result).expect("a file");
        fs::copy(original.join("scenario.yaml"), copy.join("scenario.yaml")).expect("a file");
    }
}

/// The runs in a history, and those among them that have this number of figures.
fn written(database: &Path, figures: i64) -> Option<(i64, i64)> {
    let connection = rusqlite::Connection::open(database).ok()?;
    let count = |sql: &str| connection.query_row(sql, [figures], |row| row.get(0)).ok();
    let whole = "SELECT count(*) FROM (SELECT run FROM figure GROUP BY run HAVING count(*) = ?1)";
    Some((
        count("SELECT count(*) FROM run WHERE ?1 >= 0")?,
        count(whole)?,
    ))
}

#[test]
fn killing_a_writer_loses_at_most_the_run_that_it_was_adding() {
    let sandbox = steady();
    let run = sandbox.rehearsal("run s.yaml --save --progress none");
    run.assert_code(0);
    let history = sandbox.rehearsal("history --json").json();
    let figures = history["runs"][0]["figures"].as_array().map_or(0, Vec::len);
    let figures = i64::try_from(figures).expect("a few");
    copy_run(&sandbox, 60);
    let database = sandbox.home().join("rehearsal-results/history.db");
    for at_least in [1, 4, 9, 15, 22, 30] {
        for name in ["history.db", "history.db-journal"] {
            // Absent after a clean end.
            let _ = fs::remove_file(database.with_file_name(name));
        }
        let writer = Running::start(&mut sandbox.command("history --rebuild"));
        let seen = || written(&database, figures).filter(|(runs, _)| *runs >= at_least);
        wait::until("runs in the history", || seen().is_some());
        writer.signal(Signal::KILL);
        writer.end();
        let (runs, whole) = written(&database, figures).expect("it can be read");
        assert!(runs >= at_least, "{runs} of {at_least}");
        assert_eq!(runs, whole, "a run is there in part");
        let connection = rusqlite::Connection::open(&database).expect("a database");
        let check: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("a check");
        assert_eq!(check, "ok");
    }
    let again = sandbox.rehearsal("history --rebuild");
    again.assert_code(0).assert_out("61 runs read again");
}

#[test]
fn trends_are_shown_in_a_page_and_as_otava_reads_them() {
    let sandbox = steady();
    let run = sandbox.rehearsal("run s.yaml --save --progress none");
    run.assert_code(0);
    copy_run(&sandbox, 2);
    sandbox.rehearsal("history --rebuild").assert_code(0);
    let page = sandbox.rehearsal("history steady --figure step.come.p50 --html=t.html");
    page.assert_code(0).assert_out("HTML: t.html");
    let html = sandbox.read("t.html");
    for part in [
        "<title>History: steady</title>",
        "id=\"chart-trend\"",
        "step.work.p95</th>",
        "\"ids\":[",
        "\"COPY-1\"",
    ] {
        assert!(html.contains(part), "no {part}");
    }
    let data = data(&html);
    let trends = data["trends"].as_array().expect("trends");
    let first = usize::try_from(data["first"].as_u64().expect("a place")).expect("a few");
    assert_eq!(trends[first]["name"], "step.come.p50");
    for trend in trends {
        assert_eq!(trend["values"].as_array().map(Vec::len), Some(3));
    }
    check_in_browser(&sandbox.home().join("t.html"), "step.come.p50", 3);
    let refused = sandbox.rehearsal("history --html=t.html --csv");
    refused.assert_code(2).assert_err("cannot be used with");

    // Otava takes no empty cell.
    let otava = sandbox.rehearsal("history steady --otava").out;
    assert_eq!(otava.lines().count(), 4);
    assert!(!otava.contains(",,") && !otava.contains(",\n"), "{otava}");
    let other = SCENARIO.replace("name: steady", "name: other");
    sandbox.write("o.yaml", &other);
    let run = sandbox.rehearsal("run o.yaml --save --progress none");
    run.assert_code(0);
    let mixed = sandbox.rehearsal("history --otava");
    mixed.assert_code(2).assert_err("history SCENARIO --otava");
}

#[test]
fn a_report_shows_the_trends_of_earlier_runs() {
    let sandbox = steady();
    let run = "run s.yaml --save --progress none --html=one.html";
    sandbox.rehearsal(run).assert_code(0);
    let first = sandbox.read("one.html");
    assert!(!first.contains("id=\"chart-trend\""), "no earlier run");
    // Runs of other scenarios are not among them.
    sandbox.write("o.yaml", &SCENARIO.replace("name: steady", "name: other"));
    let other = sandbox.rehearsal("run o.yaml --save --progress none");
    other.assert_code(0);
    sandbox.rehearsal(run).assert_code(0);
    let last = sandbox.rehearsal("report last --html=two.html");
    last.assert_code(0);
    for page in ["one.html", "two.html"] {
        let html = sandbox.read(page);
        assert!(
            html.contains("<a href=\"#trend\">Earlier runs</a>"),
            "{page}"
        );
        let data = data(&html);
        let ids = data["scenarios"][0]["ids"].as_array().expect("runs");
        assert_eq!(ids.len(), 2, "{page}: {ids:?}");
        assert!(html.contains(&format!("<code>{}</code>", ids[1].as_str().expect("an id"))));
        let first = usize::try_from(data["first"].as_u64().expect("a place")).expect("a few");
        assert_eq!(data["trends"][first]["name"], "flow.p95");
        assert!(data["timeline"]["at"].is_array(), "the run's own figures");
    }
    check_in_browser(&sandbox.home().join("two.html"), "flow.p95", 2);
}

/// The figures for the script of a page.
fn data(html: &str) -> Value {
    let data = html.split("id=\"figures-data\"").nth(1).expect("figures");
    let data = data.split_once('>').expect("an element").1;
    let data = data.split("</script>").next().expect("its end");
    serde_json::from_str(data).expect("JSON")
}

/// Looks in a browser, if there is one, at the figure that is shown first, and chooses another one.
fn check_in_browser(page: &Path, first: &str, runs: u64) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/html/history.mjs");
    let Some(packages) = packages() else { return };
    let mut node = Command::new("node");
    let looked = Finished::of(node.arg(script).arg(packages).arg(page));
    looked.assert_code(0);
    let seen = looked.json();
    assert_contained(&seen, 2);
    for (look, figure) in [("first", first), ("second", "flow.p50")] {
        let look = &seen[look];
        assert_eq!(
            (&look["figure"], &look["rows"]),
            (&figure.into(), &runs.into())
        );
        assert!(look["colours"].as_u64() > Some(2), "the chart is blank");
    }
}

#[test]
fn names_in_tables_are_no_formulas() {
    let sandbox = Sandbox::with("f.yaml", &SCENARIO.replace("name: steady", "name: '=1+1'"));
    sandbox.write("delay.txt", "0\n");
    let run = sandbox.rehearsal("run f.yaml --save --progress none");
    run.assert_code(0);
    let csv = sandbox.rehearsal("history --csv");
    csv.assert_code(0).assert_out(",'=1+1,");
    let history = sandbox.rehearsal("history --json").json();
    assert_eq!(history["runs"][0]["scenario"], "=1+1");
}
