//! Control sequences of hostile programs: none reaches the terminal or a file of ours unchanged.
//!
//! The escaping of single texts is tested beside the code.

use std::fs;
use std::time::Instant;

use crate::support::fixture::{replaced, scenario};
use crate::support::sandbox::Sandbox;

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
fn control_sequences_of_programs_have_no_effect() {
    for kind in ["pty", "pipes"] {
        for flows in [1, 3] {
            let terminal = format!("terminal: {kind}");
            let text = replaced(&scenario("hostile"), "terminal: pty", &terminal);
            let sandbox = Sandbox::with("hostile.yaml", &text);
            fs::write(sandbox.home().join("payload"), PAYLOAD).expect("a file");
            let line = format!("run hostile.yaml -v --save --flows {flows} --parallel {flows}");
            let finished = sandbox.rehearsal(&line);
            finished.assert_code(1).assert_out("evil");
            assert_eq!(acts(&finished.out), None, "{}", finished.out.escape_debug());
            assert_eq!(acts(&finished.err), None, "{}", finished.err.escape_debug());
            for file in sandbox.results() {
                let is = |extension| file.extension().is_some_and(|it| it == extension);
                if is("db") {
                    // It has figures and conditions, and no text of a program.
                    let bytes = fs::read(&file).expect("a file");
                    assert!(
                        !bytes.windows(4).any(|it| it == b"evil"),
                        "{}",
                        file.display()
                    );
                    continue;
                }
                let text = fs::read_to_string(&file).expect("UTF-8");
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
                    // Data as it is; but no byte of it begins an escape sequence.
                    assert!(!text.contains(['\x1b', '\x07']), "{}", file.display());
                } else {
                    assert_eq!(acts(&text), None, "{}", file.display());
                }
            }
            sandbox.assert_empty(Instant::now());
        }
    }
}
