//! Interludes: prompts that only ask to go on, wherever they come.

use std::sync::LazyLock;

use regex::Regex;

use super::sessions::{Answer, RecordedTurn, Session};
use crate::terminal::Key;

static ASKS_TO_GO_ON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:press|hit|push|strike|type)\b.*\b(?:enter|return|key|space)\b|--\s*more\s*--|\bto continue\b",
    )
    .unwrap_or_else(|error| unreachable!("a built-in expression: {error}"))
});

/// A prompt that is answered whenever it comes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Interlude {
    pub prompt: String,
    pub key: Key,
}

/// Removes the turns that only go on. Their output belongs to the turns after them, as in a run.
pub(super) fn take(session: &mut Session) -> Vec<Interlude> {
    let mut interludes: Vec<Interlude> = Vec::new();
    let mut index = 0;
    while index + 1 < session.turns.len() {
        let Some(interlude) = interlude(&session.turns[index]) else {
            index += 1;
            continue;
        };
        let turn = session.turns.remove(index);
        let next = &mut session.turns[index];
        let mut lines = turn.heard.lines;
        lines.push(turn.heard.prompt);
        lines.append(&mut next.heard.lines);
        next.heard.lines = lines;
        next.thought += turn.thought;
        next.marks.splice(0..0, turn.marks);
        if !interludes.contains(&interlude) {
            interludes.push(interlude);
        }
    }
    interludes
}

fn interlude(turn: &RecordedTurn) -> Option<Interlude> {
    let key = match &turn.answer {
        Answer::Line(text) if text.trim().is_empty() => Key::Enter,
        Answer::Keys(keys) => match keys.as_slice() {
            [key @ (Key::Enter | Key::Space | Key::Char(_))] => *key,
            _ => return None,
        },
        _ => return None,
    };
    let prompt = turn.heard.prompt.trim();
    ASKS_TO_GO_ON.is_match(prompt).then(|| Interlude {
        prompt: prompt.to_owned(),
        key,
    })
}

/// Returns whether a line is one of these prompts.
pub(super) fn is_interlude(interludes: &[Interlude], line: &str) -> bool {
    interludes.iter().any(|it| line.trim() == it.prompt)
}
