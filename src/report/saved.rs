//! Reading what was kept of a run.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::stats::Tally;

use super::bundle;
use super::error::ReportError;
use super::folder::RunFolder;
use super::record::{Completeness, FORMAT, Flow, FlowsHead, Head};
use super::spool::{Line, write_record};

/// A run whose folder is there.
#[derive(Debug)]
pub struct SavedRun {
    pub folder: RunFolder,
    pub head: Head,
}

/// As much of a record as says whether the rest can be read.
#[derive(Deserialize)]
struct Format {
    format: String,
}

impl SavedRun {
    /// Reads the run in this folder: its record, or, if it never came to that, its flows.
    ///
    /// # Errors
    /// If neither is there, or what is there cannot be read; the error names the file.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let folder = RunFolder::at(folder);
        let result = folder.result();
        let text = match fs::read_to_string(&result) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return SavedRun::recover(folder);
            }
            Err(error) => return Err(ReportError::read(&result, error)),
        };
        let malformed = |error| ReportError::malformed(&result, error);
        check_format(&result, &text)?;
        Ok(SavedRun {
            head: serde_json::from_str(&text).map_err(malformed)?,
            folder,
        })
    }

    /// Counts the flows again.
    fn recover(folder: RunFolder) -> Result<Self, ReportError> {
        let path = folder.flows().path;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => {
                let what = "there is neither result.json nor flows.jsonl in it";
                return Err(ReportError::malformed(folder.path(), what));
            }
            Err(error) => return Err(ReportError::read(&path, error)),
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let mut next = move || -> Result<Option<String>, ReportError> {
            line.clear();
            let read = reader.read_until(b'\n', &mut line);
            read.map_err(|error| ReportError::read(&path, error))?;
            // A last line without its end is one that was not written whole.
            let whole = line.strip_suffix(b"\n");
            Ok(whole.map(|line| String::from_utf8_lossy(line).into_owned()))
        };
        let path = folder.flows().path;
        let Some(first) = next()? else {
            return Err(ReportError::malformed(
                &path,
                "it has no line about the run",
            ));
        };
        check_format(&path, &first)?;
        let head: FlowsHead =
            serde_json::from_str(&first).map_err(|error| ReportError::malformed(&path, error))?;
        let info = head.run.info();
        let mut tally = Tally::new(&info);
        let mut elapsed = Duration::ZERO;
        let mut number = 1;
        while let Some(line) = next()? {
            number += 1;
            let line = Line::parse(&line).map_err(|error| {
                ReportError::malformed(&path, format_args!("line {number}: {error}"))
            })?;
            match line {
                Line::Flow(flow) => {
                    elapsed = elapsed.max(ended_after(&head, &flow));
                    let record = flow.to_record(&head.run);
                    tally.record(&record);
                    if let Some(bundle) = bundle::of_failed(folder.path(), flow.number) {
                        tally.note_bundle(&record, &bundle);
                    }
                }
                Line::Dropped(dropped) => tally.record_drop(dropped.counted),
            }
        }
        let summary = tally.summary(elapsed, true);
        let notice = "Rehearsal was killed during the run; this is what had reached the disk";
        let (histograms, notices) = (tally.histograms(), vec![notice.into()]);
        let head = Head {
            completeness: Completeness::CutOff,
            ..Head::new(&info, head.environment, summary, histograms, notices)
        };
        Ok(SavedRun { folder, head })
    }

    /// Writes the record with the flows, of which there are none in a run that was merged.
    ///
    /// # Errors
    /// What the writer says; the reader's troubles look the same.
    pub fn write_record(&self, out: &mut impl Write) -> io::Result<()> {
        let flows = self.folder.flows();
        let flows = flows.path.exists().then_some(&flows);
        write_record(out, &self.head, flows)
    }
}

/// When the flow's last step ended, at the least.
fn ended_after(head: &FlowsHead, flow: &Flow) -> Duration {
    let started = flow.started_at - head.run.started_at;
    let took = Duration::from_micros(flow.duration_us.saturating_add(flow.paused_us));
    started.to_std().unwrap_or_default() + took
}

fn check_format(path: &Path, text: &str) -> Result<(), ReportError> {
    let found: Format =
        serde_json::from_str(text).map_err(|error| ReportError::malformed(path, error))?;
    if found.format == FORMAT {
        return Ok(());
    }
    let what = format!("it is a {}, and this program reads {FORMAT}", found.format);
    Err(ReportError::malformed(path, what))
}
