//! The list on a screen, with its lit row.

use std::fmt::Write as _;
use std::ops::Range;

use crate::terminal::{Key, Screen};

use super::items::{Block, Item, Likeness, blocks, likeness};
use super::lit::{Commonness, Light, Lit, is_grey_among, lit};
use super::marks::MarkBox;
use super::motion::{Looks, Proof, row_looks};

/// Most keys that are pressed to get to a row of buttons.
pub(super) const FOCUS_LIMIT: usize = 30;

/// The list on a screen.
#[derive(Debug, Clone)]
pub(super) struct View {
    block: Block,
    /// Empty if no row is known to be lit.
    lit: Range<usize>,
    light: Light,
    /// True if nothing else can be lit.
    is_certain: bool,
    looks: Looks,
    /// True if the lit row is grey and others are not.
    is_lit_grey: bool,
}

/// Reason why there is no list.
#[derive(Debug)]
pub(super) enum NoView {
    Unlit,
    /// Nothing is lit but one of these buttons, and the label is on none of them.
    Buttons(View),
    /// The label is on a row of buttons of which none is lit, but something else is.
    Unfocused,
}

impl View {
    /// Returns the list that has a label or, if none has it, the one that most looks like a list;
    /// after the first key the one that was there before.
    pub(super) fn find(
        screen: &Screen,
        label: &str,
        before: Option<&View>,
        proof: Option<&Proof>,
    ) -> Result<View, NoView> {
        let commonness = Commonness::new(screen);
        let rows = row_looks(screen);
        let mut views = Vec::new();
        let mut unlit = Vec::new();
        let mut button_rows = Vec::new();
        for mut block in blocks(screen) {
            let lit = match proof {
                Some(_) => None,
                None => lit(screen, &commonness, &mut block),
            };
            let looks = Looks::new(screen, &block, &rows);
            let lit = lit.or_else(|| {
                let items = proof?.lit(&looks)?;
                Some(Lit {
                    items,
                    light: Light::Proved,
                    is_strong: true,
                })
            });
            let best = block
                .items
                .iter()
                .filter_map(|it| likeness(&it.text, label))
                .min();
            match lit {
                Some(lit) => {
                    let view = View {
                        is_lit_grey: is_grey_among(screen, &block, lit.items.start),
                        is_certain: lit.is_strong && lit.items.len() == 1
                            || lit.light == Light::Proved,
                        block,
                        lit: lit.items,
                        light: lit.light,
                        looks,
                    };
                    views.push((best, view));
                }
                None => {
                    if block.is_horizontal && best == Some(Likeness::Whole) {
                        button_rows.push(block.items[0].row);
                    }
                    let view = View {
                        is_lit_grey: false,
                        is_certain: false,
                        block,
                        lit: 0..0,
                        light: Light::None,
                        looks,
                    };
                    unlit.push((best, view));
                }
            }
        }
        // The columns of a row of a lit list are no buttons.
        let is_in_list = |row: u16| {
            let mut views = views.iter().map(|(best, view)| (best, &view.block));
            views.any(|(best, block)| {
                let is_row = block.items.iter().any(|it| it.row == row);
                best.is_some() && !block.is_horizontal && block.items.len() > 1 && is_row
            })
        };
        let is_unfocused = button_rows.iter().any(|&row| !is_in_list(row));
        if let Some(before) = before
            && let Some(at) = views.iter().position(|(_, view)| view.is_place_of(before))
        {
            return Ok(views.swap_remove(at).1);
        }
        if let Some(before) = before
            && proof.is_some()
        {
            // What was proved says nothing about another list.
            let same = unlit.into_iter().find(|(_, view)| view.is_place_of(before));
            return same.map(|(_, view)| view).ok_or(NoView::Unlit);
        }
        let is_lit_list = |view: &View| {
            view.block.items.len() > 1 && !view.block.is_horizontal && view.light > Light::Cursor
        };
        if views.iter().any(|(_, view)| is_lit_list(view)) {
            // A row with a pointer beside a list is an answer or a quotation.
            views.retain(|(_, view)| view.block.items.len() > 1 || view.light != Light::Pointer);
        }
        let has_lit = !views.is_empty();
        let mut lit_views = views.iter().map(|(_, view)| view);
        let buttons = lit_views.find(|view| view.has_buttons(screen)).cloned();
        views.retain(|(best, view)| {
            let is_exact = best.is_some_and(Likeness::is_exact);
            let is_list = view.block.items.len() > 1 && !view.block.is_horizontal;
            // A cursor before a text is that of a list, one behind it that of an input.
            let lit = &view.block.items[view.lit.start];
            let is_before = screen.cursor().column <= lit.columns.start;
            let is_lit = view.light > Light::Cursor || (is_before && view.block.items.len() > 2);
            let is_lit_row = !view.block.is_horizontal && view.light == Light::Ground;
            is_exact || (is_list && (is_lit || best.is_some())) || (is_lit_row && best.is_some())
        });
        let best = views.into_iter().max_by_key(|(best, view)| {
            let is_exact = best.is_some_and(Likeness::is_exact);
            let is_sure = view.light > Light::Cursor && view.block.items.len() > 1;
            let len = view.block.items.len();
            let is_vertical = !view.block.is_horizontal;
            (
                is_exact,
                is_sure,
                is_vertical,
                best.is_some(),
                view.light,
                len,
            )
        });
        let is_exact = |best: &Option<Likeness>| best.is_some_and(Likeness::is_exact);
        if !best.as_ref().is_some_and(|(best, _)| is_exact(best)) {
            // In another list, rows stand out that only a key can tell apart.
            let mut lists = unlit.iter().filter(|(best, view)| {
                let is_vertical = !view.block.is_horizontal;
                *best == Some(Likeness::Whole) && is_vertical && view.has_grounds()
            });
            if let (Some((_, list)), None) = (lists.next(), lists.next()) {
                return Ok(list.clone());
            }
        }
        match best {
            Some((best, _)) if is_unfocused && !best.is_some_and(Likeness::is_exact) => {
                Err(NoView::Unfocused)
            }
            Some((_, view)) => Ok(view),
            None if is_unfocused && has_lit => Err(NoView::Unfocused),
            None => {
                // A key may show which row is lit.
                unlit.retain(|(best, view)| {
                    let is_list = view.block.items.len() > 1 && !view.block.is_horizontal;
                    let is_exact = best.is_some_and(Likeness::is_exact);
                    is_list && (is_exact || view.has_grounds())
                });
                let best = unlit.into_iter().max_by_key(|(best, view)| {
                    let is_exact = best.is_some_and(Likeness::is_exact);
                    (is_exact, best.is_some(), view.block.items.len())
                });
                best.map(|(_, view)| view)
                    .ok_or_else(|| buttons.map_or(NoView::Unlit, NoView::Buttons))
            }
        }
    }

