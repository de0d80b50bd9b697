//! Frame of a screen: its cells at one moment, for messages, logs and films.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use super::style::{CellColor, CellStyle};
use super::{Screen, ScreenCursor, ScreenSize};

/// Most rows that are listed as lit.
const LIT_LIMIT: usize = 5;

/// A ground in more rows than this is that of a window or of the screen.
const LIT_ROWS: usize = 3;

/// The number of cells that show that a text is hidden.
const MASK_CELLS: usize = 3;

/// Rows are counted from the top, characters are not inserted, and are the usual ones.
const USUAL_MODES: &str = "\x1b[?6l\x1b[4l\x0f\x1b(B";

/// Background of a text, which makes it stand out.
type Ground = (Option<CellColor>, bool);

/// The cells of a screen at one moment, and its cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenFrame {
    size: ScreenSize,
    cursor: ScreenCursor,
    rows: Vec<Vec<FrameCell>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FrameCell {
    character: char,
    /// Columns of the character: 0 for the second half of a wide one.
    width: u8,
    style: CellStyle,
}

impl FrameCell {
    fn is_blank(&self) -> bool {
        self.character == ' ' && self.width == 1
    }

    fn ground(&self) -> Ground {
        (self.style.background, self.style.inverse)
    }
}

impl Screen {
    /// Returns the present frame.
    pub fn frame(&self) -> ScreenFrame {
        let size = self.size();
        let lines = self.terminal.screen();
        let row = |row: u16| {
            let line = lines.line(row.into());
            let cells = line.iter().flat_map(|line| line.cells());
            cells.map(FrameCell::from).collect()
        };
        ScreenFrame {
            size,
            cursor: self.cursor(),
            rows: (0..size.rows).map(row).collect(),
        }
    }

    /// Returns a picture of the screen; see [`ScreenFrame::picture`].
    pub fn render(&self) -> String {
        self.frame().picture()
    }
}

impl From<&avt::Cell> for FrameCell {
    fn from(cell: &avt::Cell) -> FrameCell {
        let character = cell.char();
        let width = cell.width();
        let is_plain = match character {
            // Separators of lines, which a text layout acts upon.
            '\u{2028}' | '\u{2029}' => false,
            character => width == 0 || character.width() == Some(width.into()),
        };
        FrameCell {
            character: match (width, is_plain) {
                (0, _) => ' ',
                (_, true) => character,
                (_, false) => char::REPLACEMENT_CHARACTER,
            },
            width: if is_plain { width } else { 1 },
            style: CellStyle::from(cell.pen()),
        }
    }
}

impl ScreenFrame {
    /// Returns the size of the screen.
    pub fn size(&self) -> ScreenSize {
        self.size
    }

    /// Returns the cursor.
    pub fn cursor(&self) -> ScreenCursor {
        self.cursor
    }

