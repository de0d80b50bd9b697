//! Pseudo terminals: opening, echo mode, end-of-input character.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pty::OpenptFlags;
use rustix::termios::{self, InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Winsize};

use crate::process::sys;

/// Status byte in packet mode: the program discarded its pending input.
const FLUSH_READ: u8 = 0x01;
/// Status bytes in packet mode: the program switched flow control by Ctrl-S off, or on again, as
/// programs do that read single keys.
const FLOW_CONTROL: u8 = 0x10 | 0x20;

/// Changes of a terminal by its program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TerminalChanges(u8);

impl TerminalChanges {
    /// Returns the changes that a status byte of packet mode reports.
    pub(in crate::process) fn of_status(status: u8) -> Self {
        TerminalChanges(status)
    }

    /// Adds other changes.
    pub(in crate::process) fn and(self, other: Self) -> Self {
        TerminalChanges(self.0 | other.0)
    }

    /// Returns whether the program discarded typed input that it had not read.
    pub fn discarded_input(self) -> bool {
        self.0 & FLUSH_READ != 0
    }

    /// Returns whether the program began or ended to read single keys, as far as the terminal reports
    /// it.
    pub fn switched_keys(self) -> bool {
        self.0 & FLOW_CONTROL != 0
    }
}

/// The maximum length of an unfinished line that a terminal keeps; the kernel drops the rest.
pub const MAX_TERMINAL_LINE: usize = 4095;

/// Our end of a terminal, and the path of the program's end.
pub(in crate::process) struct Pty {
    pub(in crate::process) master: OwnedFd,
    /// The path of the program's end, such as `/dev/pts/7`.
    pub(in crate::process) path: CString,
}

/// Opens a terminal of the given size, in the modes a login session begins with: lines, echo,
/// and lines edited by characters of UTF-8.
pub(in crate::process) fn open(rows: u16, columns: u16) -> Result<Pty, Errno> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = crate::process::io::pipes::above_standard(rustix::pty::openpt(flags)?)?;
    rustix::pty::unlockpt(&master)?;
    // On Linux the modes and the size of a terminal can be set from either end.
    let mut modes = termios::tcgetattr(&master)?;
    modes.input_modes |= InputModes::IUTF8;
    termios::tcsetattr(&master, OptionalActions::Now, &modes)?;
    resize(&master, rows, columns)?;
    rustix::fs::fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
    sys::set_packet_mode(&master)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let path = rustix::pty::ptsname(&master, Vec::new())?;
    Ok(Pty { master, path })
}

/// Sets the size of a terminal. The kernel notifies its foreground programs of a change.
pub(in crate::process) fn resize(master: impl AsFd, rows: u16, columns: u16) -> Result<(), Errno> {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    termios::tcsetwinsize(master, size)
}

/// Treatment of typed characters by a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalMode {
    /// They are shown, and the program reads lines.
    On,
    /// They are shown, and the program reads them one by one.
    OnForKeys,
    /// They are hidden, as for a password.
    Off,
    /// They are passed on one by one; the program may show them itself, as line editors do.
    Raw,
    /// There is no terminal: pipes, or a program that has ended.
    NoTerminal,
}

/// Returns the echo mode of a terminal.
pub(in crate::process) fn echo(master: impl AsFd) -> TerminalMode {
    match termios::tcgetattr(master) {
        Err(_) => TerminalMode::NoTerminal,
        Ok(modes) => {
            let has = |mode| modes.local_modes.contains(mode);
            match (has(LocalModes::ECHO), has(LocalModes::ICANON)) {
                (true, true) => TerminalMode::On,
                (true, false) => TerminalMode::OnForKeys,
                (false, true) => TerminalMode::Off,
                (false, false) => TerminalMode::Raw,
            }
        }
    }
}

/// Returns the character that ends the input when typed at the start of a line: usually Ctrl-D.
pub(in crate::process) fn end_of_input(master: impl AsFd) -> u8 {
    const CTRL_D: u8 = 4;
    match termios::tcgetattr(master) {
        Ok(modes) => modes.special_codes[SpecialCodeIndex::VEOF],
        Err(_) => CTRL_D,
    }
}
