//! One row of a screen as text.

use std::sync::Arc;

use avt::Line;

use super::stamps::width_of;

/// Text of a row, and the columns of its characters.
///
/// Blanks at the end are left out. A character that takes two columns is in the text once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScreenRow {
    text: Arc<str>,
}

impl ScreenRow {
    pub(super) fn new(line: &Line) -> ScreenRow {
        let cells = line.cells();
        let mut text = String::with_capacity(cells.len());
        // The second half of a wide character has no text.
        text.extend(
            cells
                .iter()
                .filter(|cell| cell.width() > 0)
                .map(avt::Cell::char),
        );
        ScreenRow {
            text: text.trim_end_matches(' ').into(),
        }
    }

    /// Returns a row with the text of another one, at another time.
    pub fn with_text(text: &str) -> ScreenRow {
        ScreenRow { text: text.into() }
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the column of the character at a byte of the text; for the end of the text, the
    /// column after its last character.
    pub fn column_of(&self, byte: usize) -> u16 {
        let byte = byte.min(self.text.len());
        let column = if self.text.is_ascii() {
            byte
        } else {
            let mut begin = byte;
            while !self.text.is_char_boundary(begin) {
                begin -= 1;
            }
            self.text[..begin].chars().map(width_of).sum()
        };
        u16::try_from(column).unwrap_or(u16::MAX)
    }

    /// Returns the byte of the text at which the character in this column begins; for columns after
    /// the text, its end.
    pub fn byte_of(&self, column: u16) -> usize {
        let column = usize::from(column);
        if self.text.is_ascii() {
            return column.min(self.text.len());
        }
        let mut end = 0;
        let at_column = self.text.char_indices().find(|&(_, character)| {
            end += width_of(character);
            column < end
        });
        at_column.map_or(self.text.len(), |(byte, _)| byte)
    }
}

#[cfg(test)]
mod tests {
    use avt::Terminal;

    use super::*;

    fn row(text: &str) -> ScreenRow {
        let mut terminal = Terminal::new(12, 1).expect("a size");
        terminal.feed(text);
        ScreenRow::new(terminal.screen().line(0).expect("a row"))
    }

    #[test]
    fn plain_text_has_its_own_columns() {
        let row = row("ab c");
        assert_eq!(row.text(), "ab c");
        assert_eq!(
            (row.column_of(3), row.column_of(4), row.column_of(99)),
            (3, 4, 4)
        );
        assert_eq!((row.byte_of(0), row.byte_of(3), row.byte_of(11)), (0, 3, 4));
        assert_eq!(super::tests::row("  ").text(), "");
    }

    #[test]
    fn wide_and_long_characters_are_there_once() {
        let row = row("a界é x漢");
        assert_eq!(row.text(), "a界é x漢");
        let places = [(0, 0), (1, 1), (4, 3), (6, 4), (7, 5), (8, 6)];
        for (byte, column) in places {
            assert_eq!(row.column_of(byte), column);
            assert_eq!(row.byte_of(column), byte);
        }
        assert_eq!(row.byte_of(2), 1, "the second half");
        assert_eq!(row.column_of(2), 1, "inside a character");
        assert_eq!((row.byte_of(7), row.column_of(11)), (8, 8));
        assert_eq!(row.byte_of(8), 11);
    }
}
