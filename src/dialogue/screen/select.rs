//! Selection of rows of a list on a screen, with arrow keys.
//!
//! A list is found by its alignment, its lit row by what sets it apart from the other rows. Each key
//! has to show its effect before the next one is pressed. Rows that are not visible are searched to
//! the end of the list, or until it begins again, and then upwards.

mod items;
mod lit;
mod marks;
mod view;

use std::collections::HashSet;

use crate::terminal::{Key, Screen};

use super::key_step::{KeyPress, KeySequenceError, KeySequenceErrorKind, KeyStep};
use items::{Likeness, is_last_column, likeness};
use view::{NoView, View};

/// Most keys that are pressed for one label.
const PRESS_LIMIT: usize = 1000;

/// Most texts that an error lists.
const LISTED: usize = 20;

const HINT: &str = "press its keys with `press:`";

/// Selection of the rows with these labels, then Enter.
#[derive(Debug)]
pub struct RowSelector {
    labels: Vec<String>,
    /// Index of the label that is looked for.
    current: usize,
    search: Search,
    pressed: Option<Pressed>,
    last_view: Option<View>,
}

/// Search for one label.
#[derive(Debug, Default)]
struct Search {
    /// The text of the one row that is meant, once the whole list is known.
    text: Option<String>,
    /// True if the end of the list is reached, so that the search goes on upwards.
    upwards: bool,
    has_moved: bool,
    /// The look of the list before each key.
    states: HashSet<(Key, String)>,
    presses: usize,
    /// The texts of all rows so far, in the order of the list.
    seen: Vec<String>,
}

/// A key whose effect is not proved yet.
#[derive(Debug)]
enum Pressed {
    Move {
        key: Key,
        before: View,
    },
    /// Space on the row with this text.
    Mark(String),
    /// Tab, to get to buttons.
    Focus,
}

/// The row that is meant, as far as the visible rows show it.
enum Target {
    Found(usize),
    NotSure,
}

