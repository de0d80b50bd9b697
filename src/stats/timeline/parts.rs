//! Timelines of parts of a run: their form in snapshots, and their sum.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::stats::histogram;

use super::{Bucket, GROWING_WIDTH_US, InFlight, MAX_BUCKETS, MAX_CAUSES, MAX_US, Timeline};

/// The form of a growing [`Timeline`] in snapshots; lists have an element for each bucket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EncodedTimeline {
    width_us: u64,
    most: usize,
    completed: Vec<u64>,
    failed: Vec<u64>,
    interrupted: Vec<u64>,
    strikes: Vec<u64>,
    /// Response times as of an [`Encoded`](crate::stats::Encoded) histogram; empty without any.
    responses: Vec<String>,
    in_flight_partly_us: Vec<u64>,
    /// One more than buckets.
    in_flight_steps: Vec<i64>,
    failures: BTreeMap<String, Vec<u64>>,
    cpu_us: Vec<Vec<f64>>,
}

impl From<Timeline> for EncodedTimeline {
    fn from(timeline: Timeline) -> Self {
        let buckets = || timeline.buckets.iter();
        EncodedTimeline {
            width_us: timeline.width_us,
            most: timeline.most.unwrap_or(MAX_BUCKETS),
            completed: buckets().map(|it| it.completed).collect(),
            failed: buckets().map(|it| it.failed).collect(),
            interrupted: buckets().map(|it| it.interrupted).collect(),
            strikes: buckets().map(|it| it.strikes).collect(),
            responses: buckets().map(|it| encoded(&it.response_us)).collect(),
            in_flight_partly_us: timeline.in_flight.partly_us,
            in_flight_steps: timeline.in_flight.steps,
            failures: timeline.failures,
            cpu_us: timeline.cpu,
        }
    }
}

impl TryFrom<EncodedTimeline> for Timeline {
    type Error = String;

    fn try_from(encoded: EncodedTimeline) -> Result<Self, String> {
        let count = encoded.completed.len();
        let lengths = [
            encoded.failed.len(),
            encoded.interrupted.len(),
            encoded.strikes.len(),
            encoded.responses.len(),
            encoded.in_flight_partly_us.len(),
            encoded.in_flight_steps.len().saturating_sub(1),
        ];
        let of_causes = encoded.failures.values().map(Vec::len);
        let mut lengths = lengths
            .into_iter()
            .chain(of_causes)
            .chain(encoded.cpu_us.iter().map(Vec::len));
        let widths = encoded.width_us / GROWING_WIDTH_US;
        let is_whole = (1..=MAX_BUCKETS).contains(&count)
            && (2..=MAX_BUCKETS).contains(&encoded.most)
            && encoded.failures.len() <= MAX_CAUSES + 1
            && encoded.width_us.is_multiple_of(GROWING_WIDTH_US)
            && widths.is_power_of_two()
            && lengths.all(|it| it == count);
        if !is_whole {
            return Err("a timeline has parts that do not fit together".into());
        }
        let mut buckets = Vec::new();
        for (place, response) in encoded.responses.iter().enumerate() {
            let mut bucket = Bucket {
                completed: encoded.completed[place],
                failed: encoded.failed[place],
                interrupted: encoded.interrupted[place],
                strikes: encoded.strikes[place],
                ..Bucket::empty()
            };
            if !response.is_empty() {
                let counts = decoded(response)?;
                let added = bucket.response_us.add(&counts);
                added.map_err(|error| format!("a timeline has other bounds: {error}"))?;
            }
            buckets.push(bucket);
        }
        Ok(Timeline {
            width_us: encoded.width_us,
            buckets,
            most: Some(encoded.most),
            in_flight: InFlight {
                partly_us: encoded.in_flight_partly_us,
                steps: encoded.in_flight_steps,
            },
            failures: encoded.failures,
            cpu: encoded.cpu_us,
        })
    }
}

fn encoded(counts: &Histogram<u32>) -> String {
    match counts.is_empty() {
        true => String::new(),
        false => histogram::encode(counts),
    }
}

fn decoded(text: &str) -> Result<Histogram<u32>, String> {
    let counts = histogram::decode(text)?;
    match counts.max() > Bucket::empty().response_us.highest_equivalent(MAX_US) {
        true => Err("a timeline has values of more than a day".into()),
        false => Ok(counts),
    }
}

impl Timeline {
    /// Returns it as it is at `now_us`, with flows that are in flight since these times.
    pub fn at(&self, now_us: u64, started_us: impl Iterator<Item = u64>) -> Timeline {
        let mut timeline = self.clone();
        for start_us in started_us {
            let start_us = start_us.min(now_us);
            timeline.in_flight.add(start_us, now_us, timeline.width_us);
        }
        timeline
    }

