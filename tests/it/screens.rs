//! Screens: real programs that draw them, driven by the scenarios in `config/screens`, each by many
//! flows at once, also with output that comes in single bytes and on a bigger screen.
//!
//! `.ci/install-test-programs` installs the programs. What is not there is skipped, aloud.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::support::fixture::{self, replaced};
use crate::support::running::Finished;
use crate::support::sandbox::Sandbox;

/// Returns the directory of the programs from PyPI and npm.
fn programs() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("a target").join("test-programs")
}

/// Returns the search path with the Python that has questionary in front.
pub fn search_path() -> OsString {
    let own = fixture::search_path();
    let python = programs().join("python/bin");
    let paths = std::iter::once(python).chain(std::env::split_paths(&own));
    std::env::join_paths(paths).expect("no colons")
}

/// Returns whether a command succeeds, and says so if not.
pub fn is_there(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    let output = command
        .args(&words[1..])
        .env("PATH", search_path())
        .output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: `{}` fails", words.join(" "));
    }
    is_there
}

/// Returns a sandbox with the files of `config/screens` and this scenario.
pub fn sandbox(scenario: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/screens");
    for entry in fs::read_dir(directory).expect("config/screens").flatten() {
        let name = entry.file_name().into_string().expect("UTF-8");
        sandbox.write(&name, &fs::read_to_string(entry.path()).expect("a text"));
    }
    sandbox.write("scenario.yaml", scenario);
    let modules = programs().join("node_modules");
    if modules.exists() {
        std::os::unix::fs::symlink(modules, sandbox.home().join("node_modules")).expect("a link");
    }
    sandbox
}

fn rehearsal(sandbox: &Sandbox, line: &str) -> Finished {
    Finished::of(sandbox.command(line).env("PATH", search_path()))
}

