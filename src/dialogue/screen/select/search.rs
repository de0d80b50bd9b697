//! Search for the row that a label means, over all rows that come into view.

use std::collections::HashSet;

use crate::terminal::Key;

use super::super::key_step::{KeySequenceError, KeySequenceErrorKind};
use super::error::{ambiguous, missing, passed_over, unchanged};
use super::items::{Likeness, is_last_column, likeness};
use super::view::View;

/// Most keys that are pressed for one label.
const PRESS_LIMIT: usize = 1000;

/// Most keys that are pressed to see which row is lit.
const PROOF_LIMIT: usize = 6;

/// Search for one label.
#[derive(Debug)]
pub(super) struct Search {
    label: String,
    /// The text of the one row that is meant, once the whole list is known.
    text: Option<String>,
    /// The arrow that leads to rows that are not visible.
    key: Key,
    /// True if one end of the list was reached, so that the search goes on to the other one.
    has_turned: bool,
    pub has_moved: bool,
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

/// The row that is meant, as far as the visible rows show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Found(usize),
    NotSure,
}

impl Search {
    /// Returns a search for the row that a label means.
    pub(super) fn new(label: &str) -> Search {
        Search {
            label: label.to_owned(),
            text: None,
            key: Key::Down,
            has_turned: false,
            has_moved: false,
            states: HashSet::new(),
            presses: 0,
            seen: Vec::new(),
            lit: HashSet::new(),
            proofs: 0,
        }
    }

    /// Returns a search for a row that was seen, most likely above.
    pub(super) fn back_to(text: &str) -> Search {
        Search {
            text: Some(text.to_owned()),
            key: Key::Up,
            ..Search::new(text)
        }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Returns the text that is looked for.
    pub(super) fn wanted(&self) -> &str {
        self.text.as_deref().unwrap_or(&self.label)
    }

    /// Returns the arrow that leads to rows that are not visible.
    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// Searches in the other direction. Returns false if it was done before.
    pub(super) fn turn(&mut self) -> bool {
        self.key = opposite(self.key);
        !std::mem::replace(&mut self.has_turned, true)
    }

    /// Begins anew in the list, which is known better.
    pub(super) fn restart(&mut self) {
        self.states.clear();
        self.key = Key::Down;
        self.has_turned = false;
    }

    /// Counts a key.
    pub(super) fn press(&mut self) -> Result<(), KeySequenceError> {
        self.presses += 1;
        if self.presses <= PRESS_LIMIT {
            return Ok(());
        }
        let message = format!("`{}` is not among the first {PRESS_LIMIT} rows", self.label);
        let kind = KeySequenceErrorKind::NotFound;
        Err(KeySequenceError::new(kind, message))
    }

    /// Returns the keys so far.
    pub(super) fn presses(&self) -> usize {
        self.presses
    }

    /// Counts a key that is to show which row is lit. Returns false if there were enough.
    pub(super) fn prove(&mut self) -> bool {
        self.proofs += 1;
        self.proofs <= PROOF_LIMIT
    }

    /// Returns the keys that were to show which row is lit.
    pub(super) fn proofs(&self) -> usize {
        self.proofs
    }

    /// Records the look of the list before a key. Returns whether it was the same before.
    pub(super) fn was_here(&mut self, view: &View, key: Key) -> bool {
        !self.states.insert((key, view.state()))
    }

    pub(super) fn note_texts(&mut self, view: &View) {
        self.lit.insert(view.lit_text().to_owned());
        for item in view.items() {
            if !self.seen.contains(&item.text) {
                self.seen.push(item.text.clone());
            }
        }
    }

    /// Chooses the row that is meant among all rows of the list.
    pub(super) fn end(&mut self, view: &View) -> Result<(), KeySequenceError> {
        let label = self.label.as_str();
        let seen = &self.seen;
        let like = seen.iter().map(|text| (likeness(text, label), text));
        let mut like: Vec<(Likeness, &String)> = like
            .filter_map(|(found, text)| Some((found?, text)))
            .collect();
        let best = like.iter().map(|(found, _)| *found).min();
        like.retain(|(found, _)| Some(*found) == best);
        if like.iter().any(|(_, text)| self.lit.contains(*text)) {
            // What never lights up is no row of the list.
            like.retain(|(_, text)| self.lit.contains(*text));
        }
        match like.as_slice() {
            [(_, text)] if self.text.is_none() => {
                let text = (*text).clone();
                self.text = Some(text);
                self.restart();
                Ok(())
            }
            [] | [_] if !self.has_moved && !view.is_horizontal() => {
                Err(unchanged(label, "`down` and `up`", view))
            }
            [] | [_] => Err(missing(label, view, seen)),
            several => Err(ambiguous(label, several.iter().map(|(_, text)| *text))),
        }
    }

    /// Returns the visible row that is meant.
    pub(super) fn target(&self, view: &View) -> Result<Target, KeySequenceError> {
        let (wanted, is_known) = (self.wanted(), self.text.is_some());
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
    pub(super) fn check_not_passed(
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
}

pub(super) fn opposite(key: Key) -> Key {
    match key {
        Key::Down => Key::Up,
        Key::Right => Key::Left,
        Key::Left => Key::Right,
        _ => Key::Down,
    }
}
