//! Histograms of durations.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::iterators::IterationValue;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Histograms by name: `flow.response`, `step.02_create_order`, `role.customer.startup`.
pub type Histograms = std::collections::BTreeMap<String, Histogram>;

/// The longest distinguished duration: a day.
const MAX_US: u64 = 24 * 60 * 60 * 1_000_000;

/// Recorded values are off by less than a thousandth.
const SIGNIFICANT_DIGITS: u8 = 3;

/// A histogram of durations in microseconds. Its size, a few to a hundred kilobytes, depends on the
/// longest duration and not on how many are recorded.
///
/// Percentiles are exact to three significant digits; mean, minimum and maximum are exact.
/// Durations of more than a day count as a day, and as saturated. Files contain it as an
/// [`Encoded`], which is lossless.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Encoded", try_from = "Encoded")]
pub struct Histogram {
    counts: hdrhistogram::Histogram<u32>,
    sum_us: u64,
    min_us: u64,
    max_us: u64,
    saturated: u64,
}

impl PartialEq for Histogram {
    /// Compares the recorded values, regardless of capacity.
    fn eq(&self, other: &Self) -> bool {
        let figures = |it: &Histogram| (it.count(), it.sum_us, it.min_us, it.max_us, it.saturated);
        let mut recorded = self
            .counts
            .iter_recorded()
            .zip(other.counts.iter_recorded());
        let is_same = |(one, other): (IterationValue<u32>, IterationValue<u32>)| {
            one.value_iterated_to() == other.value_iterated_to()
                && one.count_at_value() == other.count_at_value()
        };
        figures(self) == figures(other) && recorded.all(is_same)
    }
}

impl Histogram {
    /// Creates an empty histogram.
    pub fn new() -> Self {
        Histogram {
            // A run has dozens of histograms; allocating the range of a day for each would delay
            // its start.
            counts: hdrhistogram::Histogram::new(SIGNIFICANT_DIGITS)
                .expect("the digits are a constant that hdrhistogram accepts"),
            sum_us: 0,
            min_us: u64::MAX,
            max_us: 0,
            saturated: 0,
        }
    }

    /// Records one duration, in microseconds.
    pub fn record(&mut self, value_us: u64) {
        self.record_many(value_us, 1);
    }

    /// Records the same duration several times.
    pub fn record_many(&mut self, value_us: u64, times: u64) {
        if times == 0 {
            return;
        }
        if value_us > MAX_US {
            self.saturated += times;
        }
        let value_us = value_us.min(MAX_US);
        let counts = u32::try_from(times).unwrap_or(u32::MAX);
        self.counts
            .record_n(value_us, counts)
            .expect("it grows to the longest, and its counts saturate");
        self.sum_us = self.sum_us.saturating_add(value_us.saturating_mul(times));
        self.min_us = self.min_us.min(value_us);
        self.max_us = self.max_us.max(value_us);
    }

    /// Returns the number of recorded durations.
    pub fn count(&self) -> u64 {
        self.counts.len()
    }

    /// Returns the duration at or below which `percent` of the recorded ones are, at most the
    /// maximum; `None` if nothing was recorded.
    pub fn percentile_us(&self, percent: f64) -> Option<u64> {
        (self.count() > 0).then(|| {
            if self.min_us == self.max_us {
                return self.max_us;
            }
            self.counts
                .value_at_quantile(percent / 100.0)
                .clamp(self.min_us, self.max_us)
        })
    }

    /// Returns the mean, rounded to whole microseconds; `None` if nothing was recorded.
    pub fn mean_us(&self) -> Option<u64> {
        let count = self.count();
        self.sum_us.saturating_add(count / 2).checked_div(count)
    }

    /// Adds all values of another histogram.
    pub fn add(&mut self, other: &Histogram) {
        self.counts
            .add(&other.counts)
            .expect("it grows to the longest");
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.saturated += other.saturated;
    }

    /// Removes all recorded values.
    pub fn clear(&mut self) {
        self.counts.reset();
        (self.sum_us, self.saturated) = (0, 0);
        (self.min_us, self.max_us) = (u64::MAX, 0);
    }

    /// Returns the underlying counts, to be written in other formats.
    pub fn counts(&self) -> &hdrhistogram::Histogram<u32> {
        &self.counts
    }

