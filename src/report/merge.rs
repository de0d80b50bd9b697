//! Merges several runs into one.

pub(super) mod parts;
mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, absolute};

use crate::model::{AuditRecord, IntegrityInfo, RunId, RunInfo};
use crate::stats::{Integrity, MissingHistogram, Summary};

use super::bundle;
use super::error::ReportError;
use super::flows_file::FlowsLine;
use super::flows_reader::FlowsReader;
use super::integrity::IntegrityCheck;
use super::result_file::{Completeness, Head, Merged, RunEnvironment};
use super::saved::SavedRun;

use parts::Part;

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
    let heads = || runs.iter().map(|run| &run.head);
    let located = runs.iter().map(located);
    let summaries: Vec<Summary> = located.collect();
    let parts = heads().zip(&summaries).map(|(head, summary)| Part {
        run: &head.run,
        summary,
        histograms: &head.histograms,
        clock: clock(head),
    });
    let parts: Vec<Part<'_>> = parts.collect();
    let run = parts::run(&parts, id);
    let merged = parts::figures(&parts, &run);
    let (mut summary, histograms) = merged.map_err(|(place, source)| MergeError::Incomplete {
        run: runs[place].head.run.id.clone(),
        source,
    })?;
    summary.integrity = integrity(runs, audits, &run.integrity, temporary)?;
    summary.thresholds = parts::thresholds(&parts, &run, &summary);
    summary.verdict = verdict::verdict(&parts);
    let notices = heads().flat_map(|head| {
        let notices = head.notices.iter();
        notices.map(|text| format!("{}: {text}", head.run.id))
    });
    let is_cut_off = heads().any(|head| head.completeness == Completeness::CutOff);
    Ok(Head {
        merged_from,
        missing_segments,
        completeness: match is_cut_off {
            true => Completeness::CutOff,
            false => Completeness::Whole,
        },
        ..Head::new(&run, environment, summary, histograms, notices.collect())
    })
}

/// Returns the figures of a run, with full paths of its bundles.
fn located(saved: &SavedRun) -> Summary {
    let mut summary = saved.head.summary.clone();
    let directory = saved.directory.path();
    bundle::locate(
        &mut summary,
        &absolute(directory).unwrap_or_else(|_| directory.into()),
    );
    summary
}

/// Returns the clock of a segment's machine, with the machine's name, if it was measured.
fn clock(head: &Head) -> Option<(i64, &str)> {
    let environment = &head.environment;
    head.run.segment.as_ref()?;
    // A clock that is ahead makes the file system's look late.
    Some((environment.clock_offset_us?, environment.host.as_str()))
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
        let Some((number, count)) = run.segment.as_deref().and_then(parts::numbers) else {
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

fn different(one: &RunInfo, other: &RunInfo, difference: String) -> MergeError {
    MergeError::Different {
        one: one.id.clone(),
        other: other.id.clone(),
        difference,
    }
}
