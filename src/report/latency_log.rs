//! The latency log, `latency.hlog`: latencies of each second of a run in HdrHistogram's format.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::model::{FlowOutcome, FlowRecord, RunEvent, RunInfo, StepOutcome};
use crate::stats::Histogram;

use super::error::ReportError;
use super::reporter::Reporter;
use super::sanitize::sanitize;

/// The length of an interval.
const INTERVAL: Duration = Duration::from_secs(1);

/// A writer of an interval log: once a second a line for the flows and for each step that ended in
/// it. <https://docs.rs/hdrhistogram> describes the format in its module `interval_log`.
pub struct LatencyLog<W: Write = BufWriter<File>> {
    path: PathBuf,
    writer: Result<W, io::Error>,
    /// The names of the steps, whose histograms come after those of completed and failed flows.
    steps: Vec<String>,
    series: Vec<Series>,
    /// The start of the current interval.
    begun: Duration,
}

struct Series {
    tag: String,
    histogram: Histogram,
}

impl<W: Write> LatencyLog<W> {
    /// Creates a log that writes to `writer`, named `path` in errors.
    pub fn new(path: &Path, writer: W) -> Self {
        LatencyLog {
            path: path.to_owned(),
            writer: Ok(writer),
            steps: Vec::new(),
            series: Vec::new(),
            begun: Duration::ZERO,
        }
    }

    fn begin(&mut self, info: &RunInfo) {
        self.steps = info.steps.iter().map(|step| step.name.clone()).collect();
        let steps = self.steps.iter().map(|name| format!("step.{name}"));
        let tags = ["flow".to_owned(), "flow.failed".to_owned()]
            .into_iter()
            .chain(steps);
        self.series = tags
            .map(|tag| Series {
                tag: sanitize(&tag).replace([',', ' ', '\r', '\n'], "_"),
                histogram: Histogram::new(),
            })
            .collect();
        let began = SystemTime::from(info.started_at);
        let comment = format!("{}, durations in microseconds", info.id);
        self.attempt(|writer| {
            IntervalLogWriterBuilder::new()
                .add_comment(&comment)
                .with_start_time(began)
                .with_base_time(began)
                .begin_log_with(writer, &mut V2DeflateSerializer::new())
                .map(drop)
        });
    }

    fn record(&mut self, flow: &FlowRecord) {
        let place = match flow.outcome {
            FlowOutcome::Completed => Some(0),
            FlowOutcome::Failed(_) => Some(1),
            FlowOutcome::Interrupted => None,
        };
        if let Some(series) = place.and_then(|place| self.series.get_mut(place)) {
            series.histogram.record(flow.response_us());
        }
        for step in &flow.steps {
            let place = self.steps.iter().position(|name| *name == step.step);
            if step.outcome == StepOutcome::Completed
                && let Some(series) = place.and_then(|place| self.series.get_mut(place + 2))
            {
                series.histogram.record(step.duration_us);
            }
        }
    }

    /// Writes the interval that ends now.
    fn write(&mut self, now: Duration) {
        let (begun, length) = (self.begun, now.saturating_sub(self.begun));
        self.begun = now;
        let mut series = std::mem::take(&mut self.series);
        self.attempt(|writer| write_interval(writer, &series, begun, length));
        for series in &mut series {
            if series.histogram.count() > 0 {
                series.histogram.clear();
            }
        }
        self.series = series;
    }

    fn attempt(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.writer = Err(error);
        }
    }
}

fn write_interval(
    writer: &mut impl Write,
    series: &[Series],
    begun: Duration,
    length: Duration,
) -> io::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    // Without a comment or a start time the log has no header.
    let mut log = IntervalLogWriterBuilder::new().begin_log_with(writer, &mut serializer)?;
    for series in series.iter().filter(|series| series.histogram.count() > 0) {
        let counts = series.histogram.counts();
        log.write_histogram(counts, begun, length, Tag::new(&series.tag))
            .map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}

impl<W: Write + Send> Reporter for LatencyLog<W> {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => self.begin(info),
            RunEvent::FlowEnded(flow) if flow.counted => self.record(flow),
            RunEvent::RunEnded { elapsed, .. } => self.write(*elapsed),
            _ => {}
        }
    }

    fn tick(&mut self, elapsed: Duration) {
        if elapsed.saturating_sub(self.begun) >= INTERVAL {
            self.write(elapsed);
            self.attempt(W::flush);
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.attempt(W::flush);
        match &self.writer {
            Ok(_) => Ok(()),
            Err(error) => Err(ReportError::write(
                &self.path,
                io::Error::new(error.kind(), error.to_string()),
            )),
        }
    }
}
