//! Recordings on disk: asciicast v3 with codes of our own.
//!
//! The format is that of asciinema (<https://docs.asciinema.org/manual/asciicast/v3/>): a line of
//! JSON with the size of the terminal, then a line for each event with the time since the last one,
//! a code and its data. Players ignore the codes that they do not know:
//!
//! | code | data |
//! | --- | --- |
//! | `o`, `i` | output; typed text |
//! | `b` | base64 of the next `o` or `i`, whose text is no UTF-8 |
//! | `t` | the terminal's mode for the `i` that follow: `lines echo`, `lines`, `keys echo` or `keys` |
//! | `s` | the number of a typed secret, whose text is nowhere |
//! | `m` | a mark: its kind, a colon, and its text |
//! | `r`, `x` | another size; the exit code |

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::terminal::ScreenSize;

use super::recording::{Chunk, ChunkEvent, Mark, Recording, TypedMode};

/// The mode in which a login session begins.
const FIRST_MODE: TypedMode = TypedMode {
    echo: true,
    lines: true,
};

/// The largest number of rows and of columns. A terminal of 65,535 of both has 4 billion cells.
const SIDE_LIMIT: u16 = 1000;

/// An error of a recording on disk.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("cannot {what} the recording {}: {source}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} is no recording: line {line}: {what}", path.display())]
    Malformed {
        path: PathBuf,
        line: usize,
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    term: TermHeader,
    #[serde(default)]
    timestamp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rehearsal: Option<OwnHeader>,
}

#[derive(Serialize, Deserialize)]
struct TermHeader {
    cols: u16,
    rows: u16,
    #[serde(rename = "type", default)]
    kind: String,
}

/// Content that asciicast has no place for.
#[derive(Serialize, Deserialize)]
struct OwnHeader {
    role: String,
    argv: Vec<String>,
}

/// A recording that is being written: each chunk is on disk when [`RecordingFile::append`] returns.
#[derive(Debug)]
pub struct RecordingFile {
    path: PathBuf,
    file: File,
    encoder: Encoder,
}

impl RecordingFile {
    /// Creates the file, which only its owner can read, and its directory. The chunks of `head` are
    /// not written.
    ///
    /// # Errors
    /// If there is such a file already, or the system refuses.
    pub fn create(path: &Path, head: &Recording) -> Result<RecordingFile, RecordingError> {
        let created = || -> io::Result<File> {
            if let Some(directory) = path.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(directory)?;
            }
            let mut file = private().create_new(true).open(path)?;
            file.write_all(header_line(head).as_bytes())?;
            Ok(file)
        };
        Ok(RecordingFile {
            path: path.to_owned(),
            file: created().map_err(|source| failed("write", path, source))?,
            encoder: Encoder::default(),
        })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes further chunks.
    ///
    /// # Errors
    /// The error of the system.
    pub fn append(&mut self, chunks: &[Chunk]) -> Result<(), RecordingError> {
        let lines: String = chunks.iter().map(|it| self.encoder.lines(it)).collect();
        let written = self.file.write_all(lines.as_bytes());
        written.map_err(|source| failed("write", &self.path, source))
    }

