//! One row of a screen as text.

use avt::{Cell, Line};

/// Text of a row, and the columns of its characters.
///
/// Blanks at the end are left out. A character that takes two columns is in the text once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScreenRow {
    text: String,
    /// Byte and column of each character, unless each is one byte in one column.
    places: Option<Vec<(usize, u16)>>,
    /// The column after the last character.
    end: u16,
}

impl ScreenRow {
    pub(super) fn new(line: &Line) -> ScreenRow {
        let cells = line.cells();
        let blank = cells.iter().rev().take_while(|cell| cell.char() == ' ');
        // The second half of a wide character is blank, too.
        let mut len = cells.len() - blank.count();
        if len > 0 && cells[len - 1].width() == 2 {
            len += 1;
        }
        let cells = &cells[..len];
        let is_plain = |cell: &Cell| cell.width() == 1 && cell.char().is_ascii();
        let mut places = Vec::new();
        let are_plain = cells.iter().all(is_plain);
        let mut text = String::with_capacity(len);
        for (at, cell) in cells.iter().enumerate() {
            if cell.width() > 0 {
                if !are_plain {
                    places.push((text.len(), column(at)));
                }
                text.push(cell.char());
            }
        }
        ScreenRow {
            text,
            places: (!are_plain).then_some(places),
            end: column(len),
        }
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the column of the character at a byte of the text; for the end of the text, the
    /// column after its last character.
    pub fn column_of(&self, byte: usize) -> u16 {
        if byte >= self.text.len() {
            return self.end;
        }
        match &self.places {
            None => column(byte),
            Some(places) => {
                let after = places.partition_point(|&(begin, _)| begin <= byte);
                places[after.saturating_sub(1)].1
            }
        }
    }

    /// Returns the byte of the text at which the character in this column begins; for columns after
    /// the text, its end.
    pub fn byte_of(&self, column: u16) -> usize {
        if column >= self.end {
            return self.text.len();
        }
        match &self.places {
            None => usize::from(column),
            Some(places) => {
                let after = places.partition_point(|&(_, begin)| begin <= column);
                places[after.saturating_sub(1)].0
            }
        }
    }
}

fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
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
