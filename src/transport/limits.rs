//! What the machine and its settings have room for.

use std::io;
use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// The limit of descriptors that this process was started with, if it was raised.
static FORMER: OnceLock<Rlimit> = OnceLock::new();

/// Raises this process' limit of descriptors as far as it may be raised.
pub(super) fn raise_descriptor_limit() -> io::Result<()> {
    let former = getrlimit(Resource::Nofile);
    if former.current == former.maximum {
        return Ok(());
    }
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: former.maximum,
            maximum: former.maximum,
        },
    )?;
    // Somebody else of this process may have been quicker.
    let _ = FORMER.set(former);
    Ok(())
}

/// Gives a new program the limit of descriptors that we were started with: there are programs
/// that close every number up to the limit, or that cannot use numbers above 1023.
pub(super) fn give_former_descriptor_limit(pid: i32) {
    if let Some(&former) = FORMER.get() {
        // It may have ended already.
        let _ = prlimit(Pid::from_raw(pid), Resource::Nofile, former);
    }
}

/// What there is no room for, and what to do about it, if an error says that there is none.
pub(super) fn remedy(error: &io::Error) -> Option<(&'static str, &'static str)> {
    Some(match error.raw_os_error()? {
        libc::EAGAIN => (
            "start another process",
            "run fewer flows in parallel, or raise the limit of processes (`ulimit -u`)",
        ),
        libc::EMFILE => (
            "open another descriptor",
            "run fewer flows in parallel, or raise the limit of descriptors (`ulimit -n`)",
        ),
        libc::ENFILE => (
            "open another file on this machine",
            "run fewer flows in parallel, or raise the sysctl `fs.file-max`",
        ),
        libc::ENOMEM => (
            "find memory for another process",
            "run fewer flows in parallel",
        ),
        libc::ENOSPC => (
            "open another terminal on this machine",
            "run fewer flows in parallel, raise the sysctl `kernel.pty.max`, or use pipes",
        ),
        _ => return None,
    })
}
