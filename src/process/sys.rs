//! System calls without a safe wrapper: `wait4(2)`, signal actions, terminals' `ioctl`s, and tokio's registration of
//! descriptors.
//!
//! Together with `spawn/vfork` this is the only unsafe code of the library. Its interface is safe:
//! every pointer passed to the C library outlives the call, and every result is checked.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::model::{ExitCause, Usage};

/// The result of an attempt to reap a child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaped {
    /// The child is alive.
    NotYet,
    /// The child has ended, and its pid may be reused from now on.
    Now { exit: ExitCause, usage: Usage },
}

/// Reaps the child `pid` if it has ended; never waits.
///
/// # Errors
/// `ECHILD` if `pid` is not a child of this process, or reaped already.
pub(super) fn reap(pid: i32) -> io::Result<Reaped> {
    debug_assert!(pid > 0, "never any child, never a group");
    let mut status: c_int = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to locals that outlive the call.
    let result = unsafe { libc::wait4(pid, &mut status, libc::WNOHANG, usage.as_mut_ptr()) };
    match result {
        0 => Ok(Reaped::NotYet),
        -1 => Err(io::Error::last_os_error()),
        _ => {
            // SAFETY: it began as zeroes, which are a valid `rusage`, and the kernel filled it.
            let usage = unsafe { usage.assume_init() };
            Ok(Reaped::Now {
                exit: exit_cause(status),
                usage: Usage {
                    cpu_user_us: micros(usage.ru_utime),
                    cpu_system_us: micros(usage.ru_stime),
                    peak_rss_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
                },
            })
        }
    }
}

/// Makes each read from a terminal's master begin with a byte that reports changes of the terminal:
/// packet mode, see `ioctl_tty(2)`.
pub(super) fn set_packet_mode(master: &OwnedFd) -> io::Result<()> {
    let on: c_int = 1;
    // SAFETY: the pointer is to a local that outlives the call.
    match unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCPKT, &raw const on) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Returns the size of the input that a terminal holds and its program has not read. While the
/// terminal collects lines, only complete ones count.
pub(super) fn unread_input(master: &OwnedFd) -> io::Result<usize> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the call takes no pointer.
    let fd = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and belongs to this function.
    let program_end = unsafe { OwnedFd::from_raw_fd(fd) };
    // The kernel moves typed input to its reader a moment later, but at once for a poll.
    let mut polled = [rustix::event::PollFd::new(
        &program_end,
        rustix::event::PollFlags::IN,
    )];
    rustix::event::poll(&mut polled, Some(&rustix::time::Timespec::default()))?;
    let unread = rustix::io::ioctl_fionread(&program_end)?;
    Ok(usize::try_from(unread).unwrap_or(usize::MAX))
}

/// A descriptor registered with this thread's reactor. It is accessible by shared reference only,
/// so it stays open and unchanged while it is registered.
pub struct RegisteredFd<T: AsRawFd>(AsyncFd<T>);

impl RegisteredFd<OwnedFd> {
    /// Registers a descriptor with the current reactor.
    ///
    /// # Errors
    /// If the system refuses, as for a file on a disk.
    pub fn owned(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` is open and stays the same until it is dropped, and from here
        // on it is accessible by shared borrows only.
        let result = unsafe { AsyncFd::register_with_interest(fd, interest) };
        result
            .map(RegisteredFd)
            .map_err(|error| error.into_parts().1)
    }
}

impl RegisteredFd<Arc<OwnedFd>> {
    /// Registers a descriptor that others use as well.
    pub(super) fn shared(fd: Arc<OwnedFd>, interest: Interest) -> io::Result<Self> {
        // SAFETY: as above: what is inside a shared `Arc` cannot be replaced or closed.
        let result = unsafe { AsyncFd::register_with_interest(fd, interest) };
        result
            .map(RegisteredFd)
            .map_err(|error| error.into_parts().1)
    }
}

/// A watched descriptor with several users on its thread.
pub(super) type SharedFd = Rc<RegisteredFd<OwnedFd>>;

impl<T: AsRawFd> Deref for RegisteredFd<T> {
    type Target = AsyncFd<T>;

    fn deref(&self) -> &AsyncFd<T> {
        &self.0
    }
}

/// Sets the close-on-exec flag of every descriptor above the standard three.
pub(super) fn close_all_on_exec() -> io::Result<()> {
    // SAFETY: `close_range` with this flag only sets a flag on descriptors; it closes none and
    // takes no pointer.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3 as libc::c_uint,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Resets SIGCHLD to its default action if this process was started with SIGCHLD ignored, because
/// the kernel would then discard the exit status of children.
pub(super) fn keep_children_waitable() {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only reads the current action into a local that outlives the call.
    let result = unsafe { libc::sigaction(libc::SIGCHLD, ptr::null(), old.as_mut_ptr()) };
    // SAFETY: it began as zeroes, which are a valid `sigaction`.
    let ignored = result == 0 && unsafe { old.assume_init() }.sa_sigaction == libc::SIG_IGN;
    if ignored {
        // SAFETY: sets the default action, which runs no code of ours.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    }
}

/// Ignores SIGXFSZ, so that a write beyond the limit of file sizes is an error, as on a full disk,
/// and does not end this process. Programs that are started get the default action.
///
/// A [`Spawner`](crate::process::Spawner) does so, too; a program that writes before it has one
/// calls this first.
pub fn ignore_file_size_signal() {
    // SAFETY: ignores a signal, which runs no code of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Returns the clock ticks per second, the unit of the CPU times in `/proc/PID/stat`.
pub(super) fn ticks_per_second() -> u64 {
    configured(libc::_SC_CLK_TCK).unwrap_or(100)
}

/// Returns the bytes per page, the unit of memory in `/proc/PID/stat`.
pub(super) fn page_size() -> u64 {
    configured(libc::_SC_PAGESIZE).unwrap_or(4096)
}

fn configured(name: c_int) -> Option<u64> {
    // SAFETY: takes and returns numbers.
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).ok().filter(|&value| value > 0)
}

fn micros(time: libc::timeval) -> u64 {
    let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    let part = Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0));
    u64::try_from((whole + part).as_micros()).unwrap_or(u64::MAX)
}

fn exit_cause(status: c_int) -> ExitCause {
    if libc::WIFSIGNALED(status) {
        ExitCause::Signal(libc::WTERMSIG(status))
    } else {
        ExitCause::Code(libc::WEXITSTATUS(status))
    }
}
