//! Starts a process: `clone(2)` in the manner of `vfork(2)`, then `execve(2)`.
//!
//! The C library's `posix_spawn(3)` does the same, but it maps and unmaps a stack for every child,
//! and each unmapping interrupts all cores that run a thread of this process; here each spawner
//! thread keeps one stack. In addition, the kernel returns the child's pidfd together with the
//! child, so that no child exists without one. `benches/spawn.rs` compares the cost of both: on 2
//! cores, a start took 37 µs of the calling thread against 46 µs while another thread was busy.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// The stack of a child before its program, which calls nothing deeper than a system call.
const STACK_BYTES: usize = 64 << 10;
/// The alignment of a stack's end that satisfies the ABIs of all processors.
const STACK_ALIGNMENT: usize = 16;

/// A step of a new process before it executes its program.
pub enum FileAction<'a> {
    /// Opens `path` for reading and writing as descriptor `target`.
    OpenBoth { path: &'a CStr, target: RawFd },
    /// Makes `target` a copy of `source`, without the close-on-exec flag.
    Duplicate { source: RawFd, target: RawFd },
    /// Makes `path` the working directory.
    ChangeDirectory { path: &'a CStr },
}

/// The signals that are blocked when a new program begins.
pub enum Blocked {
    Nothing,
    /// The signals by which users and session managers stop a program: HUP, INT, QUIT, TERM.
    RequestsToStop,
}

/// Description of a new process.
pub struct SpawnPlan<'a> {
    pub program: &'a CStr,
    pub argv: &'a [CString],
    pub environment: &'a [&'a CStr],
    pub actions: &'a [FileAction<'a>],
    pub blocked: Blocked,
    /// A soft limit of the time that a real-time program may run without a pause, in microseconds
    /// (`RLIMIT_RTTIME`), by which its descendants are known.
    pub mark: Option<u64>,
}

/// A process that has been started and not yet entered anywhere.
pub struct RawChild {
    pub pid: i32,
    /// Readable once it has ended.
    pub pidfd: OwnedFd,
}

/// Starts a program in a new session, with all signals at their defaults.
///
/// The parent's page tables are not copied; its thread waits until the program is loaded.
///
/// # Errors
/// The error of any step, `execve` included.
pub fn spawn(plan: &SpawnPlan<'_>) -> io::Result<RawChild> {
    let argv = pointers(plan.argv.iter().map(CString::as_c_str));
    let environment = pointers(plan.environment.iter().copied());
    let mut mask = empty_set();
    if let Blocked::RequestsToStop = plan.blocked {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
            // SAFETY: adds a valid signal to an initialised set.
            unsafe { libc::sigaddset(&mut mask, signal) };
        }
    }
    let setup = ChildSetup {
        plan,
        argv: &argv,
        environment: &environment,
        mask,
        error: AtomicI32::new(0),
    };
    let mut pidfd: c_int = -1;
    let pid = with_stack(|stack| {
        without_signals(|| {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
            // SAFETY: with `CLONE_VFORK` this thread is suspended until the child has executed its
            // program or ended, so nothing that the child borrows is changed meanwhile: the stack
            // is this thread's own and big enough, and `setup` and `pidfd` outlive the call. No
            // signal handler runs in the child, as all signals are blocked.
            let result = unsafe {
                libc::clone(
                    run_child,
                    stack,
                    flags,
                    ptr::from_ref(&setup).cast_mut().cast::<c_void>(),
                    &raw mut pidfd,
                )
            };
            match result {
                -1 => Err(io::Error::last_os_error()),
                pid => Ok(pid),
            }
        })
    })?;
    // SAFETY: the kernel created it for this call.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    match setup.error.load(Ordering::Relaxed) {
        0 => Ok(RawChild { pid, pidfd }),
        error => {
            // SAFETY: waits for the child, which has ended, without a pointer to its status.
            while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } == -1
                && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
            {}
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// The memory of the parent that the child reads, and the error that it writes.
struct ChildSetup<'a> {
    plan: &'a SpawnPlan<'a>,
    argv: &'a [*const c_char],
    environment: &'a [*const c_char],
    mask: libc::sigset_t,
    /// The error number of the step that failed, written by the child.
    error: AtomicI32,
}

