//! The list on a screen, with its lit row.

use std::fmt::Write as _;
use std::ops::Range;

use crate::terminal::{Key, Screen};

use super::items::{Block, Item, Likeness, blocks, likeness};
use super::lit::{Commonness, Light, is_grey_among, lit};

/// Most keys that are pressed to get to a row of buttons.
pub(super) const FOCUS_LIMIT: usize = 10;

/// The list on a screen.
#[derive(Debug, Clone)]
pub(super) struct View {
    block: Block,
    lit: Range<usize>,
    light: Light,
    /// True if the lit row is grey and others are not.
    is_lit_grey: bool,
}

/// Reason why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoView {
    Unlit,
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
    ) -> Result<View, NoView> {
        let commonness = Commonness::new(screen);
        let mut views = Vec::new();
        let mut is_unfocused = false;
        for block in blocks(screen) {
            let best = block
                .items
                .iter()
                .filter_map(|it| likeness(&it.text, label))
                .min();
            match lit(screen, &commonness, &block) {
                Some((lit, light)) => {
                    let is_lit_grey = is_grey_among(screen, &block, lit.start);
                    let view = View {
                        block,
                        lit,
                        light,
                        is_lit_grey,
                    };
                    views.push((best, view));
                }
                None => is_unfocused |= block.is_horizontal && best == Some(Likeness::Whole),
            }
        }
        if let Some(before) = before
            && let Some(at) = views.iter().position(|(_, view)| view.is_place_of(before))
        {
            return Ok(views.swap_remove(at).1);
        }
        views.retain(|(best, view)| {
            let is_exact = best.is_some_and(Likeness::is_exact);
            let is_list = view.block.items.len() > 1 && !view.block.is_horizontal;
            // A cursor before a text is that of a list, one behind it that of an input.
            let lit = &view.block.items[view.lit.start];
            let is_before = screen.cursor().column <= lit.columns.start;
            let is_lit = view.light > Light::Cursor || (is_before && view.block.items.len() > 2);
            is_exact || (is_list && (is_lit || best.is_some()))
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
        match best {
            Some((best, _)) if is_unfocused && !best.is_some_and(Likeness::is_exact) => {
                Err(NoView::Unfocused)
            }
            Some((_, view)) => Ok(view),
            None => Err(NoView::Unlit),
        }
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
            && self.light == before.light
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
        &self.block.items[self.lit.start].text
    }

    /// Returns whether the lit row is shown as one that cannot be chosen.
    pub(super) fn is_disabled(&self) -> bool {
        let text = self.lit_text().to_lowercase();
        self.is_lit_grey || text.ends_with("(disabled)")
    }

    /// Returns whether the row with this text is marked, the lit one first.
    pub(super) fn is_marked(&self, text: &str) -> bool {
        let lit = self.block.items[self.lit.clone()].iter();
        let mut same = lit
            .chain(&self.block.items)
            .filter(|item| item.text == text);
        let mark = same.next().and_then(|item| item.mark);
        mark.is_some_and(|mark| mark.is_marked)
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
