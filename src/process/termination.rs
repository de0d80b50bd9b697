//! End of process trees: signals in stages, the reaper thread, and the watcher process.

pub(in crate::process) mod reaper;
pub(in crate::process) mod registry;
pub(in crate::process) mod state;
pub(in crate::process) mod tree;
pub(in crate::process) mod watcher;
