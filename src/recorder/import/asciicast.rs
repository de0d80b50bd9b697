//! Recordings of asciinema, of the versions 2 and 3.
//!
//! Sources: <https://docs.asciinema.org/manual/asciicast/v2/> and
//! <https://docs.asciinema.org/manual/asciicast/v3/>.

use serde::Deserialize;

use crate::recorder::recording::{Chunk, ChunkEvent, Recording};
use crate::recorder::recording_file::{possible, resized, seconds, words};

use super::KEYS;

/// The header of version 2.
#[derive(Deserialize)]
struct Header {
    width: u16,
    height: u16,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    env: Variables,
}

#[derive(Default, Deserialize)]
struct Variables {
    #[serde(rename = "TERM", default)]
    term: String,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads the bytes of a file. An error has its line.
pub(super) fn parse(bytes: &[u8]) -> Result<Recording, (usize, String)> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().zip(1..);
    let (first, _) = lines.next().unwrap_or_default();
    let header: Version = serde_json::from_str(first).map_err(|it| (1, it.to_string()))?;
    match header.version {
        2 => {}
        3 => return Recording::parse(bytes),
        other => {
            let what = format!("it is asciicast v{other}, and this program reads v2 and v3");
            return Err((1, what));
        }
    }
    let header: Header = serde_json::from_str(first).map_err(|it| (1, it.to_string()))?;
    let mut recording = Recording {
        role: String::new(),
        command: words(header.command.as_deref()),
        term: header.env.term,
        size: possible(header.width, header.height).map_err(|what| (1, what))?,
        started_at: header.timestamp,
        chunks: Vec::new(),
    };
    // A recorder that was killed leaves a part of a line.
    let is_cut = !text.ends_with('\n');
    let count = text.lines().count();
    let lines = lines.filter(|(text, line)| !text.trim().is_empty() && (*line < count || !is_cut));
    for (text, line) in lines {
        let fault = |what: String| (line, what);
        let (at, code, data): (f64, String, String) =
            serde_json::from_str(text).map_err(|it| fault(it.to_string()))?;
        let event = match code.as_str() {
            "o" => ChunkEvent::Output(data.into_bytes()),
            "i" => ChunkEvent::Typed {
                bytes: data.into_bytes(),
                mode: KEYS,
            },
            "r" => ChunkEvent::Resized(resized(&data).map_err(fault)?),
            _ => continue,
        };
        let at = seconds(at).map_err(fault)?;
        recording.chunks.push(Chunk { at, event });
    }
    Ok(recording)
}