    /// Adds the growing timeline of a run with the same roles that began `later_us` after this one,
    /// to the nearest bucket.
    pub fn add(&mut self, other: &Timeline, later_us: u64) {
        let mut other = other.clone();
        loop {
            let end_us = later_us.saturating_add(other.buckets.len() as u64 * other.width_us);
            self.extend_to(end_us);
            if self.width_us >= other.width_us {
                break;
            }
            self.coarsen();
        }
        while other.width_us < self.width_us {
            other.coarsen();
        }
        let shift = (later_us + self.width_us / 2) / self.width_us;
        let shift = usize::try_from(shift).unwrap_or(usize::MAX);
        let shift = shift.min(self.buckets.len().saturating_sub(other.buckets.len()));
        let all = other.buckets.len();
        for (own, more) in self.buckets[shift..].iter_mut().zip(&other.buckets) {
            own.add(more);
        }
        let places = self.in_flight.partly_us[shift..].iter_mut();
        for (own, more) in places.zip(&other.in_flight.partly_us) {
            *own += more;
        }
        let steps = self.in_flight.steps[shift..].iter_mut();
        for (own, more) in steps.zip(&other.in_flight.steps) {
            *own += more;
        }
        for (cause, counts) in &other.failures {
            for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                self.count_failures(cause, shift + place.min(all - 1), *count);
            }
        }
        for (own, more) in self.cpu.iter_mut().zip(&other.cpu) {
            for (own, more) in own[shift..].iter_mut().zip(more) {
                *own += more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FailureKind, FlowOutcome, FlowRecord};
    use crate::stats::testing::{failure, info, timed};

    fn varied(number: u64, later_us: u64) -> FlowRecord {
        let outcome = match number % 5 {
            0 => FlowOutcome::Failed(Box::new(failure("01_login", FailureKind::Timeout))),
            _ => FlowOutcome::Completed,
        };
        let start_us = later_us + number * 150_000;
        timed(start_us, start_us + 90_000 * (1 + number % 40), outcome)
    }

    #[test]
    fn parts_add_up_to_the_whole_and_are_read_as_they_were_written() {
        let info = info(1);
        let later_us = 8_000_000;
        let mut whole = Timeline::growing(&info, 20);
        let mut parts = [40, 15].map(|most| Timeline::growing(&info, most));
        for number in 0..300 {
            parts[0].record(&info, &varied(number, 0));
            parts[1].record(&info, &varied(number, 0));
            whole.record(&info, &varied(number, 0));
            whole.record(&info, &varied(number, later_us));
        }
        let now = parts.map(|it| it.at(48_000_000, [40_000_000].into_iter()));
        let mut sum = Timeline::growing(&info, 20);
        for (part, later_us) in now.into_iter().zip([0, later_us]) {
            let text = serde_json::to_string(&part).expect("JSON");
            let read: Timeline = serde_json::from_str(&text).expect("a timeline");
            assert_eq!(read.moments(), part.moments());
            sum.add(&read, later_us);
        }
        assert_eq!(sum.width_us(), whole.width_us());
        let whole = whole.at(48_000_000, [40_000_000].into_iter());
        let whole = whole.at(56_000_000, [48_000_000].into_iter());
        let rounded = |timeline: &Timeline| {
            let moments = timeline.moments().into_iter();
            let figures = moments.map(|it| {
                let in_flight = (it.in_flight * 100.0).round();
                (it.completed, it.failed, it.p95_us, in_flight)
            });
            figures.collect::<Vec<_>>()
        };
        let (sum_moments, whole_moments) = (rounded(&sum), rounded(&whole));
        let shown = sum_moments.len().min(whole_moments.len());
        assert_eq!(sum_moments[..shown], whole_moments[..shown]);
        let total = |timeline: &Timeline| {
            let causes = timeline.failures().into_iter();
            causes
                .map(|(_, counts)| counts.iter().sum::<u64>())
                .sum::<u64>()
        };
        assert_eq!(total(&sum), 120);
        assert_eq!(total(&sum), total(&whole));
    }

    #[test]
    fn a_damaged_timeline_is_refused() {
        let info = info(1);
        let mut timeline = Timeline::growing(&info, 20);
        timeline.record(&info, &varied(1, 0));
        let text = serde_json::to_string(&timeline).expect("JSON");
        for (part, other) in [
            ("\"width_us\":1000000", "\"width_us\":1000001"),
            ("\"width_us\":1000000", "\"width_us\":3000000"),
            ("\"width_us\":1000000", "\"width_us\":0"),
            ("\"failed\":[", "\"failed\":[1,"),
            ("\"responses\":[\"", "\"responses\":[\"!"),
            ("\"completed\":[1]", "\"completed\":[]"),
        ] {
            assert!(text.contains(part), "no {part} in {text}");
            let damaged = text.replacen(part, other, 1);
            assert!(
                serde_json::from_str::<Timeline>(&damaged).is_err(),
                "{damaged}"
            );
        }
    }
}
