//! Items on a screen: rows of lists and buttons, without borders, pointers and boxes.

use std::cmp::Reverse;
use std::ops::Range;

use crate::terminal::{Screen, ScreenRow};

use super::ground::{ground_at, ground_of};
use super::marks::{MarkBox, read_box, trailing_mark};
use super::segments::{Segment, Separator, gutters, is_line, pieces, segments};

/// Characters that point to the lit row.
const POINTERS: &str = ">❯›»→▶►➤➜▸‣❱*●◆•▌▎▍";

/// Characters that mark the row beside the pointer: more rows above or below, and entries that are
/// not to be had.
const BULLETS: &str = "-–↑↓⌃⌄▲▼";

/// Columns of a scroll bar, and arrows that show that there is more.
const SCROLL_BARS: &str = "█▒░▓▲▼↑↓■▐▮▯";

/// Rows between two rows of a list: separators, or blank.
const GAP: u16 = 2;

/// A row of a list, or a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub row: u16,
    /// The text, without what is before and behind it.
    pub text: String,
    /// The columns of the text.
    pub columns: Range<u16>,
    /// The column of the border before it, or the first one.
    pub border: u16,
    /// The column of the text behind its number or letter.
    untagged: u16,
    /// The column behind a number that it begins with: numbers are aligned at their end.
    number_end: Option<u16>,
    /// The column of its first character, be it a pointer, a box or a bracket.
    pub outer: u16,
    /// Columns of characters that may be pointers.
    pub pointers: Vec<u16>,
    pub mark: Option<MarkBox>,
    /// The mark, though it may be a pointer or a bullet.
    pub glyph: Option<MarkBox>,
    /// The columns of the box, without its brackets.
    pub mark_columns: Range<u16>,
}

/// Items that belong together: below each other, or beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub items: Vec<Item>,
    pub is_horizontal: bool,
}

/// The likeness of an item to a label: the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    Whole,
    /// Without its number or remark, or one of its columns.
    Part,
    /// In it, as whole words.
    Words,
    Within,
}

impl Likeness {
    /// Returns whether no other item can be meant by the same label.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Likeness::Whole | Likeness::Part)
    }
}

/// Returns the likeness of the text of an item to a label.
pub(super) fn likeness(text: &str, label: &str) -> Option<Likeness> {
    let label = label.trim();
    if text == label {
        return Some(Likeness::Whole);
    }
    let mut parts = text.split("  ").map(str::trim);
    let (tag, untagged) = text.split_at(tag_len(text));
    let is_tag = tag.trim_matches(['(', '[', ')', ']', '.', ':', ' ']) == label;
    let remark = untagged.strip_prefix(label);
    let bare = |text: &str| -> Option<String> {
        let brackets = [('<', '>'), ('[', ']')].into_iter();
        let mut inner =
            brackets.filter_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
        inner.next().map(|it| it.trim().to_owned())
    };
    let is_button = bare(text).as_deref() == Some(label) || bare(label).as_deref() == Some(text);
    let has_remark = remark.is_some_and(|it| {
        [" (", " - ", " – ", ": "]
            .iter()
            .any(|remark| it.starts_with(remark))
    });
    if untagged == label || is_tag || is_button || has_remark || parts.any(|it| it == label) {
        return Some(Likeness::Part);
    }
    if is_shortened(text, label) {
        return Some(Likeness::Words);
    }
    let mut is_within = None;
    for (at, _) in text.match_indices(label) {
        let before = text[..at].chars().next_back();
        let after = text[at + label.len()..].chars().next();
        let goes_on = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
        if !goes_on(before) && !goes_on(after) {
            return Some(Likeness::Words);
        }
        is_within = Some(Likeness::Within);
    }
    is_within
}

/// Returns whether the label is the last column of an item: another item has a column that begins at
/// the same place. The tag before it may be as wide as its column, with one blank behind it.
pub(super) fn is_last_column(items: &[Item], index: usize, label: &str) -> bool {
    let text = &items[index].text;
    let Some(before) = text.strip_suffix(label) else {
        return false;
    };
    let begin = before.chars().count();
    let begins_there = |item: &Item| {
        let mut characters = item.text.chars().skip(begin.saturating_sub(2));
        characters.next() == Some(' ')
            && characters.next() == Some(' ')
            && characters.next().is_some_and(|it| it != ' ')
    };
    begin >= 2 && before.ends_with(' ') && items.iter().any(begins_there)
}

