//! Reader of the latency log, `latency.hlog`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use crate::stats::Histogram;

use super::error::ReportError;
use super::saved_file;

/// More intervals than any run has: a week of seconds.
const MAX_INTERVALS: usize = 7 * 24 * 60 * 60;

/// Latencies of a run in each second.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latencies {
    /// The number of seconds.
    pub seconds: usize,
    /// By tag, one histogram for each second.
    series: BTreeMap<String, Vec<Histogram>>,
}

impl Latencies {
    /// Reads the log at this path. A last line that was not written whole is left out.
    ///
    /// # Errors
    /// If it cannot be read, or is no latency log.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = saved_file::read(path)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let mut found = Latencies::default();
        let mut begun: Option<Duration> = None;
        for entry in IntervalLogIterator::new(whole.as_bytes()) {
            let entry = entry
                .map_err(|_| ReportError::malformed(path, "it has a line that is no interval"))?;
            let LogEntry::Interval(interval) = entry else {
                continue;
            };
            let start = interval.start_timestamp();
            if begun != Some(start) {
                // Seconds in which nothing ended have no line.
                let missing = start
                    .saturating_sub(begun.unwrap_or(Duration::ZERO))
                    .as_secs();
                let missing = usize::try_from(missing).unwrap_or(MAX_INTERVALS);
                found.seconds = found.seconds.saturating_add(match begun {
                    None => missing.saturating_add(1),
                    Some(_) => missing.max(1),
                });
                begun = Some(start);
            }
            if found.seconds > MAX_INTERVALS {
                return Err(ReportError::malformed(path, "it is longer than a week"));
            }
            let histogram = decode(interval.encoded_histogram())
                .map_err(|error| ReportError::malformed(path, error))?;
            let tag = interval.tag().map_or("", |tag| tag.as_str()).to_owned();
            let series = found.series.entry(tag).or_default();
            series.resize_with(found.seconds - 1, Histogram::new);
            series.push(histogram);
        }
        for series in found.series.values_mut() {
            series.resize_with(found.seconds, Histogram::new);
        }
        Ok(found)
    }

    /// Returns the latencies of flows (`flow`, `flow.failed`) or of a step (`step.NAME`) in each
    /// second; `None` if there are none.
    pub fn of(&self, tag: &str) -> Option<&[Histogram]> {
        self.series.get(tag).map(Vec::as_slice)
    }

    /// Returns the mean latency of each second.
    pub fn means(&self, tag: &str) -> Vec<Option<f64>> {
        let seconds = self.of(tag).unwrap_or_default().iter();
        seconds.map(|it| it.mean_us().map(|us| us as f64)).collect()
    }

    /// Returns the number of latencies of each second.
    pub fn counts(&self, tag: &str) -> Vec<f64> {
        let seconds = self.of(tag).unwrap_or_default().iter();
        seconds.map(|it| it.count() as f64).collect()
    }
}

fn decode(text: &str) -> Result<Histogram, String> {
    let bytes = BASE64
        .decode(text)
        .map_err(|error| format!("a histogram is not in base 64: {error}"))?;
    let counts: hdrhistogram::Histogram<u32> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("a histogram cannot be read: {error}"))?;
    let mut histogram = Histogram::new();
    for step in counts.iter_recorded() {
        histogram.record_many(step.value_iterated_to(), u64::from(step.count_at_value()));
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::V2DeflateSerializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

    use super::*;

    fn log(intervals: &[(f64, &str, &[u64])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        let mut log = IntervalLogWriterBuilder::new()
            .add_comment("a run")
            .begin_log_with(&mut bytes, &mut serializer)
            .unwrap();
        for (start, tag, values) in intervals {
            let mut histogram = Histogram::new();
            values.iter().for_each(|it| histogram.record(*it));
            let start = Duration::from_secs_f64(*start);
            log.write_histogram(
                histogram.counts(),
                start,
                Duration::from_secs(1),
                Tag::new(tag),
            )
            .unwrap();
        }
        drop(log);
        bytes
    }

    #[test]
    fn seconds_without_a_line_are_empty() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("latency.hlog");
        let intervals: [(f64, &str, &[u64]); 4] = [
            (0.0, "flow", &[1_000, 3_000]),
            (0.0, "step.a", &[5]),
            (1.01, "flow", &[500]),
            (4.03, "flow", &[7, 7, 7]),
        ];
        let mut bytes = log(&intervals);
        bytes.extend(b"Tag=flow,5.03");
        std::fs::write(&path, bytes).unwrap();
        let read = Latencies::read(&path).unwrap();
        assert_eq!(read.seconds, 5);
        assert_eq!(read.counts("flow"), [2.0, 1.0, 0.0, 0.0, 3.0]);
        assert_eq!(read.counts("step.a"), [1.0, 0.0, 0.0, 0.0, 0.0]);
        let mean = read.means("flow")[0].unwrap();
        assert!((mean - 2_000.0).abs() < 2.0, "{mean}");
        assert_eq!(read.of("other"), None);
    }
}
