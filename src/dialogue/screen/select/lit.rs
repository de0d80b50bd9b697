//! The lit item of a list: by pointer, ground, style, mark or cursor.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use crate::terminal::{CellStyle, Screen};

use super::ground::{Ground, ground, ground_at, ground_of, most};
use super::items::{Block, Item};
use super::marks::is_grey;

/// A ground that covers less than this fraction of the screen may be that of a lit row alone.
const RARE: usize = 10;

/// A look that is so many times as common as another one on the screen is the usual one.
const COMMON: usize = 3;

/// Glyphs that only point, and are no bullets.
const SURE_POINTERS: &str = "❯›»▶►➤➜→▸‣❱>";

/// The sign by which an item is known to be lit: the greater, the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Light {
    /// There is none.
    None,
    Cursor,
    /// The only one that is marked.
    Mark,
    /// Colour or attributes of the text.
    Style,
    /// Inverse, or another background.
    Ground,
    Pointer,
    /// Proof that a key has had its effect.
    Proved,
}

/// Frequencies of styles and grounds on a screen.
pub(super) struct Commonness {
    styles: HashMap<CellStyle, usize>,
    grounds: HashMap<Ground, usize>,
}

impl Commonness {
    pub(super) fn new(screen: &Screen) -> Commonness {
        let size = screen.size();
        let mut commonness = Commonness {
            styles: HashMap::new(),
            grounds: HashMap::new(),
        };
        for row in 0..size.rows {
            for column in 0..size.columns {
                let style = screen.style(row, column);
                // What is behind no text may be a backdrop.
                if screen.char_at(row, column) != ' ' {
                    *commonness.grounds.entry(ground(style)).or_default() += 1;
                    *commonness.styles.entry(style).or_default() += 1;
                }
            }
        }
        commonness
    }
}

/// Items that seem to be lit, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Lit {
    pub items: Range<usize>,
    pub light: Light,
    /// True if nothing else can be meant: one pointer, or one ground.
    pub is_strong: bool,
}

/// Returns the items that seem to be lit. Rows of a block that are not of the list of a pointer are
/// removed from it.
pub(super) fn lit(screen: &Screen, commonness: &Commonness, block: &mut Block) -> Option<Lit> {
    let ground = alone_in_ground(screen, block);
    if let Some((list, index)) = pointed(screen, &block.items, block.is_horizontal) {
        let is_sure = has_sure_pointer(screen, block, index);
        let is_alone = ground.is_none_or(|it| it == index);
        block.items.truncate(list.end);
        block.items.drain(..list.start);
        let index = index - list.start;
        return Some(Lit {
            items: index..index + 1,
            light: Light::Pointer,
            is_strong: is_sure && is_alone && are_others_alike(screen, block, index),
        });
    }
    if let Some(index) = ground {
        return Some(Lit {
            items: index..index + 1,
            light: Light::Ground,
            is_strong: are_others_alike(screen, block, index),
        });
    }
    let (items, light) = likely(screen, commonness, block)?;
    Some(Lit {
        items,
        light,
        is_strong: light == Light::Ground && block.items.len() == 1,
    })
}

/// Returns the one item whose ground no other one has, while all others have the same.
fn alone_in_ground(screen: &Screen, block: &Block) -> Option<usize> {
    let items = &block.items;
    [text_columns, box_columns].iter().find_map(|columns| {
        let grounds = items.iter().map(|it| item_ground(screen, it, columns(it)));
        let grounds: Vec<Ground> = grounds.collect();
        let is_set = |ground: &Ground| *ground != Ground::default();
        match grounds.as_slice() {
            [] | [_] => None,
            [one, other] if one == other => None,
            // A row beside one without a box.
            [_, _] if items.iter().any(|it| columns(it).is_empty()) => None,
            [one, other] => match (is_set(one), is_set(other)) {
                (true, false) => Some(0),
                (false, true) => Some(1),
                // Of two grounds, one may be that of all around. Otherwise the cursor tells.
                _ => match (
                    is_as_around(screen, &items[0]),
                    is_as_around(screen, &items[1]),
                ) {
                    (false, true) => Some(0),
                    (true, false) => Some(1),
                    _ => under_cursor(screen, block),
                },
            },
            [one, two, three, ..] => {
                let usual = if one == two || one == three { one } else { two };
                let mut others = (0..grounds.len()).filter(|&it| grounds[it] != *usual);
                let only = others.next()?;
                others.next().is_none().then_some(only)
            }
        }
    })
}

/// Returns whether no single other item stands out, so that it could be the lit one.
fn are_others_alike(screen: &Screen, block: &Block, lit: usize) -> bool {
    let others = block.items.iter().enumerate().filter(|(at, _)| *at != lit);
    let others = others.map(|(_, item)| item_style(screen, item));
    let others: Vec<CellStyle> = others.filter(|it| !is_grey(it)).collect();
    let count = |style: &CellStyle| others.iter().filter(|it| *it == style).count();
    others.len() < 3 && others.windows(2).all(|it| it[0] == it[1])
        || others.len() > 2 && others.iter().all(|it| count(it) > 1)
}

