//! Selection of rows of a list on a screen, with arrow keys.
//!
//! A list is found by its alignment, its lit row by what sets it apart from the other rows. That row
//! has to be proved: it is the only one with a pointer or with its ground, or it was seen to get the
//! look that another one lost at a key. Each key has to show its effect before the next one is
//! pressed. Rows that are not visible are searched to the end of the list, or until it begins again,
//! and then in the other direction. Before Enter, all rows that were to be marked are seen marked, and
//! where Enter marks a row instead of closing the list, afterwards, too.

mod columns;
mod enter;
mod error;
mod focus;
mod ground;
mod hot_key;
mod items;
mod lit;
mod lit_row;
mod marking;
mod marks;
mod motion;
mod panes;
mod search;
mod segments;
mod view;

use crate::dialogue::rows::RowFormat;
use crate::terminal::{Key, Screen};

use super::key_step::{KeyPress, KeySequenceError, KeyStep};
use columns::{ColumnEffect, ColumnPress};
use enter::{EnterEffect, PressedEnter};
use error::{
    beside, disabled, passed_over, unchanged, unlit, unproved, unreached, without_effect,
    without_label,
};
use focus::FocusPress;
use hot_key::{HotKey, HotKeyEffect, is_at_input};
use marking::{MarkStep, Marking};
use motion::Proof;
use search::{Search, Target, opposite};
use view::{NoView, View};

pub use lit_row::{LitTexts, lit_texts};

/// Selection of the rows with these labels, then Enter.
#[derive(Debug)]
pub struct RowSelector {
    labels: Vec<String>,
    /// Index of the label that is looked for.
    current: usize,
    is_done: bool,
    search: Search,
    pressed: Option<Pressed>,
    last_view: Option<View>,
    /// The list at the last look, if no key was pressed since.
    waited: Option<View>,
    /// The look of the lit row, once a key has proved it.
    proof: Option<Proof>,
    format: RowFormat,
    marking: Marking,
    /// True if the key of the row was typed, and has led to it only.
    has_typed_key: bool,
    /// True if a row is known to be one entry, though only a part of it is lit.
    is_one_entry: bool,
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
    /// Tab, or an arrow, to get to buttons.
    Focus(FocusPress),
    /// The key of a row of a menu without a lit row.
    HotKey(HotKey),
    /// Enter in a list with boxes.
    Enter(PressedEnter),
    /// An arrow to another entry of the lit row.
    Column(Box<ColumnPress>),
}

impl RowSelector {
    pub fn new(labels: Vec<String>) -> RowSelector {
        RowSelector {
            is_done: labels.is_empty(),
            search: Search::new(labels.first().map_or("", String::as_str)),
            marking: Marking::new(labels.len() > 1),
            labels,
            current: 0,
            pressed: None,
            last_view: None,
            waited: None,
            proof: None,
            format: RowFormat::default(),
            has_typed_key: false,
            is_one_entry: false,
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
        if self.is_done {
            return Ok(KeyStep::Done);
        }
        if let Some(Pressed::HotKey(pressed)) = &self.pressed {
            match pressed.effect(screen) {
                HotKeyEffect::Typed => return Ok(self.enter()),
                HotKeyEffect::Chosen => {
                    self.is_done = true;
                    return Ok(KeyStep::Done);
                }
                HotKeyEffect::Remains if !is_overdue => return Ok(KeyStep::Wait),
                HotKeyEffect::Remains => {
                    // The key of some menus only leads to the row.
                    let error = without_effect(self.search.label(), &pressed.key);
                    self.pressed = None;
                    return match self.find(screen) {
                        Ok(view) if view.is_target(self.target(&view)?) => {
                            self.decide(screen, view)
                        }
                        _ => Err(error),
                    };
                }
            }
        }
        if let Some(Pressed::Enter(_)) = self.pressed {
            return self.entered(screen, is_overdue);
        }
        if let Some(Pressed::Column(_)) = self.pressed {
            return self.column_pressed(screen, is_overdue);
        }
        let view = match self.find(screen) {
            Ok(view) => view,
            Err(NoView::Unfocused) => {
                return self.focus(screen, is_overdue);
            }
            Err(reason) => {
                let step = self.hot_key(screen).filter(|_| self.pressed.is_none());
                return step.ok_or_else(|| match reason {
                    NoView::Buttons(view) => without_label(self.search.label(), &view),
                    NoView::Unlit | NoView::Unfocused => unlit(self.search.label()),
                });
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
        let before = self.last_view.as_ref();
        View::find(screen, self.search.wanted(), before, self.proof.as_ref())
    }

    fn target(&self, view: &View) -> Result<Target, KeySequenceError> {
        self.search.target(view)
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
                    view = self.find(screen).map_err(|_| unlit(self.search.label()))?;
                    self.search.restart();
                } else if !view.has_moved(before) {
                    return if is_overdue {
                        self.no_effect(screen, view, key)
                    } else {
                        Ok(KeyStep::Wait)
                    };
                } else if before.is_certain() && view.is_certain() {
                    self.search.check_not_passed(before, &view, key)?;
                }
                self.search.has_moved = true;
            }
            Some(Pressed::Mark(text)) => {
                let text = text.clone();
                self.marking.pressed(&view, &text, is_overdue)?;
                self.pressed = None;
            }
            Some(
                Pressed::Focus(_) | Pressed::HotKey(_) | Pressed::Enter(_) | Pressed::Column(_),
            )
            | None => {}
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
            self.search.note_texts(&view);
            if self.marking.is_proving() && !self.prove_marks(&view)? {
                return Ok(self.submit(view));
            }
            match self.target(&view)? {
                Target::Found(target) if view.is_lit(target) && !view.is_certain_of(target) => {
                    return self.prove(view);
                }
                Target::Found(target) if view.is_lit(target) => {
                    let text = view.items()[target].text.clone();
                    if view.is_disabled() && !self.search.label().contains("(disabled)") {
                        return Err(disabled(&text, &view));
                    }
                    if let Some(press) = self.column_press(screen, &view, target)? {
                        return Ok(press);
                    }
                    if self.marking.on(&view, &text) == MarkStep::Mark {
                        self.pressed = Some(Pressed::Mark(text));
                        self.last_view = Some(view);
                        return Ok(KeyStep::Press(KeyPress::Key(Key::Space)));
                    }
                    self.current += 1;
                    if let Some(label) = self.labels.get(self.current) {
                        self.search = Search::new(label);
                    } else if !self.prove_marks(&view)? {
                        return Ok(self.submit(view));
                    }
                }
                Target::Found(target) => {
                    let key = view.key_towards(target);
                    if self.search.was_here(&view, key) {
                        return Err(passed_over(target, &view, &view));
                    }
                    return self.press(view, key);
                }
                Target::NotSure => {
                    let key = self.search.key();
                    if view.is_horizontal() || self.search.was_here(&view, key) {
                        self.search.end(&view)?;
                        continue;
                    }
                    return self.press(view, key);
                }
            }
        }
    }