/// Returns whether a text is the beginning of a label that is too long for its list.
fn is_shortened(text: &str, label: &str) -> bool {
    let beginning = text.strip_suffix('…').or_else(|| text.strip_suffix("..."));
    beginning.is_some_and(|it| it.chars().count() > 3 && label.starts_with(it))
}

/// Returns the length of the number or letter before an item: `1 `, `12) `, `b. `.
fn tag_len(text: &str) -> usize {
    let open = usize::from(text.starts_with(['(', '[']));
    let digits = text[open..].bytes().take_while(u8::is_ascii_digit).count();
    let letters = text[open..]
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let tag = open + if digits > 0 { digits } else { letters };
    let rest = &text[tag..];
    let closed = rest.trim_start_matches([')', ']', '.', ':']);
    let has_end = closed.len() < rest.len();
    let is_tag = (1..=4).contains(&digits) || (letters == 1 && has_end);
    let bare = closed.trim_start();
    if is_tag && bare.len() < closed.len() && !bare.is_empty() && (open == 0 || has_end) {
        text.len() - bare.len()
    } else {
        0
    }
}

/// Returns the blocks of items on a screen, each at least one item.
pub(super) fn blocks(screen: &Screen) -> Vec<Block> {
    let rows: Vec<ScreenRow> = (0..screen.size().rows).map(|row| screen.row(row)).collect();
    let mut items = Vec::new();
    let mut horizontal = Vec::new();
    let gutters = gutters(screen, &rows);
    for (index, row) in (0..).zip(&rows) {
        for Segment { border, part } in segments(row, index, &gutters) {
            let border = row.column_of(border);
            if !is_row_of_buttons(&row.text()[part.clone()]) {
                items.extend(item(row, index, border, part.clone()).map(without_long_brackets));
            }
            let groups = beside(row, index, border, part).into_iter();
            let groups = groups.filter(|it| it.len() > 1 && !is_one_lit_row(screen, it));
            horizontal.extend(groups.map(|items| Block {
                items,
                is_horizontal: true,
            }));
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for item in items {
        let near = blocks.iter_mut().filter(|block| {
            let last = block.last();
            let gap = item.row.saturating_sub(last.row + 1);
            item.row > last.row
                && gap <= GAP
                && last.border == item.border
                && last.is_aligned_with(&item)
        });
        // A title above a list may begin where one of its rows does.
        let own = near.max_by_key(|block| (block.last().row, Reverse(block.items[0].row)));
        match own {
            Some(block) => block.items.push(item),
            None => blocks.push(Block {
                items: vec![item],
                is_horizontal: false,
            }),
        }
    }
    blocks.extend(horizontal);
    for block in &mut blocks {
        for item in &mut block.items {
            let style = screen.style(item.row, item.mark_columns.start);
            item.mark = item.mark.map(|mark| mark.in_style(style));
            item.glyph = item.mark;
        }
        block.complete_trailing_marks();
        block.drop_false_marks();
    }
    blocks
}

impl Item {
    /// Returns whether another item begins where this one does.
    fn is_aligned_with(&self, other: &Item) -> bool {
        let is_button = |it: &Item| it.outer < it.columns.start && it.mark.is_none();
        let has_box = |it: &Item| it.mark.is_some();
        self.columns.start == other.columns.start
            || self.untagged == other.untagged
            || (self.number_end.is_some() && self.number_end == other.number_end)
            || (self.outer == other.outer && has_box(self) && (is_button(other) || has_box(other)))
    }
}

impl Block {
    fn last(&self) -> &Item {
        &self.items[self.items.len() - 1]
    }

    /// Adds what rows without a mark behind their text mean, if other rows have one.
    fn complete_trailing_marks(&mut self) {
        let has_trailing = |it: &Item| it.mark.is_some_and(|mark| mark.is_trailing);
        let has_no_other = |it: &Item| it.mark.is_none() || has_trailing(it);
        if self.items.iter().any(has_trailing) && self.items.iter().all(has_no_other) {
            for item in &mut self.items {
                let mark = item.mark.unwrap_or(MarkBox::UNMARKED);
                (item.mark, item.glyph) = (Some(mark), Some(mark));
            }
        }
    }

    /// Forgets the marks of a block whose glyphs are no boxes but pointers or bullets.
    fn drop_false_marks(&mut self) {
        let marks = || self.items.iter().filter_map(|item| item.mark);
        let is_bracketed = marks().any(|mark| mark.is_bracketed);
        let has_unmarked = marks().any(|mark| !mark.is_marked);
        let is_everywhere = self.items.len() > 1 && marks().count() == self.items.len();
        if !is_bracketed && !has_unmarked && !is_everywhere {
            self.items.iter_mut().for_each(|item| item.mark = None);
        }
    }
}

/// Reads the item in a part of a row.
fn item(row: &ScreenRow, index: u16, border: u16, part: Range<usize>) -> Option<Item> {
    let mut from = part.start;
    let mut pointers = Vec::new();
    let blanks = row.text()[part.clone()].len() - row.text()[part.clone()].trim_start().len();
    let outer = row.column_of(part.start + blanks);
    let mut mark = None;
    let mut mark_columns = 0..0;
    loop {
        let text = &row.text()[from..part.end];
        let bare = text.trim_start();
        from += text.len() - bare.len();
        let first = bare.chars().next()?;
        let next = bare.chars().nth(1).unwrap_or(' ');
        if mark.is_none()
            && let Some((found, bytes)) = read_box(bare)
        {
            if !found.is_bracketed && POINTERS.contains(first) {
                pointers.push(row.column_of(from));
            }
            mark = Some(found);
            let inside = usize::from(found.is_bracketed);
            mark_columns = row.column_of(from + inside)..row.column_of(from + bytes.end - inside);
            from += bytes.end;
            continue;
        }
        if mark.is_some() && is_line(first) {
            from += first.len_utf8();
            continue;
        }
        let is_separate = !first.is_ascii()
            || next == ' '
            || (first == '>' && next.is_alphanumeric())
            || next == '>'
            || read_box(&bare[1..]).is_some();
        if POINTERS.contains(first) && is_separate {
            pointers.push(row.column_of(from));
        } else if !(BULLETS.contains(first) && is_separate) {
            break;
        }
        from += first.len_utf8();
    }
    let text = row.text()[from..part.end]
        .trim_end_matches(|it: char| it.is_whitespace() || SCROLL_BARS.contains(it));
    let bare = text.strip_suffix(['^', 'v']).map(str::trim_end);
    let bare = bare.filter(|bare| text.len() - bare.len() > 2 && !bare.is_empty());
    let text = bare.unwrap_or(text);
    if text.is_empty() {
        return None;
    }
    let mut text = text;
    if mark.is_none()
        && let Some((found, bare)) = trailing_mark(text)
    {
        mark = Some(found);
        let end = row.column_of(from + text.len());
        mark_columns = end - 1..end;
        text = bare;
    }
    let number_end = number_len(text).map(|len| row.column_of(from + len));
    Some(Item {
        row: index,
        columns: row.column_of(from)..row.column_of(from + text.len()),
        border,
        untagged: row.column_of(from + tag_len(text)),
        number_end,
        outer,
        text: text.to_owned(),
        pointers,
        mark,
        glyph: mark,
        mark_columns,
    })
}

/// Reads the groups of items that are beside each other in a part of a row, such as buttons.
fn beside(row: &ScreenRow, index: u16, border: u16, part: Range<usize>) -> Vec<Vec<Item>> {
    let text = &row.text()[part.clone()];
    let mut groups: Vec<(Separator, Vec<Item>)> = vec![(Separator::Blanks, Vec::new())];
    for (separator, piece) in pieces(text) {
        let piece = part.start + piece.start..part.start + piece.end;
        let item = item(row, index, border, piece).map(without_brackets);
        // An arrow of a scroll bar may be a letter.
        let item = item.filter(|it| it.text != "v" && it.text.contains(char::is_alphanumeric));
        let (kind, group) = groups.last_mut().expect("it begins with a group");
        match (separator, &kind) {
            (Separator::Slash, Separator::Blanks) => {
                // A question may be before the first of two answers.
                let first = group.pop();
                let answers = first.into_iter().chain(item).collect();
                groups.push((separator, answers));
            }
            (Separator::Blanks, Separator::Slash) | (Separator::Pointer, _) => {
                groups.push((Separator::Blanks, item.into_iter().collect()));
            }
            _ => group.extend(item),
        }
    }
    groups.into_iter().map(|(_, items)| items).collect()
}

/// Returns the length of the number that a text begins with, if more follows it, with a flag before
/// it: `e   4.0 KiB`.
fn number_len(text: &str) -> Option<usize> {
    let is_part = |it: char| it.is_ascii_digit() || matches!(it, '.' | ',' | '%');
    let mut characters = text.char_indices();
    let is_flagged = characters.next().is_some_and(|(_, it)| !is_part(it))
        && characters.next().is_some_and(|(_, it)| it == ' ');
    let begin = if is_flagged {
        text.len() - characters.as_str().trim_start().len()
    } else {
        0
    };
    let len = text[begin..].find(|it: char| !is_part(it))?;
    let end = begin + len;
    let has_digit = text[begin..end].contains(|it: char| it.is_ascii_digit());
    (has_digit && text[end..].starts_with(' ')).then_some(end)
}

/// Returns whether a text consists of two or more buttons.
fn is_row_of_buttons(text: &str) -> bool {
    let is_button = |piece: &str| {
        [('<', '>'), ('[', ']')]
            .iter()
            .any(|(open, close)| piece.starts_with(*open) && piece.ends_with(*close))
            && read_box(piece).is_none()
    };
    let pieces = pieces(text);
    pieces.len() > 1
        && pieces
            .iter()
            .all(|(_, it)| is_button(text[it.clone()].trim()))
}

/// Returns whether items beside each other are on one ground that nothing around them has: they are
/// columns of one lit row.
fn is_one_lit_row(screen: &Screen, items: &[Item]) -> bool {
    let (first, last) = (&items[0], &items[items.len() - 1]);
    let row = first.row;
    let ground = ground_at(screen, row, first.columns.start);
    let (start, end) = (first.outer, last.columns.end);
    let is_around = |column: u16| ground_at(screen, row, column) != ground;
    let is_at_edge = start < 2 || end + 1 >= screen.size().columns;
    let is_bracketed = |it: &Item| "<[(".contains(screen.char_at(row, it.columns.start));
    let is_lit = |it: &Item| ground_of(screen, row, it.columns.clone()) == ground;
    !is_at_edge
        && items.iter().all(|it| is_lit(it) && !is_bracketed(it))
        && is_around(start - 2)
        && is_around(end + 1)
}

/// Removes the brackets around a button that has a row of its own: `<  Order  >`.
fn without_long_brackets(item: Item) -> Item {
    let is_long = [("<", ">"), ("[", "]")].iter().any(|(open, close)| {
        let inner = item.text.strip_prefix(*open);
        let inner = inner.and_then(|it| it.strip_suffix(*close));
        inner.is_some_and(|it| it.starts_with(' ') && it.ends_with(' ') && !it.trim().is_empty())
    });
    if !is_long {
        return item;
    }
    let bare = without_brackets(item);
    let start = bare.columns.start + 2;
    Item {
        columns: start..bare.columns.end,
        ..bare
    }
}

/// Removes the brackets around the text of a button, which keeps its columns.
fn without_brackets(item: Item) -> Item {
    let inner = [('<', '>'), ('[', ']'), ('(', ')')]
        .iter()
        .find_map(|(open, close)| item.text.strip_prefix(*open)?.strip_suffix(*close));
    match inner.map(|it| it.trim().to_owned()) {
        Some(text) => Item { text, ..item },
        None => item,
    }
}