/// Returns whether an item is on the ground that is on both sides of it.
fn is_as_around(screen: &Screen, item: &Item) -> bool {
    let own = item_ground(screen, item, text_columns(item));
    let sides = [item.columns.start.saturating_sub(2), item.columns.end + 1];
    let mut sides = sides
        .iter()
        .map(|&column| ground(screen.style(item.row, column)));
    sides.all(|it| it == own)
}

/// Returns whether the glyph before an item is one that only points.
fn has_sure_pointer(screen: &Screen, block: &Block, index: usize) -> bool {
    let item = &block.items[index];
    let mut glyphs = item.pointers.iter().map(|&it| screen.char_at(item.row, it));
    glyphs.any(|it| SURE_POINTERS.contains(it))
}

/// Returns the items that are likely to be lit.
fn likely(
    screen: &Screen,
    commonness: &Commonness,
    block: &Block,
) -> Option<(Range<usize>, Light)> {
    let items = &block.items;
    // Of a check list, only the box may be lit.
    for columns in [text_columns, box_columns] {
        let grounds = items
            .iter()
            .map(|item| item_ground(screen, item, columns(item)));
        let grounds: Vec<Ground> = grounds.collect();
        let common = &commonness.grounds;
        if let Some(range) = standing_out(screen, block, &grounds, common, |it| it.0.into()) {
            return Some((range, Light::Ground));
        }
    }
    if let [item] = items.as_slice() {
        let light = light_alone(screen, commonness, item)?;
        return Some((0..1, light));
    }
    let styles: Vec<CellStyle> = items.iter().map(|item| item_style(screen, item)).collect();
    if let Some(range) = standing_out(screen, block, &styles, &commonness.styles, emphasis) {
        return Some((range, Light::Style));
    }
    if let Some(index) = only_marked(items) {
        return Some((index..index + 1, Light::Mark));
    }
    let index = under_cursor(screen, block)?;
    Some((index..index + 1, Light::Cursor))
}

/// Returns the sign by which an item without others is lit, if it is.
fn light_alone(screen: &Screen, commonness: &Commonness, item: &Item) -> Option<Light> {
    let own = item_ground(screen, item, text_columns(item));
    let all: usize = commonness.grounds.values().sum();
    let same = commonness.grounds.get(&own);
    let is_rare = same.is_some_and(|same| same * RARE < all);
    let differs = |column: u16| ground_at(screen, item.row, column) != own;
    let before = item.outer.checked_sub(2);
    let stands_out =
        own != Ground::default() && before.is_some_and(differs) && differs(item.columns.end + 1);
    if is_rare || stands_out {
        return Some(Light::Ground);
    }
    let cursor = screen.cursor();
    let is_before = (item.border..=item.columns.start).contains(&cursor.column);
    let has_cursor = cursor.visible && cursor.row == item.row && is_before;
    (has_cursor && item.mark.is_some()).then_some(Light::Cursor)
}

/// Returns the item in whose row or columns the visible cursor is.
pub(super) fn under_cursor(screen: &Screen, block: &Block) -> Option<usize> {
    let cursor = screen.cursor();
    let index = block.items.iter().position(|item| {
        let is_here = !block.is_horizontal || item.columns.contains(&cursor.column);
        item.row == cursor.row && is_here && cursor.column >= item.border
    });
    index.filter(|_| cursor.visible)
}

/// Returns the item whose text the cursor, visible or not, is before or at the beginning of. What was
/// drawn last leaves it behind.
pub(super) fn behind_cursor(screen: &Screen, block: &Block) -> Option<usize> {
    let cursor = screen.cursor();
    let is_here = |item: &Item| {
        item.row == cursor.row && (item.outer..item.columns.start + 1).contains(&cursor.column)
    };
    block.items.iter().position(is_here)
}

/// Returns the one item with a pointer in a column that is blank for the others, and the items of
/// its list: above and below a list there may be answers of other lists.
fn pointed(screen: &Screen, items: &[Item], is_horizontal: bool) -> Option<(Range<usize>, usize)> {
    let mut found: Option<(Range<usize>, usize)> = None;
    for (index, item) in items.iter().enumerate() {
        for &column in &item.pointers {
            let here = screen.char_at(item.row, column);
            let is_blank = |other: &Item| {
                let there = screen.char_at(other.row, offset(column, item, other));
                " ↑↓⌃⌄▲▼-–".contains(there)
            };
            let after = items[index + 1..].iter().take_while(|it| is_blank(it));
            let before = items[..index].iter().rev().take_while(|it| is_blank(it));
            let list = index - before.count()..index + 1 + after.count();
            let is_whole = list.len() == items.len();
            // A single row with a bullet may be any text.
            let is_list = list.len() > 1 || (is_whole && SURE_POINTERS.contains(here));
            let is_cut_well = is_whole || (!is_horizontal && SURE_POINTERS.contains(here));
            if !is_list || !is_cut_well {
                continue;
            }
            match &found {
                Some((_, other)) if *other != index => return None,
                Some(_) => {}
                None => found = Some((list, index)),
            }
        }
    }
    found
}

