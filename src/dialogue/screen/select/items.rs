//! Items on a screen: rows of lists and buttons, without borders, pointers and boxes.

use std::ops::Range;

use crate::terminal::{Screen, ScreenRow};

use super::marks::{MarkBox, read_box};

/// Characters that point to the lit row.
const POINTERS: &str = ">❯›»→▶►➤➜▸‣❱*●◆•▌▎▍";

/// Characters that mark the row beside the pointer: more rows above or below, and entries that are
/// not to be had.
const BULLETS: &str = "-–↑↓⌃⌄▲▼";

/// Columns of a scroll bar, and arrows that show that there is more.
const SCROLL_BARS: &str = "█▒░▓▲▼↑↓■▐";

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
    let has_remark = remark.is_some_and(|it| {
        [" (", " - ", " – ", ": "]
            .iter()
            .any(|remark| it.starts_with(remark))
    });
    if untagged == label || is_tag || has_remark || parts.any(|it| it == label) {
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
    for (index, row) in (0..).zip(&rows) {
        for part in parts(row.text()) {
            let border = row.column_of(part.start);
            items.extend(item(row, index, border, part.clone()));
            let groups = beside(row, index, border, part).into_iter();
            horizontal.extend(groups.filter(|it| it.len() > 1).map(|items| Block {
                items,
                is_horizontal: true,
            }));
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for item in items {
        let own = blocks.iter_mut().find(|block| {
            let last = &block.items[block.items.len() - 1];
            let gap = item.row.saturating_sub(last.row + 1);
            let is_aligned =
                last.columns.start == item.columns.start || last.untagged == item.untagged;
            item.row > last.row && gap <= GAP && last.border == item.border && is_aligned
        });
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
        block.drop_false_marks();
    }
    blocks
}

impl Block {
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

/// Returns the parts of a row between its borders.
fn parts(text: &str) -> Vec<Range<usize>> {
    // Only a row that is in a box of ASCII characters has such borders.
    let bare = text.trim();
    let is_ascii_box = bare.len() > 1 && bare.starts_with('|') && bare.ends_with('|');
    let is_border = |it: char| matches!(it, '\u{2500}'..='\u{257f}') || (is_ascii_box && it == '|');
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices() {
        if is_border(character) {
            parts.push(start..at);
            start = at + character.len_utf8();
        }
    }
    parts.push(start..text.len());
    parts.retain(|part| !text[part.clone()].trim().is_empty());
    parts
}

/// Reads the item in a part of a row.
fn item(row: &ScreenRow, index: u16, border: u16, part: Range<usize>) -> Option<Item> {
    let mut from = part.start;
    let mut pointers = Vec::new();
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
    Some(Item {
        row: index,
        columns: row.column_of(from)..row.column_of(from + text.len()),
        border,
        untagged: row.column_of(from + tag_len(text)),
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
        let item = item.filter(|item| item.text.contains(char::is_alphanumeric));
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

/// Separator before one of several pieces of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Blanks,
    Slash,
    Pointer,
}

/// Splits a text at blanks, slashes and brackets.
fn pieces(text: &str) -> Vec<(Separator, Range<usize>)> {
    let separators = [
        ("  ", Separator::Blanks),
        (" / ", Separator::Slash),
        (" | ", Separator::Slash),
        (" ‣ ", Separator::Pointer),
        (" › ", Separator::Pointer),
        (" » ", Separator::Pointer),
        (" … ", Separator::Pointer),
    ];
    let mut pieces = Vec::new();
    let mut before = Separator::Blanks;
    let mut start = 0;
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        if at < start {
            continue;
        }
        let piece = text[start..at].trim_start();
        match character {
            '<' | '[' | '(' => depth += 1,
            '>' | ']' | ')' if depth > 0 => {
                depth -= 1;
                if depth == 0 && piece.starts_with(['<', '[', '(']) && read_box(piece).is_none() {
                    pieces.push((before, start..at + 1));
                    before = Separator::Blanks;
                    start = at + 1;
                }
            }
            _ => {}
        }
        let mut separators = separators.iter();
        let found = separators.find(|(it, _)| depth == 0 && text[at..].starts_with(it));
        if let Some((separator, kind)) = found
            && at >= start
        {
            pieces.push((before, start..at));
            before = *kind;
            start = at + separator.len();
        }
    }
    pieces.push((before, start..text.len()));
    pieces.retain(|(separator, piece)| {
        *separator != Separator::Blanks || !text[piece.clone()].trim().is_empty()
    });
    pieces
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
