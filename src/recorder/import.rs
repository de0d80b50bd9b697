//! Recordings of other recorders: asciinema and script(1).
//!
//! They have no modes of the terminal, so each typed text is classified by what the program drew of
//! it; see [`Capture`].

mod asciicast;
mod typescript;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::capture::{Capture, SecretTexts};
use super::recording::{Chunk, ChunkEvent, Recording, TypedMode};
use super::recording_file::RecordingError;

/// A pause after which what was typed before is judged.
const QUIET: Duration = Duration::from_millis(300);

/// Programs that read keys are not told from those that read lines.
const KEYS: TypedMode = TypedMode {
    echo: false,
    lines: false,
};
const LINES: TypedMode = TypedMode {
    echo: true,
    lines: true,
};

/// A recording of another recorder, classified.
pub struct Imported {
    /// Without chunks.
    head: Recording,
    pub capture: Capture,
    /// It has what the person typed.
    pub has_input: bool,
    draws: bool,
}

impl Imported {
    /// Reads an asciicast v2 or v3, or the file of times that script(1) writes beside a typescript
    /// (`--log-timing` with `--log-io` or `--log-in`).
    ///
    /// # Errors
    /// If the file cannot be read, or is none of them.
    pub fn read(path: &Path) -> Result<Imported, RecordingError> {
        let bytes = fs::read(path).map_err(|source| RecordingError::File {
            what: "read",
            path: path.to_owned(),
            source,
        })?;
        let malformed = |(line, what)| RecordingError::Malformed {
            path: path.to_owned(),
            line,
            what,
        };
        let recording = match bytes.first() {
            Some(b'{') => asciicast::parse(&bytes).map_err(malformed)?,
            _ => typescript::read(path, &bytes)?,
        };
        Ok(Imported::new(recording))
    }

    fn new(recording: Recording) -> Imported {
        let chunks = recording.chunks.iter();
        let is_typed = |chunk: &Chunk| matches!(chunk.event, ChunkEvent::Typed { .. });
        let mut capture = Capture::new(recording.size, Instant::now());
        let mut last = Duration::ZERO;
        for Chunk { at, event } in &recording.chunks {
            if *at > last + QUIET {
                capture.quiet();
            }
            last = *at;
            match event {
                ChunkEvent::Output(bytes) => capture.output(*at, bytes),
                ChunkEvent::Typed { bytes, .. } => capture.typed(*at, bytes, KEYS),
                ChunkEvent::TypedSecret { .. } => {}
                ChunkEvent::Resized(size) => capture.resized(*at, *size),
                ChunkEvent::Marked(mark) => capture.marked(*at, mark.clone()),
                ChunkEvent::Exited(code) => capture.exited(*at, *code),
            }
        }
        Imported {
            has_input: recording.chunks.iter().any(is_typed),
            draws: draws(chunks),
            capture,
            head: Recording {
                chunks: Vec::new(),
                ..recording
            },
        }
    }

    /// Returns the program and its arguments, if they are known.
    pub fn command(&self) -> &[String] {
        &self.head.command
    }

    /// Returns the recording, as the role, of this program if its own is not known, and the texts of
    /// its secrets.
    pub fn finish(self, role: &str, command: &[String]) -> (Recording, SecretTexts) {
        let (mut chunks, secrets) = self.capture.finish();
        if !self.draws {
            for chunk in &mut chunks {
                if let ChunkEvent::Typed { mode, .. } = &mut chunk.event {
                    *mode = LINES;
                }
            }
        }
        let mut recording = self.head;
        recording.role = role.to_owned();
        if !command.is_empty() {
            recording.command = command.to_vec();
        }
        recording.chunks = chunks;
        (recording, secrets)
    }
}

