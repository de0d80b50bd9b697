//! Filling of the fields of a form on a screen.
//!
//! A field is what is behind its label. The cursor shows which field the program takes input for, so
//! keys are pressed until it is there; then the field is cleared, typed, and read back.

mod field;

use std::collections::VecDeque;

use crate::terminal::{Key, Screen, cell_text};

use super::key_step::{KeyPress, KeySequenceError, KeySequenceErrorKind, KeyStep};
use field::{Field, LabelPlace, label_places};

/// Most keys that are pressed to get to a field, and to clear it.
const PRESS_LIMIT: usize = 500;

/// Characters that are drawn in place of a secret.
const MASKS: &str = "*•●∙·#✱";

/// Filling of the fields behind these labels.
#[derive(Debug)]
pub struct FormFiller {
    fields: VecDeque<FieldValue>,
    phase: Phase,
    presses: usize,
}

/// A value for the field behind a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    pub label: String,
    pub value: String,
    /// The text that the field shows, if that is not the value. Empty for a field that shows
    /// nothing.
    pub shows: Option<String>,
}

/// The filling of one field.
#[derive(Debug)]
enum Phase {
    /// The cursor is on its way to the field.
    Move(Way),
    /// The text in the field is removed.
    Clear(Clearing),
    /// The value is typed.
    Check(Check),
}

/// The check of what a field shows after its value was typed.
#[derive(Debug)]
struct Check {
    field: Field,
    /// The column of the cursor before the value was typed.
    column: u16,
}

impl Check {
    /// Returns whether the program has drawn anything in the field, or has moved the cursor in it,
    /// since the value was typed: what stood there before proves nothing.
    fn is_drawn(&self, screen: &Screen) -> bool {
        let cursor = screen.cursor();
        let mut columns = self.field.columns.clone();
        (cursor.row, cursor.column) != (self.field.row, self.column)
            || columns.any(|column| screen.is_fresh(self.field.row, column))
    }
}

/// The way of the cursor to a field.
#[derive(Debug, Default)]
struct Way {
    /// The keys that lead from field to field, as far as not tried.
    keys: Option<VecDeque<Key>>,
    /// The places of the cursor before each press of the present key.
    visited: Vec<(u16, u16)>,
}

/// The removal of the text in a field.
#[derive(Debug)]
struct Clearing {
    field: Field,
    /// The keys that remove text, as far as not tried, each with the one before its first press.
    keys: VecDeque<(Key, Option<Key>)>,
    /// The text and the column of the cursor before the last press.
    before: Option<(String, u16)>,
}

impl Clearing {
    fn new(field: Field) -> Clearing {
        Clearing {
            field,
            keys: VecDeque::from([
                (Key::Backspace, Some(Key::End)),
                (Key::Delete, Some(Key::Home)),
                (Key::Ctrl('u'), None),
            ]),
            before: None,
        }
    }
}

impl FormFiller {
    pub fn new(fields: Vec<FieldValue>) -> FormFiller {
        FormFiller {
            fields: fields.into(),
            phase: Phase::Move(Way::default()),
            presses: 0,
        }
    }

    pub(super) fn next(
        &mut self,
        screen: &Screen,
        is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        // What is wrong now may be right when the screen is complete.
        match self.step(screen, is_overdue) {
            Err(_) if !is_overdue => Ok(KeyStep::Wait),
            step => step,
        }
    }

    fn step(&mut self, screen: &Screen, is_overdue: bool) -> Result<KeyStep, KeySequenceError> {
        loop {
            let Some(FieldValue {
                label,
                value,
                shows,
            }) = self.fields.front()
            else {
                return Ok(KeyStep::Done);
            };
            match &mut self.phase {
                Phase::Move(way) => {
                    let place = find_label(screen, label)?;
                    if let Some(field) = Field::under_cursor(screen, place) {
                        self.phase = Phase::Clear(Clearing::new(field));
                        self.presses = 0;
                        continue;
                    }
                    let step = way.next(screen, place, label, is_overdue)?;
                    return self.pressed(step);
                }
                Phase::Clear(clearing) => {
                    if let Some(step) = clearing.next(screen, is_overdue) {
                        return self.pressed(step);
                    }
                    let value = value.clone();
                    self.phase = Phase::Check(Check {
                        field: clearing.field.clone(),
                        column: screen.cursor().column,
                    });
                    if !value.is_empty() {
                        return Ok(KeyStep::Press(KeyPress::Text(value)));
                    }
                }
                Phase::Check(check) => {
                    let shown = check.field.text(screen);
                    let is_shown = match shows {
                        Some(expected) => *shown == *cell_text(expected).trim(),
                        None => shows_value(&shown, value, check.field.width()),
                    };
                    if !is_shown {
                        return Err(not_taken(label, &shown, value, shows.as_deref()));
                    }
                    let is_silent = value.is_empty() || shows.as_deref() == Some("");
                    if !is_silent && !check.is_drawn(screen) {
                        return Err(not_drawn(label, &shown));
                    }
                    self.fields.pop_front();
                    self.presses = 0;
                    self.phase = Phase::Move(Way::default());
                }
            }
        }
    }

    /// Counts a key.
    fn pressed(&mut self, step: KeyStep) -> Result<KeyStep, KeySequenceError> {
        self.presses += usize::from(step != KeyStep::Wait);
        if self.presses > PRESS_LIMIT {
            let label = self.fields.front().map_or("", |field| &field.label);
            return Err(KeySequenceError::new(
                KeySequenceErrorKind::NoEffect,
                format!("the field of `{label}` is not ready after {PRESS_LIMIT} keys"),
            ));
        }
        Ok(step)
    }
}

