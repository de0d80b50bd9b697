//! The terminal that the menu shares with the output of the run in the background.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A writer for several threads: each text is written whole, and never on the line of a prompt.
#[derive(Clone)]
pub(super) struct Console(Arc<Mutex<Inner>>);

struct Inner {
    writer: Box<dyn Write + Send>,
    /// The cursor is behind a prompt.
    prompting: bool,
}

impl Console {
    pub(super) fn new(writer: impl Write + Send + 'static) -> Self {
        Console(Arc::new(Mutex::new(Inner {
            writer: Box::new(writer),
            prompting: false,
        })))
    }

    /// Prints text that ends with a line end, never on the line of a prompt.
    pub(super) fn say(&self, text: &str) {
        // A reader who has left does not see the menu either; the menu's input then ends it.
        let _ = self.lock().write(text.as_bytes());
    }

    /// Shows a prompt and leaves the cursor behind it.
    pub(super) fn prompt(&self, text: &str) {
        let mut inner = self.lock();
        // As above.
        let _ = inner.write(text.as_bytes());
        inner.prompting = true;
    }

    /// Ends the line of the prompt: Enter did so at a terminal; for a pipe a line end is
    /// written.
    pub(super) fn line_was_typed(&self, unseen: bool) {
        let mut inner = self.lock();
        if !unseen {
            inner.prompting = false;
        }
    }

    /// Returns another handle to the same terminal.
    pub(super) fn writer(&self) -> impl Write + Send + 'static {
        Shared(Arc::clone(&self.0))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.prompting) {
            self.writer.write_all(b"\n")?;
        }
        self.writer.write_all(text)?;
        self.writer.flush()
    }
}

struct Shared(Arc<Mutex<Inner>>);

impl Write for Shared {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer whose contents tests can read.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_does_not_begin_on_the_line_of_a_prompt() {
        let page = Page::default();
        let console = Console::new(page.clone());
        console.prompt("Select: ");
        writeln!(console.writer(), "Step 1").unwrap();
        console.say("again\n");
        console.prompt("Select: ");
        console.line_was_typed(false);
        console.say("typed\n");
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "Select: \nStep 1\nagain\nSelect: typed\n");
    }
}
