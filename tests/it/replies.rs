//! Replies that a program never reads: they fail the step, with the reason. Belongs to `engine` and
//! `process`.

use crate::support::sandbox::Sandbox;

use serde_json::Value;

/// Asks, and then changes its terminal's settings so that pending input is discarded.
const DISCARDS: &str = r#"
import os, sys, termios, time
mode = termios.tcgetattr(0)
if "hides" in sys.argv:
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, mode)
os.write(1, b"Name: ")
time.sleep(0.1)
termios.tcsetattr(0, termios.TCSAFLUSH, mode)
print("Hello", input())
"#;

fn failure(run: &str, turns: &str) -> Value {
    let sandbox = Sandbox::new();
    sandbox.write("discards.py", DISCARDS);
    let scenario = format!(
        r#"
name: replies
defaults: {{ step: 1s }}
roles:
  clerk:
    run: {run}
    actions:
      greet: [{turns}]
flow:
  - {{ step: greet, role: clerk, do: greet }}
"#
    );
    sandbox.write("replies.yaml", &scenario);
    let finished = sandbox.rehearsal("run replies.yaml --json");
    finished.json()["flows"][0]["failure"].clone()
}

#[test]
fn a_reply_that_the_program_discards_is_named() {
    for (run, reply) in [
        ("[python3, discards.py]", "send: Ann"),
        ("[python3, discards.py, hides]", "secret: Ann"),
    ] {
        let turns = format!("{{prompt: 'Name:', {reply}}}, {{see: Hello}}");
        let failure = failure(run, &turns);
        assert_eq!(failure["kind"], "timeout", "{failure}");
        let hint = failure["hint"].as_str().expect("a hint");
        assert!(
            hint.starts_with("the program discarded its typed input"),
            "{hint}"
        );
    }
}

#[test]
fn a_last_reply_that_the_program_never_reads_fails_the_step() {
    for terminal in ["pty", "pipes"] {
        let run = format!("[sh, -c, 'echo Name:; exec sleep 60']\n    terminal: {terminal}");
        let failure = failure(&run, "{see: 'Name:', send: Ann}");
        assert_eq!(failure["kind"], "not_sent", "{failure}");
        assert_eq!(
            failure["message"],
            "the program has not read the last reply"
        );
    }
}

#[test]
fn a_last_reply_that_a_program_on_pipes_leaves_unread_fails_the_step() {
    let run = "[sh, -c, 'echo Name:; sleep 0.3']\n    terminal: pipes";
    let failure = failure(run, "{see: 'Name:', send: Ann}");
    let expected = "the program ended without reading the last reply";
    assert_eq!(failure["message"], expected, "{failure}");
}

#[test]
fn a_last_reply_that_the_program_discards_fails_the_step() {
    let failure = failure("[python3, discards.py]", "{prompt: 'Name:', send: Ann}");
    let expected = "the program has discarded the last reply";
    assert_eq!(failure["message"], expected, "{failure}");
}

#[test]
fn a_last_reply_that_the_program_reads_completes_the_step() {
    for terminal in ["pty", "pipes"] {
        let run = format!(
            "[sh, -c, 'echo Name:; read -r name; exec sleep 60']\n    terminal: {terminal}"
        );
        assert_eq!(failure(&run, "{see: 'Name:', send: Ann}"), Value::Null);
    }
}