    /// Splits the recorded durations into so many buckets between minimum and maximum, whose widths
    /// grow by a constant factor. Empty if the durations do not differ.
    pub fn distribution(&self, buckets: u32) -> Vec<Bucket> {
        let (least, greatest) = (self.min_us.max(1), self.max_us);
        if self.count() == 0 || least >= greatest || buckets == 0 {
            return Vec::new();
        }
        let growth = greatest as f64 / least as f64;
        let end = |bucket: u32| {
            let part = f64::from(bucket) / f64::from(buckets);
            (least as f64 * growth.powf(part)).round() as u64
        };
        let mut found: Vec<Bucket> = (1..buckets)
            .map(end)
            .chain([greatest])
            .map(|to_us| Bucket { to_us, count: 0 })
            .collect();
        for step in self.counts.iter_recorded() {
            let value = step.value_iterated_to().clamp(self.min_us, greatest);
            let place = found.partition_point(|bucket| bucket.to_us < value);
            found[place].count += u64::from(step.count_at_value());
        }
        found
    }

    /// Returns the figures for reports; `None` if nothing was recorded.
    pub fn spread(&self) -> Option<Spread> {
        Some(Spread {
            count: self.count(),
            mean_us: self.mean_us()?,
            min_us: self.min_us,
            p50_us: self.percentile_us(50.0)?,
            p90_us: self.percentile_us(90.0)?,
            p95_us: self.percentile_us(95.0)?,
            p99_us: self.percentile_us(99.0)?,
            p999_us: self.percentile_us(99.9)?,
            max_us: self.max_us,
            saturated: self.saturated,
        })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Summary of a histogram, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Recorded durations; never zero.
    pub count: u64,
    pub mean_us: u64,
    pub min_us: u64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p95_us: u64,
    pub p99_us: u64,
    /// The 99.9th percentile.
    pub p999_us: u64,
    pub max_us: u64,
    /// Recorded durations of more than a day, which count as a day.
    pub saturated: u64,
}

/// Number of durations in a bucket of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The upper bound, inclusive; the upper bound of the bucket before is the lower one, exclusive.
    pub to_us: u64,
    pub count: u64,
}

/// Returns counts in the compressed V2 encoding of <https://hdrhistogram.org>, in base 64.
pub(super) fn encode(counts: &hdrhistogram::Histogram<u32>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(counts, &mut bytes)
        .expect("a Vec takes all, and the bounds are far from the limits of the form");
    BASE64.encode(bytes)
}

/// Reads counts that were [encoded](encode).
pub(super) fn decode(text: &str) -> Result<hdrhistogram::Histogram<u32>, String> {
    let bytes = BASE64
        .decode(text)
        .map_err(|error| format!("a histogram is not in base 64: {error}"))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("a histogram cannot be read: {error}"))
}

/// The form of a [`Histogram`] in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoded {
    pub count: u64,
    pub sum_us: u64,
    /// `null` if nothing was recorded, as is `max_us`.
    pub min_us: Option<u64>,
    pub max_us: Option<u64>,
    /// Durations of more than a day.
    pub saturated: u64,
    /// The counts in the compressed V2 encoding of <https://hdrhistogram.org>, in base 64; values
    /// are microseconds.
    pub v2_deflate_base64: String,
}

impl From<Histogram> for Encoded {
    fn from(histogram: Histogram) -> Self {
        let count = histogram.count();
        Encoded {
            count,
            sum_us: histogram.sum_us,
            min_us: (count > 0).then_some(histogram.min_us),
            max_us: (count > 0).then_some(histogram.max_us),
            saturated: histogram.saturated,
            v2_deflate_base64: encode(&histogram.counts),
        }
    }
}

impl TryFrom<Encoded> for Histogram {
    type Error = String;

    fn try_from(encoded: Encoded) -> Result<Self, String> {
        let counts = decode(&encoded.v2_deflate_base64)?;
        if counts.len() != encoded.count {
            return Err("a histogram does not have as many values as it says".into());
        }
        let mut histogram = Histogram::new();
        if counts.max() > histogram.counts.highest_equivalent(MAX_US) {
            return Err("a histogram has values of more than a day".into());
        }
        histogram
            .counts
            .add(&counts)
            .map_err(|error| format!("a histogram has other bounds: {error}"))?;
        histogram.sum_us = encoded.sum_us;
        histogram.min_us = encoded.min_us.unwrap_or(u64::MAX);
        histogram.max_us = encoded.max_us.unwrap_or(0);
        histogram.saturated = encoded.saturated;
        Ok(histogram)
    }
}