fn config(name: &str) -> String {
    let file = format!("config/screens/{name}.yaml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a scenario on a bigger screen. Thousands of reads of single bytes take long on a busy
/// machine, so programs may take longer to be ready.
pub fn on_big_screen(scenario: &str) -> String {
    let scenario = replaced(scenario, "screen: 24x80", "screen: 50x132");
    format!("defaults: {{startup: 60s}}\n{scenario}")
}

/// Runs 50 flows, 10 at once, on a screen of 24x80, and 20 on one of 50x132 with the output in
/// single bytes, of which each flow has thousands.
fn drive(scenario: &str) {
    for (scenario, faults, count) in [
        (scenario, None, 50),
        (&on_big_screen(scenario), Some("bytewise 100%"), 20),
    ] {
        let sandbox = sandbox(scenario);
        let load = format!("run scenario.yaml --json --flows {count} --parallel 10 --timeout 60s");
        let mut command = sandbox.command(&load);
        if let Some(faults) = faults {
            command.args(["--chaos", faults]);
        }
        let finished = Finished::of(command.env("PATH", search_path()));
        finished.assert_code(0);
        let flows = finished.json()["flows"].clone();
        let flows = flows.as_array().expect("flows");
        assert_eq!(flows.len(), count);
        for flow in flows {
            assert_eq!(flow["outcome"], "completed", "{flow}");
        }
        assert!(sandbox.processes().is_empty(), "{:?}", sandbox.processes());
    }
}

/// Declares a test for each program: its scenario, and a command that succeeds where it is there.
macro_rules! programs {
    ($($name:ident: $there:expr,)*) => {
        $(
            #[test]
            fn $name() {
                if is_there(&$there) {
                    drive(&config(stringify!($name)));
                }
            }
        )*
    };
}

programs! {
    dialog: ["dialog", "--version"],
    fdisk: ["/sbin/fdisk", "--version"],
    fish: ["fish", "--version"],
    less: ["less", "--version"],
    nano: ["nano", "--version"],
    questionary: ["python3", "-c", "import questionary"],
    tmux: ["tmux", "-V"],
    top: ["top", "-v"],
    vim: ["vim", "--version"],
    whiptail: ["whiptail", "--version"],
}

#[test]
fn inquirer() {
    let modules = programs().join("node_modules/@inquirer/prompts");
    if is_there(&["node", "--version"]) && is_there(&["test", "-d", &modules.to_string_lossy()]) {
        drive(&config("inquirer"));
    }
}

#[test]
fn dialoguer() {
    drive(&fixture::scenario("screens/dialoguer"));
}

#[test]
fn s3270_is_a_program_of_lines() {
    if is_there(&["s3270", "-v"]) {
        let sandbox = sandbox(&config("s3270"));
        let line = "run scenario.yaml --json --flows 50 --parallel 10 --timeout 60s";
        rehearsal(&sandbox, line).assert_code(0);
    }
}

/// Returns a scenario of one role with a screen: a shell script, and the turns of its one step.
pub fn shell(script: &str, turns: &str) -> String {
    let script = serde_json::to_string(script).expect("a text");
    format!(
        "roles:\n  clerk:\n    run: [sh, -c, {script}]\n    screen: 24x80\n    actions:\n      work:\n\
         {turns}\nflow: [{{step: 1_work, role: clerk, do: work}}]\n"
    )
}

/// Runs one flow, which fails, and returns its failure.
pub fn failure(scenario: &str) -> serde_json::Value {
    let sandbox = sandbox(scenario);
    let finished = rehearsal(&sandbox, "run scenario.yaml --json");
    finished.assert_code(1);
    sandbox.assert_empty(Instant::now());
    finished.json()["flows"][0]["failure"].clone()
}

fn completes(scenario: &str) {
    let sandbox = sandbox(scenario);
    rehearsal(&sandbox, "run scenario.yaml").assert_code(0);
    sandbox.assert_empty(Instant::now());
}

#[track_caller]
pub fn assert_says(failure: &serde_json::Value, kind: &str, texts: &[&str]) {
    assert_eq!(failure["kind"], kind, "{failure}");
    let all = failure.to_string();
    for text in texts {
        assert!(all.contains(text), "no {text:?} in {failure:#}");
    }
}

#[test]
fn a_program_that_draws_half_and_hangs_is_shown_as_it_hangs() {
    let script = r"printf '\033[2J\033[3;5HORDER EN'; exec cat";
    let turns = "        - {screen: ORDER ENTRY, within: 500ms}";
    let failure = failure(&shell(script, turns));
    let texts = [
        "waited 500ms for `ORDER ENTRY` on the screen",
        "ORDER EN ",
        "row 3, column 13",
    ];
    assert_says(&failure, "timeout", &texts);
}

#[test]
fn a_wrong_label_fails_with_the_labels_that_there_are() {
    let scenario = fixture::scenario("screens/dialoguer");
    let failure = failure(&replaced(
        &scenario,
        "choose: Old cheese",
        "choose: Pickles",
    ));
    assert_says(
        &failure,
        "row_not_found",
        &["Pickles", "Fresh apples", "Old cheese", "┌─"],
    );
}

#[test]
fn a_form_that_refuses_a_value_fails_with_what_it_shows() {
    if !is_there(&["python3", "-c", "import tty"]) {
        return;
    }
    // A field that takes digits only.
    let form = r#"
import os, sys, tty
tty.setraw(0)
value = ""
while True:
    sys.stdout.write("\x1b[2J\x1b[HQuantity: " + value)
    sys.stdout.flush()
    key = os.read(0, 1).decode()
    if key == "\r":
        break
    value = value[:-1] if key == "\x7f" else value + key if key.isdigit() else value
sys.stdout.write("\x1b[2J\x1b[HBOOKED " + value + "\r\n")
"#;
    let scenario = |value: &str| {
        shell(
            "exec python3 form.py",
            &format!(
                "        - {{fill: {{\"Quantity:\": {value}}}, press: enter}}\n        - screen: BOOKED"
            ),
        )
    };
    for (value, code) in [("\"42\"", 0), ("\"4x2\"", 1)] {
        let sandbox = sandbox(&scenario(value));
        sandbox.write("form.py", form);
        let finished = rehearsal(&sandbox, "run scenario.yaml --json");
        finished.assert_code(code);
        if code == 1 {
            let failure = finished.json()["flows"][0]["failure"].clone();
            assert_says(&failure, "not_taken", &["Quantity:", "42"]);
        }
    }
}

#[test]
fn a_frame_that_is_shown_for_a_moment_is_seen() {
    let script = r"printf '\033[2J\033[HSAVING\033[2J\033[HDONE'; exec cat";
    completes(&shell(
        script,
        "        - screen: SAVING\n        - screen: DONE",
    ));
    completes(&shell(
        script,
        "        - screen: {gone: SAVING, still: true}",
    ));
}

#[test]
fn what_was_typed_is_no_evidence() {
    let script = r"printf '\033[2J\033[HNote: '; read -r note; printf '\033[3;1HREFUSED'; exec cat";
    let turns = "        - {screen: 'Note:', send: ORDER SAVED}\n        \
                 - {screen: ORDER SAVED, within: 500ms}";
    let failure = failure(&shell(script, turns));
    assert_says(&failure, "timeout", &["may be what was typed", "REFUSED"]);
}

#[test]
fn what_was_there_before_the_reply_is_no_evidence() {
    let script =
        r"printf '\033[2J\033[HREADY\033[2;1HName: '; read -r n; printf '\033[4;1HHi'; exec cat";
    let turns = |still| {
        format!(
            "        - {{screen: 'Name:', type: ann, press: enter}}\n        \
             - {{screen: READY, within: 500ms{still}}}"
        )
    };
    let failure = failure(&shell(script, &turns("")));
    assert_says(&failure, "timeout", &["still: true"]);
    completes(&shell(script, &turns(", still: true")));
}

#[test]
fn a_resize_reaches_program_and_screen() {
    let script = r#"trap 'printf "\033[2J\033[40;100Hnow %s" "$(stty size)"' WINCH; printf '\033[HREADY'
                    while :; do read -r x; done"#;
    let turns = "        - screen: READY\n        - resize: 40x120\n        \
                 - {screen: now 40 120, at: {row: 40, column: 100}}";
    completes(&shell(script, turns));
}

#[test]
fn a_capture_waits_for_the_whole_screen() {
    // The amount is drawn in two pieces, with a pause in which the program is at work.
    let script = r"printf '\033[2J\033[HTotal: 12'; sleep 0.05; printf '34.00 EUR'; exec cat";
    let turns =
        "        - {screen: '/Total: (?<total>[0-9.]+)/'}\n        - assert: total == '1234.00'";
    completes(&shell(script, turns));
}

#[test]
fn instances_of_a_pool_return_to_a_menu_on_their_screen() {
    let script = r#"n=0; while :; do printf '\033[2J\033[HMAIN MENU\033[3;1HChoice: '; read -r c
                    n=$((n+1)); printf '\033[2J\033[HTICKET %s\033[3;1HPress Enter' "$n"; read -r c; done"#;
    let scenario = shell(
        script,
        "        - {screen: 'Choice:', send: n}\n        - {screen: '/TICKET \\d+/'}\n        - {screen: Press Enter, still: true, press: enter}",
    );
    let scenario = replaced(
        &scenario,
        "    screen: 24x80\n",
        "    screen: 24x80\n    lifetime: {pool: 2}\n    menu: {screen: 'Choice:'}\n",
    );
    let log_in = "    actions:\n      start: [{screen: MAIN MENU}]\n";
    let scenario = replaced(&scenario, "    actions:\n", log_in);
    let scenario = replaced(
        &scenario,
        "flow: [{step: 1_work",
        "flow: [{step: 0_start, role: clerk, do: start}, {step: 1_work",
    );
    let sandbox = sandbox(&scenario);
    rehearsal(&sandbox, "run scenario.yaml --flows 20 --parallel 4").assert_code(0);
    sandbox.assert_empty(Instant::now());
}

#[test]
fn a_row_of_a_radio_list_is_marked_before_it_is_entered() {
    if !is_there(&["whiptail", "--version"]) {
        return;
    }
    let script = "fruit=$(whiptail --radiolist 'Pick fruit' 15 50 4 a Apple on b Banana off c Cherry off \
                  3>&1 1>&2 2>&3); echo \"got $fruit\"";
    for (label, tag) in [("Apple", "a"), ("Banana", "b"), ("Cherry", "c")] {
        let turns = format!(
            "        - {{screen: Pick fruit, choose: {label}}}\n        - see: got {tag}\n        - exits: 0"
        );
        completes(&shell(script, &turns));
    }
}

#[test]
fn a_screen_in_the_middle_of_a_drawing_is_not_taken_for_a_whole_one() {
    let turns = "        - {screen: '/Total: (?<total>[0-9]+)/', within: 1s}";
    // A synchronized update that is never closed, and a control sequence that is cut.
    for drawn in [
        r"\033[?2026h\033[2J\033[HTotal: 12",
        r"\033[2J\033[HTotal: 12\033[",
    ] {
        let failure = failure(&shell(&format!("printf '{drawn}'; exec cat"), turns));
        assert_says(&failure, "timeout", &["in the middle of drawing"]);
        let ended = self::failure(&shell(&format!("printf '{drawn}'"), turns));
        assert_eq!(ended["kind"], "ended_early", "{ended}");
    }
    let script =
        r"printf '\033[?2026h\033[2J\033[HTotal: 12'; sleep 0.3; printf '34\033[?2026l'; exec cat";
    completes(&shell(
        script,
        &format!("{turns}\n        - assert: total == '1234'"),
    ));
    // What stands at the end of a program is final.
    completes(&shell(
        r"printf '\033[2J\033[HTotal: 12'",
        &format!("{turns}\n        - assert: total == '12'"),
    ));
}

#[test]
fn a_text_that_the_terminal_has_wrapped_is_one_text() {
    let script = r#"printf '\033[2J\033[H%074d Order ORD-20260101-42 saved' 0; exec cat"#;
    completes(&shell(
        script,
        "        - {screen: '/Order (?<order>ORD-[0-9-]+) saved/', rows: 1..2}\n        \
         - assert: order == 'ORD-20260101-42'",
    ));
}

#[test]
fn a_text_that_has_gone_before_the_wait_began_counts_if_it_was_there_at_the_reply() {
    let script =
        r"printf '\033[2J\033[HPlease wait'; read -r x; printf '\033[2J\033[HDONE'; exec cat";
    completes(&shell(
        script,
        "        - {screen: Please wait, press: enter}\n        - screen: DONE\n        \
         - screen: {gone: Please wait}",
    ));
    let failure = failure(&shell(
        script,
        "        - {screen: Please wait, press: enter}\n        \
         - {screen: {gone: Working}, within: 500ms}",
    ));
    assert_says(
        &failure,
        "timeout",
        &["was not there at the last reply", "still: true"],
    );
}

#[test]
fn several_lines_are_pasted_where_the_program_takes_them_in_brackets() {
    let reader = r#"import os, sys, tty
tty.setraw(0)
sys.stdout.write(sys.argv[1] + "\x1b[2J\x1b[HNote: ")
sys.stdout.flush()
text = b""
while not text.endswith(b"\x1b[201~"):
    text += os.read(0, 100)
sys.stdout.write("\x1b[3;1HLINES %d" % len(text.split(b"\r")))
sys.stdout.flush()
os.read(0, 1)
"#;
    let scenario = |modes: &str| {
        shell(
            &format!("exec python3 note.py \"$(printf '{modes}')\""),
            "        - {screen: 'Note:', paste: \"one\\ntwo\\nthree\"}\n        - screen: LINES 3",
        )
    };
    for (modes, code) in [(r"\033[?2004h", 0), (r"\033[0m", 1)] {
        let sandbox = sandbox(&scenario(modes));
        sandbox.write("note.py", reader);
        let finished = rehearsal(&sandbox, "run scenario.yaml --json");
        finished.assert_code(code);
        if code == 1 {
            let failure = finished.json()["flows"][0]["failure"].clone();
            assert_says(&failure, "not_sent", &["several lines", "2004"]);
        }
    }
}

#[test]
fn fields_that_change_or_hide_their_value_are_filled_with_what_they_show() {
    let form = r#"import os, sys, tty
tty.setraw(0)
values = ["", "", ""]
focus = 0
def date(text):
    text = (text + "________")[:8]
    return text[:2] + "/" + text[2:4] + "/" + text[4:]
while True:
    code, day, secret = values
    sys.stdout.write("\x1b[2J\x1b[HCode: [%-8s]\r\nDate: [%s]\r\nPIN:  [        ]" % (code.upper(), date(day)))
    column = [8 + len(code), 8 + len(day) + (len(day) > 1) + (len(day) > 3), 8][focus]
    sys.stdout.write("\x1b[%d;%dH" % (focus + 1, column))
    sys.stdout.flush()
    key = os.read(0, 1).decode()
    if key == "\t":
        focus = (focus + 1) % 3
    elif key == "\r":
        break
    elif key == "\x7f":
        values[focus] = values[focus][:-1]
    elif key.isalnum():
        values[focus] += key
sys.stdout.write("\x1b[2J\x1b[HSAVED %s\r\n" % "-".join(values))
"#;
    let scenario = |date: &str| {
        shell(
            "exec python3 form.py",
            &format!(
                "        - fill: {{'Code:': {{type: ab1, shows: AB1}}, 'Date:': {date}, \
                 'PIN:': {{type: '4711', shows: ''}}}}\n          press: enter\n        \
                 - screen: SAVED ab1-31122026-4711"
            ),
        )
    };
    for (date, code) in [
        ("{type: '31122026', shows: 31/12/2026}", 0),
        ("'31122026'", 1),
    ] {
        let sandbox = sandbox(&scenario(date));
        sandbox.write("form.py", form);
        let finished = rehearsal(&sandbox, "run scenario.yaml --json");
        finished.assert_code(code);
        if code == 1 {
            let failure = finished.json()["flows"][0]["failure"].clone();
            assert_says(&failure, "not_taken", &["31/12/2026", "shows: …"]);
        }
    }
}