    /// Returns the arrow to the entry with the label, if another entry of its row is lit.
    fn column_press(
        &mut self,
        screen: &Screen,
        view: &View,
        target: usize,
    ) -> Result<Option<KeyStep>, KeySequenceError> {
        let label = self.search.label();
        if view.is_horizontal() || self.is_one_entry {
            return Ok(None);
        }
        let Some(press) = ColumnPress::find(screen, view.items(), target, label) else {
            return Ok(None);
        };
        if self.labels.len() > 1 || view.items()[target].mark.is_some() {
            return Err(beside(label, view));
        }
        self.search.press()?;
        let key = press.key;
        self.pressed = Some(Pressed::Column(Box::new(press)));
        self.last_view = Some(view.clone());
        Ok(Some(KeyStep::Press(KeyPress::Key(key))))
    }

    /// Goes on after an arrow to another entry of the lit row.
    fn column_pressed(
        &mut self,
        screen: &Screen,
        is_overdue: bool,
    ) -> Result<KeyStep, KeySequenceError> {
        let Some(Pressed::Column(press)) = self.pressed.take() else {
            return Ok(KeyStep::Wait);
        };
        let key = press.key;
        let (effect, press) = press.effect(screen);
        match effect {
            ColumnEffect::Lit => return Ok(self.enter()),
            ColumnEffect::Moved => {
                self.search.press()?;
                let key = press.key;
                self.pressed = Some(Pressed::Column(Box::new(press)));
                return Ok(KeyStep::Press(KeyPress::Key(key)));
            }
            ColumnEffect::Nothing if is_overdue => {
                // Only a part of each row is lit.
                self.is_one_entry = true;
                let view = self.find(screen).map_err(|_| unlit(self.search.label()))?;
                return self.decide(screen, view);
            }
            ColumnEffect::Nothing | ColumnEffect::Unknown => {}
        }
        self.pressed = Some(Pressed::Column(Box::new(press)));
        if !is_overdue {
            return Ok(KeyStep::Wait);
        }
        let label = self.search.label();
        Err(match &self.last_view {
            Some(view) => unchanged(label, &format!("`{key}`"), view),
            None => unlit(label),
        })
    }

    /// Looks at the marks before Enter. Returns whether some are not visible, and looks for them.
    fn prove_marks(&mut self, view: &View) -> Result<bool, KeySequenceError> {
        let Some(text) = self.marking.next_unseen(view)? else {
            return Ok(false);
        };
        if self.search.wanted() != text {
            self.search = Search::back_to(text);
        }
        Ok(true)
    }