    /// Returns the text: the rows without the blanks at their ends, separated by line ends.
    pub fn text(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| text(shown(row))).collect();
        rows.join("\n")
    }

    /// Hides these parts of [`ScreenFrame::text`]: asterisks take the place of their first cells, and
    /// blanks that of the others. Everything else stays where it is.
    pub fn hide(&mut self, parts: &[Range<usize>]) {
        let mut byte = 0;
        let mut hidden: Option<(usize, usize)> = None;
        for row in &mut self.rows {
            let length = shown(row).len();
            let mut at = 0;
            while at < length {
                let FrameCell {
                    character, width, ..
                } = row[at];
                let end = (at + usize::from(width.max(1))).min(row.len());
                let part = parts.iter().position(|part| part.contains(&byte));
                byte += character.len_utf8();
                for cell in &mut row[at..end] {
                    let Some(part) = part else { break };
                    let before = hidden.filter(|(same, _)| *same == part);
                    let count = before.map_or(0, |(_, count)| count);
                    cell.character = if count < MASK_CELLS { '*' } else { ' ' };
                    cell.width = 1;
                    hidden = Some((part, count + 1));
                }
                at = end;
            }
            // The line end.
            byte += 1;
        }
    }

    /// Returns a picture: a line with the size and the cursor, the rows in a box, and below it the
    /// texts that are lit, such as the selected entry of a menu. Rows and columns count from 1.
    pub fn picture(&self) -> String {
        let mut picture = format!(" {}x{}, ", self.size.rows, self.size.columns);
        if self.cursor.visible {
            let (row, column) = (self.cursor.row + 1, self.cursor.column + 1);
            let _ = write!(picture, "cursor at row {row}, column {column}");
        } else {
            picture.push_str("cursor hidden");
        }
        let last = self.rows.iter().rposition(|row| !shown(row).is_empty());
        let Some(last) = last else {
            picture.push_str(", nothing on the screen\n");
            return picture;
        };
        let rows = &self.rows[..=last];
        let width = rows.iter().map(|row| shown(row).len()).max();
        let width = width.unwrap_or_default();
        let edge = "─".repeat(width + 2);
        let _ = writeln!(picture, "\n┌{edge}┐");
        for row in rows {
            let row = shown(row);
            let blank = width - row.len();
            let _ = writeln!(picture, "│ {}{:blank$} │", text(row), "");
        }
        let _ = writeln!(picture, "└{edge}┘");
        for (row, text) in self.lit() {
            let _ = writeln!(picture, " lit: row {} `{text}`", row + 1);
        }
        picture
    }

    /// Returns output that shows the frame on a terminal of the same size, whatever was there before.
    pub fn drawing(&self) -> String {
        let (rows, cursor) = (self.rows(), self.cursor_sequence());
        format!("{USUAL_MODES}{rows}{cursor}")
    }

    /// Returns output that changes a terminal that shows `before` with the usual modes, so that it
    /// shows this frame. Empty if they are the same.
    pub fn changes(&self, before: &ScreenFrame) -> String {
        if self.size != before.size {
            return self.drawing();
        }
        if self == before {
            return String::new();
        }
        let mut changes = String::new();
        for (at, (row, old)) in self.rows.iter().zip(&before.rows).enumerate() {
            let differs = |(new, old): (&FrameCell, &FrameCell)| new != old;
            let Some(mut first) = row.iter().zip(old).position(differs) else {
                continue;
            };
            let same = row.iter().zip(old).rev().take_while(|it| !differs(*it));
            let mut end = row.len() - same.count();
            // Wide characters are drawn as a whole.
            while first > 0 && row[first].width == 0 {
                first -= 1;
            }
            while row.get(end).is_some_and(|cell| cell.width == 0) {
                end += 1;
            }
            let text = &row[..length(row).clamp(first, end)];
            let _ = write!(changes, "\x1b[{};{}H", at + 1, first + 1);
            draw(&text[first..], &mut changes);
            if text.len() < end {
                changes.push_str("\x1b[K");
            }
        }
        changes + &self.cursor_sequence()
    }

    fn cursor_sequence(&self) -> String {
        let ScreenCursor {
            row,
            column,
            visible,
        } = self.cursor;
        let mode = if visible { 'h' } else { 'l' };
        format!("\x1b[{};{}H\x1b[?25{mode}", row + 1, column + 1)
    }

    fn rows(&self) -> String {
        let mut drawing = String::from("\x1b[0m\x1b[2J");
        for row in 0..self.size.rows {
            let drawn = self.drawn_row(row, self.size.columns);
            if !drawn.is_empty() {
                let _ = write!(drawing, "\x1b[{};1H{drawn}", row + 1);
            }
        }
        drawing
    }

    /// Returns the first columns of a row with the control sequences of its styles, in a terminal's
    /// default style before and after it. Empty for a row that is not there.
    pub fn drawn_row(&self, row: u16, columns: u16) -> String {
        let cells = self
            .rows
            .get(usize::from(row))
            .map_or(&[][..], Vec::as_slice);
        let mut end = length(cells).min(columns.into());
        // A wide character that does not fit is left out.
        if cells.get(end).is_some_and(|cell| cell.width == 0) {
            end = end.saturating_sub(1);
        }
        let mut drawn = String::new();
        draw(&cells[..end], &mut drawn);
        drawn
    }

    /// Returns the first rows with text on a ground that is rare on the screen, with that text.
    fn lit(&self) -> Vec<(usize, String)> {
        let mut rows_of: HashMap<Ground, usize> = HashMap::new();
        for row in &self.rows {
            let grounds: HashSet<Ground> = row.iter().map(FrameCell::ground).collect();
            for ground in grounds {
                *rows_of.entry(ground).or_default() += 1;
            }
        }
        let plain = Ground::default();
        rows_of.retain(|ground, rows| *ground != plain && *rows <= LIT_ROWS);
        let lit = self.rows.iter().enumerate().filter_map(|(at, row)| {
            let cells = shown(row).iter().filter(|cell| cell.width > 0);
            // What is not lit ends a part.
            let text: String = cells
                .map(|cell| match rows_of.contains_key(&cell.ground()) {
                    true => cell.character,
                    false => '\0',
                })
                .collect();
            let parts = text.split('\0').map(str::trim).filter(|it| !it.is_empty());
            let text = parts.collect::<Vec<_>>().join("  ");
            (!text.is_empty()).then_some((at, text))
        });
        lit.take(LIT_LIMIT).collect()
    }
}