    /// Returns whether the items are buttons: beside each other, each in brackets.
    fn has_buttons(&self, screen: &Screen) -> bool {
        let is_bracketed = |it: &Item| "<[(".contains(screen.char_at(it.row, it.columns.start));
        self.block.is_horizontal && self.block.items.iter().all(is_bracketed)
    }

    /// Returns whether the items are on several grounds.
    fn has_grounds(&self) -> bool {
        self.block.items.len() > 2 && self.looks.has_grounds()
    }

    /// Returns whether some row is known to be lit.
    pub(super) fn has_lit(&self) -> bool {
        !self.lit.is_empty()
    }

    /// Returns whether nothing but the lit row can be lit.
    pub(super) fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// Returns whether nothing but this row can be meant: of a single row, its box tells.
    pub(super) fn is_certain_of(&self, index: usize) -> bool {
        self.is_certain || (self.block.items.len() == 1 && self.block.items[index].mark.is_some())
    }

    /// Returns whether a row with this text is visible.
    pub(super) fn has(&self, text: &str) -> bool {
        self.block.items.iter().any(|item| item.text == text)
    }

    /// Returns what a key has proved about the lit row, given the list before it.
    pub(super) fn proof(&self, before: &View, key: Key) -> Option<Proof> {
        let is_same = before.block.is_horizontal == self.block.is_horizontal
            && before.block.items[0].border == self.block.items[0].border;
        is_same.then(|| self.looks.proof(&before.looks, key))?
    }

    /// Returns whether another row is lit than before.
    pub(super) fn has_moved(&self, before: &View) -> bool {
        if !self.has_lit() || !before.has_lit() {
            return self.has_lit() != before.has_lit();
        }
        let row = |view: &View| view.block.items[view.lit.start].row;
        let (old, new) = (before.lit_text(), self.lit_text());
        let is_beside = self.block.is_horizontal && self.lit != before.lit;
        // While rows are drawn, two may be lit for a moment.
        let is_between = self.lit.len() > before.lit.len()
            && self.block.items[self.lit.clone()]
                .iter()
                .any(|it| it.row == row(before));
        let is_drawn = row(before) == row(self) && new.starts_with(old) && self.has_grown(before);
        let is_same = row(before) == row(self) && new == old && !is_beside;
        !is_same && !is_between && !is_drawn
    }

