//! Input and output of a running program: terminal and pipes, writes, events.

pub(in crate::process) mod child;
pub(in crate::process) mod events;
pub(in crate::process) mod pipes;
pub(in crate::process) mod pty;
mod shared;
pub(in crate::process) mod throttle;
pub(in crate::process) mod writes;
