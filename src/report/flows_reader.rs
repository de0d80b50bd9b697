//! Reader of a run's flows, `flows.jsonl`, as far as they are undamaged.
//!
//! A line that is damaged, or has a flow that was read before, is counted and skipped, so one
//! damaged byte costs at most one flow. A last line without a line end is the trace of a run that
//! was cut off and is ignored.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::PathBuf;

use super::error::ReportError;
use super::flows_file::{FlowsFile, FlowsLine};
use super::plausible::{has_plausible_numbers, is_plausible_figure, is_plausible_time};
use super::result_file::{FlowsHead, Head, check_format};
use super::saved_file::{self, BYTE_ORDER_MARK};
use super::units;

/// The maximum size of a line that is read.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// A reader of the lines of a run's flows, one in memory at a time.
pub(super) struct FlowsReader {
    path: PathBuf,
    reader: BufReader<File>,
    seen: FlowNumbers,
    skipped: Skipped,
}

/// Lines that were skipped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skipped {
    pub damaged: u64,
    /// Lines with a flow that was read before.
    pub repeated: u64,
}

impl Skipped {
    /// Describes them, one sentence for each kind.
    pub(super) fn notices(self) -> Vec<String> {
        let damaged = (self.damaged > 0).then(|| {
            format!(
                "{} of flows.jsonl could not be read, and what was in it is not counted",
                units::counted(self.damaged, "line")
            )
        });
        let repeated = (self.repeated > 0).then(|| {
            format!(
                "{} of flows.jsonl had a flow that was there before, which is counted once",
                units::counted(self.repeated, "line")
            )
        });
        damaged.into_iter().chain(repeated).collect()
    }
}

/// One line as it is in the file.
enum RawLine {
    Text(String),
    /// Not UTF-8, or too long.
    Unreadable,
}

impl FlowsReader {
    /// Opens the file and reads the line about the run.
    ///
    /// # Errors
    /// If there is no such file, or its first line has another form.
    pub(super) fn open(flows: &FlowsFile) -> Result<(Self, FlowsHead), ReportError> {
        let mut reader = FlowsReader::without_head(flows)?;
        let path = &flows.path;
        let first = match reader.read_line()? {
            Some(RawLine::Text(line)) => line,
            Some(RawLine::Unreadable) => {
                let what = "its first line, about the run, is damaged";
                return Err(ReportError::malformed(path, what));
            }
            None => {
                let what = "it has no line about the run";
                return Err(ReportError::malformed(path, what));
            }
        };
        let first = first.trim_start_matches(BYTE_ORDER_MARK);
        check_format(path, first)?;
        let head: FlowsHead =
            serde_json::from_str(first).map_err(|error| ReportError::malformed(path, error))?;
        let run = &head.run;
        if !is_plausible_time(run.started_at) || !run.duration_us.is_none_or(is_plausible_figure) {
            let what = "a time in its first line is impossible";
            return Err(ReportError::malformed(path, what));
        }
        Ok((reader, head))
    }

    /// Opens the file after its first line, whatever that is.
    ///
    /// # Errors
    /// If there is no such file, or no first line.
    pub(super) fn after_head(flows: &FlowsFile) -> Result<Self, ReportError> {
        FlowsReader::past_head(flows)?
            .ok_or_else(|| ReportError::malformed(&flows.path, "it has no line about the run"))
    }

    /// Opens the file behind the line about the run; `None` if it has no lines.
    fn past_head(flows: &FlowsFile) -> Result<Option<Self>, ReportError> {
        let mut reader = FlowsReader::without_head(flows)?;
        Ok(match reader.read_line()? {
            None => None,
            // The line about the run is missing: this is the first flow.
            Some(RawLine::Text(text)) if parse(&text).is_some() => {
                Some(FlowsReader::without_head(flows)?)
            }
            Some(_) => Some(reader),
        })
    }

    /// Opens the file at its first line, about the run.
    fn without_head(flows: &FlowsFile) -> Result<Self, ReportError> {
        Ok(FlowsReader {
            path: flows.path.clone(),
            reader: BufReader::new(saved_file::open(&flows.path)?),
            seen: FlowNumbers::default(),
            skipped: Skipped::default(),
        })
    }

    /// Returns `true` if the run is still writing the file.
    pub(super) fn is_in_progress(&self) -> bool {
        let locked = self.reader.get_ref().try_lock_shared();
        matches!(locked, Err(TryLockError::WouldBlock))
    }

