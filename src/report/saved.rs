//! Reads saved runs.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::model::{AuditRecord, FlowRecord};
use crate::stats::Tally;

use super::bundle;
use super::error::ReportError;
use super::flows_file::{FlowsLine, FlowsReader, write_record};
use super::folder::RunFolder;
use super::integrity::IntegrityCheck;
use super::recorder::name_bundles;
use super::result_file::{Completeness, FlowsHead, Head, check_format};

/// A run that was saved in a folder.
#[derive(Debug)]
pub struct SavedRun {
    pub folder: RunFolder,
    pub head: Head,
}

impl SavedRun {
    /// Reads the run in this folder: its record, or, if it was cut off, its flows. `temporary` is a
    /// folder for temporary files.
    ///
    /// # Errors
    /// If neither exists, or one cannot be read; the error names the file.
    pub fn open(folder: &Path, temporary: &Path) -> Result<Self, ReportError> {
        let folder = RunFolder::at(folder);
        let result = folder.result();
        let text = match fs::read_to_string(&result) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return SavedRun::recover(folder, temporary);
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

    /// Computes the record of a run that was cut off from its flows.
    fn recover(folder: RunFolder, temporary: &Path) -> Result<Self, ReportError> {
        if !folder.flows().path.exists() {
            let what = "there is neither result.json nor flows.jsonl in it";
            return Err(ReportError::malformed(folder.path(), what));
        }
        let mut lines = FlowsReader::open(&folder.flows())?;
        let info = lines.head.run.info();
        let mut tally = Tally::new(&info);
        let mut check = IntegrityCheck::open(&info.integrity, Some(temporary.to_owned()));
        if let Some(check) = &mut check {
            check.begin(&info.id);
        }
        let mut elapsed = Duration::ZERO;
        let mut bundled = Vec::new();
        while let Some(line) = lines.next()? {
            match line {
                FlowsLine::Flow(flow) => {
                    elapsed = elapsed.max(ended_after(&lines.head, &flow));
                    tally.record(&flow);
                    if let Some(check) = &mut check {
                        check.record(&flow);
                    }
                    if let Some(bundle) = bundle::of_failed(folder.path(), flow.number.0) {
                        bundled.push((*flow, bundle));
                    }
                }
                FlowsLine::Dropped(dropped) => tally.record_drop(dropped.counted),
            }
        }
        let mut summary = tally.summary(elapsed, true);
        name_bundles(&bundled, &mut summary.failures);
        if let Some(mut check) = check {
            if let Some(command) = &info.integrity.audit {
                let why = "Rehearsal was killed during the run";
                check.audited(&AuditRecord::not_run(command.clone(), why));
            }
            let (integrity, error) = check.close();
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

    /// Writes the record including the flows; a merged run has none.
    ///
    /// # Errors
    /// Errors of the writer and of reading the flows.
    pub fn write_record(&self, out: &mut impl Write) -> io::Result<()> {
        let flows = self.folder.flows();
        let flows = flows.path.exists().then_some(&flows);
        write_record(out, &self.head, flows)
    }
}

/// Returns a lower bound of the time at which the flow's last step ended, since the run's start.
fn ended_after(head: &FlowsHead, flow: &FlowRecord) -> Duration {
    let started = flow.started_at - head.run.started_at;
    let apart_us = flow.paused_us.saturating_add(flow.waited_us);
    let took = Duration::from_micros(flow.duration_us.saturating_add(apart_us));
    started.to_std().unwrap_or_default() + took
}
