//! Terminal of the person who watches: single keys, a screen to draw upon, and its restoration.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::cli::signals;
use crate::terminal::ScreenSize;

use super::view::View;

/// Selects the other screen, which has no history, and prevents long lines from wrapping.
const ENTER: &str = "\x1b[?1049h\x1b[?7l";
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// The event that ended a wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Input of the person.
    Typed(Vec<u8>),
    /// The time is over.
    TimeOver,
    /// The terminal was closed, or a signal arrived.
    Ended,
}

/// The terminal on standard input and output. It is restored when this is dropped.
pub(super) struct Console {
    before: Termios,
    /// It has a byte to read once a signal has arrived.
    signals: OwnedFd,
    shown: Option<View>,
}

impl Console {
    /// Takes over the terminal.
    ///
    /// # Errors
    /// If the system refuses; the terminal is as before then.
    pub(super) fn open() -> io::Result<Console> {
        let (signals, arrived) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        signals::watch(move |_| {
            // Without a reader the program is about to end anyway.
            let _ = rustix::io::write(&arrived, b"!");
        })?;
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        // From here on a drop restores it.
        let console = Console {
            before,
            signals,
            shown: None,
        };
        write(ENTER)?;
        Ok(console)
    }

    /// Returns the present size.
    pub(super) fn size(&self) -> ScreenSize {
        let size = tcgetwinsize(io::stdout());
        let size = size.ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
        size.map_or(
            ScreenSize {
                rows: 24,
                columns: 80,
            },
            |size| ScreenSize {
                rows: size.ws_row,
                columns: size.ws_col,
            },
        )
    }

    /// Shows a view.
    pub(super) fn show(&mut self, view: View) -> io::Result<()> {
        if self.shown.as_ref() != Some(&view) {
            write(&view.changes(self.shown.as_ref()))?;
            self.shown = Some(view);
        }
        Ok(())
    }

    /// Waits for input, a signal, or the end of the time.
    pub(super) fn wait(&self, at_most: Duration) -> io::Result<Wake> {
        let time = Timespec::try_from(at_most).unwrap_or_default();
        let stdin = io::stdin();
        let mut polled = [
            PollFd::new(&stdin, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
        ];
        match rustix::event::poll(&mut polled, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [input, signal] = polled.map(|it| it.revents());
        if !signal.is_empty() {
            return Ok(Wake::Ended);
        }
        if input.is_empty() {
            return Ok(Wake::TimeOver);
        }
        let mut bytes = [0; 256];
        match rustix::io::read(&stdin, &mut bytes) {
            Ok(0) | Err(Errno::IO) => Ok(Wake::Ended),
            Ok(length) => Ok(Wake::Typed(bytes[..length].to_vec())),
            Err(Errno::INTR | Errno::AGAIN) => Ok(Wake::TimeOver),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = write(LEAVE);
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

fn write(output: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(output.as_bytes())?;
    stdout.flush()
}
