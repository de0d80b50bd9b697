//! Text of terminal output, piece by piece.

use super::input_line::RowEnd;

/// Receiver of decoded text.
///
/// A [`Decoder`](super::decoder::Decoder) calls it in the order of the output.
pub(crate) trait TextSink {
    /// Receives printable text and tabs, without line ends. Never empty.
    fn text(&mut self, run: &str);
    /// Receives a line end.
    fn line_end(&mut self);
    /// Receives the implied end of a line: the cursor was moved, and text is printed over the line or
    /// elsewhere, as `left` says, from this column on.
    fn line_break(&mut self, left: RowEnd, column: usize);
    /// Removes the last character of the unfinished line, if there is one.
    fn backspace(&mut self);
    /// Returns the width of the unfinished line in columns.
    fn width(&self) -> usize;

    /// Receives text, tabs and line ends, each `\n` or `\r\n`. Never empty. Equivalent to one call
    /// for each of them; a sink that can add many lines at once overrides it.
    fn lines(&mut self, mut run: &str) {
        while !run.is_empty() {
            run = self.first_line(run);
        }
    }

    /// Receives the first of such lines, or the beginning of one, and returns the rest.
    fn first_line<'a>(&mut self, run: &'a str) -> &'a str {
        let (line, rest) = match run.split_once('\n') {
            Some((line, rest)) => (line.strip_suffix('\r').unwrap_or(line), Some(rest)),
            None => (run, None),
        };
        if !line.is_empty() {
            self.text(line);
        }
        match rest {
            Some(rest) => {
                self.line_end();
                rest
            }
            None => "",
        }
    }
}
