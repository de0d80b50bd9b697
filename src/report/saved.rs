//! Reads saved runs.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::model::{AuditRecord, RunEvent};
use crate::stats::{FlowCounts, Tally};

use super::bundle;
use super::error::ReportError;
use super::flows_file::FlowsLine;
use super::flows_reader::{FlowsReader, write_record};
use super::integrity::IntegrityCheck;
use super::plausible::is_plausible;
use super::recorder::name_bundles;
use super::reporter::Reporter;
use super::result_directory::{Ending, ResultDirectory};
use super::result_file::{Completeness, FORMAT, FlowsHead, Head, check_format};
use super::saved_file::{self, BYTE_ORDER_MARK};

/// A run that was saved in a directory.
#[derive(Debug)]
pub struct SavedRun {
    pub directory: ResultDirectory,
    pub head: Head,
    /// Sentences about damage to its files, and about what is counted in spite of it. They are
    /// among the notices of `head`, too.
    pub remarks: Vec<String>,
}

/// The reason for which a run is counted from its flows.
enum Recount {
    /// There is no record.
    NoRecord(Ending),
    /// There is no record, and all planned flows have ended; `is_killed` if Rehearsal was killed
    /// afterwards.
    NoRecordOfAll { is_killed: bool },
    /// The record is damaged, or has another version.
    DamagedRecord(ReportError),
}

impl Recount {
    /// Returns the reason as a sentence.
    fn remark(&self) -> String {
        match self {
            Recount::NoRecord(Ending::InProgress) => {
                "The run is still in progress; what has reached the disk is counted.".into()
            }
            Recount::NoRecord(Ending::Killed) => "The run was cut off, as Rehearsal was killed; \
                                                  what had reached the disk is counted."
                .into(),
            Recount::NoRecord(Ending::NotSaved { why }) => {
                let why = match why.as_str() {
                    "" => String::new(),
                    why => format!(" ({why})"),
                };
                format!(
                    "The run ended, but its result could not be saved{why}; what had reached the \
                     disk is counted."
                )
            }
            Recount::NoRecord(Ending::Unknown) => {
                "The run was cut off; what had reached the disk is counted.".into()
            }
            Recount::NoRecordOfAll { is_killed: true } => {
                "Rehearsal was killed before it saved the result; all planned flows had ended, and \
                 are counted."
                    .into()
            }
            Recount::NoRecordOfAll { is_killed: false } => {
                "result.json is missing; all planned flows are in flows.jsonl, and are counted."
                    .into()
            }
            Recount::DamagedRecord(error) => {
                format!("{error}. The figures are counted again from flows.jsonl.")
            }
        }
    }

    fn completeness(&self) -> Completeness {
        match self {
            Recount::NoRecord(_) => Completeness::CutOff,
            Recount::NoRecordOfAll { .. } | Recount::DamagedRecord(_) => Completeness::Whole,
        }
    }

    /// Returns the reason after all flows were read, as these show whether the run was cut off.
    fn after(self, flows: &FlowCounts) -> Recount {
        let has_all = flows.planned.is_some() && flows.not_started() == 0 && flows.interrupted == 0;
        match self {
            Recount::NoRecord(ending @ (Ending::Killed | Ending::Unknown)) if has_all => {
                Recount::NoRecordOfAll {
                    is_killed: ending == Ending::Killed,
                }
            }
            reason => reason,
        }
    }

    /// Returns `true` if the run is known not to have come to its end.
    fn is_interruption(&self) -> bool {
        matches!(
            self,
            Recount::NoRecord(Ending::InProgress | Ending::Killed | Ending::Unknown)
        )
    }
}

impl SavedRun {
    /// Creates a run whose files are undamaged.
    pub fn new(directory: ResultDirectory, head: Head) -> Self {
        SavedRun {
            directory,
            head,
            remarks: Vec::new(),
        }
    }

    /// Reads the run in this directory: its record, or, if that does not exist or is damaged, its
    /// flows. `temporary` is a directory for temporary files.
    ///
    /// # Errors
    /// If neither exists or can be read; the error names the file.
    pub fn open(directory: &Path, temporary: &Path) -> Result<Self, ReportError> {
        let directory = ResultDirectory::at(directory);
        match read_head(&directory) {
            Ok((head, remarks)) => Ok(SavedRun {
                remarks,
                ..SavedRun::new(directory, head)
            }),
            Err(error) if error.is_not_found() => {
                if !directory.flows().path.exists() {
                    let what = match directory.path().is_dir() {
                        true => "there is neither result.json nor flows.jsonl in it",
                        false => "there is no such directory",
                    };
                    return Err(ReportError::malformed(directory.path(), what));
                }
                let flows = open_flows(&directory)?;
                let ending = if flows.lines.is_in_progress() {
                    Ending::InProgress
                } else {
                    directory.ending()
                };
                SavedRun::recount(directory, flows, Recount::NoRecord(ending), temporary)
            }
            Err(error @ ReportError::Malformed { .. }) => {
                let Ok(flows) = open_flows(&directory) else {
                    return Err(error);
                };
                SavedRun::recount(directory, flows, Recount::DamagedRecord(error), temporary)
            }
            Err(error) => Err(error),
        }
    }