impl Spread {
    /// Returns the mean.
    pub fn mean(&self) -> Duration {
        Duration::from_micros(self.mean_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn nothing_recorded_has_no_figures() {
        assert_eq!(Histogram::new().spread(), None);
        assert_eq!(Histogram::new().mean_us(), None);
    }

    #[test]
    fn mean_and_extremes_are_exact() {
        let spread = histogram([1, 2, 1_000_001]).spread().unwrap();
        assert_eq!(
            (spread.min_us, spread.mean_us, spread.max_us),
            (1, 333_335, 1_000_001)
        );
    }

    #[test]
    fn a_duration_of_nothing_is_a_sample() {
        let spread = histogram([0]).spread().unwrap();
        assert_eq!(
            (spread.count, spread.min_us, spread.max_us, spread.p99_us),
            (1, 0, 0, 0)
        );
    }

    #[test]
    fn percentiles_are_in_order_and_never_exceed_the_maximum() {
        for values in [
            vec![123_456_789],
            (1..=10_000).collect(),
            vec![5, 5, 5, 40_000_001],
        ] {
            let spread = histogram(values).spread().unwrap();
            let figures = [
                spread.min_us,
                spread.p50_us,
                spread.p90_us,
                spread.p95_us,
                spread.p99_us,
                spread.p999_us,
                spread.max_us,
            ];
            assert!(figures.is_sorted(), "{figures:?}");
        }
    }

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let spread = histogram(1..=100_000).spread().unwrap();
        assert!(spread.p50_us.abs_diff(50_000) <= 50, "{}", spread.p50_us);
        assert!(spread.p99_us.abs_diff(99_000) <= 99, "{}", spread.p99_us);
    }

    #[test]
    fn what_is_too_long_counts_as_a_saturated_day() {
        let spread = histogram([7, u64::MAX]).spread().unwrap();
        assert_eq!(
            (spread.count, spread.saturated, spread.max_us),
            (2, 1, MAX_US)
        );
        assert!(spread.p99_us <= spread.max_us);
    }

    #[test]
    fn encoding_is_lossless() {
        for values in [vec![], vec![0], vec![3, 70_000, u64::MAX, 12_345_678]] {
            let histogram = histogram(values);
            let text = serde_json::to_string(&histogram).unwrap();
            let read: Histogram = serde_json::from_str(&text).unwrap();
            assert_eq!(read, histogram, "{text}");
        }
    }

    #[test]
    fn a_damaged_histogram_is_refused() {
        let mut encoded = Encoded::from(histogram([1, 2, 3]));
        encoded.count = 4;
        let error = Histogram::try_from(encoded.clone()).unwrap_err();
        assert!(error.contains("as many values as it says"), "{error}");
        encoded.v2_deflate_base64 = "AAAA".into();
        assert!(Histogram::try_from(encoded).is_err());
        let mut too_long = histogram([]);
        too_long.counts.record(2 * MAX_US).unwrap();
        let error = Histogram::try_from(Encoded::from(too_long)).unwrap_err();
        assert!(error.contains("more than a day"), "{error}");
    }

    #[test]
    fn equality_ignores_the_capacity() {
        let mut roomy = histogram([5, u64::MAX]);
        roomy.clear();
        roomy.record(5);
        assert_eq!(roomy, histogram([5]));
        assert_ne!(roomy, histogram([6]));
        assert_ne!(roomy, histogram([5, 5]));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let mut sum = histogram((1..=500).map(|value| value * 997));
        sum.add(&Histogram::new());
        sum.add(&histogram((501..=1_000).map(|value| value * 997)));
        assert_eq!(sum, histogram((1..=1_000).map(|value| value * 997)));
        sum.clear();
        assert_eq!(sum, Histogram::new());
    }

    #[test]
    fn a_distribution_counts_everything_once() {
        let buckets = histogram(1..=10_000).distribution(8);
        assert_eq!(buckets.len(), 8);
        assert!(buckets.iter().map(|bucket| bucket.to_us).is_sorted());
        assert_eq!(
            buckets.iter().map(|bucket| bucket.count).sum::<u64>(),
            10_000
        );
        assert_eq!(buckets[7].to_us, 10_000);
        // A bucket is about three times as long as the one before it.
        assert!(buckets[7].count > 2 * buckets[6].count, "{buckets:?}");
        assert_eq!(histogram([5, 5]).distribution(8), []);
        assert_eq!(Histogram::new().distribution(8), []);
    }
}