    /// Replaces the file by this recording, at once: a reader finds either the former or the new one.
    ///
    /// # Errors
    /// The error of the system; the former file remains.
    pub fn rewrite(&mut self, recording: &Recording) -> Result<(), RecordingError> {
        let beside = self.path.with_extension("cast.new");
        let mut encoder = Encoder::default();
        let mut text = header_line(recording);
        text.extend(recording.chunks.iter().map(|it| encoder.lines(it)));
        let replaced = || -> io::Result<File> {
            // Left behind by a process that was killed.
            let mut file = private().create(true).truncate(true).open(&beside)?;
            file.write_all(text.as_bytes())?;
            fs::rename(&beside, &self.path)?;
            Ok(file)
        };
        self.file = replaced().map_err(|source| failed("write", &self.path, source))?;
        self.encoder = encoder;
        Ok(())
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> RecordingError {
    let path = path.to_owned();
    RecordingError::File { what, path, source }
}

impl Recording {
    /// Reads a recording: an asciicast v3, of this program or of another one. Without its last lines,
    /// or cut within a line, it is read as far as it has whole lines.
    ///
    /// # Errors
    /// If the file cannot be read or is none.
    pub fn read(path: &Path) -> Result<Recording, RecordingError> {
        let bytes = fs::read(path).map_err(|source| failed("read", path, source))?;
        Recording::parse(&bytes).map_err(|(line, what)| RecordingError::Malformed {
            path: path.to_owned(),
            line,
            what,
        })
    }

    /// Reads the bytes of a file. An error has its line.
    pub(super) fn parse(bytes: &[u8]) -> Result<Recording, (usize, String)> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n');
        let whole = &bytes[..whole.map_or(0, |end| end + 1)];
        let text = String::from_utf8_lossy(whole);
        let mut lines = text.lines().zip(1..);
        let (first, _) = lines.next().unwrap_or_default();
        let header: Header = serde_json::from_str(first).map_err(|it| (1, it.to_string()))?;
        if header.version != 3 {
            let version = header.version;
            return Err((1, format!("it is asciicast v{version}, not v3")));
        }
        let TermHeader { cols, rows, kind } = header.term;
        let (role, command) = match header.rehearsal {
            Some(own) => (own.role, own.argv),
            None => (String::new(), words(header.command.as_deref())),
        };
        let mut decoder = Decoder::default();
        let mut chunks = Vec::new();
        for (text, line) in lines.filter(|(text, _)| !text.is_empty() && !text.starts_with('#')) {
            chunks.extend(decoder.chunk(text).map_err(|what| (line, what))?);
        }
        Ok(Recording {
            role,
            command,
            term: kind,
            size: possible(cols, rows).map_err(|what| (1, what))?,
            started_at: header.timestamp,
            chunks,
        })
    }
}

/// Returns the words of a command line; quoted ones are left as they are, as nothing runs them.
pub(super) fn words(command: Option<&str>) -> Vec<String> {
    let words = command.unwrap_or_default().split_whitespace();
    words.map(str::to_owned).collect()
}

/// Returns a size, if a terminal can have it.
pub(super) fn possible(columns: u16, rows: u16) -> Result<ScreenSize, String> {
    let sides = 1..=SIDE_LIMIT;
    let is_possible = sides.contains(&rows) && sides.contains(&columns);
    let what = || format!("no terminal has {rows} rows of {columns} columns");
    is_possible
        .then_some(ScreenSize { rows, columns })
        .ok_or_else(what)
}

/// Returns the size in the data of an event `r`: columns, `x`, rows.
pub(super) fn resized(data: &str) -> Result<ScreenSize, String> {
    let sides = data.split_once('x');
    let sides = sides.and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    let (columns, rows) = sides.ok_or_else(|| format!("`{data}` is no size"))?;
    possible(columns, rows)
}

fn header_line(recording: &Recording) -> String {
    let header = Header {
        version: 3,
        term: TermHeader {
            cols: recording.size.columns,
            rows: recording.size.rows,
            kind: recording.term.clone(),
        },
        timestamp: recording.started_at,
        command: Some(recording.command.join(" ")),
        rehearsal: Some(OwnHeader {
            role: recording.role.clone(),
            argv: recording.command.clone(),
        }),
    };
    json(&header) + "\n"
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers can be written")
}

/// Writer of lines.
#[derive(Debug)]
struct Encoder {
    last: Duration,
    mode: TypedMode,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder {
            last: Duration::ZERO,
            mode: FIRST_MODE,
        }
    }
}

impl Encoder {
    /// Returns the lines of a chunk.
    fn lines(&mut self, chunk: &Chunk) -> String {
        let mut lines = String::new();
        match &chunk.event {
            ChunkEvent::Output(bytes) => self.text(&mut lines, chunk.at, "o", bytes),
            ChunkEvent::Typed { bytes, mode } => {
                if *mode != self.mode {
                    self.mode = *mode;
                    self.line(&mut lines, chunk.at, "t", mode_name(*mode));
                }
                self.text(&mut lines, chunk.at, "i", bytes);
            }
            ChunkEvent::TypedSecret { number } => {
                self.line(&mut lines, chunk.at, "s", &number.to_string());
            }
            ChunkEvent::Resized(size) => {
                let size = format!("{}x{}", size.columns, size.rows);
                self.line(&mut lines, chunk.at, "r", &size);
            }
            ChunkEvent::Marked(mark) => self.line(&mut lines, chunk.at, "m", &mark_text(mark)),
            ChunkEvent::Exited(code) => self.line(&mut lines, chunk.at, "x", &code.to_string()),
        }
        lines
    }

    fn text(&mut self, lines: &mut String, at: Duration, code: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if text.as_bytes() != bytes {
            self.line(lines, at, "b", &STANDARD.encode(bytes));
        }
        self.line(lines, at, code, &text);
    }

    fn line(&mut self, lines: &mut String, at: Duration, code: &str, data: &str) {
        let interval = at.saturating_sub(self.last);
        self.last += interval;
        let line = json(&(interval.as_secs_f64(), code, data));
        writeln!(lines, "{line}").expect("a String takes all");
    }
}

/// Reader of lines.
struct Decoder {
    last: Duration,
    mode: TypedMode,
    /// The bytes of the next event.
    bytes: Option<Vec<u8>>,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder {
            last: Duration::ZERO,
            mode: FIRST_MODE,
            bytes: None,
        }
    }
}

