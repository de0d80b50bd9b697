//! Input and output of a program: terminal and pipes, writes, events.

pub(in crate::process) mod child;
pub(in crate::process) mod events;
pub(in crate::process) mod pipes;
pub(in crate::process) mod pty;
pub(in crate::process) mod write_batch;
pub(in crate::process) mod writes;