impl RowSelector {
    pub fn new(labels: Vec<String>) -> RowSelector {
        RowSelector {
            labels,
            current: 0,
            search: Search::default(),
            pressed: None,
            last_view: None,
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
        let Some(label) = self.labels.get(self.current) else {
            return Ok(KeyStep::Done);
        };
        let wanted = self.search.text.as_ref().unwrap_or(label);
        let view = match View::find(screen, wanted, self.last_view.as_ref()) {
            Ok(view) => view,
            Err(NoView::Unfocused) => {
                return match self.pressed {
                    Some(Pressed::Focus) if !is_overdue => Ok(KeyStep::Wait),
                    _ => self.focus(),
                };
            }
            Err(NoView::Unlit) => return Err(self.unlit()),
        };
        match &self.pressed {
            Some(Pressed::Move { key, before }) if before.state() == view.state() => {
                return if is_overdue {
                    self.no_effect(view, *key)
                } else {
                    Ok(KeyStep::Wait)
                };
            }
            Some(Pressed::Move { key, before }) => {
                self.check_not_passed(before, &view, *key)?;
                self.search.has_moved = true;
            }
            Some(Pressed::Mark(text)) => {
                if !view.is_marked(text) {
                    return Err(KeySequenceError::new(
                        KeySequenceErrorKind::NoEffect,
                        format!("pressed `space`, and `{text}` is not marked"),
                    ));
                }
                self.pressed = None;
                if let Some(step) = self.next_label() {
                    return Ok(step);
                }
            }
            Some(Pressed::Focus) | None => {}
        }
        self.pressed = None;
        self.decide(view)
    }

    /// Decides on the next key, with the effect of the last one proved.
    fn decide(&mut self, view: View) -> Result<KeyStep, KeySequenceError> {
        loop {
            self.note_texts(&view);
            match self.target(&view)? {
                Target::Found(target) if view.is_lit(target) => {
                    let item = &view.items()[target];
                    if view.is_disabled() && !self.label().contains("(disabled)") {
                        let message = format!("`{}` is lit, and it is disabled", item.text);
                        let kind = KeySequenceErrorKind::NoEffect;
                        return Err(KeySequenceError::new(kind, message));
                    }
                    match item.mark {
                        Some(mark) if !mark.is_marked => {
                            self.pressed = Some(Pressed::Mark(item.text.clone()));
                            self.last_view = Some(view);
                            return Ok(KeyStep::Press(KeyPress::Key(Key::Space)));
                        }
                        None if self.labels.len() > 1 => {
                            let message = format!(
                                "`{}` has no box to mark, so only one row can be chosen",
                                item.text
                            );
                            let kind = KeySequenceErrorKind::NotFound;
                            return Err(KeySequenceError::new(kind, message));
                        }
                        Some(_) | None => {}
                    }
                    if let Some(step) = self.next_label() {
                        return Ok(step);
                    }
                }
                Target::Found(target) => {
                    let key = view.key_towards(target);
                    if self.was_here(&view, key) {
                        return Err(self.passed_over(target, &view, &view));
                    }
                    return self.press(view, key);
                }
                Target::NotSure => {
                    if view.is_horizontal() {
                        self.end_search(&view)?;
                        continue;
                    }
                    let key = if self.search.upwards {
                        Key::Up
                    } else {
                        Key::Down
                    };
                    if self.was_here(&view, key) {
                        self.end_search(&view)?;
                        continue;
                    }
                    return self.press(view, key);
                }
            }
        }
    }

    /// Goes on to the next label; returns the last step after the last one.
    fn next_label(&mut self) -> Option<KeyStep> {
        self.current += 1;
        self.search = Search::default();
        (self.current == self.labels.len()).then_some(KeyStep::Last(KeyPress::Key(Key::Enter)))
    }

    fn press(&mut self, view: View, key: Key) -> Result<KeyStep, KeySequenceError> {
        self.search.presses += 1;
        if self.search.presses > PRESS_LIMIT {
            let message = format!(
                "`{}` is not among the first {PRESS_LIMIT} rows",
                self.label()
            );
            return Err(KeySequenceError::new(
                KeySequenceErrorKind::NotFound,
                message,
            ));
        }
        self.last_view = Some(view.clone());
        self.pressed = Some(Pressed::Move { key, before: view });
        Ok(KeyStep::Press(KeyPress::Key(key)))
    }

    /// Presses Tab to get to the buttons that have the label.
    fn focus(&mut self) -> Result<KeyStep, KeySequenceError> {
        self.search.presses += 1;
        if self.search.presses > view::FOCUS_LIMIT {
            return Err(self.unlit());
        }
        self.pressed = Some(Pressed::Focus);
        Ok(KeyStep::Press(KeyPress::Key(Key::Tab)))
    }

    /// Continues after a key that has changed nothing.
    fn no_effect(&mut self, view: View, key: Key) -> Result<KeyStep, KeySequenceError> {
        let is_search = matches!(self.target(&view)?, Target::NotSure);
        if is_search && key == Key::Down {
            self.search.upwards = true;
            return self.press(view, Key::Up);
        }
        if is_search {
            self.end_search(&view)?;
            self.pressed = None;
            return self.decide(view);
        }
        if view.is_horizontal() && key != Key::Tab {
            return self.press(view, Key::Tab);
        }
        Err(self.unchanged(&format!("`{key}`"), &view))
    }

    /// Chooses the row that is meant among all rows of the list.
    fn end_search(&mut self, view: &View) -> Result<(), KeySequenceError> {
        let label = self.label();
        let seen = &self.search.seen;
        let like = seen.iter().map(|text| (likeness(text, label), text));
        let mut like: Vec<(Likeness, &String)> = like
            .filter_map(|(found, text)| Some((found?, text)))
            .collect();
        let best = like.iter().map(|(found, _)| *found).min();
        like.retain(|(found, _)| Some(*found) == best);
        match like.as_slice() {
            [(_, text)] if self.search.text.is_none() => {
                let text = (*text).clone();
                self.search.text = Some(text);
                self.search.states.clear();
                self.search.upwards = false;
                Ok(())
            }
            [] | [_] if !self.search.has_moved && !view.is_horizontal() => {
                Err(self.unchanged("`down` and `up`", view))
            }
            [] | [_] => Err(KeySequenceError::new(
                KeySequenceErrorKind::NotFound,
                format!("`{label}` is not in the list: {}", listed(seen.iter())),
            )),
            several => Err(ambiguous(label, several.iter().map(|(_, text)| *text))),
        }
    }

    /// Returns the visible row that is meant.
    fn target(&self, view: &View) -> Result<Target, KeySequenceError> {
        let (wanted, is_known) = match &self.search.text {
            Some(text) => (text.as_str(), true),
            None => (self.label(), false),
        };
        let texts = view.items().iter().map(|item| item.text.as_str());
        let found = texts.map(|text| likeness(text, wanted));
        let found: Vec<Option<Likeness>> = found.collect();
        let best = found.iter().flatten().min();
        let places: Vec<usize> = (0..found.len())
            .filter(|&place| found[place].is_some() && found[place].as_ref() == best)
            .collect();
        let is_exact = best.is_some_and(|it| it.is_exact());
        match places.as_slice() {
            [] => Ok(Target::NotSure),
            _ if is_known && best != Some(&Likeness::Whole) => Ok(Target::NotSure),
            [place] if is_exact => Ok(Target::Found(*place)),
            several if is_exact => {
                let texts = several.iter().map(|&place| &view.items()[place].text);
                Err(ambiguous(wanted, texts))
            }
            [place] if is_last_column(view.items(), *place, wanted) => Ok(Target::Found(*place)),
            // A row that only contains the label counts when the whole list is known.
            _ => Ok(Target::NotSure),
        }
    }

    /// Checks that the lit row did not jump over the one that is meant.
    fn check_not_passed(
        &self,
        before: &View,
        after: &View,
        key: Key,
    ) -> Result<(), KeySequenceError> {
        let (Ok(Target::Found(old)), Ok(Target::Found(target))) =
            (self.target(before), self.target(after))
        else {
            return Ok(());
        };
        let is_same_place = before.items()[old].row == after.items()[target].row;
        let is_over = after.key_towards(target) != key && key != Key::Tab;
        let (from, to) = (before.lit_index(), after.lit_index());
        let has_jumped_back = match key {
            Key::Down | Key::Right => to < from,
            _ => to > from,
        };
        if after.is_lit(target) || !(is_over || (is_same_place && has_jumped_back)) {
            return Ok(());
        }
        Err(self.passed_over(target, before, after))
    }

    fn passed_over(&self, target: usize, before: &View, after: &View) -> KeySequenceError {
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

    /// Records the look of the list before a key. Returns whether it was the same before.
    fn was_here(&mut self, view: &View, key: Key) -> bool {
        !self.search.states.insert((key, view.state()))
    }

    fn note_texts(&mut self, view: &View) {
        for item in view.items() {
            if !self.search.seen.contains(&item.text) {
                self.search.seen.push(item.text.clone());
            }
        }
    }

    fn label(&self) -> &str {
        self.labels.get(self.current).map_or("", String::as_str)
    }

    fn unchanged(&self, keys: &str, view: &View) -> KeySequenceError {
        let (label, lit) = (self.label(), view.lit_text());
        let message = format!(
            "pressed {keys} on the way to `{label}`, and nothing changed: `{lit}` is still lit"
        );
        KeySequenceError::new(KeySequenceErrorKind::NoEffect, message).with_hint(HINT)
    }

    fn unlit(&self) -> KeySequenceError {
        KeySequenceError::new(
            KeySequenceErrorKind::NotFound,
            format!(
                "no row of the list is highlighted, so the way to `{}` is not known",
                self.label()
            ),
        )
        .with_hint(HINT)
    }
}

fn ambiguous<'a>(label: &str, texts: impl Iterator<Item = &'a String>) -> KeySequenceError {
    KeySequenceError::new(
        KeySequenceErrorKind::Ambiguous,
        format!("several rows fit `{label}`: {}", listed(texts)),
    )
}

/// Lists texts, not all of many.
fn listed<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    let texts: Vec<String> = texts.map(|text| format!("`{text}`")).collect();
    match texts.len().checked_sub(LISTED) {
        None | Some(0) => texts.join(", "),
        Some(more) => format!("{} and {more} more", texts[..LISTED].join(", ")),
    }
}
