//! A terminal on which a display of several lines is redrawn in place.

use std::fmt;
use std::io::{self, Stderr, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;
use unicode_width::UnicodeWidthStr as _;

use super::frame::Size;

/// The size of a terminal that does not know its own, and the minimum width.
const USUAL_SIZE: Size = Size {
    rows: 24,
    columns: 80,
};
const MIN_COLUMNS: usize = 20;

/// Returns the current size of the terminal on standard error.
pub(in crate::report) fn terminal_size() -> Size {
    let Ok(size) = rustix::termios::tcgetwinsize(io::stderr()) else {
        return USUAL_SIZE;
    };
    let known = |size: u16, usual: usize| match size {
        0 => usual,
        size => usize::from(size),
    };
    Size {
        rows: known(size.ws_row, USUAL_SIZE.rows),
        columns: known(size.ws_col, USUAL_SIZE.columns).max(MIN_COLUMNS),
    }
}

/// A terminal that ends each line where its text ends.
///
/// `indicatif` fills lines with blanks up to the edge instead, so that they are one long line, which
/// terminals wrap anew when they are resized: the rows of the display are then no longer known. A
/// line that ends is wrapped for itself, and only if the terminal becomes too narrow for it.
pub(in crate::report) struct LinesTerminal {
    state: Mutex<State<Stderr>>,
}

struct State<W> {
    writer: W,
    /// Output up to the next flush.
    pending: String,
    /// The next text begins a line of its own.
    line_ended: bool,
    /// The widths of the lines that were drawn last, and of the terminal then.
    widths: Vec<usize>,
    columns: usize,
}

impl LinesTerminal {
    /// Returns the terminal on standard error.
    pub(in crate::report) fn stderr() -> Self {
        LinesTerminal {
            state: Mutex::new(State::new(io::stderr())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<Stderr>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> State<W> {
    fn new(writer: W) -> Self {
        State {
            writer,
            pending: String::new(),
            line_ended: false,
            widths: Vec::new(),
            columns: 0,
        }
    }

    /// Moves up to the first of the lines drawn last, of which the cursor is on the last, `lines`
    /// below it. Clears them if the terminal, which has `columns`, has wrapped any.
    fn up(&mut self, lines: usize, columns: usize) {
        let first = self.widths.len().saturating_sub(lines + 1);
        let widths = self.widths.drain(..).skip(first);
        let wrapped: usize = match columns < self.columns {
            true => widths
                .map(|width| width.div_ceil(columns).saturating_sub(1))
                .sum(),
            false => 0,
        };
        self.columns = columns;
        if lines + wrapped > 0 {
            self.pending.push_str(&format!("\x1b[{}A", lines + wrapped));
        }
        if wrapped > 0 {
            self.pending.push_str("\r\x1b[J");
        }
    }

    /// Writes a line, or the blanks that fill one up.
    fn write(&mut self, text: &str) {
        if text.chars().all(|character| character == ' ') {
            self.line_ended = true;
            return;
        }
        if std::mem::take(&mut self.line_ended) {
            self.pending.push_str("\r\n");
        }
        self.pending.push_str(text);
        self.widths.push(text.width());
    }

    fn clear_line(&mut self) {
        self.line_ended = false;
        self.pending.push_str("\r\x1b[2K");
    }

    fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.writer.write_all(pending.as_bytes())?;
        self.writer.flush()
    }
}

impl Drop for LinesTerminal {
    fn drop(&mut self) {
        let mut state = self.state();
        if state.line_ended {
            state.pending.push_str("\r\n");
        }
        // Nobody is left who could be told.
        let _ = state.flush();
    }
}

impl fmt::Debug for LinesTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinesTerminal").finish_non_exhaustive()
    }
}

impl TermLike for LinesTerminal {
    fn width(&self) -> u16 {
        u16::try_from(terminal_size().columns).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(terminal_size().rows).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.state().up(lines, terminal_size().columns);
        Ok(())
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        if lines > 0 {
            self.state().pending.push_str(&format!("\x1b[{lines}B"));
        }
        Ok(())
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        if columns > 0 {
            self.state().pending.push_str(&format!("\x1b[{columns}C"));
        }
        Ok(())
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        if columns > 0 {
            self.state().pending.push_str(&format!("\x1b[{columns}D"));
        }
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        let mut state = self.state();
        state.write(text);
        state.line_ended = true;
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.state().write(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.state().clear_line();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.state().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(columns: usize) -> State<Vec<u8>> {
        State {
            columns,
            ..State::new(Vec::new())
        }
    }

    /// Draws these lines as `indicatif` does.
    fn draw(state: &mut State<Vec<u8>>, lines: &[&str]) {
        for line in lines {
            state.write(line);
            state.write("   ");
        }
    }

    #[test]
    fn lines_end_with_their_text() {
        let mut state = state(10);
        draw(&mut state, &["one", "1234567890", "three"]);
        assert_eq!(state.pending, "one\r\n1234567890\r\nthree");
        state.up(2, 10);
        state.clear_line();
        draw(&mut state, &["next"]);
        assert!(
            state.pending.ends_with("three\x1b[2A\r\x1b[2Knext"),
            "{}",
            state.pending
        );
        state.flush().unwrap();
        assert!(state.pending.is_empty() && !state.writer.is_empty());
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_wrapped_are_cleared() {
        let mut state = state(20);
        draw(
            &mut state,
            &[
                "a note above, not redrawn",
                "123456789012",
                "12345",
                "123456",
            ],
        );
        state.pending.clear();
        // The first of three takes three rows of five columns, and the last one takes two.
        state.up(2, 5);
        assert_eq!(state.pending, "\x1b[5A\r\x1b[J");
        state.pending.clear();
        draw(&mut state, &["12", "12", "12"]);
        state.pending.clear();
        state.up(2, 20);
        assert_eq!(state.pending, "\x1b[2A", "a wider one wraps nothing");
    }
}
