//! Termination of process trees: signals in stages, the reaper thread, and the watcher process.

pub(in crate::process) mod command;
pub(in crate::process) mod grace;
pub(in crate::process) mod reaper;
pub(in crate::process) mod registry;
mod state;
mod tree;
pub(in crate::process) mod watcher;
