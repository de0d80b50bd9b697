//! Selection of rows of a list on a screen, with arrow keys.
//!
//! A list is found by its alignment, its lit row by what sets it apart from the other rows. That row
//! has to be proved: it is the only one with a pointer or with its ground, or it was seen to get the
//! look that another one lost at a key. Each key has to show its effect before the next one is
//! pressed. Rows that are not visible are searched to
//! the end of the list, or until it begins again, and then upwards.

mod error;
mod hot_key;
mod items;
mod lit;
mod lit_row;
mod marks;
mod motion;
mod view;

use std::collections::HashSet;

use crate::dialogue::rows::RowFormat;
use crate::terminal::{Key, Screen};

use super::key_step::{KeyPress, KeySequenceError, KeySequenceErrorKind, KeyStep};
use error::{
    ambiguous, check_marks, listed, passed_over, unchanged, unlit, unproved, without_effect,
};
use hot_key::{HotKey, HotKeyEffect, is_at_input};
use items::{Likeness, is_last_column, likeness};
use motion::Proof;
use view::{NoView, View};

pub use lit_row::{LitTexts, lit_texts};

/// Most keys that are pressed for one label.
const PRESS_LIMIT: usize = 1000;

/// Most keys that are pressed to see which row is lit.
const PROOF_LIMIT: usize = 6;

