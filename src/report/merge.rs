//! Merges several runs into one.

mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, absolute};
use std::time::Duration;

use crate::model::{AuditRecord, IntegrityInfo, RunId, RunInfo};
use crate::stats::{Checked, FlowFailures, Integrity, MissingHistogram, Summary, Tally, Threshold};

use super::bundle;
use super::error::ReportError;
use super::flows_file::FlowsLine;
use super::flows_reader::FlowsReader;
use super::integrity::IntegrityCheck;
use super::result_file::{Completeness, Head, Merged, RunEnvironment};
use super::saved::SavedRun;

/// Errors of merging runs.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("there is nothing to merge")]
    Nothing,
    #[error("{one} and {other} are runs of different scenarios: {difference}")]
    Different {
        one: RunId,
        other: RunId,
        difference: String,
    },
    #[error("{0} is listed twice")]
    Twice(RunId),
    #[error("{one} and {other} both are segment {segment}")]
    SegmentTwice {
        one: RunId,
        other: RunId,
        segment: String,
    },
    #[error("{run}: {source}")]
    Incomplete {
        run: RunId,
        source: MissingHistogram,
    },
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Merges runs of the same scenario that were parts of one load at the same time: counts and rates
/// are sums, percentiles are exact over all flows, and the elapsed time is the longest. Values that
/// must be unique are so among all of them. `audits` were run after all of them. `temporary` is a directory for temporary files.
///
/// # Errors
/// If they have different scenarios, or one is listed twice.
pub fn merge(
    runs: &[SavedRun],
    audits: &[AuditRecord],
    id: RunId,
    environment: RunEnvironment,
    temporary: &Path,
) -> Result<Head, MergeError> {
    let first = runs.first().ok_or(MergeError::Nothing)?;
    for other in &runs[1..] {
        compare(first, other)?;
    }
    let merged_from = sources(runs)?;
    let missing_segments = missing_segments(runs)?;
    let mut notices = Vec::new();
    let run = run(runs, id);
    let mut tally = Tally::new(&run);
    let mut completeness = Completeness::Whole;
    let heads = || runs.iter().map(|run| &run.head);
    for saved in runs {
        let head = &saved.head;
        let name = &head.run.id;
        let mut summary = head.summary.clone();
        let directory = saved.directory.path();
        bundle::locate(
            &mut summary,
            &absolute(directory).unwrap_or_else(|_| directory.into()),
        );
        tally
            .add(&summary, &head.histograms)
            .map_err(|source| MergeError::Incomplete {
                run: name.clone(),
                source,
            })?;
        if head.completeness == Completeness::CutOff {
            completeness = Completeness::CutOff;
        }
        notices.extend(head.notices.iter().map(|text| format!("{name}: {text}")));
    }
    let elapsed_us = heads().map(|head| head.summary.elapsed_us).max();
    let elapsed = Duration::from_micros(elapsed_us.unwrap_or_default());
    let interrupted = heads().any(|head| head.summary.interrupted);
    let mut summary = tally.summary(elapsed, interrupted);
    summary.started_per_second = heads()
        .map(|head| head.summary.started_per_second)
        .sum::<Option<f64>>();
    summary.completed_per_second = heads()
        .map(|head| head.summary.completed_per_second)
        .sum::<Option<f64>>();
    summary.rehearsal_cpu_us = heads().map(|head| head.summary.rehearsal_cpu_us).sum();
    let peaks = heads().filter_map(|head| head.summary.rehearsal_peak_rss_bytes);
    summary.set_rehearsal_peak(peaks.max());
    summary.integrity = integrity(runs, audits, &run.integrity, temporary)?;
    summary.flow_failures = flow_failures(runs);
    summary.thresholds = thresholds(runs, &run, &summary);
    summary.verdict = verdict::verdict(runs);
    Ok(Head {
        merged_from,
        missing_segments,
        completeness,
        ..Head::new(&run, environment, summary, tally.histograms(), notices)
    })
}

/// Returns the effect of failed flows: they are allowed if all runs allow theirs.
fn flow_failures(runs: &[SavedRun]) -> FlowFailures {
    let failed = runs.iter().filter(|run| run.head.summary.flows.failed > 0);
    let mut effects = failed.map(|run| run.head.summary.flow_failures).peekable();
    match effects.peek().is_some() && effects.all(|it| it == FlowFailures::AreAllowed) {
        true => FlowFailures::AreAllowed,
        false => FlowFailures::Count,
    }
}

