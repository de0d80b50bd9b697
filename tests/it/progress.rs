//! Progress of a run: bars on a terminal, plain lines, lines of JSON.
//! Belongs to `report` and `cli`.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use rehearsal::terminal::{Screen, ScreenSize};
use serde_json::Value;

use crate::support::fixture::scenario;
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;
use crate::support::terminal::Terminal;

fn stage() -> Sandbox {
    Sandbox::with("waiting.yaml", &scenario("progress/waiting"))
}

fn rehearsal(sandbox: &Sandbox, options: &str) -> Command {
    let mut command = sandbox.command("run waiting.yaml");
    command
        .args(options.split_whitespace())
        .env_remove("NO_COLOR")
        .env_remove("CI")
        .env("TERM", "xterm-256color");
    command
}

/// All output of a run on a terminal of this many columns.
fn on_a_terminal(columns: u16, no_color: bool, options: &str) -> Vec<u8> {
    let sandbox = stage();
    let terminal = Terminal::new(columns);
    let mut command = rehearsal(&sandbox, options);
    if no_color {
        command.env("NO_COLOR", "1");
    }
    command.stdout(terminal.theirs()).stderr(terminal.theirs());
    let mut child = command.spawn().unwrap();
    drop(command);
    let (mut ours, mut written) = (terminal.ours, Vec::new());
    // The last one to close a terminal ends it with an error.
    let _ = ours.read_to_end(&mut written);
    child.wait().unwrap();
    written
}

const MANY: &str = "--flows 24 --parallel 2 --allow-failures=100%";

#[test]
fn bars_show_the_progress_and_make_room_for_the_report() {
    let written = on_a_terminal(80, false, MANY);
    let (now, size) = (
        Instant::now(),
        ScreenSize {
            rows: 24,
            columns: 80,
        },
    );
    let mut screen = Screen::new(size, now);
    let rows = |screen: &Screen| -> Vec<String> {
        let rows = (0..size.rows).map(|row| screen.row(row).text().to_owned());
        rows.collect()
    };
    let mut seen = Vec::new();
    // Less than what follows the last text of a drawing, so that each is seen as a whole.
    for piece in written.chunks(8) {
        screen.feed(piece, now, &mut |_| false);
        let rows = rows(&screen);
        let bar = rows.iter().position(|row| row.contains(" of 24 done"));
        if let Some(at) = bar {
            seen.push(rows[at..(at + 5).min(rows.len())].to_vec());
        }
    }
    let whole = |rows: &&Vec<String>| {
        rows[0].contains(", ETA ")
            && rows[1].contains("flows/s")
            && rows[2].contains("01_wait_until_it_is_over")
            && rows[2].contains(" now  p95 ")
            && rows[4].contains(" × 02_end: wrong exit")
    };
    assert!(seen.iter().any(|it| whole(&it)), "{seen:#?}");
    assert!(
        seen.iter().any(|rows| rows[0].contains("3 failed")),
        "{seen:#?}"
    );
    let left = rows(&screen).join("\n");
    assert!(left.contains("Log:     "), "the report is there:\n{left}");
    assert!(!left.contains(" now  p95 "), "the bars are gone:\n{left}");
}

#[test]
fn narrow_terminals_show_the_failures_without_the_rest() {
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
    let styles = text.split("\x1b[").skip(1).filter(|it| {
        let end = it.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        end.starts_with('m')
    });
    assert_eq!(styles.count(), 0, "no colours: {text:?}");
}

/// Rows of the screen that have this text.
fn rows_with(screen: &Screen, text: &str) -> usize {
    let rows = 0..screen.size().rows;
    rows.filter(|&row| screen.row(row).text().contains(text))
        .count()
}

#[test]
fn a_resized_terminal_keeps_one_display() {
    let sandbox = stage();
    let mut terminal = Terminal::new(100);
    let mut command = rehearsal(&sandbox, &MANY.replace("24", "60"));
    command.stdout(terminal.theirs()).stderr(terminal.theirs());
    let mut child = command.spawn().unwrap();
    drop(command);
    let size = |columns| ScreenSize { rows: 24, columns };
    let now = Instant::now();
    let mut screen = Screen::new(size(100), now);
    // The emulator moves rows out at the top when it wraps others.
    let above = format!("{}above\r\n", "earlier\r\n".repeat(10));
    screen.feed(above.as_bytes(), now, &mut |_| false);
    let draw_while =
        |screen: &mut Screen, terminal: &mut Terminal, goes_on: &dyn Fn(&Screen) -> bool| {
            let mut piece = [0; 4096];
            while goes_on(screen) {
                let length = terminal.ours.read(&mut piece).expect("the run goes on");
                screen.feed(&piece[..length], now, &mut |_| false);
            }
        };
    let lacks = |text: &'static str| move |screen: &Screen| rows_with(screen, text) == 0;
    draw_while(&mut screen, &mut terminal, &lacks(" × 02_end: wrong exit"));
    for (columns, text) in [(40, "ETA "), (90, "in flight"), (60, "in flight")] {
        terminal.resize(columns);
        screen.resize(size(columns));
        // The next drawing is one for the new size.
        let before = screen.dump();
        draw_while(&mut screen, &mut terminal, &|screen| {
            screen.dump() == before
        });
        draw_while(&mut screen, &mut terminal, &lacks(text));
        assert_eq!(
            rows_with(&screen, " of 60 done"),
            1,
            "{columns}\n{}",
            screen.dump()
        );
        assert_eq!(
            rows_with(&screen, "× 02_end"),
            1,
            "{columns}\n{}",
            screen.dump()
        );
    }
    let _ = terminal.ours.read_to_end(&mut Vec::new());
    child.wait().unwrap();
}

