//! The terminal that the menu shares with the story of the run behind it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Writes pieces of text from several threads, each whole, none on the line of a prompt.
#[derive(Clone)]
pub(super) struct Console(Arc<Mutex<Inner>>);

struct Inner {
    writer: Box<dyn Write + Send>,
    /// Whether the cursor stands behind a prompt.
    prompting: bool,
}

impl Console {
    pub(super) fn new(writer: impl Write + Send + 'static) -> Self {
        Console(Arc::new(Mutex::new(Inner {
            writer: Box::new(writer),
            prompting: false,
        })))
    }

    /// Shows text that ends with a line end, on lines of its own.
    pub(super) fn say(&self, text: &str) {
        // A reader who has left does not see the menu either; its input then ends it.
        let _ = self.lock().write(text.as_bytes());
    }

    /// Shows a prompt and leaves the cursor behind it.
    pub(super) fn prompt(&self, text: &str) {
        let mut inner = self.lock();
        // As above.
        let _ = inner.write(text.as_bytes());
        inner.prompting = true;
    }

    /// The line of the prompt is over: by Enter at a terminal, or, if nobody sees what comes from
    /// a pipe, by a line end of our own.
    pub(super) fn line_was_typed(&self, unseen: bool) {
        let mut inner = self.lock();
        if !unseen {
            inner.prompting = false;
        }
    }

    /// Another way to write to it.
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

    /// A writer that others can look into.
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
    fn a_story_does_not_begin_on_the_line_of_a_prompt() {
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