/// Checks the thresholds of the runs against the figures of all together. One of windows holds if it
/// held in every run, as windows of several runs have no common figures.
fn thresholds(runs: &[SavedRun], run: &RunInfo, summary: &Summary) -> Vec<Checked> {
    let steps: Vec<&str> = run.steps.iter().map(|step| step.name.as_str()).collect();
    let mut merged: Vec<Checked> = Vec::new();
    let all = || runs.iter().flat_map(|run| &run.head.summary.thresholds);
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

/// Checks the integrity of all of them together.
fn integrity(
    runs: &[SavedRun],
    audits: &[AuditRecord],
    info: &IntegrityInfo,
    temporary: &Path,
) -> Result<Option<Integrity>, ReportError> {
    let Some(mut check) = IntegrityCheck::open(info, Some(temporary.to_owned())) else {
        return Ok(None);
    };
    for SavedRun {
        directory, head, ..
    } in runs
    {
        let flows = directory.flows();
        let found = head.summary.integrity.as_ref();
        let id = &head.run.id;
        if !flows.path.exists() {
            if let Some(found) = found {
                check.adopt(id, found);
            }
            continue;
        }
        check.begin(id);
        let (mut lines, _) = FlowsReader::open(&flows)?;
        while let Some(line) = lines.next()? {
            if let FlowsLine::Flow(flow) = line {
                check.record(&flow);
            }
        }
        for audit in found.iter().flat_map(|found| &found.audits) {
            check.audited(audit);
        }
    }
    for audit in audits {
        check.audited(audit);
    }
    let (integrity, error) = check.close();
    error.map_or(Ok(Some(integrity)), Err)
}

fn compare(one: &SavedRun, other: &SavedRun) -> Result<(), MergeError> {
    let (left, right) = (&one.head.run, &other.head.run);
    let roles =
        |run: &RunInfo| -> Vec<String> { run.roles.iter().map(|role| role.name.clone()).collect() };
    let difference = if left.scenario != right.scenario {
        format!("{} and {}", left.scenario, right.scenario)
    } else if left.steps != right.steps || roles(left) != roles(right) {
        "they have other steps or roles".to_owned()
    } else if left.chaos != right.chaos {
        "they had other chaos".to_owned()
    } else if one.directory.scenario()? != other.directory.scenario()? {
        "their files scenario.yaml differ".to_owned()
    } else {
        return Ok(());
    };
    Err(different(left, right, difference))
}

/// Returns the original runs, those of merged ones included.
fn sources(runs: &[SavedRun]) -> Result<Vec<Merged>, MergeError> {
    let mut sources: Vec<Merged> = Vec::new();
    for SavedRun { head, .. } in runs {
        let itself = Merged {
            id: head.run.id.clone(),
            host: head.environment.host.clone(),
            seed: head.run.seed,
            started_at: head.run.started_at,
        };
        let of_this = if head.merged_from.is_empty() {
            std::slice::from_ref(&itself)
        } else {
            &head.merged_from
        };
        for source in of_this {
            if sources.contains(source) {
                return Err(MergeError::Twice(source.id.clone()));
            }
            sources.push(source.clone());
        }
    }
    Ok(sources)
}

/// Checks the segments of one run among these, and returns a sentence about those that are missing.
fn missing_segments(runs: &[SavedRun]) -> Result<Option<String>, MergeError> {
    let mut found: BTreeMap<u64, &RunId> = BTreeMap::new();
    let mut all = None;
    for run in runs.iter().map(|saved| &saved.head.run) {
        let Some((number, count)) = run.segment.as_deref().and_then(numbers) else {
            continue;
        };
        if *all.get_or_insert(count) != count {
            let difference = "they are segments of different runs".to_owned();
            return Err(different(&runs[0].head.run, run, difference));
        }
        if let Some(one) = found.insert(number, &run.id) {
            return Err(MergeError::SegmentTwice {
                one: one.clone(),
                other: run.id.clone(),
                segment: format!("{number}/{count}"),
            });
        }
    }
    let Some(count) = all else { return Ok(None) };
    let missing: Vec<String> = (1..=count)
        .filter(|number| !found.contains_key(number))
        .map(|number| number.to_string())
        .collect();
    Ok((!missing.is_empty()).then(|| match missing.as_slice() {
        [one] => format!("Segment {one} of {count} is missing."),
        several => format!("Segments {} of {count} are missing.", several.join(", ")),
    }))
}

/// Returns the two numbers of a segment.
fn numbers(segment: &str) -> Option<(u64, u64)> {
    let (number, count) = segment.split_once('/')?;
    Some((number.parse().ok()?, count.parse().ok()?))
}

fn different(one: &RunInfo, other: &RunInfo, difference: String) -> MergeError {
    MergeError::Different {
        one: one.id.clone(),
        other: other.id.clone(),
        difference,
    }
}

fn run(runs: &[SavedRun], id: RunId) -> RunInfo {
    let all = || runs.iter().map(|saved| &saved.head.run);
    let mut loads: Vec<_> = all().map(|run| run.load.as_str()).collect();
    loads.dedup();
    let first = runs[0].head.run.clone();
    RunInfo {
        id,
        flows: all().map(|run| run.flows).sum(),
        duration_us: all().filter_map(|run| run.duration_us).max(),
        parallel: all().map(|run| run.parallel).sum(),
        load: format!("{} runs of {}", runs.len(), loads.join(" and ")),
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
