//! Texts on a screen: its rows, cut at boxes and gaps.

use crate::recorder::inference::sessions::Heard;
use crate::terminal::{Screen, ScreenCursor};

/// Returns the texts that were drawn since the last answer, and all texts.
pub(super) fn heard(screen: &Screen) -> Heard {
    let mut heard = Heard::default();
    for row in 0..screen.size().rows {
        let text = screen.row(row);
        for part in parts(text.text()) {
            let columns = text.column_of(part.start)..text.column_of(part.end);
            let is_fresh = columns
                .clone()
                .any(|column| screen.is_fresh(row, column) && screen.char_at(row, column) != ' ');
            let part = text.text()[part].to_owned();
            if is_fresh {
                heard.lines.push(part.clone());
            }
            heard.shown.push(part);
        }
    }
    heard.asked = before_cursor(screen, screen.cursor());
    heard
}

/// Returns the text before the cursor in its row, or the last one of it in a box.
pub(super) fn before_cursor(screen: &Screen, cursor: ScreenCursor) -> String {
    let row = screen.row(cursor.row);
    let before = row
        .text()
        .get(..row.byte_of(cursor.column))
        .unwrap_or_default();
    let last = parts(before).pop();
    let last = last.map(|part| before[part].trim().to_owned());
    last.filter(|it| it.chars().any(char::is_alphabetic))
        .unwrap_or_default()
}

/// Returns the parts of a row between borders and gaps.
pub(super) fn parts(row: &str) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    let mut begin: Option<usize> = None;
    let mut end = 0;
    for (at, character) in row.char_indices() {
        let is_border = matches!(character, '\u{2500}'..='\u{259f}' | '|');
        if !character.is_whitespace() && !is_border {
            begin.get_or_insert(at);
            end = at + character.len_utf8();
        } else if let Some(from) = begin
            && (is_border || at > end)
        {
            parts.push(from..end);
            begin = None;
        }
    }
    parts.extend(begin.map(|from| from..end));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_at_borders_and_gaps() {
        let row = "│ Order no: 17   <Ok>│ x";
        let texts: Vec<&str> = parts(row).into_iter().map(|part| &row[part]).collect();
        assert_eq!(texts, ["Order no: 17", "<Ok>", "x"]);
    }
}