    /// Computes the record of a run from its flows.
    fn recount(
        directory: ResultDirectory,
        flows: Flows,
        reason: Recount,
        temporary: &Path,
    ) -> Result<Self, ReportError> {
        let Flows {
            head: flows_head,
            mut lines,
            remark,
        } = flows;
        let info = flows_head.run.clone();
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
                    elapsed = elapsed.max(flow.ended_since(info.started_at));
                    tally.record(&flow);
                    if let Some(check) = &mut check {
                        check.record(&flow);
                    }
                    if let Some(bundle) = bundle::of_failed(directory.path(), flow.number.0) {
                        bundled.push((*flow, bundle));
                    }
                }
                FlowsLine::Dropped(dropped) => {
                    tally.record_drops(dropped.dropped, dropped.counted);
                }
            }
        }
        let mut summary = tally.summary(elapsed, false);
        let reason = reason.after(&summary.flows);
        summary.interrupted = reason.is_interruption();
        summary.flows.not_recorded = summary.flows.not_started();
        name_bundles(&bundled, &mut summary.failures);
        if let Some(mut check) = check {
            if let Some(command) = &info.integrity.audit {
                let why = if reason.is_interruption() {
                    "the run was cut off"
                } else {
                    "its result could not be saved or read"
                };
                check.audited(&AuditRecord::not_run(command.clone(), why));
            }
            let (integrity, error) = check.close();
            error.map_or(Ok(()), Err)?;
            summary.integrity = Some(integrity);
        }
        let mut remarks = vec![reason.remark()];
        remarks.extend(remark);
        remarks.extend(lines.skipped().notices());
        let (histograms, notices) = (tally.histograms(), remarks.clone());
        let environment = flows_head.environment;
        let head = Head {
            completeness: reason.completeness(),
            ..Head::new(&info, environment, summary, histograms, notices)
        };
        Ok(SavedRun {
            directory,
            head,
            remarks,
        })
    }

    /// Reports the flows to `reporter` as if they ended now, between the run's start and end.
    ///
    /// # Errors
    /// If the flows cannot be read, as those of a merged run, which has none.
    pub fn feed(&self, reporter: &mut dyn Reporter) -> Result<(), ReportError> {
        reporter.event(&RunEvent::RunStarted(Box::new(self.head.run.clone())));
        let mut lines = FlowsReader::after_head(&self.directory.flows())?;
        while let Some(line) = lines.next()? {
            if let FlowsLine::Flow(flow) = line {
                reporter.event(&RunEvent::FlowEnded(flow));
            }
        }
        let summary = &self.head.summary;
        reporter.event(&RunEvent::RunEnded {
            elapsed: Duration::from_micros(summary.elapsed_us),
            interrupted: summary.interrupted,
        });
        Ok(())
    }

    /// Writes the record including the flows; a merged run has none.
    ///
    /// # Errors
    /// Errors of the writer and of reading the flows.
    pub fn write_record(&self, out: &mut impl Write) -> io::Result<()> {
        let flows = self.directory.flows();
        let flows = flows.path.exists().then_some(&flows);
        write_record(out, &self.head, flows)
    }
}

/// The flows of a run, and what their file or another one says about the run.
struct Flows {
    head: FlowsHead,
    lines: FlowsReader,
    remark: Option<String>,
}

/// Opens a run's flows. If the line about the run is damaged, a bundle replaces it.
fn open_flows(directory: &ResultDirectory) -> Result<Flows, ReportError> {
    let file = directory.flows();
    let error = match FlowsReader::open(&file) {
        Ok((lines, head)) => {
            return Ok(Flows {
                head,
                lines,
                remark: None,
            });
        }
        Err(error) => error,
    };
    let (Ok(lines), Some((run, environment))) = (
        FlowsReader::after_head(&file),
        bundle::run_of_any(directory.path()),
    ) else {
        return Err(error);
    };
    let remark = "The first line of flows.jsonl, about the run, is damaged; a bundle has the same.";
    Ok(Flows {
        head: FlowsHead {
            format: FORMAT.into(),
            run,
            environment,
        },
        lines,
        remark: Some(remark.into()),
    })
}

/// Reads a run's record, with remarks on it.
fn read_head(directory: &ResultDirectory) -> Result<(Head, Vec<String>), ReportError> {
    let path = directory.result();
    let whole = saved_file::read(&path)?;
    let text = whole.trim_start_matches(BYTE_ORDER_MARK);
    check_format(&path, text)?;
    let malformed = |error| ReportError::malformed(&path, error);
    let value: Value = serde_json::from_str(text).map_err(malformed)?;
    if !value.get("summary").is_none_or(is_plausible) {
        let what = "a figure in its summary is impossibly large";
        return Err(ReportError::malformed(&path, what));
    }
    let mut head: Head = serde_json::from_value(value).map_err(malformed)?;
    let has_mark = text.len() < whole.len();
    let remarks: Vec<_> = has_mark
        .then(|| "result.json begins with a byte order mark, which is skipped.".to_owned())
        .into_iter()
        .collect();
    head.notices.extend(remarks.iter().cloned());
    Ok((head, remarks))
}