#[test]
fn a_ci_job_with_a_terminal_gets_plain_lines() {
    let sandbox = stage();
    let terminal = Terminal::new(80);
    let mut command = rehearsal(&sandbox, &MANY.replace("24", "50"));
    command
        .env("CI", "true")
        .stdout(terminal.theirs())
        .stderr(terminal.theirs());
    let mut child = command.spawn().unwrap();
    drop(command);
    let (mut ours, mut written) = (terminal.ours, Vec::new());
    let _ = ours.read_to_end(&mut written);
    child.wait().unwrap();
    let text = String::from_utf8_lossy(&written).replace("\r\n", "\n");
    assert!(text.contains(" of 50 done, "), "{text}");
    assert!(text.contains(" × 02_end: wrong exit"), "{text}");
    assert!(
        !text.contains('\r') && !text.contains("\x1b[2K"),
        "{text:?}"
    );
}

/// Flows that all fail in the same way.
const REFUSED: &str = "\
name: refused
roles:
  clerk:
    run: [/bin/sh, -c, 'echo Sorry; read line']
    terminal: pipes
    fail_on: {refused: Sorry}
    actions: {log_in: [{see: Welcome}]}
flow:
  - {step: 1_log_in, role: clerk, do: log_in}
";

#[test]
fn flows_that_all_fail_alike_are_noted_once() {
    let sandbox = Sandbox::with("waiting.yaml", REFUSED);
    let options = "--flows 100000 --parallel 2 --progress plain --duration 3s";
    let finished = Finished::of(&mut rehearsal(&sandbox, options));
    finished
        .assert_code(1)
        .assert_err("so far failed at 1_log_in: refused (Sorry)")
        .assert_err(" × 1_log_in: refused (Sorry)");
    let notes = finished.err.matches("flows so far failed").count();
    assert_eq!(notes, 1, "{}", finished.err);
}

#[test]
fn a_run_stops_after_so_many_failures() {
    let sandbox = Sandbox::with("waiting.yaml", REFUSED);
    let run = |options: &str| Finished::of(&mut rehearsal(&sandbox, options));
    let stopped = |summary: &Value| {
        let flows = &summary["flows"];
        let failed = flows["failed"].as_u64().unwrap();
        (summary["stopped_by_failures"].as_u64(), failed)
    };
    // Those in flight may fail as well.
    let finished = run("--flows 5000 --parallel 2 --fail-fast 5 --allow-failures=100%");
    finished.assert_code(1).assert_out("--fail-fast");
    let finished = run("--flows 5000 --parallel 2 --fail-fast 5 --json");
    let (limit, failed) = stopped(&finished.assert_code(1).json()["summary"]);
    assert_eq!(limit, Some(5));
    assert!((5..=7).contains(&failed), "{failed}");
    let finished = run("--flows 50 --json --fail-fast");
    assert_eq!(
        stopped(&finished.assert_code(1).json()["summary"]),
        (Some(1), 1)
    );
    let finished = run("--flows 1 --json --fail-fast");
    let (limit, _) = stopped(&finished.assert_code(1).json()["summary"]);
    assert_eq!(limit, None, "nothing was left to stop");
    run("--fail-fast 0").assert_code(2).assert_err("1 or more");
}

#[test]
fn progress_can_be_plain_lines_or_off() {
    let sandbox = stage();
    let said = |how: &str| {
        let options = MANY.replace("24", "50") + " --progress " + how;
        let finished = Finished::of(&mut rehearsal(&sandbox, &options));
        finished.assert_code(0).assert_out("PASSED");
        finished
    };
    said("plain")
        .assert_err(" of 50 done, ")
        .assert_err(" in flight");
    assert_eq!(said("none").err, "");
    Finished::of(&mut rehearsal(&sandbox, "--progress bar"))
        .assert_code(2)
        .assert_err("is not a terminal");
}

fn parsed(text: &str) -> Vec<Value> {
    assert!(text.ends_with('\n'));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_program_can_follow_a_run_in_lines_of_json() {
    let options = format!("{MANY} --json-lines");
    let finished = Finished::of(&mut rehearsal(&stage(), &options));
    finished.assert_code(0).assert_err("PASSED");

    let lines = parsed(&finished.out);
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
    let sandbox = stage();
    let run = |options| Finished::of(&mut rehearsal(&sandbox, options));
    let finished = run("--flows 2 --json --json-lines=events.jsonl");
    assert!(finished.assert_code(0).json().is_object());
    let lines = parsed(&sandbox.read("events.jsonl"));
    assert_eq!(lines.last().unwrap()["completed"], 2);

    run("--json --json-lines").assert_code(2);
    run("--json-lines=/dev/full")
        .assert_code(70)
        .assert_err("/dev/full");
}

#[test]
fn a_reader_of_json_lines_that_leaves_does_not_end_the_run() {
    let sandbox = stage();
    let mut child = rehearsal(&sandbox, &format!("{MANY} --json-lines"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    Finished::from(child.wait_with_output().unwrap())
        .assert_code(0)
        .assert_err("20 of 24 flows completed");
}
