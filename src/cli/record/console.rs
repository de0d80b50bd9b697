//! The terminal of the person who works: raw input and output, and its restoration.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, ttyname};
use tokio::io::Interest;

use crate::process::RegisteredFd;
use crate::terminal::ScreenSize;

/// The size of a terminal that has none.
const SIZE: ScreenSize = ScreenSize {
    rows: 24,
    columns: 80,
};

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Modes that a program may have left behind: the other screen, a hidden cursor, reports of the mouse
/// and of the focus, keys of applications, and a style. Unlike 1049, 1047 leaves the cursor in place.
const RESET: &[u8] =
    b"\x1b[?1047l\x1b[?1000;1002;1003;1004;1006;2004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m";

/// The person's terminal in raw mode. It is restored when this is dropped.
pub(super) struct Console {
    /// Opened anew, so that waiting for it changes nothing for the shell, which shares standard input.
    terminal: RegisteredFd<OwnedFd>,
    before: Termios,
}

impl Console {
    /// Takes over the terminal on standard input.
    ///
    /// # Errors
    /// If the system refuses; the terminal is as before then.
    pub(super) fn open() -> io::Result<Console> {
        let path = ttyname(io::stdin(), Vec::new())?;
        let path = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(flags.try_into().unwrap_or_default());
        let terminal = RegisteredFd::owned(options.open(path)?.into(), BOTH)?;
        let before = tcgetattr(terminal.get_ref())?;
        // From here on a drop restores it.
        let console = Console { terminal, before };
        console.enter_raw_mode()?;
        Ok(console)
    }

    /// Switches raw mode on, again after the shell has had the terminal.
    pub(super) fn enter_raw_mode(&self) -> io::Result<()> {
        let mut raw = self.before.clone();
        raw.make_raw();
        tcsetattr(self.terminal.get_ref(), OptionalActions::Now, &raw)?;
        Ok(())
    }

    /// Returns the present size.
    pub(super) fn size(&self) -> ScreenSize {
        size_of(self.terminal.get_ref()).unwrap_or(SIZE)
    }

    /// Waits for input. Empty if the terminal was closed.
    pub(super) async fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = [0; 4096];
        loop {
            let mut ready = self.terminal.readable().await?;
            match ready.try_io(|it| Ok(rustix::io::read(it.get_ref(), &mut bytes)?)) {
                Ok(Ok(length)) => return Ok(bytes[..length].to_vec()),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(_)) => return Ok(Vec::new()),
                Err(_would_block) => {}
            }
        }
    }

    /// Writes all bytes, as fast as the terminal takes them.
    pub(super) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.terminal.writable().await?;
            match ready.try_io(|it| Ok(rustix::io::write(it.get_ref(), bytes)?)) {
                Ok(Ok(length)) => bytes = &bytes[length..],
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
        Ok(())
    }

    /// Brings the terminal back to its modes, after a program that was ended and could not.
    pub(super) fn reset(&self) {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = rustix::io::write(self.terminal.get_ref(), RESET);
    }
}

/// Returns the size of the terminal on standard input.
///
/// # Errors
/// If it is none.
pub(super) fn size() -> io::Result<ScreenSize> {
    size_of(io::stdin())
}

fn size_of(terminal: impl AsFd) -> io::Result<ScreenSize> {
    let size = tcgetwinsize(terminal)?;
    Ok(match size.ws_row > 0 && size.ws_col > 0 {
        true => ScreenSize {
            rows: size.ws_row,
            columns: size.ws_col,
        },
        false => SIZE,
    })
}

impl Drop for Console {
    fn drop(&mut self) {
        // As above.
        let _ = tcsetattr(self.terminal.get_ref(), OptionalActions::Now, &self.before);
    }
}
