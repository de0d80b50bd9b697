//! Proof of the lit row by motion: a key makes one row lose a look, and another one gain it.

use std::ops::Range;
use std::sync::Arc;

use crate::terminal::{CellStyle, Key, Screen};

use super::ground::Ground;
use super::items::{Block, Item};
use super::lit::{
    behind_cursor, box_columns, emphasis, item_ground, item_style, text_columns, under_cursor,
};

/// One aspect of the look of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    Pointer(char),
    Ground(Ground),
    Style(CellStyle),
    Marked(bool),
    Cursor(bool),
}

/// Aspects, the surest first.
pub(super) type Look = [Aspect; 6];

/// The look of the lit row, as a key has proved it.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    aspect: usize,
    value: Aspect,
    /// Rows that always have this look, such as headers.
    fixed: Vec<u16>,
    /// Rows of an item that is lit.
    height: usize,
}

/// Items and their looks.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    items: Vec<(u16, String, Look)>,
    /// The item before whose text the cursor is, though it may be hidden.
    cursor: Option<usize>,
    /// All of the screen but the cursor, row by row.
    rows: Arc<[u64]>,
}

/// Returns the looks of the rows of a screen.
pub(super) fn row_looks(screen: &Screen) -> Arc<[u64]> {
    (0..screen.size().rows)
        .map(|row| hash(screen, row))
        .collect()
}

impl Proof {
    /// Returns the one item that has the look, and its other rows.
    pub(super) fn lit(&self, looks: &Looks) -> Option<Range<usize>> {
        let mut lit = (0..looks.items.len()).filter(|&index| {
            let (row, _, look) = &looks.items[index];
            look[self.aspect] == self.value && !self.fixed.contains(row)
        });
        let first = lit.next()?;
        let mut range = first..first + 1;
        for index in lit {
            if index != range.end {
                return None;
            }
            range.end += 1;
        }
        (range.len() <= self.height).then_some(range)
    }
}

impl Looks {
    pub(super) fn new(screen: &Screen, block: &Block, rows: &Arc<[u64]>) -> Looks {
        let cursor = under_cursor(screen, block);
        let items = block.items.iter().enumerate().map(|(index, item)| {
            let look = [
                Aspect::Pointer(pointer(screen, item)),
                Aspect::Ground(item_ground(screen, item, text_columns(item))),
                Aspect::Ground(item_ground(screen, item, box_columns(item))),
                Aspect::Style(item_style(screen, item)),
                Aspect::Marked(item.mark.is_some_and(|it| it.is_marked)),
                Aspect::Cursor(cursor == Some(index)),
            ];
            (item.row, item.text.clone(), look)
        });
        Looks {
            items: items.collect(),
            cursor: behind_cursor(screen, block),
            rows: Arc::clone(rows),
        }
    }

    /// Returns whether the items are on several grounds.
    pub(super) fn has_grounds(&self) -> bool {
        let mut grounds = self.items.iter().map(|(_, _, look)| look[1]);
        let first = grounds.next();
        grounds.any(|it| Some(it) != first)
    }

    /// Returns what a key has proved, given the looks before it.
    pub(super) fn proof(&self, before: &Looks, key: Key) -> Option<Proof> {
        let pairs = self.pairs(before);
        (0..6).find_map(|aspect| {
            let looks: Vec<(usize, Aspect, Aspect)> = pairs
                .iter()
                .map(|&(old, new)| (new, before.items[old].2[aspect], self.items[new].2[aspect]))
                .collect();
            let (_, lost, gained) = *looks.iter().find(|(_, old, new)| old != new)?;
            if matches!(lost, Aspect::Cursor(_)) && self.rows != before.rows {
                return None;
            }
            let from = run(&looks, lost, gained)?;
            let to = run(&looks, gained, lost)?;
            let changed = looks.iter().filter(|(_, old, new)| old != new).count();
            if changed != from.len() + to.len() {
                return None;
            }
            // Either the look that was lost first is that of the lit row, or the other one.
            let is_lost = self
                .is_lit(&looks, (lost, &from), (gained, &to), key)
                .or_else(|| self.is_lit_by_cursor(before, &from, &to, key))?;
            let (value, to, other) = if is_lost {
                (lost, to, from)
            } else {
                (gained, from, to)
            };
            let fixed = (0..self.items.len())
                .filter(|it| self.items[*it].2[aspect] == value && !to.contains(it))
                .map(|it| self.items[it].0);
            Some(Proof {
                aspect,
                value,
                fixed: fixed.collect(),
                height: to.len().max(other.len()),
            })
        })
    }

