//! Echoes of real programs: typed text that is drawn in some way is no evidence, and output is never
//! taken for an echo. Belongs to `terminal` and `dialogue`.

use crate::support::sandbox::Sandbox;

use serde_json::Value;

/// Prints a prompt, reads keys up to Enter, and draws each as `style` says; then prints `output`.
const KEYS: &str = r#"
import os, sys, termios, time, tty
prompt, style, output = sys.argv[1:]
if style == "late":
    os.write(1, prompt.encode())
    time.sleep(0.05)
tty.setraw(0, termios.TCSANOW)
if style != "late":
    os.write(1, prompt.encode())
while (key := os.read(0, 1)) not in b"\r\n":
    os.write(1, {"none": b"", "stars": b"*"}.get(style, key))
os.write(1, output.encode().decode("unicode_escape").encode() + b"> ")
os.read(0, 1)
"#;

const READLINE: &str = r#"
import readline
s = input("Order note: ")
print("REJECTED: note too long")
input("Your choice: ")
"#;

struct Case {
    run: &'static str,
    size: &'static str,
    term: &'static str,
    reply: String,
    wait: &'static str,
    /// The capture of the completed flow; `None` if the wait must time out.
    expected: Option<&'static str>,
}

fn case(run: &'static str, reply: &str, wait: &'static str) -> Case {
    Case {
        run,
        size: "50x200",
        term: "dumb",
        reply: reply.to_owned(),
        wait,
        expected: None,
    }
}

impl Case {
    fn gives(mut self, value: &'static str) -> Case {
        self.expected = Some(value);
        self
    }

    fn at(mut self, size: &'static str, term: &'static str) -> Case {
        (self.size, self.term) = (size, term);
        self
    }

    #[track_caller]
    fn check(&self) {
        let sandbox = Sandbox::new();
        sandbox.write("keys.py", KEYS);
        sandbox.write("note.py", READLINE);
        let Case {
            run,
            size,
            term,
            reply,
            wait,
            ..
        } = self;
        let scenario = format!(
            r##"
name: echo
defaults: {{ step: 3s }}
roles:
  clerk:
    run: {run}
    size: {size}
    environment: {{ TERM: {term}, PS1: "$ " }}
    actions:
      note:
        - {{ prompt: '/[:$>] $/', send: '{reply}' }}
        - see: {wait}
flow:
  - {{ step: note, role: clerk, do: note }}
"##
        );
        sandbox.write("echo.yaml", &scenario);
        let finished = sandbox.rehearsal("run echo.yaml --json");
        let flow = &finished.json()["flows"][0];
        let value = flow["captures"]["value"].as_str();
        let expected = self.expected;
        match expected {
            Some(_) => assert_eq!(value, expected, "{run} {size} {term}: {flow}"),
            None => assert_eq!(
                flow["failure"]["kind"],
                Value::from("timeout"),
                "{run} {size} {term}: {flow}"
            ),
        }
    }
}

#[test]
fn a_reply_that_a_line_editor_scrolls_or_wraps_is_no_evidence() {
    let long = |count: usize| {
        let filler = "a".repeat(count);
        format!("{filler} please confirm with the text Order saved or call")
    };
    let seen = "'/(?<value>Order saved)/'";
    case("[python3, note.py]", &long(160), seen).check();
    case(
        "[python3, note.py]",
        "remark GOOD NEWS",
        "'/remark (?<value>[A-Z ]+)/'",
    )
    .check();
    for (size, term) in [
        ("24x80", "dumb"),
        ("24x40", "dumb"),
        ("24x80", "xterm"),
        ("24x40", "xterm"),
    ] {
        case(
            "[bash, --norc, --noprofile, -i]",
            &format!(": {}", long(45)),
            seen,
        )
        .at(size, term)
        .check();
    }
}

#[test]
fn a_reply_that_terminal_and_program_echo_is_no_evidence() {
    let run = r#"[python3, keys.py, "Note: ", late, '\r\nREJECTED\r\n']"#;
    case(run, "Order saved", "'/(?<value>Order saved)/'").check();
}

#[test]
fn output_of_a_program_that_reads_keys_is_whole() {
    let amount = r#"[python3, keys.py, "Amount: ", none, '\r\nPaid in total: 10.50\r\n']"#;
    case(amount, "0.50", "'/total: (?<value>[0-9.]+)/'")
        .gives("10.50")
        .check();
    let order = r#"[python3, keys.py, "Id: ", none, '\r\nORD-20260001\r\n']"#;
    case(order, "0001", r"'/(?<value>ORD-\d+)/'")
        .gives("ORD-20260001")
        .check();
    let name = r#"[python3, keys.py, "Name: ", none, 'hello ann\r\n']"#;
    case(name, "ann", "'/(?<value>hello ann)/'")
        .gives("hello ann")
        .check();
    let pin = r#"[python3, keys.py, "PIN: ", stars, '\r\nx4711\r\n']"#;
    case(pin, "4711", r"'/(?<value>x\d*)/'")
        .gives("x4711")
        .check();
}

#[test]
fn a_program_that_repeats_a_line_on_a_cooked_terminal_is_evidence() {
    let run = r#"[sh, -c, 'printf "Note: "; cat']"#;
    case(run, "Order saved", "'/(?<value>Order saved)/'")
        .gives("Order saved")
        .check();
}

#[test]
fn a_wait_that_only_typed_text_matches_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write("keys.py", KEYS);
    sandbox.write(
        "echo.yaml",
        r#"
name: echo
defaults: { step: 1s }
roles:
  clerk:
    run: [python3, keys.py, "Note: ", late, '\r\nno\r\n']
    actions:
      note:
        - { prompt: "Note:", send: Order saved }
        - see: Order saved
flow:
  - { step: note, role: clerk, do: note }
"#,
    );
    let finished = sandbox.rehearsal("run echo.yaml --json");
    let hint = finished.json()["flows"][0]["failure"]["hint"].clone();
    let hint = hint.as_str().expect("a hint");
    assert!(
        hint.starts_with("`Order saved` matches, but does not count as evidence"),
        "{hint}"
    );
}

/// Draws the whole screen at each key that it reads.
const FORM: &str = r#"
import os, sys, tty
after = sys.argv[1].encode().decode("unicode_escape").encode()
tty.setraw(0)
typed = b""
while True:
    os.write(1, b"\x1b[2J\x1b[H+----+\r\n| Name: " + typed + b"\r\n+----+" + after)
    if (key := os.read(0, 1)) in b"\r\n":
        break
    typed += key
os.write(1, b"\x1b[5;1HDenied\r\nNext: ")
os.read(0, 1)
"#;

#[test]
fn a_reply_that_is_drawn_with_the_whole_screen_is_no_evidence() {
    for after in [r"\r\n\x1b[2A\x1b[9C", r"\x1b[2;9H"] {
        let sandbox = Sandbox::new();
        sandbox.write("form.py", FORM);
        let scenario = format!(
            r"
name: form
defaults: {{ step: 1500ms }}
roles:
  clerk:
    run: [python3, form.py, '{after}']
    actions:
      name:
        - {{ see: 'Name:', send: please saved now }}
        - see: saved
flow:
  - {{ step: name, role: clerk, do: name }}
"
        );
        sandbox.write("form.yaml", &scenario);
        let finished = sandbox.rehearsal("run form.yaml --json");
        let flow = &finished.json()["flows"][0];
        assert_eq!(flow["failure"]["kind"], "timeout", "{flow}");
        let failure = flow["failure"].to_string();
        assert!(failure.contains("does not count as evidence"), "{failure}");
    }
}