    /// Reads the next undamaged line; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<FlowsLine>, ReportError> {
        Ok(self.next_with_text()?.map(|(line, _)| line))
    }

    /// Returns the numbers of lines that were skipped so far.
    pub(super) fn skipped(&self) -> Skipped {
        self.skipped
    }

    fn next_with_text(&mut self) -> Result<Option<(FlowsLine, String)>, ReportError> {
        while let Some(line) = self.read_line()? {
            let RawLine::Text(text) = line else {
                self.skipped.damaged += 1;
                continue;
            };
            match parse(&text) {
                Some(FlowsLine::Flow(flow)) if !self.seen.insert(flow.number.0) => {
                    self.skipped.repeated += 1;
                }
                Some(line) => return Ok(Some((line, text))),
                None => self.skipped.damaged += 1,
            }
        }
        Ok(None)
    }

    fn read_line(&mut self) -> Result<Option<RawLine>, ReportError> {
        let mut line = Vec::new();
        let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES);
        let read = limited.read_until(b'\n', &mut line);
        let failed = |error| ReportError::read(&self.path, error);
        let length = read.map_err(failed)?;
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(Some(
                String::from_utf8(line).map_or(RawLine::Unreadable, RawLine::Text),
            ));
        }
        if (length as u64) < MAX_LINE_BYTES {
            return Ok(None);
        }
        drop(line);
        let found = self.reader.skip_until(b'\n').map_err(failed)?;
        Ok((found > 0).then_some(RawLine::Unreadable))
    }
}

/// Parses a line after the first; `None` if it is damaged.
fn parse(text: &str) -> Option<FlowsLine> {
    let line = FlowsLine::parse(text).ok()?;
    let has_plausible_time = match &line {
        FlowsLine::Flow(flow) => is_plausible_time(flow.started_at),
        FlowsLine::Dropped(_) => true,
    };
    (has_plausible_time && has_plausible_numbers(text)).then_some(line)
}

/// A set of flow numbers. It takes little memory, because a run numbers its flows from 1.
#[derive(Debug, Default)]
struct FlowNumbers {
    /// The first and last numbers of gapless ranges.
    ranges: BTreeMap<u64, u64>,
}

impl FlowNumbers {
    /// Adds a number; returns `false` if it is there.
    fn insert(&mut self, number: u64) -> bool {
        let before = self.ranges.range(..=number).next_back();
        let before = before.map(|(&first, &last)| (first, last));
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last.checked_add(1) == Some(number) => first,
            _ => number,
        };
        let after = number.checked_add(1);
        let last = after.and_then(|after| self.ranges.remove(&after));
        self.ranges.insert(first, last.unwrap_or(number));
        true
    }
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
        let mut lines = FlowsReader::past_head(flows).map_err(io::Error::other)?;
        while let Some(lines) = &mut lines
            && let Some((line, text)) = lines.next_with_text().map_err(io::Error::other)?
        {
            if let FlowsLine::Flow(_) = line {
                write!(out, "{separator}{text}")?;
                separator = ",\n    ";
            }
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
    use std::collections::HashSet;
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn reader(text: &[u8]) -> (tempfile::TempDir, FlowsReader) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flows.jsonl");
        fs::write(&path, text).unwrap();
        let reader = FlowsReader::without_head(&FlowsFile { path }).unwrap();
        (directory, reader)
    }

    #[test]
    fn damaged_lines_are_counted_and_skipped() {
        let drop = r#"{"dropped":1,"counted":true}"#;
        let text = format!("{drop}\nnot json\n\n{drop}\n\u{0}\n{drop}");
        let mut bytes = text.into_bytes();
        bytes.splice(0..0, *b"\xff\n");
        let (_directory, mut reader) = reader(&bytes);
        let mut read = 0;
        while reader.next().unwrap().is_some() {
            read += 1;
        }
        // The last line is incomplete.
        assert_eq!((read, reader.skipped().damaged), (2, 4));
        let notices = reader.skipped().notices();
        assert_eq!(notices.len(), 1);
        assert!(notices[0].starts_with("4 lines of flows.jsonl could not be read"));
    }

    #[test]
    fn an_endless_line_costs_bounded_memory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("flows.jsonl");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_LINE_BYTES * 2).unwrap();
        let mut reader = FlowsReader::without_head(&FlowsFile { path }).unwrap();
        assert!(matches!(
            reader.read_line().unwrap(),
            Some(RawLine::Unreadable)
        ));
        assert!(reader.next().unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_being_written_is_distinguished() {
        let (directory, reader) = reader(b"");
        assert!(!reader.is_in_progress());
        let writer = File::open(directory.path().join("flows.jsonl")).unwrap();
        // The reader's own lock goes with it.
        drop(reader);
        writer.lock().unwrap();
        let path = directory.path().join("flows.jsonl");
        let reader = FlowsReader::without_head(&FlowsFile { path }).unwrap();
        assert!(reader.is_in_progress());
    }

    proptest! {
        #[test]
        fn flow_numbers_are_a_set(
            numbers in prop::collection::vec(prop_oneof![0_u64..20, u64::MAX - 3..=u64::MAX], 0..60),
        ) {
            let mut seen = FlowNumbers::default();
            let mut expected = HashSet::new();
            for number in numbers {
                prop_assert_eq!(seen.insert(number), expected.insert(number));
            }
            let held: u64 = seen.ranges.iter().map(|(first, last)| last - first + 1).sum();
            prop_assert_eq!(held, expected.len() as u64);
        }
    }
}
