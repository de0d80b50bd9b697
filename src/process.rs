//! Processes: start, input and output, termination.
//!
//! This is the only place of the library that starts, signals, reaps or kills a process.
//!
//! # Theory of operation
//!
//! A [`Spawner`] starts programs in the manner of `vfork(2)`, whose cost does not grow with our
//! memory, on its spawner threads if it has any, and terminates them on one *reaper* thread. Each
//! program leads a new session and process group, is connected to us by a terminal or by pipes,
//! and carries the run's mark in its environment and among its resource limits.
//! [`Spawner::spawn`] returns a [`Child`], which is bound to its owner's thread, with a stream of
//! [`Events`]: all output and the exit, in one order.
//!
//! # Invariants
//!
//! No process is left behind, because
//! - dropping a [`Child`] hands its process to the reaper,
//! - the reaper terminates whole trees: the process group by its id, other descendants by pidfds
//!   that it opened before the first signal,
//! - this process is the parent of all orphans below it, and the reaper finds those of its run,
//! - and a [watcher process](watch_main) does the same if this process is killed; if it is killed
//!   itself, the reaper starts another one.
//!
//! A process group is signalled only while its id cannot have been reused.
//!
//! # Code map
//!
//! - `spawn`: program lookup, environment, limits, the system call, the spawner threads.
//! - `io`: the child handle, writes, events, terminal and pipes.
//! - `termination`: grace, the reaper thread, process trees, the watcher process.
//! - `faults`: fault injection on a child.
//! - `process_state`: signals to one process and its group, and its reap.
//! - `marker`: the marks by which started processes are known.
//! - `activity`, `machine`, `proc`, `self_usage`: usage of processes, of the machine and of
//!   ourselves.
//! - `sys` and `spawn/vfork`: the only unsafe code of the library.

mod activity;
mod faults;
mod io;
mod machine;
mod marker;
mod proc;
mod process_state;
mod self_usage;
mod spawn;
#[expect(
    unsafe_code,
    reason = "the system calls for which there is no safe wrapper"
)]
mod sys;
mod termination;

pub use activity::{LiveUsage, live_usage};
pub use io::child::Child;
pub use io::events::{ChildEvent, Events, reactor_waits};
pub use io::pty::{MAX_TERMINAL_LINE, TerminalChanges, TerminalMode};
pub use io::throttle::ReadRate;
pub use io::writes::{MAX_UNWRITTEN, WriteError};
pub use machine::{MachineTimes, machine_times};
pub use marker::{INSTANCE_VARIABLE, RUN_VARIABLE, RunMarker};
pub use self_usage::{SelfUsage, since_boot, thread_waited_for_processor};
pub use spawn::command::{Command, SpawnError};
pub use spawn::environment::Environment;
pub use spawn::executable::ResolveError;
pub use spawn::limits::{
    DESCRIPTORS_OF_A_TERMINAL, DESCRIPTORS_OF_PIPES, Fullness, Limit, LimitOf, LimitProblem, Need,
    check_limits, limits,
};
pub use spawn::programs::{Programs, Within};
pub use spawn::spawner::Spawner;
pub use sys::{RegisteredFd, ignore_file_size_signal};
pub use termination::command::Leftovers;
pub use termination::grace::Grace;
pub use termination::watcher::{WatcherProgram, watch_main};
