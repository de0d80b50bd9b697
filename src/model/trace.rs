//! Trace and span ids of flows, as in W3C Trace Context (<https://www.w3.org/TR/trace-context/>).
//!
//! They are computed from the run, so that the engine, which hands them to programs, and reports,
//! also of saved runs, have the same ones without exchanging them.

use chrono::{DateTime, Local};

use super::ids::{FlowNumber, RunId};
use super::run::RunInfo;

/// The traces of a run: one for each flow.
///
/// The ids depend on the run's name, its start to the nanosecond and its seed, so those of different
/// runs differ, also on machines that start runs of the same name in the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceIds {
    high: u64,
    low: u64,
}

/// The number of a span in its trace. The flow's own span is the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanNumber(pub u64);

impl SpanNumber {
    /// The span of the flow itself, the root of its trace.
    pub const FLOW: SpanNumber = SpanNumber(0);
}

impl TraceIds {
    /// Computes the ids of a run.
    pub fn new(run: &RunId, started_at: DateTime<Local>, seed: u64) -> Self {
        let started = started_at.timestamp_nanos_opt().unwrap_or_default();
        let numbers = [started.to_le_bytes(), seed.to_le_bytes()];
        let bytes = || run.0.bytes().chain(numbers.iter().flatten().copied());
        TraceIds {
            high: mix(fnv_1a(bytes())),
            // Different bytes, so that the halves are independent.
            low: mix(fnv_1a(bytes().chain([1]))),
        }
    }

    /// Computes the ids of a run from its description.
    pub fn of(info: &RunInfo) -> Self {
        TraceIds::new(&info.id, info.started_at, info.seed.unwrap_or_default())
    }

    /// Returns the id of a flow's trace: 32 hexadecimal digits.
    pub fn trace(&self, flow: FlowNumber) -> String {
        format!("{:016x}{:016x}", self.high, self.of_flow(flow))
    }

    /// Returns the id of a span: 16 hexadecimal digits, not all of them zero.
    pub fn span(&self, flow: FlowNumber, span: SpanNumber) -> String {
        let id = mix(self.of_flow(flow).wrapping_add(span.0)).max(1);
        format!("{id:016x}")
    }

    /// Returns the `traceparent` of programs of a flow, which makes their spans children of the
    /// flow's.
    pub fn parent(&self, flow: FlowNumber) -> String {
        // Version 0; the last field says that the trace is recorded.
        let (trace, span) = (self.trace(flow), self.span(flow, SpanNumber::FLOW));
        format!("00-{trace}-{span}-01")
    }

    fn of_flow(&self, flow: FlowNumber) -> u64 {
        mix(self.low.wrapping_add(flow.0)).max(1)
    }
}

/// The hash function FNV-1a (<https://datatracker.ietf.org/doc/html/rfc9923>).
fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The output function of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>), a bijection:
/// different numbers stay different.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let run = RunId("REAL-E2E-20260131-120000".into());
        let at = |nanos| Local::now() + chrono::TimeDelta::nanoseconds(nanos);
        let (one, other) = (TraceIds::new(&run, at(0), 7), TraceIds::new(&run, at(1), 7));
        let flows = (1..=1_000).map(FlowNumber);
        let traces: HashSet<_> = flows
            .flat_map(|flow| [one.trace(flow), other.trace(flow)])
            .collect();
        assert_eq!(traces.len(), 2_000);
        let spans = (0..1_000).map(|span| one.span(FlowNumber(1), SpanNumber(span)));
        assert_eq!(spans.collect::<HashSet<_>>().len(), 1_000);
        let parent = one.parent(FlowNumber(1));
        let parts: Vec<_> = parent.split('-').collect();
        let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [2, 32, 16, 2]);
        assert_eq!((parts[0], parts[3]), ("00", "01"));
    }

    #[test]
    fn a_saved_run_has_the_same_ids() {
        let info = RunInfo {
            id: RunId("R".into()),
            started_at: Local::now(),
            seed: Some(7),
            ..RunInfo::default()
        };
        let saved = serde_json::to_string(&info).unwrap();
        let read: RunInfo = serde_json::from_str(&saved).unwrap();
        assert_eq!(TraceIds::of(&read), TraceIds::of(&info));
    }
}