/// Returns the cells of a row without the blank ones at its end.
fn shown(row: &[FrameCell]) -> &[FrameCell] {
    let blank = row.iter().rev().take_while(|cell| cell.is_blank());
    &row[..row.len() - blank.count()]
}

/// Returns the number of cells of a row without the blank ones of the default style at its end.
fn length(row: &[FrameCell]) -> usize {
    let is_empty = |cell: &&FrameCell| cell.is_blank() && cell.style == CellStyle::default();
    row.len() - row.iter().rev().take_while(is_empty).count()
}

/// Adds these cells with the control sequences of their styles, in a terminal's default style before
/// and after them.
fn draw(cells: &[FrameCell], drawing: &mut String) {
    let mut style = CellStyle::default();
    for cell in cells.iter().filter(|cell| cell.width > 0) {
        if cell.style != style {
            style = cell.style;
            drawing.push_str(&style.sequence());
        }
        drawing.push(cell.character);
    }
    if style != CellStyle::default() {
        drawing.push_str("\x1b[0m");
    }
}

fn text(cells: &[FrameCell]) -> String {
    let cells = cells.iter().filter(|cell| cell.width > 0);
    cells.map(|cell| cell.character).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn screen(output: &str) -> Screen {
        let size = ScreenSize {
            rows: 4,
            columns: 12,
        };
        let mut screen = Screen::new(size, Instant::now());
        screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
        screen
    }

    #[test]
    fn a_drawn_frame_is_the_same_frame() {
        let outputs = [
            "",
            "plain\r\n\x1b[1;31;44mred\x1b[0m \x1b[7minverse",
            "\x1b[2;4H界面\x1b[38;5;200mx\x1b[48;2;1;2;3my\x1b[?25l",
            "\x1b(0lqqk\x1b(B\x1b[4;12Hz",
            "123456789012\x1b[3;2H\x1b[41m\x1b[K",
        ];
        let mess = "\x1b[2;3r\x1b[?6h\x1b(0\x1b[45mqqqqqqqqqqqqqqqqqqqqqq\x1b[4h\x1b[?25l";
        for output in outputs {
            let frame = screen(output).frame();
            let again = screen(&format!("{mess}{}", frame.drawing())).frame();
            assert_eq!(again, frame, "{output:?}");
        }
    }

    #[test]
    fn changes_lead_from_any_frame_to_any_other() {
        let outputs = [
            "",
            "plain\r\n\x1b[1;31;44mred\x1b[0m \x1b[7minverse",
            "plane\r\n\x1b[1;31;44mread\x1b[0m",
            "\x1b[2;4H界面\x1b[38;5;200mx\x1b[48;2;1;2;3my\x1b[?25l",
            "\x1b[2;3H界面x\x1b[1;11H界\x1b[4;1H界",
            "123456789012\x1b[3;2H\x1b[41m\x1b[K",
            "\x1b[4;12Hz\x1b[3;1H\x1b[42m\x1b[K\x1b[1;1H",
        ];
        for before in outputs.map(|output| screen(output).frame()) {
            for after in outputs.map(|output| screen(output).frame()) {
                let changes = after.changes(&before);
                assert_eq!(changes.is_empty(), before == after);
                let shown = screen(&(before.drawing() + &changes)).frame();
                assert_eq!(shown, after, "{before:?} {changes:?}");
            }
        }
        let word = screen("ab\r\nword").frame();
        let changes = word.changes(&screen("ab\r\nwo").frame());
        assert_eq!(changes, "\x1b[2;3Hrd\x1b[2;5H\x1b[?25h");
    }

    #[test]
    fn hidden_text_leaves_the_rest_in_place() {
        let mut frame = screen("pin hunter2 |\x1b[3;1H界hunter").frame();
        let text = frame.text();
        assert_eq!(text, "pin hunter2\n|\n界hunter\n");
        let wide = text.rfind('界').expect("it is there");
        frame.hide(&[4..11, wide..wide + 5]);
        assert_eq!(frame.text(), "pin ***\n|\n*** nter\n");
    }

    #[test]
    fn rows_are_cut_at_a_column() {
        let frame = screen("a界b\x1b[1mc").frame();
        assert_eq!(frame.drawn_row(0, 2), "a");
        assert_eq!(frame.drawn_row(0, 3), "a界");
        assert_eq!(frame.drawn_row(0, 9), "a界b\x1b[0;1mc\x1b[0m");
        assert_eq!(frame.drawn_row(9, 9), "");
    }
}