/// Runs in the child, and returns only by executing the program or exiting.
extern "C" fn run_child(setup: *mut c_void) -> c_int {
    // SAFETY: it is the pointer that `spawn` passed, which waits.
    let setup = unsafe { &*setup.cast::<ChildSetup<'_>>() };
    let error = setup.exec();
    let number = error.raw_os_error().unwrap_or(libc::EIO);
    setup.error.store(number, Ordering::Relaxed);
    // SAFETY: ends the child without running the parent's exit handlers.
    unsafe { libc::_exit(127) }
}

impl ChildSetup<'_> {
    /// Executes the program; returns only if a step fails. The memory is the parent's, so nothing
    /// here allocates, locks or panics.
    fn exec(&self) -> io::Error {
        set_default_actions();
        if let Err(error) = self.prepare() {
            return error;
        }
        let program = self.plan.program.as_ptr();
        // SAFETY: the path and both arrays (ended by null) live in the parent, which waits.
        unsafe {
            libc::execve(program, self.argv.as_ptr(), self.environment.as_ptr());
        }
        io::Error::last_os_error()
    }

    fn prepare(&self) -> io::Result<()> {
        // SAFETY: takes nothing.
        check(unsafe { libc::setsid() })?;
        for action in self.plan.actions {
            match *action {
                // The first terminal that the leader of a new session opens becomes its
                // controlling terminal.
                FileAction::OpenBoth { path, target } => {
                    // SAFETY: reads a path that lives in the parent.
                    let opened = check(unsafe { libc::open(path.as_ptr(), libc::O_RDWR) })?;
                    if opened != target {
                        duplicate(opened, target)?;
                        // SAFETY: a descriptor of the child; its table of descriptors is a copy.
                        unsafe { libc::close(opened) };
                    }
                }
                FileAction::Duplicate { source, target } => duplicate(source, target)?,
                FileAction::ChangeDirectory { path } => {
                    // SAFETY: reads a path that lives in the parent.
                    check(unsafe { libc::chdir(path.as_ptr()) })?;
                }
            }
        }
        if let Some(mark) = self.plan.mark {
            let limit = libc::rlimit {
                rlim_cur: mark,
                rlim_max: libc::RLIM_INFINITY,
            };
            // SAFETY: reads a local. Without the mark the program runs as well.
            unsafe { libc::setrlimit(libc::RLIMIT_RTTIME, &limit) };
        }
        // SAFETY: reads a set. All other steps are done, so signals may arrive from now on.
        check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.mask, ptr::null_mut()) })?;
        Ok(())
    }
}

/// Makes `target` a copy of `source` that the program inherits.
fn duplicate(source: RawFd, target: RawFd) -> io::Result<()> {
    if source == target {
        // SAFETY: clears a flag of a descriptor of the child.
        check(unsafe { libc::fcntl(source, libc::F_SETFD, 0) })?;
    } else {
        // SAFETY: changes the child's table of descriptors, which is a copy.
        check(unsafe { libc::dup2(source, target) })?;
    }
    Ok(())
}

/// Resets all signals to their default actions: `execve` resets handlers, but ignored signals stay
/// ignored.
fn set_default_actions() {
    let mut default = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeroes are a valid action, without flags and with an empty mask; the
    // actions belong to the child alone. Those that cannot be changed are at their defaults.
    unsafe {
        (*default.as_mut_ptr()).sa_sigaction = libc::SIG_DFL;
        for signal in 1..=libc::SIGRTMAX() {
            libc::sigaction(signal, default.as_ptr(), ptr::null_mut());
        }
    }
}

/// Calls `start` with the end of this thread's stack for children.
fn with_stack<T>(start: impl FnOnce(*mut c_void) -> T) -> T {
    thread_local! {
        static STACK: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    STACK.with_borrow_mut(|stack| {
        stack.reserve_exact(STACK_BYTES);
        let end = stack.as_mut_ptr().wrapping_add(STACK_BYTES);
        let excess = end.addr() % STACK_ALIGNMENT;
        start(end.wrapping_sub(excess).cast::<c_void>())
    })
}

/// Calls `start` with all signals blocked for this thread.
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    let mut all = empty_set();
    let mut before = empty_set();
    // SAFETY: fills one set and reads it, and writes the other; both outlive the calls.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut before);
    }
    let result = start();
    // SAFETY: reads a set that was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut()) };
    result
}

fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: fills the set, and cannot fail on a valid pointer.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn pointers<'a>(strings: impl Iterator<Item = &'a CStr>) -> Vec<*const c_char> {
    strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
}

fn check(result: c_int) -> io::Result<c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
