//! Batched writes: the replies of one thread, written in a row.
//!
//! A program that gets a line wakes up and usually has the processor at once. If every reply were
//! written as soon as it is known, each write would cost this thread its place and its caches
//! while the output of other programs is still unread. So batched replies wait until all tasks
//! that are ready on this thread have run; then they are written in a row. Without other ready
//! tasks they are written at once. `benches/paired` measures the own CPU time per flow, of which
//! these writes are a part; no bench compares them with plain writes yet.

use std::cell::RefCell;
use std::rc::Rc;

use crate::process::io::shared::ChildShared;

thread_local! {
    /// The children of this thread that hold batched bytes.
    static PENDING: RefCell<Vec<Rc<ChildShared>>> = const { RefCell::new(Vec::new()) };
}

/// Schedules the batched bytes of `child` to be written soon, on this thread.
pub(in crate::process) fn schedule(child: Rc<ChildShared>) {
    let is_first = PENDING.with_borrow_mut(|pending| {
        pending.push(child);
        pending.len() == 1
    });
    if is_first {
        let batch = Batch;
        // Runs after all tasks that are ready now.
        tokio::task::spawn_local(async move { drop(batch) });
    }
}

/// Writes what is pending on drop, which also happens if the runtime ends before the task runs:
/// later writes then begin a new batch.
struct Batch;

impl Drop for Batch {
    fn drop(&mut self) {
        for child in PENDING.take() {
            child.writer.send_batched();
        }
    }
}
