//! Selection of the flows whose evidence is kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::{FlowOutcome, FlowRecord};

use super::failures::MAX_TEXTS;
use super::signature::Signature;

/// Limits of the number of flows whose evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceLimits {
    /// Failed flows.
    pub in_all: u64,
    /// Failed flows with the same signature.
    pub alike: u64,
    /// The slowest completed flows.
    pub slowest: usize,
}

/// A bounded selection of flows, made as they end, from any thread: the first failed ones of each
/// signature, and those that were slower than all but a few before them.
#[derive(Debug)]
pub struct EvidenceChoice {
    limits: EvidenceLimits,
    /// A completed flow that is faster than this is not selected.
    bar_us: AtomicU64,
    chosen: Mutex<Chosen>,
}

#[derive(Debug, Default)]
struct Chosen {
    failed: u64,
    /// Counts by step and cause, then by signature.
    alike: HashMap<(String, String), HashMap<Option<String>, u64>>,
    /// The durations of the slowest flows.
    slowest_us: Vec<u64>,
}

impl EvidenceChoice {
    /// Creates an empty selection with these limits.
    pub fn new(limits: EvidenceLimits) -> Self {
        let bar_us = if limits.slowest == 0 { u64::MAX } else { 0 };
        EvidenceChoice {
            limits,
            bar_us: AtomicU64::new(bar_us),
            chosen: Mutex::default(),
        }
    }

    /// Returns `true` unless the limits exclude every flow.
    pub fn is_open(&self) -> bool {
        self.limits.in_all > 0 || self.limits.slowest > 0
    }

    /// Decides and counts whether this flow is selected. To be called once per flow.
    pub fn takes(&self, flow: &FlowRecord) -> bool {
        if !flow.counted {
            return false;
        }
        match &flow.outcome {
            FlowOutcome::Interrupted => false,
            FlowOutcome::Completed => {
                // The bar only rises: a flow that misses it now would miss it later.
                flow.duration_us >= self.bar_us.load(Ordering::Relaxed) && self.is_slow(flow)
            }
            FlowOutcome::Failed(failure) => {
                let is_full = |chosen: &Chosen| chosen.failed >= self.limits.in_all;
                if is_full(&self.chosen()) {
                    return false;
                }
                let Signature { step, cause, saw } = Signature::of(flow, failure);
                let mut chosen = self.chosen();
                if is_full(&chosen) {
                    return false;
                }
                let texts = chosen.alike.entry((step, cause)).or_default();
                let is_new = !texts.contains_key(&saw);
                let saw = saw.filter(|_| !is_new || texts.len() < MAX_TEXTS);
                let alike = texts.entry(saw).or_default();
                if *alike >= self.limits.alike {
                    return false;
                }
                *alike += 1;
                chosen.failed += 1;
                true
            }
        }
    }

    fn is_slow(&self, flow: &FlowRecord) -> bool {
        let slowest = &mut self.chosen().slowest_us;
        let place = slowest.partition_point(|&us| us >= flow.duration_us);
        if place >= self.limits.slowest {
            return false;
        }
        slowest.insert(place, flow.duration_us);
        slowest.truncate(self.limits.slowest);
        if slowest.len() == self.limits.slowest
            && let Some(&least) = slowest.last()
        {
            self.bar_us
                .store(least.saturating_add(1), Ordering::Relaxed);
        }
        true
    }

    fn chosen(&self) -> std::sync::MutexGuard<'_, Chosen> {
        // No change can panic halfway.
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failure, flow};
    use super::*;
    use crate::model::FailureKind;

    fn completed(number: u64, duration_us: u64) -> FlowRecord {
        let mut flow = flow(number, FlowOutcome::Completed, &[]);
        flow.duration_us = duration_us;
        flow
    }

    fn failed(number: u64, tail: &str) -> FlowRecord {
        let mut failure = failure("06_approve", FailureKind::Timeout);
        failure.tail = tail.into();
        flow(number, FlowOutcome::Failed(Box::new(failure)), &[])
    }

    #[test]
    fn few_of_those_that_look_alike_and_not_too_many_in_all() {
        let choice = EvidenceChoice::new(EvidenceLimits {
            in_all: 8,
            alike: 3,
            slowest: 0,
        });
        let takes = |number, tail: &str| choice.takes(&failed(number, tail));
        let of_one: Vec<_> = (0..5)
            .map(|n| takes(n, &format!("Order ORD-{n} is gone")))
            .collect();
        assert_eq!(of_one, [true, true, true, false, false]);
        assert!(takes(6, "Password:"));
        let all: u32 = (b'a'..=b'z')
            .map(|letter| u32::from(takes(7, &format!("{}", char::from(letter)))))
            .sum();
        assert_eq!(all, 4, "eight in all");
        assert!(!choice.takes(&completed(1, 1_000)));
        assert!(choice.chosen().alike.len() < 9);
    }

    #[test]
    fn a_program_with_ever_different_output_leaves_room_for_others() {
        let choice = EvidenceChoice::new(EvidenceLimits {
            in_all: 1_000,
            alike: 2,
            slowest: 0,
        });
        let letters = || (b'a'..=b'z').map(char::from);
        let texts = letters().flat_map(|one| letters().map(move |other| format!("{one}{other}")));
        let taken = texts.filter(|text| choice.takes(&failed(1, text))).count();
        assert_eq!(taken, MAX_TEXTS + 2);
    }

    #[test]
    fn the_slowest_so_far() {
        let choice = EvidenceChoice::new(EvidenceLimits {
            in_all: 0,
            alike: 3,
            slowest: 2,
        });
        let took = [5, 3, 4, 4, 9, 1, 6, 9].map(|us| choice.takes(&completed(1, us)));
        assert_eq!(took, [true, true, true, false, true, false, true, true]);
        assert!(!choice.takes(&failed(1, "")));
        let mut warm_up = completed(1, 100);
        warm_up.counted = false;
        assert!(!choice.takes(&warm_up));
    }
}
