//! Pipes to a program without a terminal.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

/// Our ends of a program's standard streams.
pub(in crate::process) struct OwnEnds {
    pub(in crate::process) stdin: OwnedFd,
    pub(in crate::process) stdout: OwnedFd,
    pub(in crate::process) stderr: OwnedFd,
}

/// The program's ends, to be closed in this process once it runs.
pub(in crate::process) struct ProgramEnds {
    pub(in crate::process) stdin: OwnedFd,
    pub(in crate::process) stdout: OwnedFd,
    pub(in crate::process) stderr: OwnedFd,
}

/// Opens three pipes; our ends do not block.
pub(in crate::process) fn open() -> Result<(OwnEnds, ProgramEnds), Errno> {
    let (in_read, in_write) = pipe()?;
    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    for fd in [&in_write, &out_read, &err_read] {
        // A new pipe has no other flags that could be changed.
        rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK)?;
    }
    Ok((
        OwnEnds {
            stdin: in_write,
            stdout: out_read,
            stderr: err_read,
        },
        ProgramEnds {
            stdin: in_read,
            stdout: out_write,
            stderr: err_write,
        },
    ))
}

/// Opens a pipe; returns the reading end first.
pub(in crate::process) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    Ok((above_standard(read)?, above_standard(write)?))
}

/// Moves a descriptor above 2. It is at most 2 if standard streams of this process are closed;
/// there it would be overwritten while a child's streams are set up, and output of this process
/// would go to a child.
pub(in crate::process) fn above_standard(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    rustix::io::fcntl_dupfd_cloexec(&fd, 3)
}
