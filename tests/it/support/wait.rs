//! Polling with a deadline, in place of sleeps of a guessed length.

use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(60);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// Repeats `attempt` until it succeeds, and returns its value.
///
/// # Panics
///
/// With the last error, if `attempt` still fails at `deadline`.
#[track_caller]
pub fn retry<T>(deadline: Instant, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) => assert!(Instant::now() < deadline, "too late: {error}"),
        }
        thread::sleep(PAUSE);
    }
}

/// Waits until `condition` holds; `what` names it in the panic of the deadline, which is [`LONG`].
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let attempt = || condition().then_some(()).ok_or_else(|| what.to_owned());
    retry(Instant::now() + LONG, attempt);
}

/// The same without blocking the runtime, at most for `limit`.
pub async fn until_async(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let in_time = tokio::time::timeout(limit, waiting).await;
    assert!(in_time.is_ok(), "too late: {what}");
}
