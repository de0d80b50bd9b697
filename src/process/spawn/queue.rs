//! Queue of programs to start, served by the spawner threads.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::process::spawn::command::{Command, SpawnError};
use crate::process::spawn::shared::SpawnerShared;
use crate::process::spawn::start::start;
use crate::process::spawn::started::Started;

/// The capacity that the queue keeps when it is empty.
const KEPT_CAPACITY: usize = 64;

/// A program to start, and the channel for the result.
pub(in crate::process) struct SpawnRequest {
    pub(in crate::process) command: Command,
    pub(in crate::process) reply: oneshot::Sender<Result<Started, SpawnError>>,
}

/// A first-in, first-out queue of programs to start, shared by the spawner threads.
#[derive(Default)]
pub(in crate::process) struct SpawnQueue {
    state: Mutex<QueueState>,
    /// Notified once for each request, and by the shutdown.
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    requests: VecDeque<SpawnRequest>,
    /// No further request is accepted.
    closed: bool,
}

impl SpawnQueue {
    /// Adds a request.
    ///
    /// # Errors
    /// [`SpawnError::ShutDown`] after [`SpawnQueue::close`].
    pub(in crate::process) fn push(&self, request: SpawnRequest) -> Result<(), SpawnError> {
        let mut state = self.lock();
        if state.closed {
            return Err(SpawnError::ShutDown);
        }
        state.requests.push_back(request);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Runs `start` unless the queue is closed. The queue is locked meanwhile, so that a shutdown
    /// waits until the program is known to the spawner.
    ///
    /// # Errors
    /// [`SpawnError::ShutDown`] after [`SpawnQueue::close`], or the error of `start`.
    pub(in crate::process) fn run_inline<T>(
        &self,
        start: impl FnOnce() -> Result<T, SpawnError>,
    ) -> Result<T, SpawnError> {
        let state = self.lock();
        if state.closed {
            return Err(SpawnError::ShutDown);
        }
        start()
    }

    /// Waits for the next request; returns `None` once the queue is closed.
    fn pop(&self) -> Option<SpawnRequest> {
        let state = self.lock();
        let changed = self
            .changed
            .wait_while(state, |state| state.requests.is_empty() && !state.closed);
        let mut state = changed.unwrap_or_else(PoisonError::into_inner);
        let next = state.requests.pop_front();
        if state.requests.is_empty() {
            // A burst of thousands is not expected to repeat soon.
            state.requests.shrink_to(KEPT_CAPACITY);
        }
        next
    }

    /// Rejects all further requests and drops those that no thread has begun.
    pub(in crate::process) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.requests.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves requests until the queue is closed: the body of a spawner thread.
pub(in crate::process) fn serve(spawner: &Arc<SpawnerShared>, queue: &SpawnQueue) {
    while let Some(SpawnRequest { command, reply }) = queue.pop() {
        if reply.is_closed() {
            continue;
        }
        // Refused if the caller stopped waiting: dropping the result terminates the program.
        let _ = reply.send(start(spawner, &command));
    }
}
