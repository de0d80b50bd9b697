//! Entries beside each other in a list of several columns, of which one entry is lit, not its row.

use std::ops::Range;

use crate::terminal::{CellStyle, Key, Screen};

use super::ground::most;
use super::items::Item;
use super::marks::read_box;

/// An arrow to an entry in the lit row.
#[derive(Debug)]
pub(super) struct ColumnPress {
    pub key: Key,
    pub label: String,
    items: Vec<Item>,
    target: usize,
    /// The columns that were lit before.
    lit: Vec<Range<u16>>,
    /// The look of the entry before.
    style: CellStyle,
}

/// Effect of an arrow, as far as it is seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ColumnEffect {
    /// The entry is lit.
    Lit,
    /// The arrow has led to another entry, and has to be pressed again.
    Moved,
    /// It lights nothing: the row is the entry.
    Nothing,
    /// The list is not what it was.
    Unknown,
}

impl ColumnPress {
    /// Returns the arrow that leads to the entry with this label in the lit row, if another entry of
    /// that row is lit. `None` if the row has no such columns, or is lit as a whole.
    pub(super) fn find(
        screen: &Screen,
        items: &[Item],
        target: usize,
        label: &str,
    ) -> Option<ColumnPress> {
        let columns = columns(screen, &items[target]);
        let wanted = columns.iter().find(|it| it.text == label)?;
        let lit = lit(screen, items, target, &columns)?;
        let is_elsewhere = !lit.is_empty() && !lit.contains(&wanted.cells);
        is_elsewhere.then(|| ColumnPress {
            key: key_from(&lit, &wanted.cells),
            label: label.to_owned(),
            items: items.to_vec(),
            target,
            lit,
            style: style_of(screen, items[target].row, &wanted.cells),
        })
    }

    /// Returns the effect, and the press for the next one.
    pub(super) fn effect(self, screen: &Screen) -> (ColumnEffect, ColumnPress) {
        let columns = columns(screen, &self.items[self.target]);
        let wanted = columns.iter().find(|it| it.text == self.label);
        let lit = lit(screen, &self.items, self.target, &columns);
        let (Some(wanted), Some(lit)) = (wanted, lit) else {
            return (ColumnEffect::Unknown, self);
        };
        if lit == self.lit {
            return (ColumnEffect::Nothing, self);
        }
        match lit.as_slice() {
            [one] if *one == wanted.cells => {
                // Of few rows, another one may be lit.
                let row = self.items[self.target].row;
                let has_changed = style_of(screen, row, &wanted.cells) != self.style;
                let effect = if has_changed {
                    ColumnEffect::Lit
                } else {
                    ColumnEffect::Unknown
                };
                (effect, self)
            }
            [_] => {
                let key = key_from(&lit, &wanted.cells);
                (ColumnEffect::Moved, ColumnPress { key, lit, ..self })
            }
            _ => (ColumnEffect::Unknown, self),
        }
    }
}

fn key_from(lit: &[Range<u16>], wanted: &Range<u16>) -> Key {
    if lit[0].start < wanted.start {
        Key::Right
    } else {
        Key::Left
    }
}

/// Column of a row.
struct Column {
    /// Its text, without a box.
    text: String,
    cells: Range<u16>,
}

/// Returns the columns of a row: what two or more blanks separate.
fn columns(screen: &Screen, item: &Item) -> Vec<Column> {
    let row = screen.row(item.row);
    let text = row.text();
    let end = row.byte_of(item.columns.end);
    let mut begin = row.byte_of(item.columns.start);
    let mut columns = Vec::new();
    while begin < end {
        let rest = &text[begin..end];
        let len = rest.find("  ").unwrap_or(rest.len());
        let piece = rest[..len].trim();
        if !piece.is_empty() {
            let bare = read_box(piece).map_or(piece, |(_, box_)| piece[box_.end..].trim());
            let start = begin + rest[..len].find(piece).unwrap_or(0);
            columns.push(Column {
                text: bare.to_owned(),
                cells: row.column_of(start)..row.column_of(start + piece.len()),
            });
        }
        begin += len + 2;
    }
    columns
}

/// Returns those columns of a row that look other than in the other rows. `None` if those have nothing
/// there to compare with.
fn lit(
    screen: &Screen,
    items: &[Item],
    target: usize,
    columns: &[Column],
) -> Option<Vec<Range<u16>>> {
    let own_row = items[target].row;
    let mut lit = Vec::new();
    for column in columns {
        let others = items.iter().filter(|it| it.row != own_row);
        let mut usual = others
            .flat_map(|it| styles(screen, it.row, &column.cells))
            .peekable();
        usual.peek()?;
        if style_of(screen, own_row, &column.cells) != most(usual) {
            lit.push(column.cells.clone());
        }
    }
    Some(lit)
}

/// Returns the styles of the characters in these cells.
fn styles(screen: &Screen, row: u16, cells: &Range<u16>) -> impl Iterator<Item = CellStyle> {
    let shown = cells
        .clone()
        .filter(move |&it| screen.char_at(row, it) != ' ');
    shown.map(move |column| screen.style(row, column))
}

fn style_of(screen: &Screen, row: u16, cells: &Range<u16>) -> CellStyle {
    most(styles(screen, row, cells))
}