    /// Presses a key that shows which row is lit.
    fn prove(&mut self, view: View) -> Result<KeyStep, KeySequenceError> {
        if !self.search.prove() {
            return Err(unproved(self.search.label(), &view));
        }
        let key = view.key_from_end();
        self.press(view, key)
    }

    /// Types the key of the row, if it has one.
    fn hot_key(&mut self, screen: &Screen) -> Option<KeyStep> {
        if self.labels.len() != 1 || self.has_typed_key {
            return None;
        }
        let found = HotKey::find(screen, &self.format, self.search.label())?;
        self.has_typed_key = true;
        let key = found.key.clone();
        self.pressed = Some(Pressed::HotKey(found));
        Some(KeyStep::Press(KeyPress::Text(key)))
    }

    /// Presses Enter on the lit row.
    fn submit(&mut self, view: View) -> KeyStep {
        let Some(enter) = PressedEnter::watched(&view, &self.marking) else {
            return self.enter();
        };
        self.pressed = Some(Pressed::Enter(enter));
        self.last_view = Some(view);
        KeyStep::Submit(KeyPress::Key(Key::Enter))
    }

    /// Goes on after Enter in a list with boxes.
    fn entered(&mut self, screen: &Screen, is_overdue: bool) -> Result<KeyStep, KeySequenceError> {
        let Some(Pressed::Enter(enter)) = self.pressed.take() else {
            return Ok(KeyStep::Wait);
        };
        let label = enter.before().lit_text();
        let view = View::find(screen, label, Some(enter.before()), self.proof.as_ref()).ok();
        let effect = enter.effect(view.as_ref(), &self.marking);
        let (enter, step) = match effect {
            Ok(EnterEffect::Toggled) if !enter.is_undone() => {
                let step = KeyStep::Press(KeyPress::Key(Key::Space));
                (enter.undone(), Ok(step))
            }
            Ok(EnterEffect::Nothing) if !is_overdue => (enter, Ok(KeyStep::Wait)),
            Ok(_) => {
                self.is_done = true;
                return Ok(KeyStep::Done);
            }
            Err(error) => (enter, Err(error)),
        };
        self.pressed = Some(Pressed::Enter(enter));
        step
    }

    fn enter(&mut self) -> KeyStep {
        self.is_done = true;
        KeyStep::Last(KeyPress::Key(Key::Enter))
    }

    fn press(&mut self, view: View, key: Key) -> Result<KeyStep, KeySequenceError> {
        self.search.press()?;
        if key == Key::Tab {
            self.proof = None;
        }
        self.last_view = Some(view.clone());
        self.pressed = Some(Pressed::Move { key, before: view });
        Ok(KeyStep::Press(KeyPress::Key(key)))
    }

    /// Presses Tab to get to the buttons that have the label or, where Tab does nothing, the arrow that
    /// leads out of a list above them.
    fn focus(&mut self, screen: &Screen, is_overdue: bool) -> Result<KeyStep, KeySequenceError> {
        let key = match &self.pressed {
            Some(Pressed::Focus(press)) if press.has_changed(screen) => press.key,
            Some(Pressed::Focus(_)) if !is_overdue => return Ok(KeyStep::Wait),
            Some(Pressed::Focus(press)) if press.key == Key::Tab => Key::Down,
            Some(Pressed::Focus(_)) => return Err(unreached(self.search.label())),
            _ => Key::Tab,
        };
        self.search.press()?;
        if self.search.presses() > view::FOCUS_LIMIT {
            return Err(unreached(self.search.label()));
        }
        self.proof = None;
        self.pressed = Some(Pressed::Focus(FocusPress::new(key, screen)));
        Ok(KeyStep::Press(KeyPress::Key(key)))
    }

    /// Continues after a key that has changed nothing.
    fn no_effect(
        &mut self,
        screen: &Screen,
        view: View,
        key: Key,
    ) -> Result<KeyStep, KeySequenceError> {
        if !view.has_lit() || (!view.is_certain() && view.is_target(self.target(&view)?)) {
            let is_over = !self.search.prove() || self.search.proofs() > 2;
            return if is_over {
                let step = self.hot_key(screen);
                step.ok_or_else(|| unproved(self.search.label(), &view))
            } else {
                self.press(view, opposite(key))
            };
        }
        if matches!(self.target(&view)?, Target::NotSure) {
            if self.search.turn() {
                let key = self.search.key();
                return self.press(view, key);
            }
            self.search.end(&view)?;
            self.pressed = None;
            return self.decide(screen, view);
        }
        if view.is_horizontal() && key != Key::Tab {
            return self.press(view, Key::Tab);
        }
        let step = self.hot_key(screen);
        step.ok_or_else(|| unchanged(self.search.label(), &format!("`{key}`"), &view))
    }
}

impl View {
    /// Returns whether the row that is meant is lit, as far as is known.
    fn is_target(&self, target: Target) -> bool {
        matches!(target, Target::Found(target) if self.is_lit(target))
    }
}
