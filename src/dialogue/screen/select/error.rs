//! Errors of a selection.

use super::super::key_step::{KeySequenceError, KeySequenceErrorKind};
use super::view::View;

/// Most texts that an error lists.
const LISTED: usize = 20;

const HINT: &str = "press its keys with `press:`";

const MARK_HINT: &str = "mark the rows with `press:`, and choose the button of the list";

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

/// A row that is lit cannot be chosen.
pub(super) fn disabled(text: &str, view: &View) -> KeySequenceError {
    let message = format!("`{text}` is lit, and it is disabled");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message)
        .with_hint(&format!("the list has {}", listed(texts(view))))
}

/// Space does not mark a row.
pub(super) fn not_marked(text: &str) -> KeySequenceError {
    let message = format!("pressed `space`, and `{text}` is not marked");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message)
        .with_hint("it may be an entry that cannot be chosen")
}

/// Several rows are to be marked in a list without marks.
pub(super) fn no_box(text: &str) -> KeySequenceError {
    let message = format!(
        "pressed `space`, and `{text}` shows no mark: only one row of this list can be chosen"
    );
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
}

/// A row was marked and is not any longer. `by` is the row that was marked last.
pub(super) fn lost_mark(text: &str, by: Option<&str>) -> KeySequenceError {
    let error = |message| KeySequenceError::new(KeySequenceErrorKind::NoEffect, message);
    match by {
        Some(by) => error(format!("`{text}` lost its mark when `{by}` was marked"))
            .with_hint("only one row of a radio list can be marked: choose one"),
        None => error(format!("`{text}` was marked, and is not any longer")),
    }
}

/// Enter has taken the mark of a row, and the list is still there.
pub(super) fn taken_by_enter(text: &str) -> KeySequenceError {
    let message = format!("pressed `enter`, and `{text}` lost its mark, with the list still there");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(MARK_HINT)
}

/// Enter has changed the mark of the lit row, and Space has not changed it back.
pub(super) fn not_restored(text: &str) -> KeySequenceError {
    let message = format!(
        "`enter` changed the mark of `{text}` and left the list there, and `space` did not change \
         it back"
    );
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(MARK_HINT)
}

/// No row of the list has the label.
pub(super) fn missing(label: &str, view: &View, seen: &[String]) -> KeySequenceError {
    let places = if view.is_horizontal() {
        "buttons"
    } else {
        "list"
    };
    let preposition = if view.is_horizontal() { "among" } else { "in" };
    KeySequenceError::new(
        KeySequenceErrorKind::NotFound,
        format!(
            "`{label}` is not {preposition} the {places}: {}",
            listed(seen.iter())
        ),
    )
}

/// None of the visible rows has the label.
pub(super) fn without_label(label: &str, view: &View) -> KeySequenceError {
    let seen: Vec<String> = texts(view).cloned().collect();
    missing(label, view, &seen)
}

/// A key of a row does nothing.
pub(super) fn without_effect(label: &str, key: &str) -> KeySequenceError {
    let message = format!("typed `{key}` for `{label}`, and nothing changed");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
}

/// Another entry is lit in the row of the one that is to be marked.
pub(super) fn beside(label: &str, view: &View) -> KeySequenceError {
    let message = format!(
        "`{label}` is not lit, but another entry of its row, `{}`: entries beside each other are not \
         marked by `choose`",
        view.lit_text()
    );
    KeySequenceError::new(KeySequenceErrorKind::NotTaken, message).with_hint(HINT)
}

pub(super) fn unlit(label: &str) -> KeySequenceError {
    KeySequenceError::new(
        KeySequenceErrorKind::NotFound,
        format!("no row of the list is highlighted, so the way to `{label}` is not known"),
    )
    .with_hint(HINT)
}

/// Neither Tab nor an arrow leads to a row of buttons.
pub(super) fn unreached(label: &str) -> KeySequenceError {
    let message = format!("`tab` and `down` do not lead to the button `{label}`");
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
}

fn texts(view: &View) -> impl Iterator<Item = &String> {
    view.items().iter().map(|item| &item.text)
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
