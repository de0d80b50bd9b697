//! Typescripts of script(1), with their times in the multi-stream format.
//!
//! Source: the manual page of `scriptlive` and `script` of util-linux. A line of the file of times has
//! the kind of the entry, the time since the last one, and the number of bytes in the log; `H` lines
//! name the logs.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;

use crate::recorder::recording::{Chunk, ChunkEvent, Recording};
use crate::recorder::recording_file::{RecordingError, possible, seconds, words};
use crate::terminal::ScreenSize;

use super::KEYS;

/// The size where the file names none.
const SIZE: ScreenSize = ScreenSize {
    rows: 24,
    columns: 80,
};

/// The logs of a typescript; one for both directions, or two.
struct Logs {
    all: HashMap<PathBuf, Log>,
}

struct Log {
    bytes: Vec<u8>,
    /// The place of the next entry.
    at: usize,
}

impl Logs {
    /// Takes the next bytes of a log.
    fn take(&mut self, path: &Path, count: usize) -> Result<Vec<u8>, RecordingError> {
        if !self.all.contains_key(path) {
            let bytes = fs::read(path).map_err(|source| RecordingError::File {
                what: "read",
                path: path.to_owned(),
                source,
            })?;
            // The first line says when it was started.
            let at = bytes.iter().position(|byte| *byte == b'\n');
            let at = at.map_or(bytes.len(), |end| end + 1);
            self.all.insert(path.to_owned(), Log { bytes, at });
        }
        let Some(log) = self.all.get_mut(path) else {
            return Ok(Vec::new());
        };
        let end = log.at.saturating_add(count).min(log.bytes.len());
        let taken = log.bytes[log.at..end].to_vec();
        log.at = end;
        Ok(taken)
    }
}

/// Reads the file of times and the logs that it names.
pub(super) fn read(path: &Path, times: &[u8]) -> Result<Recording, RecordingError> {
    let malformed = |line: usize, what: String| RecordingError::Malformed {
        path: path.to_owned(),
        line,
        what,
    };
    let text = String::from_utf8_lossy(times);
    let is_times = |line: &str| line.starts_with("H ") || line.starts_with("O ");
    if !text.lines().next().is_some_and(is_times) {
        let what =
            "it is no asciicast and no file of times in the multi-stream format: record with \
                    `script --log-io FILE --log-timing TIMES`, and name TIMES"
                .to_owned();
        return Err(malformed(1, what));
    }
    let header = |name: &str| {
        let mut values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("H ")?;
            let (_, rest) = rest.split_once(' ')?;
            rest.strip_prefix(name)?.strip_prefix(' ')
        });
        values.next_back()
    };
    let log = |name: &str| header(name).map(|name| beside(path, Path::new(name)));
    let (output, input) = (log("OUTPUT_LOG"), log("INPUT_LOG"));
    let side = |name: &str| header(name).and_then(|it| it.parse().ok());
    let size = side("COLUMNS").zip(side("LINES"));
    let size = size.and_then(|(columns, rows)| possible(columns, rows).ok());
    let started = header("START_TIME")
        .and_then(|it| DateTime::parse_from_str(it, "%Y-%m-%d %H:%M:%S%:z").ok());
    let mut recording = Recording {
        role: String::new(),
        command: words(header("COMMAND")),
        term: header("TERM").unwrap_or_default().to_owned(),
        size: size.unwrap_or(SIZE),
        started_at: started.map_or(0, |it| it.timestamp()),
        chunks: Vec::new(),
    };
    let mut logs = Logs {
        all: HashMap::new(),
    };
    let mut at = Duration::ZERO;
    for (line, number) in text.lines().zip(1..) {
        let mut words = line.splitn(3, ' ');
        let (Some(kind), Some(since), Some(rest)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let since = since
            .parse()
            .map_err(|_| malformed(number, format!("`{since}` is no time")))?;
        at += seconds(since).map_err(|what| malformed(number, what))?;
        let count = || {
            let count = rest.trim().parse::<usize>();
            count.map_err(|_| malformed(number, format!("`{rest}` is no number")))
        };
        let event = match kind {
            "O" => match &output {
                Some(log) => ChunkEvent::Output(logs.take(log, count()?)?),
                None => continue,
            },
            "I" => match &input {
                Some(log) => ChunkEvent::Typed {
                    bytes: logs.take(log, count()?)?,
                    mode: KEYS,
                },
                None => continue,
            },
            "S" => match new_size(rest) {
                Some(size) => ChunkEvent::Resized(size),
                None => continue,
            },
            "H" => match rest
                .strip_prefix("EXIT_CODE ")
                .and_then(|it| it.parse().ok())
            {
                Some(code) => ChunkEvent::Exited(code),
                None => continue,
            },
            _ => continue,
        };
        recording.chunks.push(Chunk { at, event });
    }
    Ok(recording)
}

/// Returns the path of a log: as it is named, or else beside the file of times.
fn beside(times: &Path, log: &Path) -> PathBuf {
    let directory = times.parent().unwrap_or(Path::new(""));
    let near = directory.join(log.file_name().unwrap_or_default());
    match near.exists() {
        true => near,
        false => log.to_owned(),
    }
}

/// Returns the size in `SIGWINCH ROWS=24 COLS=80`.
fn new_size(rest: &str) -> Option<ScreenSize> {
    let side = |name: &str| {
        let values = rest.split_whitespace();
        let mut values = values.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        values.next()?.parse().ok()
    };
    possible(side("COLS")?, side("ROWS")?).ok()
}
