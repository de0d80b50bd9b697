//! The file of a run's flows, `flows.jsonl`: its lines, and their writer.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{FlowRecord, RunInfo};

use super::error::ReportError;
use super::result_file::{FORMAT, FlowsHead, RunEnvironment};

/// A writer of flows as they end, one line of JSON each, after a line about the run. Data given to
/// it a second ago is in the file.
///
/// After an error it ignores further flows, and returns the error when it is finished.
#[derive(Debug)]
pub struct FlowsWriter {
    path: PathBuf,
    state: Result<BufWriter<File>, io::Error>,
    environment: RunEnvironment,
}

/// The file of the flows of a run that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowsFile {
    pub path: PathBuf,
}

/// Flows that were due and not started.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Dropped {
    pub dropped: u64,
    pub counted: bool,
}

/// The beginning of a line with a [`Dropped`]; no other line begins so.
const DROPPED: &str = "{\"dropped\":";

/// A line after the first.
#[derive(Debug)]
pub(super) enum FlowsLine {
    Flow(Box<FlowRecord>),
    Dropped(Dropped),
}

impl FlowsLine {
    pub(super) fn parse(line: &str) -> serde_json::Result<Self> {
        if line.starts_with(DROPPED) {
            serde_json::from_str(line).map(FlowsLine::Dropped)
        } else {
            serde_json::from_str(line).map(|flow| FlowsLine::Flow(Box::new(flow)))
        }
    }
}

impl FlowsWriter {
    /// Creates a new file at `path`.
    ///
    /// # Errors
    /// If the file cannot be created, or exists.
    pub fn create(path: &Path, environment: RunEnvironment) -> Result<Self, ReportError> {
        let file = File::create_new(path).map_err(|error| ReportError::create(path, error))?;
        // Until the writer is dropped, so that a reader can detect a run in progress. File systems
        // without locks do without.
        let _ = file.try_lock();
        Ok(FlowsWriter {
            path: path.to_owned(),
            state: Ok(BufWriter::new(file)),
            environment,
        })
    }

    pub(super) fn begin(&mut self, info: &RunInfo) {
        let head = FlowsHead {
            format: FORMAT.into(),
            run: info.clone(),
            environment: self.environment.clone(),
        };
        self.line(&head);
    }

    pub(super) fn append(&mut self, flow: &FlowRecord) {
        self.line(flow);
    }

    pub(super) fn append_drops(&mut self, dropped: u64, counted: bool) {
        self.line(&Dropped { dropped, counted });
    }

    pub(super) fn flush(&mut self) {
        self.attempt(BufWriter::flush);
    }

    pub(super) fn finish(mut self) -> Result<FlowsFile, ReportError> {
        self.flush();
        match self.state {
            Ok(_) => Ok(FlowsFile { path: self.path }),
            Err(error) => Err(ReportError::write(&self.path, error)),
        }
    }

    fn line(&mut self, value: &impl Serialize) {
        self.attempt(|file| {
            serde_json::to_writer(&mut *file, value)?;
            file.write_all(b"\n")
        });
    }

    fn attempt(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Ok(file) = &mut self.state
            && let Err(error) = write(file)
        {
            self.state = Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let full = PathBuf::from("/dev/full");
        if !full.exists() {
            return;
        }
        let file = OpenOptions::new().write(true).open(&full).unwrap();
        let mut flows = FlowsWriter {
            path: full,
            state: Ok(BufWriter::new(file)),
            environment: RunEnvironment {
                host: "here".into(),
                kernel: "Linux 6".into(),
                cores: 2,
                processor: None,
                governor: None,
                rehearsal_version: "1".into(),
                command_line: Vec::new(),
                clock_offset_us: None,
            },
        };
        flows.line(&"a line");
        let error = flows.finish().unwrap_err().to_string();
        assert!(
            error.starts_with("cannot write /dev/full: No space left"),
            "{error}"
        );
    }

    #[test]
    fn a_dropped_flow_is_distinguished_from_a_flow() {
        let dropped = Dropped {
            dropped: 1,
            counted: true,
        };
        let line = serde_json::to_string(&dropped).unwrap();
        assert!(matches!(FlowsLine::parse(&line), Ok(FlowsLine::Dropped(_))));
        assert!(FlowsLine::parse("{\"number\":1}").is_err());
    }
}
