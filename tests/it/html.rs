//! HTML reports: in a real browser, and as files.
//!
//! `.ci/install-test-programs` installs the browser and what drives it. Without them its tests are
//! skipped, aloud.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::support::browser::{assert_contained, packages};
use crate::support::fixture::scenario;
use crate::support::sandbox::Sandbox;

/// Markup that would run, in all places in which it could; and text that would run backwards.
pub(crate) const PAYLOAD: &str = "id: </script><script>ran=true;alert(1)</script><img src=x onerror=ran=true> \
    \"><svg onload='ran=true'> ' onclick=alert(1) <!-- {{ 7*7 }} {% raw %} \u{202e}evil\u{7} \
    \u{1b}]0;title\u{7}\u{1b}[31mred <style>*{display:none}</style> javascript:alert(1) &lt;b&gt;.\n";

/// Uses the report in a browser; `None` without one.
fn browse(report: &Path) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/html/browse.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(packages()?)
        .arg(report)
        .output();
    let output = output.expect("node starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {err}")))
}

/// A saved run of the shop with one flow that was killed, and its report.
fn shop_run(sandbox: &Sandbox) -> String {
    let line = "run --save --html --flows 12 --parallel 4 --seed 3 --chaos";
    let mut command = sandbox.command(line);
    command.arg("kill once at 06_approve_order flow 5");
    let finished = crate::support::running::Finished::of(&mut command);
    finished
        .assert_code(1)
        .assert_out("HTML:    rehearsal-results/");
    let html = fs::read_to_string(sandbox.run().join("report.html"));
    html.expect("a report")
}

#[test]
fn a_report_can_be_used_in_a_browser() {
    let sandbox = Sandbox::new();
    shop_run(&sandbox);
    let Some(seen) = browse(&sandbox.run().join("report.html")) else {
        return;
    };
    assert_contained(&seen, 2);
    for charts in ["charts", "darkCharts"] {
        let charts = seen[charts].as_array().expect("charts");
        assert_eq!(charts.len(), 6, "{charts:?}");
        for chart in charts {
            assert_eq!(chart[1], true, "{} is blank", chart[0]);
        }
    }
    assert_ne!(seen["phone"]["background"], "rgb(245, 246, 248)");
    assert_eq!(seen["phone"]["width"], 360, "it is wider than a phone");
    check_sorting(&seen);
    assert_eq!(seen["transcriptIsVisible"], true);
    let transcript = seen["transcript"].as_str().expect("a text");
    for part in [
        "06_approve_order",
        "fault: killed",
        "Order ID",
        "ended with signal 9",
    ] {
        assert!(transcript.contains(part), "no {part:?} in {transcript}");
    }
    let replay = seen["replay"].as_str().expect("a text");
    assert!(replay.starts_with("rehearsal replay /"), "{replay}");
    assert!(
        seen["courseRows"].as_u64() > Some(5),
        "{}",
        seen["courseRows"]
    );
    let links = seen["links"].as_array().expect("links");
    for link in links {
        let file = sandbox.run().join(link.as_str().expect("a path"));
        assert!(file.is_file(), "{} does not exist", file.display());
    }
    assert!(!links.is_empty());
}

/// The rows of the tree as level, place and longest service time.
fn rows(rows: &Value) -> Vec<(u64, String, i64)> {
    serde_json::from_value(rows.clone()).expect("rows")
}

#[track_caller]
fn check_sorting(seen: &Value) {
    let (before, after) = (rows(&seen["unsorted"]), rows(&seen["sorted"]));
    assert_eq!(before.len(), 16);
    assert_eq!(seen["folded"], 14);
    assert_ne!(before, after);
    let mut sorted = after.clone();
    sorted.sort_by_key(|(_, place, _)| place.parse::<u64>().expect("a number"));
    assert_eq!(before, sorted, "rows were lost");
    let roles = after.iter().filter(|(level, ..)| *level == 2);
    let roles: Vec<_> = roles.map(|(_, _, longest)| *longest).collect();
    assert!(roles.is_sorted_by(|one, other| one >= other), "{roles:?}");
    for pair in after
        .windows(2)
        .filter(|pair| pair[0].0 == 3 && pair[1].0 == 3)
    {
        assert!(pair[0].2 >= pair[1].2, "{after:?}");
    }
}

#[test]
fn hostile_output_is_inert() {
    let sandbox = Sandbox::with("hostile.yaml", &scenario("hostile"));
    fs::write(sandbox.home().join("payload"), PAYLOAD.repeat(3)).expect("a file");
    let line = "run hostile.yaml --save --html --flows 3 --parallel 3";
    sandbox.rehearsal(line).assert_code(1);
    let report = sandbox.run().join("report.html");
    let html = fs::read_to_string(&report).expect("UTF-8");
    assert!(html.contains("evil"));
    for text in [
        "<img",
        "ran=true;alert(1)</script>",
        "<svg onload",
        "\u{202e}",
        "\u{1b}",
        "\u{7}",
    ] {
        assert!(!html.contains(text), "{text:?}");
    }
    assert_eq!(html.matches("</script>").count(), 2);
    let Some(seen) = browse(&report) else { return };
    assert_contained(&seen, 2);
    let transcript = seen["transcript"].as_str().expect("a text");
    for part in [
        "</script><script>ran=true",
        "onerror=ran=true",
        "\\u{202e}evil",
        "{{ 7*7 }}",
        "&lt;b&gt;",
    ] {
        assert!(transcript.contains(part), "no {part:?} in {transcript}");
    }
}

