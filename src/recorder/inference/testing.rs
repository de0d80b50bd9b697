//! Recordings for tests, from texts.

use std::time::Duration;

use crate::recorder::recording::{Chunk, ChunkEvent, Recording, TypedMode};
use crate::terminal::ScreenSize;

const LINES: TypedMode = TypedMode {
    echo: true,
    lines: true,
};

/// Makes a recording of a text. In it, `‹answer›` is typed and echoed, `‹*1›` is the secret with
/// the number 1, `‹exit 0›` the end, and `␛` an escape character.
pub(super) fn recording(role: &str, started_at: i64, text: &str) -> Recording {
    let mut chunks = Vec::new();
    let mut at = Duration::ZERO;
    let mut push = |event| {
        at += Duration::from_millis(50);
        chunks.push(Chunk { at, event });
    };
    let output = |text: &str| {
        let text = text.replace('\n', "\r\n").replace('␛', "\x1b");
        ChunkEvent::Output(text.into_bytes())
    };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('‹') {
        if !before.is_empty() {
            push(output(before));
        }
        let (answer, after) = after.split_once('›').expect("a closed answer");
        rest = after;
        if let Some(code) = answer.strip_prefix("exit ") {
            push(ChunkEvent::Exited(code.parse().expect("an exit code")));
        } else if let Some(number) = answer
            .strip_prefix('*')
            .and_then(|number| number.parse().ok())
        {
            push(ChunkEvent::TypedSecret { number });
            push(output("\n"));
        } else {
            for character in answer.chars() {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes().to_vec();
                push(ChunkEvent::Typed {
                    bytes: bytes.clone(),
                    mode: LINES,
                });
                push(ChunkEvent::Output(bytes));
            }
            push(ChunkEvent::Typed {
                bytes: b"\r".to_vec(),
                mode: LINES,
            });
            push(output("\n"));
        }
    }
    if !rest.is_empty() {
        push(output(rest));
    }
    Recording {
        role: role.to_owned(),
        command: vec!["rehearsal".into(), "shop".into(), role.to_owned()],
        term: "xterm-256color".to_owned(),
        size: ScreenSize {
            rows: 24,
            columns: 80,
        },
        started_at,
        chunks,
    }
}
