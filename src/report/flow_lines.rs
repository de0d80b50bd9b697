//! Reading the file in which a run keeps its flows.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use super::error::ReportError;
use super::record::FlowsHead;
use super::saved::check_format;
use super::spool::{Line, SpooledFlows};

/// The lines of a run's flows, one in memory at a time.
pub(super) struct FlowLines {
    pub head: FlowsHead,
    path: PathBuf,
    reader: BufReader<File>,
    /// The number of the line that was read last, for messages.
    number: u64,
}

impl FlowLines {
    /// Reads the line about the run.
    ///
    /// # Errors
    /// If there is no such file, or this is not what it begins with.
    pub(super) fn open(flows: &SpooledFlows) -> Result<Self, ReportError> {
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
        Ok(FlowLines {
            head,
            path,
            reader,
            number: 1,
        })
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// If it cannot be read, or is no such line.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ReportError> {
        let Some(line) = next_line(&mut self.reader, &self.path)? else {
            return Ok(None);
        };
        self.number += 1;
        let parsed = Line::parse(&line).map_err(|error| {
            ReportError::malformed(&self.path, format_args!("line {}: {error}", self.number))
        })?;
        Ok(Some(parsed))
    }
}

/// A last line without its end is one that was not written whole.
fn next_line(
    reader: &mut BufReader<File>,
    path: &std::path::Path,
) -> Result<Option<String>, ReportError> {
    let mut line = Vec::new();
    let read = reader.read_until(b'\n', &mut line);
    read.map_err(|error| ReportError::read(path, error))?;
    let whole = line.strip_suffix(b"\n");
    Ok(whole.map(|line| String::from_utf8_lossy(line).into_owned()))
}