/// Selection of the rows with these labels, then Enter.
#[derive(Debug)]
pub struct RowSelector {
    labels: Vec<String>,
    /// Index of the label that is looked for.
    current: usize,
    search: Search,
    pressed: Option<Pressed>,
    last_view: Option<View>,
    /// The list at the last look, if no key was pressed since.
    waited: Option<View>,
    /// The look of the lit row, once a key has proved it.
    proof: Option<Proof>,
    format: RowFormat,
    /// The texts of the rows that were marked.
    marked: Vec<String>,
    /// True if Space does not mark the rows of this list.
    has_dead_space: bool,
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
    /// The texts of those that were lit.
    lit: HashSet<String>,
    /// Keys that were pressed to see which row is lit.
    proofs: usize,
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
    /// The key of a row of a menu without a lit row.
    HotKey(HotKey),
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
            waited: None,
            proof: None,
            format: RowFormat::default(),
            marked: Vec::new(),
            has_dead_space: false,
        }
    }

    /// Sets the format of the rows of menus that have no lit row.
    #[must_use]
    pub fn with_format(self, format: RowFormat) -> RowSelector {
        RowSelector { format, ..self }
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
        if self.current == self.labels.len() {
            return Ok(KeyStep::Done);
        }
        if let Some(Pressed::HotKey(pressed)) = &self.pressed {
            return match pressed.effect(screen) {
                HotKeyEffect::Typed => Ok(self.enter()),
                HotKeyEffect::Chosen => {
                    self.current = self.labels.len();
                    Ok(KeyStep::Done)
                }
                HotKeyEffect::None if !is_overdue => Ok(KeyStep::Wait),
                HotKeyEffect::None => Err(without_effect(self.label(), &pressed.key)),
            };
        }
        let view = match self.find(screen) {
            Ok(view) => view,
            Err(NoView::Unfocused) => {
                return match self.pressed {
                    Some(Pressed::Focus) if !is_overdue => Ok(KeyStep::Wait),
                    _ => self.focus(),
                };
            }
            Err(NoView::Unlit) => {
                let step = self.hot_key(screen).filter(|_| self.pressed.is_none());
                return step.ok_or_else(|| unlit(self.label()));
            }
        };
        let waited = self.waited.take();
        if !is_overdue && waited.is_some_and(|waited| view.has_grown(&waited)) {
            // It is still being drawn.
            self.waited = Some(view);
            return Ok(KeyStep::Wait);
        }
        let step = self.step_in(screen, view, is_overdue)?;
        if step == KeyStep::Wait {
            self.waited = self.find(screen).ok();
        }
        Ok(step)
    }

    fn find(&self, screen: &Screen) -> Result<View, NoView> {
        let wanted = self.search.text.as_deref().unwrap_or(self.label());
        let before = self.last_view.as_ref();
        View::find(screen, wanted, before, self.proof.as_ref())
    }

    fn step_in(
        &mut self,
        screen: &Screen,
        mut view: View,
        is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        match &self.pressed {
            Some(Pressed::Move { key, before }) => {
                let key = *key;
                let is_sure = before.is_certain() && view.is_certain() && view.has_moved(before);
                let proof = match &self.proof {
                    None if !is_sure => view.proof(before, key),
                    _ => None,
                };
                if proof.is_some() {
                    self.proof = proof;
                    self.last_view = Some(view);
                    view = self.find(screen).map_err(|_| unlit(self.label()))?;
                    self.search.states.clear();
                    self.search.upwards = false;
                } else if !view.has_moved(before) {
                    return if is_overdue {
                        self.no_effect(screen, view, key)
                    } else {
                        Ok(KeyStep::Wait)
                    };
                } else {
                    self.check_not_passed(before, &view, key)?;
                }
                self.search.has_moved = true;
            }
            Some(Pressed::Mark(text)) => {
                let text = text.clone();
                let text = text.as_str();
                let is_marked = view.is_marked(text);
                let is_radio = self.labels.len() == 1 && view.has_radio(text);
                if !(is_marked || is_overdue && is_radio) {
                    return Err(KeySequenceError::new(
                        KeySequenceErrorKind::NoEffect,
                        format!("pressed `space`, and `{text}` is not marked"),
                    ));
                }
                self.pressed = None;
                if is_marked {
                    self.marked.push(text.to_owned());
                    check_marks(&self.marked, &view)?;
                    if let Some(step) = self.next_label() {
                        return Ok(step);
                    }
                } else {
                    self.has_dead_space = true;
                }
            }
            Some(Pressed::Focus | Pressed::HotKey(_)) | None => {}
        }
        self.pressed = None;
        self.decide(screen, view)
    }

    /// Decides on the next key, with the effect of the last one proved.
    fn decide(&mut self, screen: &Screen, view: View) -> Result<KeyStep, KeySequenceError> {
        if !self.search.has_moved
            && !view.is_certain()
            && is_at_input(screen)
            && let Some(step) = self.hot_key(screen)
        {
            return Ok(step);
        }
        if !view.has_lit() {
            return self.prove(view);
        }
        loop {
            self.note_texts(&view);
            match self.target(&view)? {
                Target::Found(target) if view.is_lit(target) && !view.is_certain() => {
                    return self.prove(view);
                }
                Target::Found(target) if view.is_lit(target) => {
                    let item = &view.items()[target];
                    if view.is_disabled() && !self.label().contains("(disabled)") {
                        let message = format!("`{}` is lit, and it is disabled", item.text);
                        let kind = KeySequenceErrorKind::NoEffect;
                        return Err(KeySequenceError::new(kind, message));
                    }
                    match item.mark {
                        Some(mark) if !mark.is_marked && !self.has_dead_space => {
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
                        return Err(passed_over(target, &view, &view));
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

    /// Presses a key that shows which row is lit.
    fn prove(&mut self, view: View) -> Result<KeyStep, KeySequenceError> {
        self.search.proofs += 1;
        if self.search.proofs > PROOF_LIMIT {
            return Err(unproved(self.label(), &view));
        }
        let key = view.key_from_end();
        self.press(view, key)
    }

    /// Types the key of the row, if it has one.
    fn hot_key(&mut self, screen: &Screen) -> Option<KeyStep> {
        if self.labels.len() != 1 {
            return None;
        }
        let found = HotKey::find(screen, &self.format, self.label())?;
        let key = found.key.clone();
        self.pressed = Some(Pressed::HotKey(found));
        Some(KeyStep::Press(KeyPress::Text(key)))
    }

    fn enter(&mut self) -> KeyStep {
        self.current = self.labels.len();
        KeyStep::Last(KeyPress::Key(Key::Enter))
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
        if key == Key::Tab {
            self.proof = None;
        }
        self.last_view = Some(view.clone());
        self.pressed = Some(Pressed::Move { key, before: view });
        Ok(KeyStep::Press(KeyPress::Key(key)))
    }

    /// Presses Tab to get to the buttons that have the label.
    fn focus(&mut self) -> Result<KeyStep, KeySequenceError> {
        self.search.presses += 1;
        if self.search.presses > view::FOCUS_LIMIT {
            return Err(unlit(self.label()));
        }
        self.proof = None;
        self.pressed = Some(Pressed::Focus);
        Ok(KeyStep::Press(KeyPress::Key(Key::Tab)))
    }

    /// Continues after a key that has changed nothing.
    fn no_effect(
        &mut self,
        screen: &Screen,
        view: View,
        key: Key,
    ) -> Result<KeyStep, KeySequenceError> {
        if !view.has_lit() || (!view.is_certain() && view.is_target(self.target(&view)?)) {
            self.search.proofs += 1;
            return if self.search.proofs <= 2 {
                self.press(view, opposite(key))
            } else {
                let step = self.hot_key(screen);
                step.ok_or_else(|| unproved(self.label(), &view))
            };
        }
        let is_search = matches!(self.target(&view)?, Target::NotSure);
        if is_search && key == Key::Down {
            self.search.upwards = true;
            return self.press(view, Key::Up);
        }
        if is_search {
            self.end_search(&view)?;
            self.pressed = None;
            return self.decide(screen, view);
        }
        if view.is_horizontal() && key != Key::Tab {
            return self.press(view, Key::Tab);
        }
        let step = self.hot_key(screen);
        step.ok_or_else(|| unchanged(self.label(), &format!("`{key}`"), &view))
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
        if like.iter().any(|(_, text)| self.search.lit.contains(*text)) {
            // What never lights up is no row of the list.
            like.retain(|(_, text)| self.search.lit.contains(*text));
        }
        match like.as_slice() {
            [(_, text)] if self.search.text.is_none() => {
                let text = (*text).clone();
                self.search.text = Some(text);
                self.search.states.clear();
                self.search.upwards = false;
                Ok(())
            }
            [] | [_] if !self.search.has_moved && !view.is_horizontal() => {
                Err(unchanged(self.label(), "`down` and `up`", view))
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
        Err(passed_over(target, before, after))
    }

    /// Records the look of the list before a key. Returns whether it was the same before.
    fn was_here(&mut self, view: &View, key: Key) -> bool {
        !self.search.states.insert((key, view.state()))
    }

    fn note_texts(&mut self, view: &View) {
        self.search.lit.insert(view.lit_text().to_owned());
        for item in view.items() {
            if !self.search.seen.contains(&item.text) {
                self.search.seen.push(item.text.clone());
            }
        }
    }

    fn label(&self) -> &str {
        self.labels.get(self.current).map_or("", String::as_str)
    }
}

impl View {
    /// Returns whether the row that is meant seems to be lit.
    fn is_target(&self, target: Target) -> bool {
        matches!(target, Target::Found(target) if self.is_lit(target))
    }
}

fn opposite(key: Key) -> Key {
    match key {
        Key::Down => Key::Up,
        Key::Right => Key::Left,
        Key::Left => Key::Right,
        _ => Key::Down,
    }
}
