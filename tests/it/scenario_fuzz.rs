//! No input makes the scenario compiler panic, hang or give up without a reason.

use proptest::prelude::*;
use rehearsal::scenario::{CompileOptions, Severity, compile};

const VALID: &str = include_str!("../scenarios/every-turn.yaml");

/// Pieces that mean something to YAML, to expressions, to patterns or to the language.
const PIECES: [&str; 64] = [
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    ": ",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: *a",
    "!!int ",
    "!x ",
    "# ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{85}",
    "é",
    "𝄞",
    "~",
    "${",
    "}",
    "$${",
    "|",
    "/(?<x>",
    ")/",
    "/",
    "007",
    "5s",
    "..",
    "roles",
    "flow",
    "actions",
    "first_of",
    "repeat",
    "until",
    "see",
    "prompt",
    "do",
    "again",
    "true",
    "variables",
    "screen",
    "screen: 24x80",
    "gone",
    "cursor",
    "row",
    "fill",
    "press",
    "resize",
    "a",
];

/// Compiles and renders, which must both end well; errors must have something to say.
fn survives(source: &str) {
    match compile(source, None, CompileOptions::default()) {
        Ok(compiled) => {
            assert_eq!(compiled.warnings.count(Severity::Error), 0);
            let _ = compiled.warnings.render(true);
        }
        Err(diagnostics) => {
            assert!(diagnostics.count(Severity::Error) > 0);
            let text = diagnostics.render(false);
            assert!(!text.contains('\x1b'), "an escape sequence got through");
            assert!(diagnostics.to_json().is_array());
        }
    }
}

/// The nearest border of a character, not after `at`.
fn boundary(source: &str, at: usize) -> usize {
    (0..=at.min(source.len()))
        .rev()
        .find(|&at| source.is_char_boundary(at))
        .unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60)) {
        survives(&pieces.concat());
    }

    #[test]
    fn a_valid_scenario_with_changes(
        changes in proptest::collection::vec(
            (any::<proptest::sample::Index>(), 0_usize..30, proptest::sample::select(PIECES.to_vec())),
            1..6,
        ),
    ) {
        let mut source = VALID.to_owned();
        for (at, length, piece) in changes {
            let start = boundary(&source, at.index(source.len().max(1)));
            let end = boundary(&source, start + length);
            source.replace_range(start..end.max(start), piece);
        }
        survives(&source);
    }

    #[test]
    fn lines_of_a_valid_scenario_in_any_order(
        lines in proptest::collection::vec(any::<proptest::sample::Index>(), 0..80),
    ) {
        let all: Vec<&str> = VALID.lines().collect();
        let chosen: Vec<&str> = lines.iter().map(|line| all[line.index(all.len())]).collect();
        survives(&chosen.join("\n"));
    }
}

#[test]
fn big_scenarios_are_compiled_in_reasonable_time() {
    let turns = "        - {prompt: Select, send: '${n}'}\n".repeat(10_000);
    let steps: String = (0..2_000)
        .map(|n| format!("  - {{step: s{n}, role: a, do: x}}\n"))
        .collect();
    let source = format!(
        "variables: {{n: 1}}\nroles:\n  a:\n    run: [p]\n    actions:\n      x:\n{turns}flow:\n{}",
        &steps[..steps.len() / 100]
    );
    survives(&source);
    let faulty = "        - {promt: Select, send: '${m}'}\n".repeat(5_000);
    survives(&format!(
        "roles:\n  a:\n    run: [p]\n    actions:\n      x:\n{faulty}flow:\n{steps}"
    ));
}