impl Way {
    /// Returns the next key towards a field.
    fn next(
        &mut self,
        screen: &Screen,
        place: LabelPlace,
        label: &str,
        is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        let cursor = screen.cursor();
        let here = (cursor.row, cursor.column);
        let is_above = place.row < cursor.row;
        let keys = self.keys.get_or_insert_with(|| {
            VecDeque::from(if is_above {
                [Key::Tab, Key::Up, Key::Down]
            } else {
                [Key::Tab, Key::Down, Key::Up]
            })
        });
        if self.visited.last() == Some(&here) && !is_overdue {
            return Ok(KeyStep::Wait);
        }
        if self.visited.contains(&here) {
            keys.pop_front();
            self.visited.clear();
        }
        let Some(key) = keys.front() else {
            return Err(unreached(label, cursor.visible));
        };
        self.visited.push(here);
        Ok(KeyStep::Press(KeyPress::Key(*key)))
    }
}

impl Clearing {
    /// Returns the next key that removes text, none if there is no text or nothing removes it.
    fn next(&mut self, screen: &Screen, is_overdue: bool) -> Option<KeyStep> {
        let text = self.field.text(screen);
        if text.is_empty() || self.field.has_empty_mask(screen) {
            return None;
        }
        let now = (text, screen.cursor().column);
        if self.before.as_ref() == Some(&now) {
            if !is_overdue {
                return Some(KeyStep::Wait);
            }
            self.keys.pop_front();
            self.before = None;
        }
        let (key, first) = self.keys.front_mut()?;
        if let Some(first) = first.take() {
            // It changes nothing if the cursor is there already.
            self.before = None;
            return Some(KeyStep::Press(KeyPress::Key(first)));
        }
        self.before = Some(now);
        Some(KeyStep::Press(KeyPress::Key(*key)))
    }
}

/// Returns the one place of a label.
fn find_label(screen: &Screen, label: &str) -> Result<LabelPlace, KeySequenceError> {
    match label_places(screen, label).as_slice() {
        [place] => Ok(*place),
        [] => Err(KeySequenceError::new(
            KeySequenceErrorKind::NotFound,
            format!("the label `{label}` is not on the screen"),
        )),
        several => {
            let rows: Vec<String> = several
                .iter()
                .map(|place| (place.row + 1).to_string())
                .collect();
            Err(KeySequenceError::new(
                KeySequenceErrorKind::Ambiguous,
                format!(
                    "the label `{label}` is on the screen {} times, in rows {}",
                    several.len(),
                    rows.join(", ")
                ),
            )
            .with_hint("write more of the text before the field"))
        }
    }
}

/// Returns whether what a field shows is the value: all of it, the part that fits into the field, or
/// as many masks.
fn shows_value(shown: &str, value: &str, width: usize) -> bool {
    let typed_len = value.trim().chars().count();
    let value = cell_text(value);
    let value = value.trim();
    if shown == value {
        return true;
    }
    let len = shown.chars().count();
    let is_full = len + 2 >= width && len > 0;
    if is_full && value.chars().count() + 1 >= width && value.contains(shown) {
        return true;
    }
    let mask = shown.chars().next().filter(|it| MASKS.contains(*it));
    mask.is_some_and(|mask| shown.chars().all(|it| it == mask))
        && (len == value.chars().count() || len == typed_len || (is_full && len < typed_len))
}

/// The value may be a secret, and is not in the message.
fn not_taken(label: &str, shown: &str, value: &str, expected: Option<&str>) -> KeySequenceError {
    let form = "if the program writes the value in a form of its own, say which: \
                `{type: …, shows: …}` in place of the value";
    let hint = match (shown, expected) {
        (_, Some(_)) => {
            "`shows` is all of what the field shows, without blanks and underscores at its end"
        }
        ("", None) => {
            "if the field shows nothing of what is typed, as some for passwords, write \
             `{type: …, shows: \"\"}` in place of the value"
        }
        _ if shown.to_lowercase() == cell_text(value).trim().to_lowercase() => {
            "the program changes capital and small letters; write the value as it is shown"
        }
        _ => form,
    };
    let shown = match shown {
        "" => "nothing".to_owned(),
        shown => format!("`{shown}`"),
    };
    KeySequenceError::new(
        KeySequenceErrorKind::NotTaken,
        format!("the field of `{label}` shows {shown} after its value was typed"),
    )
    .with_hint(hint)
}

fn not_drawn(label: &str, shown: &str) -> KeySequenceError {
    KeySequenceError::new(
        KeySequenceErrorKind::NotTaken,
        format!(
            "the field of `{label}` showed `{shown}` before its value was typed, and nothing was drawn \
             in it since"
        ),
    )
    .with_hint("if the field shows nothing of what is typed, use `press:` and `type:` in place of `fill`")
}

fn unreached(label: &str, is_cursor_visible: bool) -> KeySequenceError {
    let message = if is_cursor_visible {
        format!("`tab`, `down` and `up` do not bring the cursor to the field of `{label}`")
    } else {
        format!("the cursor is hidden, so the way to the field of `{label}` is not known")
    };
    KeySequenceError::new(KeySequenceErrorKind::NoEffect, message)
        .with_hint("move with `press:` and type with `type:`")
}
