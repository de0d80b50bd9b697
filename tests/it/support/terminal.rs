//! A pseudo-terminal for a program under test.

use std::fs::{File, OpenOptions};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Both ends of a pseudo-terminal.
pub struct Terminal {
    /// The end that shows what programs print, and types.
    pub ours: File,
    name: String,
}

impl Terminal {
    /// A terminal of 24 rows and this many columns.
    pub fn new(columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, size(columns)).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        Terminal {
            ours: ours.into(),
            name: name.into_string().unwrap(),
        }
    }

    /// Changes the number of columns.
    pub fn resize(&self, columns: u16) {
        tcsetwinsize(&self.ours, size(columns)).unwrap();
    }

    /// Opens the end for a program's standard streams.
    pub fn theirs(&self) -> File {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY);
        options.open(&self.name).unwrap()
    }
}

fn size(columns: u16) -> Winsize {
    Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