    /// Returns whether the first look is that of the lit row, which went from the items that lost it
    /// to those that gained it. `None` if it may be either.
    fn is_lit(
        &self,
        looks: &[(usize, Aspect, Aspect)],
        (one, from): (Aspect, &Range<usize>),
        (other, to): (Aspect, &Range<usize>),
        key: Key,
    ) -> Option<bool> {
        let is_forward = matches!(key, Key::Down | Key::Right);
        let is_natural = (to.start > from.start) == is_forward;
        let sureness = |it: Aspect| match it {
            Aspect::Pointer(' ') | Aspect::Marked(false) | Aspect::Cursor(false) => 0,
            Aspect::Pointer(_) | Aspect::Marked(true) | Aspect::Cursor(true) => 10,
            Aspect::Ground(ground) => i32::from(ground != Ground::default()),
            Aspect::Style(style) => emphasis(&style).clamp(0, 1),
        };
        let unchanged = |it: Aspect| {
            let same = looks
                .iter()
                .filter(|(_, old, new)| old == new && *new == it);
            same.count()
        };
        let way = if is_natural { 2 } else { -2 };
        // Most rows are not lit.
        let common = 2 * match unchanged(other).cmp(&unchanged(one)) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        };
        let emphasis = (sureness(one) - sureness(other)).clamp(-10, 10);
        let emphasis = if emphasis.abs() < 10 {
            emphasis.signum()
        } else {
            emphasis
        };
        if common == 0 && emphasis * way <= 0 && emphasis.abs() < 10 {
            // Two rows that are exchanged may be either.
            return None;
        }
        match way + common + emphasis {
            0 => None,
            votes => Some(votes > 0),
        }
    }

    /// Returns the same of two rows by the cursor, which has moved along in the direction of the key.
    fn is_lit_by_cursor(
        &self,
        before: &Looks,
        from: &Range<usize>,
        to: &Range<usize>,
        key: Key,
    ) -> Option<bool> {
        let (old, new) = (before.cursor?, self.cursor?);
        let is_two = before.items.len() == 2 && self.items.len() == 2;
        if !is_two || (new > old) != matches!(key, Key::Down | Key::Right) {
            return None;
        }
        let is_along = from.contains(&old) && to.contains(&new);
        let is_against = to.contains(&old) && from.contains(&new);
        (is_along != is_against).then_some(is_along)
    }

    /// Returns the indices of the items that are in both.
    fn pairs(&self, before: &Looks) -> Vec<(usize, usize)> {
        let place = |looks: &Looks| -> Vec<(u16, String)> {
            let items = looks.items.iter();
            items.map(|(row, text, _)| (*row, text.clone())).collect()
        };
        if place(self) == place(before) {
            return (0..self.items.len()).map(|index| (index, index)).collect();
        }
        let only = |looks: &Looks, text: &str| {
            let mut found = (0..looks.items.len()).filter(|&it| looks.items[it].1 == text);
            let only = found.next()?;
            found.next().is_none().then_some(only)
        };
        let new = 0..self.items.len();
        new.filter_map(|new| {
            let text = &self.items[new].1;
            Some((only(before, text)?, only(self, text)?))
        })
        .collect()
    }
}

/// Returns the items that changed so, if they are one after the other.
fn run(looks: &[(usize, Aspect, Aspect)], old: Aspect, new: Aspect) -> Option<Range<usize>> {
    let changed = looks.iter().filter(|it| (it.1, it.2) == (old, new));
    let changed: Vec<usize> = changed.map(|it| it.0).collect();
    let (first, last) = (*changed.first()?, *changed.last()?);
    (last + 1 - first == changed.len()).then_some(first..last + 1)
}

fn pointer(screen: &Screen, item: &Item) -> char {
    let first = item.pointers.first();
    first.map_or(' ', |&column| screen.char_at(item.row, column))
}

fn hash(screen: &Screen, row: u16) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for column in 0..screen.size().columns {
        screen.char_at(row, column).hash(&mut hasher);
        screen.style(row, column).hash(&mut hasher);
    }
    hasher.finish()
}
