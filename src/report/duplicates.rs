//! Exact search for duplicate values among the flows of a run, in bounded memory.
//!
//! Values are appended to a buffer, and beyond a certain size to an unnamed temporary file. At the
//! end they are read in several passes: each pass collects the values of one part of all hashes in
//! a map and compares the values themselves, so that colliding hashes do no harm. Memory is bounded
//! by one pass, for any number of flows.
//!
//! `benches/duplicates.rs` compares this with a map of all values: for a million values of 26
//! characters a peak of 19 MiB against 193 MiB, which would grow with the run, and no more time.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use crate::stats::MAX_FINDINGS;

/// The size of the buffer before it is written to the file.
const BUFFER_BYTES: usize = 1 << 18;

/// The approximate size of one pass, whose map needs about three times as much.
const PASS_BYTES: u64 = 8 << 20;

/// The maximum number of flows listed for one value.
const MAX_FLOWS: usize = 5;

/// A flow of one of several runs, ordered by run, then by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FlowOf {
    /// The index of its run.
    pub run: u32,
    pub number: u64,
}

/// Collects values with their names and flows.
pub(super) struct Duplicates {
    /// The directory for the file; without one, everything is kept in memory.
    directory: Option<PathBuf>,
    buffer: Vec<u8>,
    file: Option<File>,
    written_bytes: u64,
    error: Option<io::Error>,
    pass_bytes: u64,
}

/// Duplicates among the values of one name.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Values.
    pub values: u64,
    /// Values that an earlier flow had.
    pub duplicates: u64,
    /// Of these, values that a flow of another run had.
    pub across_runs: u64,
    /// Duplicate values, ordered by their first flows.
    pub found: Vec<Found>,
}

/// A value of several flows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub value: String,
    pub count: u64,
    /// The first flows, in order.
    pub flows: Vec<FlowOf>,
}

/// A value whose first flow is searched.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The index of the name.
    pub name: u16,
    pub value: String,
    /// Flows of this run take precedence.
    pub run: Option<u32>,
}

/// The flows with one value, within a pass.
struct Seen {
    first: FlowOf,
    more: Option<Box<More>>,
}

/// The further flows with a value.
#[derive(Default)]
struct More {
    count: u64,
    across_runs: u64,
    flows: Vec<FlowOf>,
}

impl Duplicates {
    /// Creates an empty collection, which may use a file in this directory.
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Duplicates {
            directory,
            buffer: Vec::new(),
            file: None,
            written_bytes: 0,
            error: None,
            pass_bytes: PASS_BYTES,
        }
    }

    /// Adds a value of the name with this index. After a write error it ignores further values, and
    /// [`close`](Self::close) returns the error.
    pub(super) fn add(&mut self, name: u16, flow: FlowOf, value: &str) {
        let Ok(length) = u32::try_from(value.len()) else {
            return;
        };
        if self.error.is_some() {
            return;
        }
        self.buffer.extend(flow.run.to_le_bytes());
        self.buffer.extend(flow.number.to_le_bytes());
        self.buffer.extend(length.to_le_bytes());
        self.buffer.extend(name.to_le_bytes());
        self.buffer.extend(value.as_bytes());
        if self.buffer.len() >= BUFFER_BYTES
            && let Err(error) = self.spill()
        {
            self.error = Some(error);
            self.buffer = Vec::new();
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(directory)?),
        };
        file.write_all(&self.buffer)?;
        self.written_bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Returns the duplicates of each of `names` names, and the first flow with each of the wanted
    /// values.
    ///
    /// # Errors
    /// If the file could not be written or read.
    pub(super) fn close(
        mut self,
        names: usize,
        wanted: &[Wanted],
    ) -> io::Result<(Vec<Findings>, Vec<Option<FlowOf>>)> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut findings: Vec<_> = (0..names).map(|_| Findings::default()).collect();
        let mut owners = vec![None; wanted.len()];
        let bytes = self.written_bytes + self.buffer.len() as u64;
        let passes = bytes.div_ceil(self.pass_bytes).max(1);
        for pass in 0..passes {
            let seen = self.pass(pass, passes, &mut findings)?;
            for (owner, wanted) in owners.iter_mut().zip(wanted) {
                let found = seen.get(&key(wanted.name, wanted.value.as_bytes())[..]);
                *owner = owner.or(found.map(|seen| seen.owner(wanted.run)));
            }
            take_in(seen, &mut findings);
        }
        Ok((findings, owners))
    }

    /// Processes the values of one part of all hashes.
    fn pass(
        &mut self,
        pass: u64,
        passes: u64,
        findings: &mut [Findings],
    ) -> io::Result<HashMap<Box<[u8]>, Seen>> {
        let mut seen = HashMap::new();
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0))?;
        }
        let written: Box<dyn BufRead + '_> = match &self.file {
            Some(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            None => Box::new(io::empty()),
        };
        let mut reader = written.chain(&self.buffer[..]);
        let mut key = Vec::new();
        while let Some(flow) = next(&mut reader, &mut key)? {
            if passes > 1 && part(&key, passes) != pass {
                continue;
            }
            let name = usize::from(u16::from_le_bytes([key[0], key[1]]));
            if let Some(findings) = findings.get_mut(name) {
                findings.values += 1;
            }
            match seen.get_mut(&key[..]) {
                None => {
                    let first = Seen {
                        first: flow,
                        more: None,
                    };
                    seen.insert(key.as_slice().into(), first);
                }
                Some(seen) => seen.again(flow),
            }
        }
        Ok(seen)
    }
}

