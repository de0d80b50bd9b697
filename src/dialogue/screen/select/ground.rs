//! Grounds: the backgrounds of texts on a screen.

use std::hash::Hash;
use std::ops::Range;

use crate::terminal::{CellColor, CellStyle, Screen};

/// Background of a text.
pub(super) type Ground = (bool, Option<CellColor>);

/// Returns the ground of a cell.
pub(super) fn ground_at(screen: &Screen, row: u16, column: u16) -> Ground {
    ground(screen.style(row, column))
}

pub(super) fn ground(style: CellStyle) -> Ground {
    (style.inverse, style.background)
}

/// Returns the most frequent ground of columns of a row.
pub(super) fn ground_of(screen: &Screen, row: u16, columns: Range<u16>) -> Ground {
    most(columns.map(|column| ground_at(screen, row, column)))
}

/// Returns the most frequent value, the first of several.
pub(super) fn most<T: Copy + Eq + Hash + Default>(values: impl Iterator<Item = T>) -> T {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(it, _)| *it == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(value, _)| *value).unwrap_or_default()
}
