//! Start of programs: lookup, environment, limits, and the threads that start them.

pub(in crate::process) mod command;
pub(in crate::process) mod environment;
pub(in crate::process) mod executable;
pub(in crate::process) mod limits;
pub(in crate::process) mod programs;
mod queue;
pub(in crate::process) mod shared;
pub(in crate::process) mod spawner;
mod start;
pub(in crate::process) mod started;
#[expect(
    unsafe_code,
    reason = "the system calls for which there is no safe wrapper"
)]
pub(in crate::process) mod vfork;
