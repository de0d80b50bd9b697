//! What can be watched while a run goes on: bars on a terminal, plain lines, lines of JSON.
//! Belongs to `report` and `cli`.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;
use tempfile::TempDir;

/// Flows of about a tenth of a second that wait for it themselves; every fifth fails.
const SCENARIO: &str = "\
name: waiting
roles:
  clock:
    run: [/bin/sh, -c, 'echo ready; sleep 0.1; echo over; exit $(( $0 % 5 == 0 ))', '${flow.number}']
    terminal: pipes
    actions: {wait: [{see: ready}, {see: over}], end: [{exits: 0}]}
flow:
  - {step: 01_wait_until_it_is_over, role: clock, do: wait}
  - {step: 02_end, role: clock, do: end}
";

fn stage() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("waiting.yaml"), SCENARIO).unwrap();
    folder
}

fn rehearsal(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("rehearsal").unwrap();
    command
        .args(["run", "waiting.yaml"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("REHEARSAL_RESULTS")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null());
    command
}

/// All that a run writes to a terminal of so many columns.
fn on_a_terminal(columns: u16, no_color: bool, arguments: &[&str]) -> Vec<u8> {
    let folder = stage();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let name = name.into_string().unwrap();
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&name)
            .unwrap()
    };
    let mut command = rehearsal(folder.path(), arguments);
    if no_color {
        command.env("NO_COLOR", "1");
    }
    let mut child = command.stdout(open()).stderr(open()).spawn().unwrap();
    drop(command);
    let mut written = Vec::new();
    // The last one to close a terminal ends it with an error.
    let _ = File::from(terminal).read_to_end(&mut written);
    child.wait().unwrap();
    written
}

const MANY: &[&str] = &["--flows", "24", "--parallel", "2", "--allow-failures=100%"];

#[test]
fn bars_show_how_a_run_stands_and_make_room_for_the_report() {
    let written = on_a_terminal(80, false, MANY);
    let (rows, columns) = (NonZero::new(24).unwrap(), NonZero::new(80).unwrap());
    let mut screen = vt100::Parser::new(rows, columns, 1000);
    let mut seen = Vec::new();
    for piece in written.chunks(64) {
        screen.process(piece);
        let rows: Vec<String> = screen.screen().rows(0, 80).collect();
        let bar = rows.iter().position(|row| row.contains(" of 24 done"));
        if let Some(at) = bar {
            seen.push((
                rows[at].clone(),
                rows.get(at + 1).cloned().unwrap_or_default(),
            ));
        }
    }
    let whole = |(bar, step): &&(String, String)| {
        bar.contains("flows/s")
            && bar.contains(" left")
            && step.contains("01_wait_until_it_is_over")
            && step.contains(" now  p95 ")
    };
    assert!(seen.iter().any(|it| whole(&it)), "{seen:#?}");
    assert!(
        seen.iter().any(|(bar, _)| bar.contains("4 failed")),
        "{seen:#?}"
    );
    let left = screen.screen().contents();
    assert!(left.contains("Processes:"), "the report is there:\n{left}");
    assert!(!left.contains(" now  p95 "), "the bars are gone:\n{left}");
}

#[test]
fn narrow_terminals_get_what_matters_most() {
    let written = on_a_terminal(44, true, MANY);
    let text = String::from_utf8_lossy(&written);
    let shown: Vec<&str> = text
        .split(['\r', '\n'])
        .filter(|it| it.contains(" done, "))
        .collect();
    assert!(shown.iter().any(|it| it.contains("failed")), "{shown:#?}");
    assert!(
        shown.iter().all(|it| !it.contains("in flight")),
        "{shown:#?}"
    );
    assert!(!text.contains("\x1b[3"), "no colours: {text:?}");
}

#[test]
fn plain_lines_and_nothing_are_for_the_asking() {
    let folder = stage();
    let said = |how: &str| {
        let arguments = [&["--flows", "50"], &MANY[2..], &["--progress", how]].concat();
        let output = rehearsal(folder.path(), &arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Report of"));
        String::from_utf8(output.stderr).unwrap()
    };
    let plain = said("plain");
    assert!(plain.contains(" of 50 done, "), "{plain}");
    assert!(plain.contains(" in flight, "), "{plain}");
    assert_eq!(said("none"), "");
    let bars = rehearsal(folder.path(), &["--progress", "bar"])
        .output()
        .unwrap();
    assert_eq!(bars.status.code(), Some(2));
    let told = String::from_utf8_lossy(&bars.stderr).into_owned();
    assert!(told.contains("is not a terminal"), "{told}");
}

fn parsed(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.ends_with('\n'));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_program_can_follow_a_run_in_lines_of_json() {
    let folder = stage();
    let arguments = [MANY, &["--json-lines"]].concat();
    let output = rehearsal(folder.path(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(report.contains("Report of"), "{report}");

    let lines = parsed(&output.stdout);
    let of =
        |kind: &str| -> Vec<&Value> { lines.iter().filter(|line| line["event"] == kind).collect() };
    let times = lines
        .iter()
        .map(|line| line["elapsed_us"].as_u64().unwrap());
    assert!(times.is_sorted());
    assert_eq!(lines[0]["event"], "run_started");
    assert_eq!(lines[0]["format"], "rehearsal-events/1");
    assert_eq!(lines[0]["planned"], 24);
    let flows = of("flow_ended");
    assert_eq!(flows.len(), 24);
    let failed: Vec<_> = flows
        .iter()
        .filter(|it| it["outcome"] == "failed")
        .collect();
    assert_eq!(failed.len(), 4);
    assert!(
        failed
            .iter()
            .all(|it| it["step"] == "02_end" && it["cause"] == "wrong_exit")
    );
    let snapshots = of("snapshot");
    assert!(!snapshots.is_empty());
    for snapshot in snapshots {
        assert!(snapshot["in_flight"].as_u64().unwrap() <= 2);
        assert!(snapshot["completed_per_second"].as_f64().unwrap() > 0.0);
        assert_eq!(snapshot["steps"][0]["name"], "01_wait_until_it_is_over");
        assert!(snapshot["steps"][0]["p95_us"].as_u64().unwrap() >= 90_000);
    }
    let last = lines.last().unwrap();
    assert_eq!(last["event"], "run_ended");
    assert_eq!(
        (&last["completed"], &last["failed"]),
        (&20.into(), &4.into())
    );
    assert_eq!(last["interrupted_run"], false);
}

#[test]
fn lines_of_json_go_into_a_file_beside_other_output() {
    let folder = stage();
    let arguments = ["--flows", "2", "--json", "--json-lines=events.jsonl"];
    let output = rehearsal(folder.path(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap()
            .is_object()
    );
    let lines = parsed(&std::fs::read(folder.path().join("events.jsonl")).unwrap());
    assert_eq!(lines.last().unwrap()["completed"], 2);

    let both = rehearsal(folder.path(), &["--json", "--json-lines"])
        .output()
        .unwrap();
    assert_eq!(both.status.code(), Some(2));
    let full = rehearsal(folder.path(), &["--json-lines=/dev/full"])
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(70));
    let told = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(told.contains("/dev/full"), "{told}");
}

#[test]
fn a_reader_of_json_lines_who_leaves_does_not_end_the_run() {
    let folder = stage();
    let arguments = [MANY, &["--json-lines"]].concat();
    let mut child = rehearsal(folder.path(), &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(report.contains("completed        20"), "{report}");
}