impl Seen {
    /// Returns the first flow with the value, preferably of this run.
    fn owner(&self, run: Option<u32>) -> FlowOf {
        let more = self.more.iter().flat_map(|more| &more.flows);
        let mut all = std::iter::once(&self.first).chain(more);
        *all.find(|flow| Some(flow.run) == run)
            .unwrap_or(&self.first)
    }

    fn again(&mut self, flow: FlowOf) {
        let more = self.more.get_or_insert_default();
        more.count += 1;
        more.across_runs += u64::from(flow.run != self.first.run);
        if more.flows.len() + 1 < MAX_FLOWS {
            more.flows.push(flow);
        }
    }
}

/// Counts duplicates, and lists the first of them.
fn take_in(seen: HashMap<Box<[u8]>, Seen>, findings: &mut [Findings]) {
    for (key, Seen { first, more }) in seen {
        let Some(more) = more else { continue };
        let name = usize::from(u16::from_le_bytes([key[0], key[1]]));
        let Some(findings) = findings.get_mut(name) else {
            continue;
        };
        findings.duplicates += more.count;
        findings.across_runs += more.across_runs;
        let mut flows = vec![first];
        flows.extend(more.flows);
        flows.sort_unstable();
        findings.found.push(Found {
            value: String::from_utf8_lossy(&key[2..]).into_owned(),
            count: more.count + 1,
            flows,
        });
        if findings.found.len() >= 2 * MAX_FINDINGS {
            findings.keep_first();
        }
    }
    findings.iter_mut().for_each(Findings::keep_first);
}

impl Findings {
    fn keep_first(&mut self) {
        self.found.sort_unstable_by(|one, other| {
            (&one.flows, &one.value).cmp(&(&other.flows, &other.value))
        });
        self.found.truncate(MAX_FINDINGS);
    }
}

fn key(name: u16, value: &[u8]) -> Vec<u8> {
    [&name.to_le_bytes()[..], value].concat()
}

fn part(key: &[u8], parts: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish() % parts
}

/// Reads the next value, preceded by its name, into `key`; `None` at the end.
fn next(reader: &mut impl BufRead, key: &mut Vec<u8>) -> io::Result<Option<FlowOf>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let run = u32::from_le_bytes(bytes(reader)?);
    let number = u64::from_le_bytes(bytes(reader)?);
    let length = u32::from_le_bytes(bytes(reader)?) as usize;
    key.resize(length + 2, 0);
    reader.read_exact(key)?;
    Ok(Some(FlowOf { run, number }))
}

fn bytes<const COUNT: usize>(reader: &mut impl BufRead) -> io::Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(number: u64) -> FlowOf {
        FlowOf { run: 0, number }
    }

    #[test]
    fn however_many_passes_there_are_the_findings_are_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let close = |pass_bytes| {
            let mut duplicates = Duplicates::new(Some(directory.path().into()));
            duplicates.pass_bytes = pass_bytes;
            // More than the buffer holds: every thousandth has the value of the one before it.
            for number in 1..=40_000 {
                let value = number - u64::from(number % 1_000 == 0);
                duplicates.add(0, flow(number), &format!("ORD-{value:012}"));
                duplicates.add(1, flow(number), &format!("ORD-{number:012}"));
            }
            assert!(duplicates.file.is_some());
            let wanted = ["ORD-000000000999", "ORD-000000001000", "ORD-000000000007"];
            let wanted = wanted.map(|value| Wanted {
                name: 0,
                value: value.into(),
                run: None,
            });
            let (findings, owners) = duplicates.close(2, &wanted).unwrap();
            assert_eq!(owners, [Some(flow(999)), None, Some(flow(7))]);
            findings
        };
        for findings in [close(u64::MAX), close(1_000_000), close(300_000)] {
            assert_eq!((findings[0].values, findings[0].duplicates), (40_000, 40));
            assert_eq!((findings[1].values, findings[1].duplicates), (40_000, 0));
            assert_eq!(findings[0].found.len(), MAX_FINDINGS);
            let first = Found {
                value: "ORD-000000000999".into(),
                count: 2,
                flows: vec![flow(999), flow(1_000)],
            };
            assert_eq!(findings[0].found[0], first);
            assert_eq!(findings[0].found[19].flows[0], flow(19_999));
        }
        let left = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 0, "the file has no name");
    }

    #[test]
    fn one_value_in_many_flows_is_one_finding() {
        let mut duplicates = Duplicates::new(None);
        for number in (1..=1_000).rev() {
            duplicates.add(0, flow(number), "the same");
        }
        duplicates.add(0, FlowOf { run: 1, number: 1 }, "the same");
        let (findings, _) = duplicates.close(1, &[]).unwrap();
        assert_eq!(
            (findings[0].duplicates, findings[0].across_runs),
            (1_000, 1)
        );
        assert_eq!(findings[0].found.len(), 1);
        let found = &findings[0].found[0];
        assert_eq!(found.count, 1_001);
        let listed: Vec<_> = found.flows.iter().map(|flow| flow.number).collect();
        assert_eq!(listed, [996, 997, 998, 999, 1_000]);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error() {
        let mut duplicates = Duplicates::new(Some("/nonexistent/directory".into()));
        for number in 0..100_000 {
            duplicates.add(0, flow(number), "a value");
        }
        assert!(duplicates.close(1, &[]).is_err());
    }
}
