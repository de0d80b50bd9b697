//! Programs in other processes: starting them, talking to them, ending them.
//!
//! This is the only place of the library that starts, signals, reaps or kills a process.
//!
//! # Theory of operation
//!
//! A [`Spawner`] starts programs in the way of `vfork(2)`, whose cost does not grow with our memory,
//! on a few threads of its own if it has any, and one *janitor* thread ends them. Each program is
//! the leader of a session and a process group of its own, talks to us over a terminal or pipes,
//! and carries the run's mark in its environment. [`Spawner::spawn`] gives its owner a [`Child`],
//! which belongs to the owner's thread, and a stream of [`Events`] by which everything is told,
//! its output and its end in one order.
//!
//! Nothing is left behind, because
//! - whoever drops a [`Child`] hands the program to the janitor,
//! - the janitor ends whole trees: the group by its number, others by descriptors that it took
//!   before the first signal,
//! - this process is the parent of all orphans below it, and the janitor finds those of its run,
//! - and a [watcher process](watch_main) does the same when this process is killed.
//!
//! Signals go to a process group only while its number cannot have passed to anybody else.

mod activity;
mod child;
mod departure;
mod environment;
mod events;
mod handle;
mod hardship;
mod janitor;
mod limits;
mod machine;
mod pipes;
mod postbox;
mod proc;
mod pty;
mod registry;
mod resolve;
mod run;
mod self_usage;
mod spawn;
mod start;
#[expect(
    unsafe_code,
    reason = "the system calls for which there is no safe wrapper"
)]
mod sys;
mod tree;
mod watcher;

pub use activity::{LiveUsage, live_usage};
pub use child::{Child, Grace, MOST_UNWRITTEN, WriteError};
pub use environment::Environment;
pub use events::{ChildEvent, Events};
pub use hardship::Pace;
pub use limits::{
    DESCRIPTORS_OF_A_TERMINAL, DESCRIPTORS_OF_PIPES, Fullness, Limit, LimitOf, LimitProblem, Need,
    check_limits, limits,
};
pub use machine::{MachineTimes, machine_times};
pub use pty::{Echo, LONGEST_TERMINAL_LINE};
pub use resolve::{ResolveError, check_env, resolve};
pub use run::{INSTANCE_VARIABLE, RUN_VARIABLE, RunMarker};
pub use self_usage::SelfUsage;
pub use spawn::{Command, Leftovers, SpawnError, Spawner, Terminal};
pub use watcher::{WatcherProgram, watch_main};
