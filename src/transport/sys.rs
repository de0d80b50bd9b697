//! The calls for which there is no safe wrapper: `posix_spawn(3)`, `wait4(2)`, and tokio's
//! registration of descriptors.
//!
//! This is the only unsafe code of the library. What it offers is safe: every pointer handed to
//! the C library outlives the call, and every result is checked.

use std::ffi::{CStr, CString, c_char, c_int, c_short};
use std::io;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::model::{ExitCause, Usage};

/// What a new process does between its birth and its program.
pub(super) enum FileAction<'a> {
    /// Opens `path` for reading and writing as descriptor `target`.
    OpenBoth { path: &'a CStr, target: RawFd },
    /// Makes `target` a copy of `source`, without the close-on-exec flag.
    Duplicate { source: RawFd, target: RawFd },
    /// Makes `path` the working directory.
    ChangeDirectory { path: &'a CStr },
}

/// The signals that a new process begins with as blocked.
pub(super) enum Blocked {
    Nothing,
    /// What people and session managers send to stop a program: HUP, INT, QUIT, TERM.
    RequestsToStop,
}

/// Everything `posix_spawn` is told.
pub(super) struct SpawnPlan<'a> {
    pub(super) program: &'a CStr,
    pub(super) argv: &'a [CString],
    pub(super) environment: &'a [&'a CStr],
    pub(super) actions: &'a [FileAction<'a>],
    pub(super) blocked: Blocked,
}

/// Starts a program in a session of its own, all signals at their defaults.
///
/// The parent's page tables are not copied: the C library uses `CLONE_VM | CLONE_VFORK`. An error
/// of any step, `execve` included, comes back here.
pub(super) fn spawn(plan: &SpawnPlan<'_>) -> io::Result<i32> {
    let actions = Actions::new(plan.actions)?;
    let attributes = Attributes::new(&plan.blocked)?;
    let argv = pointers(plan.argv.iter().map(CString::as_c_str));
    let environment = pointers(plan.environment.iter().copied());
    let mut pid: libc::pid_t = 0;
    // SAFETY: `program`, both arrays (ended by null) and what they point to, the actions and the
    // attributes are borrowed for longer than this call, and the callee only reads them; the
    // declared `*mut` of the arrays' elements is C's missing const.
    let code = unsafe {
        libc::posix_spawn(
            &mut pid,
            plan.program.as_ptr(),
            &actions.0,
            &attributes.0,
            argv.as_ptr(),
            environment.as_ptr(),
        )
    };
    check(code)?;
    Ok(pid)
}

/// How a child is asked after.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaped {
    /// It lives.
    NotYet,
    /// It has ended, and its process number is free from now on.
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

/// A descriptor that this thread's reactor watches. Gives it out only for reading, so it stays
/// open and the same for as long as it is watched.
pub(super) struct Watched<T: AsRawFd>(AsyncFd<T>);

impl Watched<OwnedFd> {
    /// Has the current reactor watch a descriptor.
    pub(super) fn owned(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` is open and stays the same until it is dropped, and it is out of
        // reach for anything but shared borrows from here on.
        let result = unsafe { AsyncFd::register_with_interest(fd, interest) };
        result.map(Watched).map_err(|error| error.into_parts().1)
    }
}

impl Watched<Arc<OwnedFd>> {
    /// Has the current reactor watch a descriptor that others use, too.
    pub(super) fn shared(fd: Arc<OwnedFd>, interest: Interest) -> io::Result<Self> {
        // SAFETY: as above: what is inside a shared `Arc` cannot be replaced or closed.
        let result = unsafe { AsyncFd::register_with_interest(fd, interest) };
        result.map(Watched).map_err(|error| error.into_parts().1)
    }
}

impl<T: AsRawFd> Deref for Watched<T> {
    type Target = AsyncFd<T>;

    fn deref(&self) -> &AsyncFd<T> {
        &self.0
    }
}

/// Marks every descriptor above the standard three as one that programs do not inherit.
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

/// Makes children wait to be reaped, should this process have been started with SIGCHLD ignored:
/// then the kernel would throw their exit status away.
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

/// Makes a write beyond the limit of file sizes an error, as on a full disk, and not the end of
/// this process. New programs have the default again.
pub(super) fn survive_file_size_limit() {
    // SAFETY: ignores a signal, which runs no code of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Clock ticks a second, the unit of the CPU times in `/proc/PID/stat`.
pub(super) fn ticks_per_second() -> u64 {
    configured(libc::_SC_CLK_TCK).unwrap_or(100)
}

/// Bytes of a page, the unit of memory in `/proc/PID/stat`.
pub(super) fn page_size() -> u64 {
    configured(libc::_SC_PAGESIZE).unwrap_or(4096)
}

fn configured(name: c_int) -> Option<u64> {
    // SAFETY: takes a number, gives a number.
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

fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*mut c_char> {
    strings
        .map(|string| string.as_ptr().cast_mut())
        .chain([ptr::null_mut()])
        .collect()
}

fn check(code: c_int) -> io::Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code))
    }
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new(actions: &[FileAction<'_>]) -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: the pointer is to memory of the right type; `init` fills it.
        check(unsafe { libc::posix_spawn_file_actions_init(raw.as_mut_ptr()) })?;
        // SAFETY: `init` succeeded.
        let mut this = Actions(unsafe { raw.assume_init() });
        for action in actions {
            // SAFETY: `this.0` is initialised, and the C library copies the paths.
            check(unsafe {
                match *action {
                    FileAction::OpenBoth { path, target } => {
                        libc::posix_spawn_file_actions_addopen(
                            &mut this.0,
                            target,
                            path.as_ptr(),
                            libc::O_RDWR,
                            0,
                        )
                    }
                    FileAction::Duplicate { source, target } => {
                        libc::posix_spawn_file_actions_adddup2(&mut this.0, source, target)
                    }
                    FileAction::ChangeDirectory { path } => {
                        libc::posix_spawn_file_actions_addchdir_np(&mut this.0, path.as_ptr())
                    }
                }
            })?;
        }
        Ok(this)
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed only here.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new(blocked: &Blocked) -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: the pointer is to memory of the right type; `init` fills it.
        check(unsafe { libc::posix_spawnattr_init(raw.as_mut_ptr()) })?;
        // SAFETY: `init` succeeded.
        let mut this = Attributes(unsafe { raw.assume_init() });
        let flags = libc::POSIX_SPAWN_SETSID
            | libc::POSIX_SPAWN_SETSIGMASK as c_short
            | libc::POSIX_SPAWN_SETSIGDEF as c_short;
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        let mut defaults = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the sets are initialised by `sigemptyset` and `sigfillset`, which cannot fail on
        // a valid pointer, before anything reads them; the C library copies them.
        unsafe {
            libc::sigemptyset(mask.as_mut_ptr());
            if let Blocked::RequestsToStop = blocked {
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
                    libc::sigaddset(mask.as_mut_ptr(), signal);
                }
            }
            libc::sigfillset(defaults.as_mut_ptr());
            check(libc::posix_spawnattr_setflags(&mut this.0, flags))?;
            check(libc::posix_spawnattr_setsigmask(&mut this.0, mask.as_ptr()))?;
            check(libc::posix_spawnattr_setsigdefault(
                &mut this.0,
                defaults.as_ptr(),
            ))?;
        }
        Ok(this)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed only here.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}
