//! Mark boxes of check lists and radio lists.

use std::ops::Range;

use crate::terminal::{CellColor, CellStyle};

/// Box before the text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MarkBox {
    pub is_marked: bool,
    /// In brackets, so that a single one is known for a box.
    pub is_bracketed: bool,
}

impl MarkBox {
    /// Returns the box in this style: a grey check mark is the place for one.
    pub(super) fn in_style(self, style: CellStyle) -> MarkBox {
        MarkBox {
            is_marked: self.is_marked && (self.is_bracketed || !is_grey(&style)),
            ..self
        }
    }
}

const MARKED: &str = "xX*+•●■✓✔";
const MARKED_GLYPHS: &str = "●◉☑☒◼■⬢✔✓";
const UNMARKED_GLYPHS: &str = "○◯☐◻□⬡⬚▢";

/// Reads the box at the beginning of a text. Returns it with its bytes.
pub(super) fn read_box(text: &str) -> Option<(MarkBox, Range<usize>)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let closing = match first {
        '[' => ']',
        '(' => ')',
        _ => {
            let is_marked = MARKED_GLYPHS.contains(first);
            if !is_marked && !UNMARKED_GLYPHS.contains(first) {
                return None;
            }
            let mark = MarkBox {
                is_marked,
                is_bracketed: false,
            };
            return Some((mark, 0..first.len_utf8()));
        }
    };
    let inner = characters.next()?;
    let is_marked = MARKED.contains(inner);
    let is_closed = characters.next() == Some(closing);
    (is_closed && (is_marked || inner == ' ')).then(|| {
        let mark = MarkBox {
            is_marked,
            is_bracketed: true,
        };
        (mark, 0..2 + inner.len_utf8())
    })
}

/// Returns whether a style is that of an entry that is not to be had.
pub(super) fn is_grey(style: &CellStyle) -> bool {
    style.faint || style.strikethrough || style.foreground == Some(CellColor::Indexed(8))
}
