//! Output of reporters, and its styles.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

/// Success.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Failure.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something that needs attention.
pub(super) const CARE: Style = AnsiColor::Yellow.on_default();
/// Headings.
pub(super) const STRONG: Style = Style::new().bold();
/// Something that matters less.
pub(super) const FAINT: Style = Style::new().dimmed();

/// Formats `text` in `style`, as ANSI text.
pub(super) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A destination of lines of ANSI text. Its writer decides whether styles reach the reader.
///
/// After the first error it ignores further text, and the run continues; [`Output::finish`] returns
/// the error.
pub struct Output {
    writer: io::Result<Box<dyn Write + Send>>,
}

impl Output {
    /// Creates an output that writes to `writer`, flushed after every piece.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Output {
            writer: Ok(Box::new(writer)),
        }
    }

    /// Writes a line; `line` has no line end.
    pub fn line(&mut self, line: &str) {
        self.text(&format!("{line}\n"));
    }

    /// Writes text as it is, in one piece.
    pub fn text(&mut self, text: &str) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = write_all(writer, text)
        {
            self.writer = Err(error);
        }
    }

    /// Returns the first error. A reader who closed the pipe is not an error.
    ///
    /// # Errors
    /// The first failure to write.
    pub fn finish(self) -> io::Result<()> {
        match self.writer {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

fn write_all(writer: &mut impl Write, text: &str) -> io::Result<()> {
    writer.write_all(text.as_bytes())?;
    writer.flush()
}
