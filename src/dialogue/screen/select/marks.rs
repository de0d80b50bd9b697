//! Mark boxes of check lists and radio lists.

use std::ops::Range;

use crate::terminal::{CellColor, CellStyle};

/// Box before the text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MarkBox {
    pub is_marked: bool,
    /// In brackets, so that a single one is known for a box.
    pub is_bracketed: bool,
    /// Round, as mostly in lists of which one row can be marked.
    pub is_round: bool,
    /// Behind the text, and only where it is marked.
    pub is_trailing: bool,
}

impl MarkBox {
    /// A row that shows no mark, in a list that shows marks behind texts.
    pub(super) const UNMARKED: MarkBox = MarkBox {
        is_marked: false,
        is_bracketed: true,
        is_round: false,
        is_trailing: true,
    };

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
const ROUND_GLYPHS: &str = "●◉○◯";

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
                is_round: ROUND_GLYPHS.contains(first),
                is_trailing: false,
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
            is_round: first == '(',
            is_trailing: false,
        };
        (mark, 0..2 + inner.len_utf8())
    })
}

/// Reads the mark behind a text, as in `main *`. Returns it with the text.
pub(super) fn trailing_mark(text: &str) -> Option<(MarkBox, &str)> {
    let bare = text.strip_suffix(['*', '✓', '✔', '●'])?;
    let name = bare.strip_suffix(' ')?.trim_end();
    let mark = MarkBox {
        is_marked: true,
        is_bracketed: true,
        is_round: false,
        is_trailing: true,
    };
    name.ends_with(char::is_alphanumeric)
        .then_some((mark, name))
}

/// Returns whether a style is that of an entry that is not to be had.
pub(super) fn is_grey(style: &CellStyle) -> bool {
    style.faint || style.strikethrough || style.foreground == Some(CellColor::Indexed(8))
}
