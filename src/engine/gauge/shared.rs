//! Access to measurements that several threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks measurements, also those of a thread that has panicked: they are complete at any time.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