/// Returns whether the program placed the cursor, as those do that draw a screen.
fn draws<'c>(chunks: impl Iterator<Item = &'c Chunk>) -> bool {
    let mut output = Vec::new();
    for chunk in chunks {
        if let ChunkEvent::Output(bytes) = &chunk.event {
            output.extend_from_slice(bytes);
        }
    }
    let mut sequences = output.split(|byte| *byte == 0x1b).skip(1);
    sequences.any(|sequence| {
        let Some(rest) = sequence.strip_prefix(b"[") else {
            return false;
        };
        let is_final = |byte: &&u8| (b'@'..=b'~').contains(*byte);
        let last = rest.iter().find(is_final);
        matches!(last, Some(b'H' | b'f' | b'd')) || rest.starts_with(b"?1049h")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(text: &str) -> (Recording, SecretTexts, bool) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.cast");
        fs::write(&path, text).unwrap();
        let imported = Imported::read(&path).unwrap();
        let has_input = imported.has_input;
        let (recording, secrets) = imported.finish("agent", &["./desk".into()]);
        (recording, secrets, has_input)
    }

    const EVENTS: [(&str, &str); 9] = [
        ("o", "Agent: "),
        ("i", "ann\\r"),
        ("o", "ann\\r\\nPIN: "),
        ("i", "47"),
        ("i", "11\\r"),
        ("o", "\\r\\nHello ann\\r\\n> "),
        ("i", "q"),
        ("o", "q"),
        ("i", "\\r"),
    ];

    #[test]
    fn both_versions_of_asciicast_are_read() {
        let lines = |step: f64, is_absolute: bool| -> String {
            let lines = EVENTS.iter().enumerate().map(|(number, (code, data))| {
                let factor = if is_absolute { number as f64 } else { 1.0 };
                format!("[{},\"{code}\",\"{data}\"]\n", step * factor)
            });
            lines.collect()
        };
        let v2 = r#"{"version":2,"width":90,"height":30,"timestamp":7,"env":{"TERM":"xterm"}}"#;
        let v3 = r#"{"version":3,"term":{"cols":90,"rows":30,"type":"xterm"},"timestamp":7}"#;
        let v2 = imported(&format!("{v2}\n{}", lines(0.5, true)));
        let v3 = imported(&format!("{v3}\n{}", lines(0.5, false)));
        for (recording, secrets, has_input) in [&v2, &v3] {
            assert!(has_input);
            assert_eq!((recording.size.rows, recording.size.columns), (30, 90));
            assert_eq!((&*recording.term, recording.started_at), ("xterm", 7));
            assert_eq!(recording.command, ["./desk"]);
            assert_eq!(secrets[&1], "4711");
            let typed: Vec<String> = recording
                .chunks
                .iter()
                .filter_map(|chunk| match &chunk.event {
                    ChunkEvent::Typed { bytes, mode } => {
                        assert_eq!(*mode, LINES);
                        Some(String::from_utf8_lossy(bytes).into_owned())
                    }
                    ChunkEvent::TypedSecret { number } => Some(format!("secret {number}")),
                    _ => None,
                })
                .collect();
            assert_eq!(typed, ["ann", "\r", "secret 1", "q", "\r"]);
        }
    }

    #[test]
    fn a_cast_may_have_no_input() {
        let text = "{\"version\":2,\"width\":80,\"height\":24}\n[1,\"o\",\"$ \"]\n";
        assert!(!imported(text).2);
    }

    #[test]
    fn a_typescript_is_read_by_its_times() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let log = "Script started on 2026-11-28 [COMMAND=\"desk\"]\nName:ann\rann\r\nPIN:4711\rok\r\n\
                   \nScript done on 2026-11-28\n";
        fs::write(at("io.log"), log).unwrap();
        let times = "H 0.000000 START_TIME 2026-11-28 07:00:01+00:00\nH 0.000000 TERM xterm\n\
                     H 0.000000 COLUMNS -1\nH 0.000000 LINES -1\nH 0.000000 COMMAND desk --fast\n\
                     H 0.000000 OUTPUT_LOG io.log\nH 0.000000 INPUT_LOG io.log\nO 0.007239 5\n\
                     I 0.986949 4\nO 0.000078 5\nO 0.010488 4\nI 0.492047 5\nO 0.002447 4\n\
                     S 0.1 SIGWINCH ROWS=30 COLS=100\nH 0.000000 EXIT_CODE 3\n";
        fs::write(at("io.tm"), times).unwrap();
        let imported = Imported::read(&at("io.tm")).unwrap();
        assert!(imported.has_input);
        let (recording, secrets) = imported.finish("agent", &[]);
        assert_eq!(recording.command, ["desk", "--fast"]);
        assert_eq!(secrets[&1], "4711");
        let last = recording.chunks.last().map(|it| &it.event);
        assert_eq!(last, Some(&ChunkEvent::Exited(3)));
        let output: Vec<u8> = recording
            .chunks
            .iter()
            .flat_map(|it| match &it.event {
                ChunkEvent::Output(bytes) => bytes.clone(),
                _ => Vec::new(),
            })
            .collect();
        assert_eq!(String::from_utf8_lossy(&output), "Name:ann\r\nPIN:ok\r\n");

        let error = Imported::read(&at("io.log")).err().unwrap().to_string();
        assert!(error.contains("--log-timing"), "{error}");
    }
}
