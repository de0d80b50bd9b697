//! Gates before replies: exclusive access and a rate, shared by all flows of a run.
//!
//! Flows cannot deadlock: a script holds the access of one reply at most, from the reply to the
//! evidence after it, and waits for nothing else meanwhile but for the rate, which only takes time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{self, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::scenario::{ReplyGateSpec, Segment};

/// Exclusive access, until it is dropped.
#[derive(Debug)]
pub(super) struct Access {
    _permit: OwnedSemaphorePermit,
}

/// The earliest moment of the next reply of a turn; `None` before the first.
type NextReply = Arc<sync::Mutex<Option<Instant>>>;

/// The gates before replies of a run, each made when it is first used. Those who wait are served in
/// the order of their arrival.
#[derive(Debug)]
pub(super) struct ReplyGates {
    segment: Segment,
    rates: Mutex<HashMap<usize, NextReply>>,
    locks: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl ReplyGates {
    /// Creates the gates of a run's segment.
    pub(super) fn of(segment: Segment) -> Self {
        ReplyGates {
            segment,
            rates: Mutex::default(),
            locks: Mutex::default(),
        }
    }

    /// Waits until a reply may be typed. Returns the exclusive access, if the turn wants it.
    pub(super) fn pass(
        &self,
        gates: &ReplyGateSpec,
    ) -> impl Future<Output = Option<Access>> + use<> {
        let lock = gates.exclusive.as_ref().map(|name| {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            let lock = locks.entry(name.clone());
            Arc::clone(lock.or_insert_with(|| Arc::new(Semaphore::new(1))))
        });
        let rate = gates.interval.map(|interval| {
            let interval = self.segment.interval(interval);
            let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(rates.entry(gates.turn).or_default()), interval)
        });
        async move {
            let access = match lock {
                // It is never closed.
                Some(lock) => lock.acquire_owned().await.ok(),
                None => None,
            };
            if let Some((next, interval)) = rate {
                // Held while it waits, so that others wait behind it.
                let mut next = next.lock().await;
                if let Some(next) = *next {
                    sleep_until(next).await;
                }
                // Spaced from the actual reply before it, even if that was late.
                *next = Some(Instant::now() + interval);
            }
            access.map(|permit| Access { _permit: permit })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::time::Duration;

    use super::*;

    fn spec(turn: usize, exclusive: Option<&str>, interval: Option<Duration>) -> ReplyGateSpec {
        ReplyGateSpec {
            turn,
            exclusive: exclusive.map(str::to_owned),
            interval,
        }
    }

    #[tokio::test]
    async fn replies_of_a_turn_are_spaced() {
        let gates = ReplyGates::of(Segment::WHOLE);
        let interval = Duration::from_millis(20);
        let began = Instant::now();
        let pass = async |turn| {
            gates.pass(&spec(turn, None, Some(interval))).await;
            began.elapsed()
        };
        let (one, two, three) = tokio::join!(pass(1), pass(1), pass(1));
        assert!(
            two >= one + interval && three >= two + interval,
            "{one:?} {two:?} {three:?}"
        );
        // Another turn is another gate.
        let other = pin!(pass(2));
        assert!(is_ready(other).await);
    }

    #[tokio::test]
    async fn access_is_exclusive_until_it_is_dropped() {
        let gates = ReplyGates::of(Segment::WHOLE);
        let access = gates.pass(&spec(1, Some("till"), None)).await;
        assert!(access.is_some());
        let mut waiting = pin!(gates.pass(&spec(2, Some("till"), None)));
        assert!(!is_ready(waiting.as_mut()).await);
        assert!(gates.pass(&spec(2, Some("desk"), None)).await.is_some());
        drop(access);
        assert!(waiting.await.is_some());
    }

    /// Returns whether the future is over when it is polled.
    async fn is_ready(future: Pin<&mut impl Future>) -> bool {
        tokio::select! {
            biased;
            _ = future => true,
            () = std::future::ready(()) => false,
        }
    }
}
