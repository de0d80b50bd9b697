//! What a hostile program prints reaches no terminal and no file of ours as it is.
//!
//! Here belongs what the whole program shows. How single texts are made harmless is tested beside
//! the code.

use crate::support::program;

use std::fs;
use std::time::Instant;

use program::Sandbox;

/// A program that prints the payload in lines and in an unfinished one, of which a part is
/// captured and a part is the tail of a failure; and a scenario that is as hostile.
const HOSTILE: &str = r#"
name: "hostile \e]0;name\a"
roles:
  a:
    title: "Title \e[2J"
    run: [sh, -c, 'cat payload; echo ready; cat payload >&2; read line', "\e[5m\a"]
    terminal: KIND
    actions:
      go: [{see: '/id: (?<id>.+)\./'}, {see: ready}]
      wait: [{see: "never \e[8m"}]
flow:
  - {step: "1 \e[9m", role: a, do: go, provides: [id]}
  - {step: 2_wait, role: a, do: wait, timeout: 300ms}
"#;

/// A title, colours, an 8-bit control as a character and as a byte, a bell, text that runs
/// backwards, markup, and a byte that is no text.
const PAYLOAD: &[u8] = b"id: \x1b]0;title\x07\x1b[31mevil \xc2\x9b5m\xe2\x80\xaeback\x07\
    <script>alert(1)</script> \x9b6m \xff\x1b[2K.\n\x1bP+q\x1b\\evil \x08\x7f\x1b[6n\x1b]52;c;aGk=\x07";

/// Everything that a terminal would act upon, but the ends of lines.
fn acts(text: &str) -> Option<char> {
    let hostile = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().find(hostile)
}

#[test]
fn nothing_that_a_program_prints_is_obeyed() {
    for kind in ["pty", "pipes"] {
        for (flows, parallel) in [("1", "1"), ("3", "3")] {
            let sandbox = Sandbox::new();
            sandbox.write("hostile.yaml", &HOSTILE.replace("KIND", kind));
            fs::write(sandbox.home().join("payload"), PAYLOAD).expect("a file");
            let arguments = [
                "run",
                "hostile.yaml",
                "-v",
                "--save",
                "--flows",
                flows,
                "--parallel",
                parallel,
            ];
            let finished = sandbox.output(&arguments);
            assert_eq!(finished.code, Some(1), "{kind}: {finished:?}");
            assert_eq!(acts(&finished.out), None, "{}", finished.out.escape_debug());
            assert_eq!(acts(&finished.err), None, "{}", finished.err.escape_debug());
            assert!(finished.out.contains("evil"), "{finished:?}");
            for file in sandbox.results() {
                let text = fs::read_to_string(&file).expect("UTF-8");
                let is = |extension| file.extension().is_some_and(|it| it == extension);
                assert!(
                    is("hlog") || is("yaml") || text.contains("evil"),
                    "{}",
                    file.display()
                );
                if is("jsonl") {
                    let flow = text.lines().nth(1).expect("a flow");
                    let flow: serde_json::Value = serde_json::from_str(flow).expect("JSON");
                    let id = flow["captures"].to_string();
                    assert!(id.contains("<script>"), "{id}");
                }
                if is("json") || is("jsonl") {
                    // Data, told as it is; but no byte of it begins an escape sequence.
                    assert!(!text.contains(['\x1b', '\x07']), "{}", file.display());
                } else {
                    assert_eq!(acts(&text), None, "{}", file.display());
                }
            }
            sandbox.assert_empty(Instant::now());
        }
    }
}
