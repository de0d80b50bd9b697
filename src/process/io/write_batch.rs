//! What is to be typed on one thread, gathered and typed together.
//!
//! A program that gets a line wakes up, and mostly has the processor at once. Were every reply
//! written as soon as it is known, each would cost this thread its place and its caches, with the
//! output of other programs still unread. So replies wait until everybody who has something to do
//! has done it; then all are written in a row. Where nobody else has, they are written at once.

use std::cell::RefCell;
use std::rc::Rc;

use crate::process::io::child::Shared;

thread_local! {
    /// Whose replies wait on this thread.
    static WAITING: RefCell<Vec<Rc<Shared>>> = const { RefCell::new(Vec::new()) };
}

/// Has `child` write what it holds, soon, on this thread.
pub(in crate::process) fn post(child: Rc<Shared>) {
    let is_first = WAITING.with_borrow_mut(|waiting| {
        waiting.push(child);
        waiting.len() == 1
    });
    if is_first {
        let round = Round;
        // Its turn comes after that of all who wait for the thread now.
        tokio::task::spawn_local(async move { drop(round) });
    }
}

/// Writes what waits when it is over, be it because the runtime ends: whoever posts later has a
/// round of its own.
struct Round;

impl Drop for Round {
    fn drop(&mut self) {
        for child in WAITING.take() {
            child.send_batched();
        }
    }
}
