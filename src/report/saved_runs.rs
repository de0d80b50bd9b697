//! List of the saved runs in a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};

use crate::model::{RunId, RunInfo};
use crate::stats::{FlowCounts, Summary};

use super::error::ReportError;
use super::flows_reader::FlowsReader;
use super::result_directory::ResultDirectory;
use super::result_file::FORMAT;
use super::saved_file::{self, BYTE_ORDER_MARK};
use super::verdict::RunVerdict;

/// A saved run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct ListedRun {
    pub run: Option<RunId>,
    pub directory: PathBuf,
    pub started_at: DateTime<Local>,
    pub scenario: Option<String>,
    pub result: ListedResult,
    /// The counts of its flows, once it has a result.
    pub flows: Option<FlowCounts>,
    /// The 95th percentile of the response times of its completed flows, in microseconds.
    pub response_p95_us: Option<u64>,
}

/// The result of a run in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListedResult {
    Passed,
    Failed,
    DataInconsistent,
    Interrupted,
    InProgress,
    /// It ended without a result; a report is made of its flows.
    CutOff,
    /// Its files are damaged or from another version.
    Unreadable,
}

impl ListedResult {
    /// Returns the words for it, in capitals if the run has a result.
    pub fn words(self) -> String {
        match self {
            ListedResult::Passed => RunVerdict::Passed.headline(),
            ListedResult::Failed => RunVerdict::Failed.headline(),
            ListedResult::DataInconsistent => RunVerdict::DataInconsistent.headline(),
            ListedResult::Interrupted => RunVerdict::Interrupted.headline(),
            ListedResult::InProgress => "in progress".into(),
            ListedResult::CutOff => "cut off".into(),
            ListedResult::Unreadable => "unreadable".into(),
        }
    }
}

impl From<RunVerdict> for ListedResult {
    fn from(verdict: RunVerdict) -> Self {
        match verdict {
            RunVerdict::Passed => ListedResult::Passed,
            RunVerdict::Failed => ListedResult::Failed,
            RunVerdict::DataInconsistent => ListedResult::DataInconsistent,
            RunVerdict::Interrupted => ListedResult::Interrupted,
        }
    }
}

/// The part of a result that a list shows.
#[derive(Deserialize)]
struct Brief {
    format: String,
    run: RunInfo,
    summary: Summary,
}

/// Lists the saved runs in this directory, the newest first; none if it does not exist.
///
/// # Errors
/// If the directory cannot be read.
pub fn saved_runs(root: &Path) -> Result<Vec<ListedRun>, ReportError> {
    let failed = |error| ReportError::read(root, error);
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        runs.extend(listed(&path));
    }
    runs.sort_by(|a, b| (b.started_at, &b.directory).cmp(&(a.started_at, &a.directory)));
    Ok(runs)
}

/// Returns the run in this directory, if one was saved there.
fn listed(path: &Path) -> Option<ListedRun> {
    let directory = ResultDirectory::at(path);
    let (result, flows) = (directory.result(), directory.flows());
    let has_result = result.is_file();
    let file = if has_result { &result } else { &flows.path };
    let modified = fs::metadata(file).and_then(|it| it.modified()).ok()?;
    let unreadable = ListedRun {
        run: None,
        directory: path.to_owned(),
        started_at: modified.into(),
        scenario: None,
        result: ListedResult::Unreadable,
        flows: None,
        response_p95_us: None,
    };
    let of = |info: RunInfo| ListedRun {
        run: Some(info.id),
        started_at: info.started_at,
        scenario: Some(info.scenario),
        ..unreadable.clone()
    };
    if has_result {
        let Some(Brief { run, summary, .. }) = brief(&result) else {
            return Some(unreadable);
        };
        return Some(ListedRun {
            result: RunVerdict::of(&summary).into(),
            flows: Some(summary.flows),
            response_p95_us: summary.flow_response.map(|it| it.p95_us),
            ..of(run)
        });
    }
    let Ok((lines, head)) = FlowsReader::open(&flows) else {
        return Some(unreadable);
    };
    let result = if lines.is_in_progress() {
        ListedResult::InProgress
    } else {
        ListedResult::CutOff
    };
    Some(ListedRun {
        result,
        ..of(head.run)
    })
}

fn brief(path: &Path) -> Option<Brief> {
    let text = saved_file::read(path).ok()?;
    let brief: Brief = serde_json::from_str(text.trim_start_matches(BYTE_ORDER_MARK)).ok()?;
    (brief.format == FORMAT).then_some(brief)
}