/// Returns the column of another item that corresponds to a column of an item.
fn offset(column: u16, item: &Item, other: &Item) -> u16 {
    if item.row == other.row {
        (other.columns.start + column).saturating_sub(item.columns.start)
    } else {
        column
    }
}

/// Returns the one item that is marked.
fn only_marked(items: &[Item]) -> Option<usize> {
    let is_marked = |item: &Item| item.mark.is_some_and(|it| it.is_marked && !it.is_bracketed);
    let mut marked = (0..items.len()).filter(|&index| is_marked(&items[index]));
    let only = marked.next()?;
    let all_have = items.iter().all(|item| item.mark.is_some());
    (marked.next().is_none() && items.len() > 1 && all_have).then_some(only)
}

/// Returns the run of items that differ from most others. Of several, the one that is no bar at the
/// edge of the screen and holds the cursor.
fn standing_out<T: Copy + Eq + Hash>(
    screen: &Screen,
    block: &Block,
    looks: &[T],
    commonness: &HashMap<T, usize>,
    emphasis: fn(&T) -> i32,
) -> Option<Range<usize>> {
    let common_of = |it: &T| commonness.get(it).copied().unwrap_or(0);
    if let ([one, other], true) = (looks, block.items.len() == 2)
        && one != other
        && let Some(index) = under_cursor(screen, block)
    {
        return Some(index..index + 1);
    }
    let count = |look: &T| looks.iter().filter(|it| *it == look).count();
    let usual = *looks.iter().max_by(|one, other| {
        let counts = count(one).cmp(&count(other));
        let emphasis = emphasis(other).cmp(&emphasis(one));
        let (one, other) = (common_of(one), common_of(other));
        // What is much more common on the screen is not lit.
        let is_clear = one > COMMON * other || other > COMMON * one;
        let common = one.cmp(&other);
        let likely = if is_clear {
            common
        } else {
            emphasis.then(common)
        };
        counts.then(likely)
    })?;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (index, look) in looks.iter().enumerate() {
        if *look == usual || (emphasis(look) < 0 && emphasis(&usual) >= 0) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == index && looks[run.start] == *look => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    if runs.len() > 1 {
        let items = &block.items;
        let last = screen.size().rows.saturating_sub(1);
        let is_bar = |run: &Range<usize>| [0, last].contains(&items[run.start].row);
        if runs.iter().any(|run| !is_bar(run)) {
            runs.retain(|run| !is_bar(run));
        }
        let cursor = screen.cursor();
        let has_cursor =
            |run: &Range<usize>| items[run.clone()].iter().any(|it| it.row == cursor.row);
        if runs.len() > 1 && !block.is_horizontal && runs.iter().any(has_cursor) {
            runs.retain(has_cursor);
        }
    }
    (runs.len() == 1).then(|| runs.swap_remove(0))
}

pub(super) fn text_columns(item: &Item) -> Range<u16> {
    item.columns.clone()
}

pub(super) fn box_columns(item: &Item) -> Range<u16> {
    item.mark_columns.clone()
}

pub(super) fn item_ground(screen: &Screen, item: &Item, columns: Range<u16>) -> Ground {
    ground_of(screen, item.row, columns)
}

pub(super) fn item_style(screen: &Screen, item: &Item) -> CellStyle {
    // Brackets of buttons may have a look of their own.
    let is_letter = |column: &u16| screen.char_at(item.row, *column).is_alphanumeric();
    let has_letters = item.columns.clone().any(|column| is_letter(&column));
    let columns = item.columns.clone().filter(|column| {
        screen.char_at(item.row, *column) != ' ' && (!has_letters || is_letter(column))
    });
    most(columns.map(|column| screen.style(item.row, column)))
}

/// Returns how much a style stands out, less than nothing for an entry that cannot be chosen.
pub(super) fn emphasis(style: &CellStyle) -> i32 {
    if is_grey(style) {
        return -1;
    }
    i32::from(style.foreground.is_some())
        + 2 * i32::from(style.bold)
        + 4 * i32::from(style.underline)
}

/// Returns whether an item is grey, and most others are not.
pub(super) fn is_grey_among(screen: &Screen, block: &Block, index: usize) -> bool {
    let is_grey = |item: &Item| is_grey(&item_style(screen, item));
    let others = block.items.iter().filter(|&item| !is_grey(item)).count();
    is_grey(&block.items[index]) && others * 2 >= block.items.len()
}
