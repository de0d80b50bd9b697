//! View of a playback: the rows of the film's screen, and a status line below them. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use unicode_width::UnicodeWidthChar as _;

use crate::report::sanitize;
use crate::terminal::{ScreenFrame, ScreenSize};

use super::playback::PlaybackStatus;

/// The keys, for the status line.
const KEYS: &str = "space pause  . step  +- speed  ←→ 5s  tab role  a all  q quit";

/// The picture on a terminal of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    size: ScreenSize,
    /// The rows with the control sequences of their styles; the last one is the status line.
    rows: Vec<String>,
    /// Row and column of the cursor, if it is visible.
    cursor: Option<(u16, u16)>,
}

impl View {
    /// Lays out a frame and the status line for a terminal. If the frame has more rows than there is
    /// room for, those with the cursor are shown.
    pub(super) fn new(frame: &ScreenFrame, status: &PlaybackStatus<'_>, size: ScreenSize) -> Self {
        let room = size.rows.saturating_sub(1);
        let cursor = frame.cursor();
        let first = (cursor.row + 1).saturating_sub(room);
        let mut rows: Vec<String> = (0..room)
            .map(|row| frame.drawn_row(first + row, size.columns))
            .collect();
        let film = frame.size();
        let is_cut = film.rows > room || film.columns > size.columns;
        let cut = is_cut.then(|| {
            let (rows, columns) = (film.rows.saturating_add(1), film.columns);
            format!("cut: it needs {rows}x{columns}")
        });
        rows.push(status_line(status, cut, size.columns));
        let is_inside = cursor.column < size.columns && room > 0;
        View {
            size,
            rows,
            cursor: (cursor.visible && is_inside).then(|| (cursor.row - first, cursor.column)),
        }
    }

    /// Returns the output that changes a terminal from the view before, if there was any, to this
    /// one.
    pub(super) fn changes(&self, before: Option<&View>) -> String {
        let before = before.filter(|before| before.size == self.size);
        let mut output = String::from("\x1b[?25l");
        if before.is_none() {
            output.push_str("\x1b[0m\x1b[2J");
        }
        for (index, row) in self.rows.iter().enumerate() {
            if before.is_none_or(|before| before.rows[index] != *row) {
                let _ = write!(output, "\x1b[{};1H\x1b[0m\x1b[2K{row}", index + 1);
            }
        }
        if let Some((row, column)) = self.cursor {
            let _ = write!(output, "\x1b[{};{}H\x1b[?25h", row + 1, column + 1);
        }
        output
    }
}

/// Renders the status line, inverse and as wide as the terminal.
fn status_line(status: &PlaybackStatus<'_>, cut: Option<String>, columns: u16) -> String {
    let state = match (status.is_over, status.is_paused) {
        (true, _) => "end",
        (false, true) => "paused",
        (false, false) => "playing",
    };
    let film = match status.follows_all {
        true => format!("{} (all)", status.film),
        false => status.film.to_owned(),
    };
    let time = format!("{}/{}", seconds(status.at), seconds(status.end));
    let parts = [
        Some(film),
        status.step.map(str::to_owned),
        Some(time),
        Some(format!("{}x", status.speed)),
        Some(state.to_owned()),
        cut,
        Some(KEYS.to_owned()),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" │ ");
    let mut line = String::from("\x1b[7m");
    let mut left = usize::from(columns);
    for character in format!(" {}", sanitize(&text)).chars() {
        let width = character.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        line.push(character);
    }
    let _ = write!(line, "{:left$}\x1b[0m", "");
    line
}

fn seconds(time: Duration) -> String {
    format!("{:.2}s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::terminal::Screen;

    fn size(rows: u16, columns: u16) -> ScreenSize {
        ScreenSize { rows, columns }
    }

    fn screen(size: ScreenSize, output: &str) -> Screen {
        let mut screen = Screen::new(size, Instant::now());
        screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
        screen
    }

    fn status() -> PlaybackStatus<'static> {
        PlaybackStatus {
            film: "clerk",
            title: "test clerk flow 1",
            step: Some("1_open\x1b]52;c;x\x07"),
            at: Duration::from_millis(1500),
            end: Duration::from_secs(9),
            speed: 2.0,
            is_paused: true,
            is_over: false,
            follows_all: true,
        }
    }

    #[test]
    fn the_film_is_drawn_with_a_status_line_below() {
        let film = screen(size(3, 10), "\x1b[31mred\x1b[0m\r\nplain\x1b[3;4H");
        let view = View::new(&film.frame(), &status(), size(4, 60));
        let shown = screen(size(4, 60), &view.changes(None)).frame();
        let expected = "red\nplain\n\n clerk (all) │ 1_open␛]52;c;x␇ │ 1.50s/9.00s │ 2x │ paused │";
        assert_eq!(shown.text(), expected);
        assert_eq!((shown.cursor().row, shown.cursor().column), (2, 3));
        assert_eq!(view.changes(Some(&view)), "\x1b[?25l\x1b[3;4H\x1b[?25h");
    }

    #[test]
    fn a_small_terminal_shows_the_rows_with_the_cursor() {
        let film = screen(
            size(24, 80),
            "top\x1b[20;1Hprompt> \x1b[24;1Hbottom\x1b[20;9H",
        );
        let view = View::new(&film.frame(), &status(), size(5, 90));
        let shown = screen(size(5, 90), &view.changes(None)).frame().text();
        assert!(shown.starts_with("\n\n\nprompt>\n clerk (all) "), "{shown}");
        assert!(shown.contains("│ cut: it needs 25x80"), "{shown}");
        for (rows, columns) in [(1, 1), (1, 80), (2, 2), (40, 200)] {
            let view = View::new(&film.frame(), &status(), size(rows, columns));
            assert_eq!(view.rows.len(), usize::from(rows));
        }
    }

    #[test]
    fn hostile_output_never_reaches_the_terminal() {
        let hostile = "\x1b]52;c;aGk=\x07\x1b]0;title\x07\x1b[?1003h\x1b[6n\x1b[c\x1bP+q\x1b\\\x1b[?1049h\
                       \u{9b}5n\u{202e}rtl\u{2028}x\x1b[20t\x1bc\x05\x07";
        let film = screen(size(3, 40), hostile);
        let view = View::new(&film.frame(), &status(), size(4, 60));
        let output = view.changes(None);
        for forbidden in [
            "\x1b]", "\x07", "\x1bP", "?1003", "6n", "\u{202e}", "\u{2028}", "\x05",
        ] {
            assert!(!output.contains(forbidden), "{forbidden:?} in {output:?}");
        }
    }
}
