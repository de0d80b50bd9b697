//! Decoder and dialogue: the findings depend on the output, never on its split into reads.

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use rehearsal::dialogue::{Awaited, 
    Dialogue, DialogueSettings, Finding, On, Pattern, RoleMatcher, WaitSet,
};
use rehearsal::model::Stream;
use rehearsal::terminal::{EchoMode, Typed};

const QUIET: Duration = Duration::from_millis(10);

/// Byte that separates the steps of a dialogue in the input.
const SEPARATOR: u8 = 0xfe;

fn pattern(source: &str) -> Pattern {
    match source.strip_prefix('/').and_then(|it| it.strip_suffix('/')) {
        Some(regex) => Pattern::regex(regex).expect("a regex"),
        None => Pattern::literal(source),
    }
}

/// Performs the dialogue with its output in pieces of `size` bytes, and returns its findings.
fn findings(input: &[u8], size: usize, matcher: &Arc<RoleMatcher>, waits: &[WaitSet]) -> Vec<String> {
    let start = Instant::now();
    let mut now = start;
    let settings = DialogueSettings {
        columns: Some(20),
        screen: None,
        quiet: QUIET,
    };
    let mut dialogue = Dialogue::new(Arc::clone(matcher), settings, now);
    dialogue.begin(&waits[0]);
    let mut found = Vec::new();
    for step in input.split(|&byte| byte == SEPARATOR) {
        now += Duration::from_secs(1);
        let Some((&kind, rest)) = step.split_first() else {
            continue;
        };
        let modes = [EchoMode::Lines, EchoMode::Keys, EchoMode::Raw, EchoMode::Hidden];
        let mode = modes[usize::from(kind >> 6)];
        match kind % 8 {
            0..4 => {
                for piece in rest.chunks(size) {
                    dialogue.feed(Stream::Out, piece, now);
                }
                dialogue.drained();
            }
            4 => {
                let text = String::from_utf8_lossy(rest);
                if let Ok(typed) = Typed::line(&text, true) {
                    dialogue.answered(&typed, mode);
                }
            }
            5 => dialogue.answered(&Typed::text("a").expect("no control"), mode),
            6 => dialogue.set_raw(),
            _ => dialogue.begin(&waits[rest.len() % waits.len()]),
        }
        for at in [now, now + QUIET] {
            for _ in 0..64 {
                match dialogue.poll(at) {
                    Finding::Nothing | Finding::QuietAt(_) | Finding::Ended { .. } => break,
                    Finding::Interlude { index, .. } => {
                        let typed = Typed::line("", true).expect("an empty line");
                        dialogue.answered_interlude(&typed, mode);
                        found.push(format!("interlude {index}"));
                    }
                    Finding::Wait {
                        index, captures, ..
                    } => found.push(format!("wait {index} {captures:?}")),
                    Finding::FailOn { category, line, .. } => {
                        found.push(format!("fail {category} {line}"));
                    }
                }
            }
        }
    }
    found.push(format!("{:?}", dialogue.lines()));
    found
}

fuzz_target!(|input: &[u8]| {
    let matcher = Arc::new(RoleMatcher::new(
        vec![("bad".to_owned(), pattern("Error"))],
        &[Awaited::Text(On::Prompt, pattern("more"))],
    ));
    let waits = [
        vec![Awaited::Text(On::Line, pattern("a")), Awaited::Text(On::Prompt, pattern("> "))],
        vec![Awaited::Text(On::Line, pattern(r"/id (?<id>\w+)/")), Awaited::Text(On::Prompt, pattern(r"/(?<q>\w+): ?$/"))],
        vec![Awaited::Text(On::Line, pattern("/^.b/")), Awaited::Text(On::Line, pattern("é"))],
    ]
    .map(|all| WaitSet::new(&all, Vec::new()));
    let whole = findings(input, usize::MAX, &matcher, &waits);
    assert_eq!(findings(input, 1, &matcher, &waits), whole);
    assert_eq!(findings(input, 3, &matcher, &waits), whole);
});