    /// Returns whether all rows from before are there, perhaps longer, and there are more.
    pub(super) fn has_grown(&self, before: &View) -> bool {
        let items = &self.block.items;
        let stays = before.block.items.iter().all(|old| {
            let mut new = items.iter().filter(|it| it.row == old.row);
            new.any(|it| it.columns.start == old.columns.start && it.text.starts_with(&old.text))
        });
        let size = |view: &View| -> usize {
            let items = view.block.items.iter();
            items.map(|it| it.text.len() + 1).sum()
        };
        stays && size(self) > size(before)
    }

    /// Returns whether this is the list that was there before, with other rows or another lit one.
    fn is_place_of(&self, before: &View) -> bool {
        let rows = |view: &View| {
            let items = &view.block.items;
            items[0].row..=items[items.len() - 1].row
        };
        let (own, old) = (rows(self), rows(before));
        self.block.is_horizontal == before.block.is_horizontal
            && self.block.items[0].border == before.block.items[0].border
            && (self.light == before.light
                || [self.light, before.light].contains(&Light::Proved)
                || [self.light, before.light].contains(&Light::None))
            && own.start() <= old.end()
            && old.start() <= own.end()
            && (self.block.items.len() > 1 || before.block.items.len() == 1)
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.block.items
    }

    pub(super) fn is_horizontal(&self) -> bool {
        self.block.is_horizontal
    }

    pub(super) fn is_lit(&self, index: usize) -> bool {
        self.lit.contains(&index)
    }

    pub(super) fn lit_index(&self) -> usize {
        self.lit.start
    }

    pub(super) fn lit_text(&self) -> &str {
        match self.block.items.get(self.lit.start) {
            Some(item) if self.has_lit() => &item.text,
            _ => "",
        }
    }

    /// Returns whether the lit row is shown as one that cannot be chosen.
    pub(super) fn is_disabled(&self) -> bool {
        let text = self.lit_text().to_lowercase();
        self.is_lit_grey || text.ends_with("(disabled)")
    }

    /// Returns the mark of the row with this text, the lit one first.
    pub(super) fn mark_of(&self, text: &str) -> Option<MarkBox> {
        let lit = self.block.items[self.lit.clone()].iter();
        let mut same = lit
            .chain(&self.block.items)
            .filter(|item| item.text == text);
        same.next().and_then(|item| item.mark.or(item.glyph))
    }

    /// Returns whether the same row is lit in the same list, whatever is marked.
    pub(super) fn stands_as(&self, before: &View) -> bool {
        let rows = |view: &View| -> Vec<(u16, String)> {
            let items = view.block.items.iter();
            items.map(|it| (it.row, it.text.clone())).collect()
        };
        self.has_lit() && self.lit.start == before.lit.start && rows(self) == rows(before)
    }

    /// Returns the rows with another mark than before in the same list.
    pub(super) fn changed_marks(&self, before: &View) -> Vec<usize> {
        let is_marked = |item: &Item| item.mark.or(item.glyph).is_some_and(|mark| mark.is_marked);
        let pairs = self.block.items.iter().zip(&before.block.items);
        let changed = pairs.enumerate();
        let changed = changed.filter(|(_, (new, old))| is_marked(new) != is_marked(old));
        changed.map(|(index, _)| index).collect()
    }

    /// Returns whether the row with this text has a box for one choice, or for several.
    pub(super) fn has_radio(&self, text: &str) -> bool {
        let items = self.block.items[self.lit.clone()].iter();
        let mark = items.filter(|it| it.text == text).find_map(|it| it.mark);
        self.is_certain && mark.is_some_and(|it| !it.is_bracketed)
    }

    /// Returns a key that leads to another item.
    pub(super) fn key_from_end(&self) -> Key {
        match (
            self.block.is_horizontal,
            self.lit.end == self.block.items.len(),
        ) {
            (false, false) => Key::Down,
            (false, true) => Key::Up,
            (true, false) => Key::Right,
            (true, true) => Key::Left,
        }
    }

    /// Returns the key that leads from the lit item to another one.
    pub(super) fn key_towards(&self, index: usize) -> Key {
        match (self.block.is_horizontal, index < self.lit.start) {
            (false, false) => Key::Down,
            (false, true) => Key::Up,
            (true, false) => Key::Right,
            (true, true) => Key::Left,
        }
    }

    /// Returns all that an arrow key may change.
    pub(super) fn state(&self) -> String {
        let mut state = format!("{:?}", self.lit);
        for item in &self.block.items {
            let _ = write!(state, "\n{} {}", item.row, item.text);
        }
        state
    }
}