#[test]
fn a_screen_is_shown_as_it_was_drawn() {
    let program = r"printf '\033[2J\033[1;1HORDERS\033[3;5H\033[7m> Quit\033[0m'; read line";
    let text = format!(
        "roles:\n  a:\n    run: [sh, -c, '{}']\n    screen: 10x40\n    actions:\n      go:\n        \
         - {{screen: ORDERS, press: enter}}\n        - {{screen: never}}\n\
         flow:\n  - {{step: 1_go, role: a, do: go, timeout: 2s}}\n",
        program.replace('\'', "''")
    );
    let sandbox = Sandbox::with("screen.yaml", &text);
    sandbox
        .rehearsal("run screen.yaml --save --html")
        .assert_code(1);
    let html = fs::read_to_string(sandbox.run().join("report.html")).expect("a report");
    let drawn = "<pre class=\"screen\">ORDERS\n\n    <span class=\"inverse\">&gt; Quit</span>\n";
    assert!(html.contains(drawn), "{html}");
}

/// A report without what is random in it.
fn without_nonce(html: &str) -> String {
    let (_, rest) = html.split_once("'nonce-").expect("a nonce");
    let (nonce, _) = rest.split_once('\'').expect("its end");
    html.replace(nonce, "")
}

#[test]
fn the_report_of_a_saved_run_is_the_one_of_its_end() {
    let sandbox = Sandbox::new();
    let html = shop_run(&sandbox);
    let run = sandbox.run();
    fs::remove_file(run.join("report.html")).expect("it is there");
    let finished = sandbox.rehearsal(&format!("report --html {}", run.display()));
    finished.assert_code(0).assert_out("report.html");
    let again = fs::read_to_string(run.join("report.html")).expect("a report");
    let first = without_nonce(&html);
    let again = without_nonce(&again);
    let different = first
        .lines()
        .zip(again.lines())
        .find(|(one, other)| one != other);
    assert_eq!(different, None);
    let elsewhere = sandbox.home().join("mine.html");
    let line = format!(
        "report --html={} --junit junit.xml {}",
        elsewhere.display(),
        run.display()
    );
    sandbox.rehearsal(&line).assert_code(0);
    assert!(sandbox.read("junit.xml").contains("<testsuite "));
    let html = fs::read_to_string(elsewhere).expect("a report");
    let html = html.replace("&#x2f;", "/");
    let link = "href=\"rehearsal-results/";
    assert!(html.contains(link), "links are relative to the report");
    let line = format!("report --html=nowhere/mine.html {}", run.display());
    sandbox
        .rehearsal(&line)
        .assert_code(2)
        .assert_err("--html: nowhere is not a directory");
}

#[test]
fn a_run_that_is_not_saved_has_a_report_among_the_results() {
    let sandbox = Sandbox::new();
    sandbox
        .rehearsal("run --html --flows 3")
        .assert_code(0)
        .assert_out("HTML:    ");
    let files = sandbox.results();
    let reports = files
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "html"));
    let reports: Vec<_> = reports.collect();
    assert_eq!(reports.len(), 1, "{files:?}");
    let html = fs::read_to_string(reports[0]).expect("a report");
    assert!(
        html.contains("id=\"chart-response\""),
        "it has the course of the run"
    );
    assert!(
        html.contains("<span class=\"word\">PASSED</span>"),
        "{html}"
    );
}

#[test]
fn a_report_that_could_not_be_written_is_refused_before_the_run() {
    let sandbox = Sandbox::new();
    let finished = sandbox.rehearsal("run --html=nowhere/report.html");
    finished
        .assert_code(2)
        .assert_err("--html: nowhere is not a directory");
    assert!(!sandbox.has("rehearsal-results"));
    sandbox
        .rehearsal("run --html=.")
        .assert_code(2)
        .assert_err("--html: . is a directory");
    // Nobody can create a file there, not even root.
    sandbox
        .rehearsal("run --html=/proc/report.html")
        .assert_code(2)
        .assert_err("--html: cannot write /proc/report.html")
        .assert_err_lacks(".tmp");
    assert!(!sandbox.has("rehearsal-results"));
}

#[test]
fn a_report_leaves_links_and_pipes_what_they_are() {
    let sandbox = Sandbox::new();
    let at = |name: &str| sandbox.home().join(name);
    symlink("linked.html", at("link.html")).expect("a link");
    sandbox.rehearsal("run --html=link.html").assert_code(0);
    let kind = fs::symlink_metadata(at("link.html")).expect("a link");
    assert!(kind.is_symlink());
    assert!(sandbox.read("linked.html").starts_with("<!doctype html>"));

    let pipe = sandbox.make_gate("pipe");
    let reader = pipe.clone();
    let reader = thread::spawn(move || fs::read_to_string(reader));
    sandbox.rehearsal("run --html=pipe").assert_code(0);
    assert!(fs::metadata(&pipe).expect("a pipe").file_type().is_fifo());
    let html = reader.join().expect("a reader").expect("a report");
    assert!(html.starts_with("<!doctype html>"));
}
