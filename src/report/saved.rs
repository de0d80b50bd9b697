//! Reading what was kept of a run.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::model::AuditRecord;
use crate::stats::Tally;

use super::books::Books;
use super::bundle;
use super::error::ReportError;
use super::flow_lines::FlowLines;
use super::folder::RunFolder;
use super::record::{Completeness, FORMAT, Flow, FlowsHead, Head};
use super::recorder::name_bundles;
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
    /// Reads the run in this folder: its record, or, if it never came to that, its flows. `room`
    /// is a folder for files without a name.
    ///
    /// # Errors
    /// If neither is there, or what is there cannot be read; the error names the file.
    pub fn open(folder: &Path, room: &Path) -> Result<Self, ReportError> {
        let folder = RunFolder::at(folder);
        let result = folder.result();
        let text = match fs::read_to_string(&result) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return SavedRun::recover(folder, room);
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
    fn recover(folder: RunFolder, room: &Path) -> Result<Self, ReportError> {
        if !folder.flows().path.exists() {
            let what = "there is neither result.json nor flows.jsonl in it";
            return Err(ReportError::malformed(folder.path(), what));
        }
        let mut lines = FlowLines::open(&folder.flows())?;
        let info = lines.head.run.info();
        let mut tally = Tally::new(&info);
        let mut books = Books::open(&info.integrity, Some(room.to_owned()));
        if let Some(books) = &mut books {
            books.begin(&info.id);
        }
        let mut elapsed = Duration::ZERO;
        let mut bundled = Vec::new();
        while let Some(line) = lines.next()? {
            match line {
                Line::Flow(flow) => {
                    elapsed = elapsed.max(ended_after(&lines.head, &flow));
                    let record = flow.to_record(&lines.head.run);
                    tally.record(&record);
                    if let Some(books) = &mut books {
                        books.record(&record);
                    }
                    if let Some(bundle) = bundle::of_failed(folder.path(), flow.number) {
                        bundled.push((record, bundle));
                    }
                }
                Line::Dropped(dropped) => tally.record_drop(dropped.counted),
            }
        }
        let mut summary = tally.summary(elapsed, true);
        name_bundles(&bundled, &mut summary.failures);
        if let Some(mut books) = books {
            if let Some(command) = &info.integrity.audit {
                let why = "Rehearsal was killed during the run";
                books.audited(&AuditRecord::not_run(command.clone(), why));
            }
            let (integrity, error) = books.close();
            error.map_or(Ok(()), Err)?;
            summary.integrity = Some(integrity);
        }
        let notice = "Rehearsal was killed during the run; this is what had reached the disk";
        let (histograms, notices) = (tally.histograms(), vec![notice.into()]);
        let environment = lines.head.environment;
        let head = Head {
            completeness: Completeness::CutOff,
            ..Head::new(&info, environment, summary, histograms, notices)
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
    let apart_us = flow.paused_us.saturating_add(flow.waited_us);
    let took = Duration::from_micros(flow.duration_us.saturating_add(apart_us));
    started.to_std().unwrap_or_default() + took
}

pub(super) fn check_format(path: &Path, text: &str) -> Result<(), ReportError> {
    let found: Format =
        serde_json::from_str(text).map_err(|error| ReportError::malformed(path, error))?;
    if found.format == FORMAT {
        return Ok(());
    }
    let what = format!("it is a {}, and this program reads {FORMAT}", found.format);
    Err(ReportError::malformed(path, what))
}