impl Decoder {
    /// Returns the chunk that is complete with this line; lines of unknown codes are left out.
    fn chunk(&mut self, line: &str) -> Result<Option<Chunk>, String> {
        let (interval, code, data): (f64, String, String) =
            serde_json::from_str(line).map_err(|it| it.to_string())?;
        self.last = self
            .last
            .checked_add(seconds(interval)?)
            .ok_or("the time is too long")?;
        let text = |bytes: &mut Option<Vec<u8>>, data: String| {
            bytes.take().unwrap_or_else(|| data.into_bytes())
        };
        let number = |data: &str| format!("`{data}` is no number");
        let event = match code.as_str() {
            "o" => ChunkEvent::Output(text(&mut self.bytes, data)),
            "i" => ChunkEvent::Typed {
                bytes: text(&mut self.bytes, data),
                mode: self.mode,
            },
            "b" => {
                let bytes = STANDARD.decode(&data).map_err(|it| it.to_string())?;
                self.bytes = Some(bytes);
                return Ok(None);
            }
            "t" => {
                self.mode = mode_of(&data).ok_or_else(|| format!("`{data}` is no mode"))?;
                return Ok(None);
            }
            "s" => ChunkEvent::TypedSecret {
                number: data.parse().map_err(|_| number(&data))?,
            },
            "m" => match mark_of(&data) {
                Some(mark) => ChunkEvent::Marked(mark),
                None => return Ok(None),
            },
            "r" => ChunkEvent::Resized(resized(&data)?),
            "x" => ChunkEvent::Exited(data.parse().map_err(|_| number(&data))?),
            _ => return Ok(None),
        };
        Ok(Some(Chunk {
            at: self.last,
            event,
        }))
    }
}

/// Returns seconds as a duration, to the nearest nanosecond.
pub(super) fn seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|it| it.to_string())
}

const MODES: [(&str, TypedMode); 4] = [
    (
        "lines echo",
        TypedMode {
            echo: true,
            lines: true,
        },
    ),
    (
        "lines",
        TypedMode {
            echo: false,
            lines: true,
        },
    ),
    (
        "keys echo",
        TypedMode {
            echo: true,
            lines: false,
        },
    ),
    (
        "keys",
        TypedMode {
            echo: false,
            lines: false,
        },
    ),
];

fn mode_name(mode: TypedMode) -> &'static str {
    let found = MODES.iter().find(|(_, known)| *known == mode);
    found.map_or("lines echo", |(name, _)| name)
}

fn mode_of(name: &str) -> Option<TypedMode> {
    let found = MODES.iter().find(|(known, _)| *known == name);
    found.map(|(_, mode)| *mode)
}

fn mark_text(mark: &Mark) -> String {
    match mark {
        Mark::Proof(text) => format!("proof: {text}"),
        Mark::Step(name) => format!("step: {name}"),
        // A name may have any character.
        Mark::Capture { name, text } => format!("capture: {}", json(&(name, text))),
        Mark::Failure(text) => format!("failure: {text}"),
        Mark::Redo => "redo:".into(),
        Mark::Paused => "paused:".into(),
        Mark::Resumed => "resumed:".into(),
    }
}

