//! Sums of runs that were parts of one load at the same time.

use std::time::Duration;

use crate::model::{RunId, RunInfo};
use crate::stats::{
    Checked, FlowFailures, Histograms, MissingHistogram, Summary, Tally, Threshold,
};

/// A run that is a part of the merged one.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Part<'a> {
    pub run: &'a RunInfo,
    pub summary: &'a Summary,
    pub histograms: &'a Histograms,
    /// The clock of the results' file system minus that of the machine, in microseconds, and the
    /// machine's name.
    pub clock: Option<(i64, &'a str)>,
}

/// Returns the number of a segment, and the number of all: those of `2/8`.
pub(in crate::report) fn numbers(segment: &str) -> Option<(u64, u64)> {
    let (number, count) = segment.split_once('/')?;
    Some((number.parse().ok()?, count.parse().ok()?))
}

/// Describes the merged run. There is at least one part.
pub(in crate::report) fn run(parts: &[Part<'_>], id: RunId) -> RunInfo {
    let all = || parts.iter().map(|part| part.run);
    let mut loads: Vec<_> = all().map(|run| run.load.as_str()).collect();
    loads.dedup();
    let first = parts[0].run.clone();
    RunInfo {
        id,
        flows: all().map(|run| run.flows).sum(),
        duration_us: all().filter_map(|run| run.duration_us).max(),
        parallel: all().map(|run| run.parallel).sum(),
        load: format!("{} runs of {}", parts.len(), loads.join(" and ")),
        wanted_per_second: all().map(|run| run.wanted_per_second).sum(),
        segment: None,
        // Segments share it; other runs have one each.
        seed: first
            .seed
            .filter(|_| all().all(|run| run.segment.is_some())),
        started_at: all()
            .map(|run| run.started_at)
            .min()
            .unwrap_or(first.started_at),
        ..first
    }
}

/// Adds up the figures of all parts: counts and rates are sums, percentiles are exact over all flows,
/// and the elapsed time is the longest. Integrity, thresholds and the verdict are not included.
///
/// # Errors
/// If a histogram is missing, with the place of the part.
pub(in crate::report) fn figures(
    parts: &[Part<'_>],
    run: &RunInfo,
) -> Result<(Summary, Histograms), (usize, MissingHistogram)> {
    let mut tally = Tally::new(run);
    for (place, part) in parts.iter().enumerate() {
        let added = tally.add(part.summary, part.histograms);
        added.map_err(|missing| (place, missing))?;
    }
    let summaries = || parts.iter().map(|part| part.summary);
    let elapsed_us = summaries().map(|it| it.elapsed_us).max();
    let elapsed = Duration::from_micros(elapsed_us.unwrap_or_default());
    let interrupted = summaries().any(|it| it.interrupted);
    let mut summary = tally.summary(elapsed, interrupted);
    summary.started_per_second = summaries().map(|it| it.started_per_second).sum();
    summary.completed_per_second = summaries().map(|it| it.completed_per_second).sum();
    summary.rehearsal_cpu_us = summaries().map(|it| it.rehearsal_cpu_us).sum();
    let peaks = summaries().filter_map(|it| it.rehearsal_peak_rss_bytes);
    summary.set_rehearsal_peak(peaks.max());
    summary.flow_failures = flow_failures(parts);
    Ok((summary, tally.histograms()))
}

/// Returns the effect of failed flows: they are allowed if all parts allow theirs.
fn flow_failures(parts: &[Part<'_>]) -> FlowFailures {
    let failed = parts.iter().filter(|part| part.summary.flows.failed > 0);
    let mut effects = failed.map(|part| part.summary.flow_failures).peekable();
    match effects.peek().is_some() && effects.all(|it| it == FlowFailures::AreAllowed) {
        true => FlowFailures::AreAllowed,
        false => FlowFailures::Count,
    }
}

/// Checks the thresholds of the parts against the figures of all together. One of windows holds if it
/// held in every part, as windows of several runs have no common figures.
pub(in crate::report) fn thresholds(
    parts: &[Part<'_>],
    run: &RunInfo,
    summary: &Summary,
) -> Vec<Checked> {
    let steps: Vec<&str> = run.steps.iter().map(|step| step.name.as_str()).collect();
    let mut merged: Vec<Checked> = Vec::new();
    let all = || parts.iter().flat_map(|part| &part.summary.thresholds);
    for one in all() {
        if merged.iter().any(|it| it.threshold == one.threshold) {
            continue;
        }
        let parsed = Threshold::parse(&one.threshold, &steps).ok();
        let whole = parsed.filter(|it| !it.is_of_windows());
        merged.push(match whole {
            Some(threshold) => threshold.check(summary),
            None => {
                let same = || all().filter(|it| it.threshold == one.threshold);
                let crossed = same().find(|it| !it.holds);
                crossed.unwrap_or(one).clone()
            }
        });
    }
    merged
}
