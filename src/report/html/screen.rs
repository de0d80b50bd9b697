//! Screens as a program drew them, in runs of equal style.

use avt::{Color, Pen, Terminal};
use serde::Serialize;

use crate::report::sanitize::sanitize;

/// The maximum size; a larger screen is drawn in its upper left part.
const MAX_ROWS: u16 = 100;
const MAX_COLUMNS: u16 = 250;

/// A screen that is drawn by output.
pub(super) struct Screen {
    terminal: Terminal,
}

/// The text of one row in one style.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Run {
    pub text: String,
    /// Classes: `fg-1`, `bg-4`, `bold`, `underline`, `inverse`. Empty for plain text.
    pub classes: String,
}

impl Screen {
    pub(super) fn new(rows: u16, columns: u16) -> Self {
        let (rows, columns) = within_limits(rows, columns);
        Screen {
            terminal: Terminal::new(columns, rows).expect("both are at least one"),
        }
    }

    /// Gives the screen another size.
    pub(super) fn resize(&mut self, rows: u16, columns: u16) {
        let (rows, columns) = within_limits(rows, columns);
        self.terminal.resize(columns, rows);
    }

    /// Applies output.
    pub(super) fn feed(&mut self, text: &str) {
        self.terminal.feed(text);
    }

    /// Returns the rows without blank ones at the end.
    pub(super) fn rows(&self) -> Vec<Vec<Run>> {
        let lines = self.terminal.screen().visible_lines();
        let mut rows: Vec<Vec<Run>> = lines.map(|line| runs(line.cells())).collect();
        while rows.last().is_some_and(Vec::is_empty) {
            rows.pop();
        }
        rows
    }
}

fn within_limits(rows: u16, columns: u16) -> (usize, usize) {
    let (rows, columns) = (rows.clamp(1, MAX_ROWS), columns.clamp(1, MAX_COLUMNS));
    (rows.into(), columns.into())
}

fn runs(cells: &[avt::Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    // The right halves of wide characters have no width.
    for cell in cells.iter().filter(|cell| cell.width() > 0) {
        let classes = classes(cell.pen());
        match runs.last_mut() {
            Some(run) if run.classes == classes => run.text.push(cell.char()),
            _ => runs.push(Run {
                text: cell.char().into(),
                classes,
            }),
        }
    }
    if let Some(last) = runs.last_mut().filter(|last| last.classes.is_empty()) {
        last.text.truncate(last.text.trim_end().len());
    }
    runs.retain(|run| !run.text.is_empty());
    for run in &mut runs {
        run.text = sanitize(&run.text).into_owned();
    }
    runs
}

fn classes(pen: &Pen) -> String {
    let colours = [
        pen.foreground().map(|it| format!("fg-{}", basic(it))),
        pen.background().map(|it| format!("bg-{}", basic(it))),
    ];
    let marks = [
        (pen.is_bold(), "bold"),
        (pen.is_faint(), "faint"),
        (pen.is_underline(), "underline"),
        (pen.is_inverse(), "inverse"),
    ];
    let marks = marks
        .iter()
        .filter(|(has, _)| *has)
        .map(|(_, name)| (*name).to_owned());
    colours
        .into_iter()
        .flatten()
        .chain(marks)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the nearest of the 16 basic colours.
fn basic(color: Color) -> u8 {
    let (r, g, b) = match color {
        Color::Indexed(index @ 0..16) => return index,
        Color::Indexed(index @ 16..232) => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        Color::Indexed(index) => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
        Color::RGB(avt::Rgb { r, g, b }) => (r, g, b),
    };
    let brightest = r.max(g).max(b);
    if brightest < 48 {
        return 0;
    }
    let has = |part: u8| u8::from(u16::from(part) * 2 > u16::from(brightest));
    let hue = has(r) | has(g) << 1 | has(b) << 2;
    match (hue, brightest) {
        (7, ..128) => 8,
        (7, ..208) => 7,
        (hue, 192..) => hue + 8,
        (hue, _) => hue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> Vec<Vec<(String, String)>> {
        let mut screen = Screen::new(3, 20);
        screen.feed(text);
        let rows = screen.rows().into_iter();
        rows.map(|row| row.into_iter().map(|run| (run.text, run.classes)).collect())
            .collect()
    }

    #[test]
    fn styles_and_places_are_kept() {
        let rows = drawn("\x1b[2;3Hmenu \x1b[7;31m> Quit\x1b[0m\x1b[1;1Hüber");
        assert_eq!(rows[0], [("über".into(), String::new())]);
        assert_eq!(rows[1][0], ("  menu ".into(), String::new()));
        assert_eq!(rows[1][1], ("> Quit".into(), "fg-1 inverse".into()));
    }

    #[test]
    fn hostile_output_is_text() {
        let rows = drawn("</pre><script>\u{202e}");
        let text: String = rows.concat().into_iter().map(|(text, _)| text).collect();
        assert!(
            !text.contains('\u{202e}') && text.contains("<script>"),
            "{text:?}"
        );
        drawn("\x1b[99999;99999H\x1b[65535b\x1b[8;60000;60000tx");
    }

    #[test]
    fn colours_are_those_of_terminals() {
        let colours = [
            Color::Indexed(196),
            Color::Indexed(240),
            Color::rgb(0, 0, 130),
            Color::rgb(255, 255, 255),
        ];
        assert_eq!(colours.map(basic), [9, 8, 4, 15]);
    }
}