/// Returns the mark with this text. A mark of another recorder is a place that its user named.
fn mark_of(data: &str) -> Option<Mark> {
    let (kind, text) = data.split_once(':').unwrap_or(("", data));
    let text = text.strip_prefix(' ').unwrap_or(text);
    Some(match kind {
        "proof" => Mark::Proof(text.into()),
        "step" => Mark::Step(text.into()),
        "capture" => {
            let (name, text) = serde_json::from_str(text).ok()?;
            Mark::Capture { name, text }
        }
        "failure" => Mark::Failure(text.into()),
        "redo" => Mark::Redo,
        "paused" => Mark::Paused,
        "resumed" => Mark::Resumed,
        _ if data.trim().is_empty() => return None,
        _ => Mark::Step(data.into()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events() -> impl Strategy<Value = ChunkEvent> {
        let bytes = || prop_oneof!["\\PC*".prop_map(String::into_bytes), any::<Vec<u8>>()];
        let mode =
            (any::<bool>(), any::<bool>()).prop_map(|(echo, lines)| TypedMode { echo, lines });
        let mark = prop_oneof![
            any::<String>().prop_map(Mark::Proof),
            any::<String>().prop_map(Mark::Step),
            any::<(String, String)>().prop_map(|(name, text)| Mark::Capture { name, text }),
            any::<String>().prop_map(Mark::Failure),
            Just(Mark::Redo),
            Just(Mark::Paused),
            Just(Mark::Resumed),
        ];
        prop_oneof![
            bytes().prop_map(ChunkEvent::Output),
            (bytes(), mode).prop_map(|(bytes, mode)| ChunkEvent::Typed { bytes, mode }),
            any::<usize>().prop_map(|number| ChunkEvent::TypedSecret { number }),
            (1..SIDE_LIMIT, 1..SIDE_LIMIT)
                .prop_map(|(rows, columns)| ChunkEvent::Resized(ScreenSize { rows, columns })),
            mark.prop_map(ChunkEvent::Marked),
            any::<i32>().prop_map(ChunkEvent::Exited),
        ]
    }

    prop_compose! {
        fn recordings()(
            role in any::<String>(),
            command in any::<Vec<String>>(),
            term in any::<String>(),
            started_at in any::<i64>(),
            steps in prop::collection::vec((0..4_000_000_000_000_u64, events()), 0..20),
        ) -> Recording {
            let mut at = Duration::ZERO;
            let chunks = steps.into_iter().map(|(nanoseconds, event)| {
                at += Duration::from_nanos(nanoseconds);
                Chunk { at, event }
            });
            let chunks = chunks.collect();
            let size = ScreenSize { rows: 24, columns: 80 };
            Recording { role, command, term, size, started_at, chunks }
        }
    }

    fn written(recording: &Recording) -> (tempfile::TempDir, RecordingFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("of/my.cast");
        let mut file = RecordingFile::create(&path, recording).unwrap();
        for chunk in &recording.chunks {
            file.append(std::slice::from_ref(chunk)).unwrap();
        }
        (directory, file)
    }

    proptest! {
        #[test]
        fn a_recording_is_read_as_it_was_written(recording in recordings()) {
            let (_directory, mut file) = written(&recording);
            prop_assert_eq!(&Recording::read(file.path()).unwrap(), &recording);
            file.rewrite(&recording).unwrap();
            file.append(&recording.chunks[..0]).unwrap();
            prop_assert_eq!(&Recording::read(file.path()).unwrap(), &recording);
        }

        #[test]
        fn a_file_that_is_cut_is_read_up_to_its_last_line(
            recording in recordings(), cut in any::<prop::sample::Index>()
        ) {
            let (_directory, file) = written(&recording);
            let bytes = fs::read(file.path()).unwrap();
            let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
            let cut = first + cut.index(bytes.len() - first + 1);
            let read = Recording::parse(&bytes[..cut]).unwrap();
            prop_assert_eq!(&read.chunks[..], &recording.chunks[..read.chunks.len()]);
        }
    }

    #[test]
    fn a_cast_of_another_recorder_is_read() {
        let text = concat!(
            r#"{"version":3,"term":{"cols":80,"rows":24,"type":"xterm"},"command":"sh -l","tags":[]}"#,
            "\n# a comment\n",
            "[0.5,\"o\",\"$ \"]\n[0.25,\"z\",\"?\"]\n[0.25,\"m\",\"first\"]\n[0,\"r\",\"100x30\"]\n",
            "[1,\"x\",\"0\"]\n",
        );
        let read = Recording::parse(text.as_bytes()).unwrap();
        assert_eq!(read.command, ["sh", "-l"]);
        let events: Vec<_> = read
            .chunks
            .iter()
            .map(|it| (it.at.as_millis(), &it.event))
            .collect();
        let size = ScreenSize {
            rows: 30,
            columns: 100,
        };
        let expected = [
            (500, &ChunkEvent::Output(b"$ ".to_vec())),
            (1000, &ChunkEvent::Marked(Mark::Step("first".into()))),
            (1000, &ChunkEvent::Resized(size)),
            (2000, &ChunkEvent::Exited(0)),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let recording = Recording {
            role: "a".into(),
            command: Vec::new(),
            term: "xterm".into(),
            size: ScreenSize {
                rows: 24,
                columns: 80,
            },
            started_at: 0,
            chunks: Vec::new(),
        };
        let (_directory, mut file) = written(&recording);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(file.path()), 0o600);
        assert_eq!(mode(file.path().parent().unwrap()), 0o700);
        file.rewrite(&recording).unwrap();
        assert_eq!(mode(file.path()), 0o600);
    }

    #[test]
    fn an_error_has_its_line() {
        for (text, expected) in [
            ("", (1, "EOF")),
            ("{\"version\":2}\n", (1, "missing field `term`")),
            (
                "{\"version\":3,\"term\":{\"cols\":0,\"rows\":9}}\n",
                (1, "no terminal has 9 rows of 0 columns"),
            ),
            (
                "{\"version\":3,\"term\":{\"cols\":9,\"rows\":9}}\n[0,\"o\",\"\"]\n[-1,\"o\",\"\"]\n",
                (3, "negative"),
            ),
        ] {
            let (line, what) = Recording::parse(text.as_bytes()).unwrap_err();
            assert_eq!(line, expected.0);
            assert!(what.contains(expected.1), "{what}");
        }
    }
}
