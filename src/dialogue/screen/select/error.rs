//! Errors of a selection.

use super::super::key_step::{KeySequenceError, KeySequenceErrorKind};
use super::view::View;

/// Most texts that an error lists.
const LISTED: usize = 20;

const HINT: &str = "press its keys with `press:`";

pub(super) fn passed_over(target: usize, before: &View, after: &View) -> KeySequenceError {
    let target = &after.items()[target].text;
    let (from, to) = (before.lit_text(), after.lit_text());
    let message = if from == to {
        format!("`{target}` is passed over: it never lights up")
    } else {
        format!("`{target}` was passed over: the lit row went from `{from}` to `{to}`")
    };
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message)
        .with_hint("it may be an entry that cannot be chosen")
}

pub(super) fn unchanged(label: &str, keys: &str, view: &View) -> KeySequenceError {
    let lit = view.lit_text();
    let message = format!(
        "pressed {keys} on the way to `{label}`, and nothing changed: `{lit}` is still lit"
    );
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
}

/// The keys do not show which row is lit.
pub(super) fn unproved(label: &str, view: &View) -> KeySequenceError {
    let seems = match view.lit_text() {
        "" => "no row of the list lights up at `down` and `up`".to_owned(),
        lit => format!("`{lit}` seems to be lit, and `down` and `up` do not show that it is"),
    };
    let message = format!("{seems}, so the way to `{label}` is not known");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
}

/// Checks that a mark did not remove one from before.
pub(super) fn check_marks(marked: &[String], view: &View) -> Result<(), KeySequenceError> {
    let mut texts = marked.iter();
    match texts.find(|text| view.has(text) && !view.is_marked(text)) {
        None => Ok(()),
        Some(text) => Err(KeySequenceError::new(
            KeySequenceErrorKind::NoEffect,
            format!("`{text}` was marked, and is not any longer"),
        )),
    }
}

/// A key of a row does nothing.
pub(super) fn without_effect(label: &str, key: &str) -> KeySequenceError {
    let message = format!("typed `{key}` for `{label}`, and nothing changed");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
}

pub(super) fn unlit(label: &str) -> KeySequenceError {
    KeySequenceError::new(
        KeySequenceErrorKind::NotFound,
        format!("no row of the list is highlighted, so the way to `{label}` is not known"),
    )
    .with_hint(HINT)
}

pub(super) fn ambiguous<'a>(
    label: &str,
    texts: impl Iterator<Item = &'a String>,
) -> KeySequenceError {
    KeySequenceError::new(
        KeySequenceErrorKind::Ambiguous,
        format!("several rows fit `{label}`: {}", listed(texts)),
    )
}

/// Lists texts, not all of many.
pub(super) fn listed<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    let texts: Vec<String> = texts.map(|text| format!("`{text}`")).collect();
    match texts.len().checked_sub(LISTED) {
        None | Some(0) => texts.join(", "),
        Some(more) => format!("{} and {more} more", texts[..LISTED].join(", ")),
    }
}
