//! Parts of written turns: alternatives, fields and keys.

use crate::recorder::inference::document::TurnText;
use crate::recorder::inference::yaml;
use crate::terminal::Key;

/// Returns what a turn waits for.
fn wait(turn: &TurnText) -> Option<&(&'static str, String)> {
    let is_wait = |key| ["prompt", "see", "exits", "screen"].contains(&key);
    turn.entries.iter().find(|(key, _)| is_wait(*key))
}

/// Joins alternatives with the first turn that follows them. Of those that wait for the same, only
/// one could ever be taken, so the others are left out.
pub(super) fn with_optional(optional: Vec<TurnText>, mut turns: Vec<TurnText>) -> Vec<TurnText> {
    let Some(first) = turns.iter().position(|turn| wait(turn).is_some()) else {
        return turns;
    };
    let next = turns.remove(first);
    let mut choices: Vec<TurnText> = Vec::new();
    for choice in optional {
        let is_known = |other: &TurnText| wait(other) == wait(&choice);
        if !is_known(&next) && !choices.iter().any(is_known) {
            choices.push(choice);
        }
    }
    if choices.is_empty() {
        turns.insert(first, next);
        return turns;
    }
    choices.push(next);
    let choice = TurnText {
        first_of: choices,
        ..TurnText::default()
    };
    turns.insert(first, choice);
    turns
}

/// Returns a turn as two, of which the second sends its keys once the program reads: a signal that comes
/// between its prompt and its read may stay without effect.
pub(super) fn once_it_reads(mut text: TurnText) -> Vec<TurnText> {
    let reply = text.entries.iter().position(|(key, _)| *key == "press");
    let Some(reply) = reply.filter(|_| text.entries.iter().all(|(key, _)| *key != "reads")) else {
        return vec![text];
    };
    let keys = text.entries.split_off(reply);
    let mut signal = TurnText::default().with("reads", "true".to_owned());
    signal.entries.extend(keys);
    vec![text, signal]
}

/// Adds the values of fields: those with labels are filled in, those without are typed.
pub(super) fn filled(text: TurnText, fields: &[(String, String)]) -> TurnText {
    if let [(label, value)] = fields
        && label.is_empty()
    {
        return text.with("type", yaml::scalar(value));
    }
    let fields = fields
        .iter()
        .map(|(label, value)| format!("{}: {}", yaml::scalar(label), yaml::scalar(value)));
    let fields: Vec<String> = fields.collect();
    text.with("fill", format!("{{{}}}", fields.join(", ")))
}

/// Adds the keys that end an answer.
pub(super) fn with_keys(text: TurnText, keys: &[Key]) -> TurnText {
    if keys.is_empty() {
        text
    } else {
        text.with("press", keys_text(keys))
    }
}

/// Returns keys as `press` takes them.
pub(super) fn keys_text(keys: &[Key]) -> String {
    let names: Vec<String> = keys.iter().map(Key::to_string).collect();
    match names.as_slice() {
        [only] => yaml::scalar(only),
        several => yaml::list(several.iter().map(String::as_str)),
    }
}
