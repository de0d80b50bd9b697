//! The file of a run's flows, `flows.jsonl`: writer and reader.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{FlowRecord, RunInfo};

use super::error::ReportError;
use super::result_file::{FORMAT, FlowsHead, Head, Run, RunEnvironment, check_format};

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
        Ok(FlowsWriter {
            path: path.to_owned(),
            state: Ok(BufWriter::new(file)),
            environment,
        })
    }

    pub(super) fn begin(&mut self, info: &RunInfo) {
        let head = FlowsHead {
            format: FORMAT.into(),
            run: Run::new(info),
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

impl FlowsFile {
    /// Returns the flows, one line of JSON each. An incomplete last line is ignored.
    fn lines(&self) -> io::Result<impl Iterator<Item = io::Result<String>>> {
        let mut reader = BufReader::new(File::open(&self.path)?);
        let next = move || loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Err(error) => return Some(Err(error)),
                Ok(_) if line.pop() != Some('\n') => return None,
                Ok(_) if line.starts_with(DROPPED) => {}
                Ok(_) => return Some(Ok(line)),
            }
        };
        Ok(std::iter::from_fn(next).skip(1))
    }
}

/// A reader of the lines of a run's flows, one in memory at a time.
pub(super) struct FlowsReader {
    pub head: FlowsHead,
    path: PathBuf,
    reader: BufReader<File>,
    /// The number of the last line read, for messages.
    number: u64,
}

impl FlowsReader {
    /// Opens the file and reads the line about the run.
    ///
    /// # Errors
    /// If there is no such file, or its first line has another form.
    pub(super) fn open(flows: &FlowsFile) -> Result<Self, ReportError> {
        let path = flows.path.clone();
        let file = File::open(&path).map_err(|error| ReportError::read(&path, error))?;
        let mut reader = BufReader::new(file);
        let Some(first) = next_line(&mut reader, &path)? else {
            return Err(ReportError::malformed(
                &path,
                "it has no line about the run",
            ));
        };
        check_format(&path, &first)?;
        let head =
            serde_json::from_str(&first).map_err(|error| ReportError::malformed(&path, error))?;
        Ok(FlowsReader {
            head,
            path,
            reader,
            number: 1,
        })
    }

    /// Reads the next line; `None` at the end.
    ///
    /// # Errors
    /// If it cannot be read, or has another form.
    pub(super) fn next(&mut self) -> Result<Option<FlowsLine>, ReportError> {
        let Some(line) = next_line(&mut self.reader, &self.path)? else {
            return Ok(None);
        };
        self.number += 1;
        let parsed = FlowsLine::parse(&line).map_err(|error| {
            ReportError::malformed(&self.path, format_args!("line {}: {error}", self.number))
        })?;
        Ok(Some(parsed))
    }
}

/// Reads the next line. A last line without a line end is incomplete and ignored.
fn next_line(reader: &mut BufReader<File>, path: &Path) -> Result<Option<String>, ReportError> {
    let mut line = Vec::new();
    let read = reader.read_until(b'\n', &mut line);
    read.map_err(|error| ReportError::read(path, error))?;
    let whole = line.strip_suffix(b"\n");
    Ok(whole.map(|line| String::from_utf8_lossy(line).into_owned()))
}

/// Writes the record of a run, holding one flow in memory at a time.
///
/// # Errors
/// Errors of the writer and of reading the flows. Without `flows` the list is empty.
pub fn write_record(
    out: &mut impl Write,
    head: &Head,
    flows: Option<&FlowsFile>,
) -> io::Result<()> {
    let head = serde_json::to_string_pretty(head)?;
    let open = head
        .strip_suffix("\n}")
        .expect("a struct with fields is a JSON object");
    write!(out, "{open},\n  \"flows\": [")?;
    let mut separator = "\n    ";
    if let Some(flows) = flows {
        for line in flows.lines()? {
            write!(out, "{separator}{}", line?)?;
            separator = ",\n    ";
        }
    }
    out.write_all(if separator.starts_with(',') {
        b"\n  ]\n}\n"
    } else {
        b"]\n}\n"
    })?;
    out.flush()
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
                rehearsal_version: "1".into(),
                command_line: Vec::new(),
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
