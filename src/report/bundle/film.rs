//! Films of the output of script instances, in the format asciicast v2.
//!
//! The format is that of asciinema (<https://docs.asciinema.org/manual/asciicast/v2/>): a line of JSON
//! with the size of the terminal, and a line for each event. A film has the role's output and the
//! starts of its steps as markers, no input.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Happening, Stream};
use crate::report::error::ReportError;
use crate::report::saved_file;
use crate::report::units;
use crate::terminal::ScreenSize;

use super::form::{Bundle, TranscriptEntry};
use super::pictures::BLANK;

/// The end of the names of films.
const EXTENSION: &str = "cast";

/// The size of a film of a program on pipes.
const WITHOUT_TERMINAL: ScreenSize = ScreenSize {
    rows: 24,
    columns: 120,
};

/// The largest number of rows and of columns. A terminal of 65,535 of both has 4 billion cells.
const SIDE_LIMIT: u16 = 1000;

/// Longer pauses are played as this, in seconds, unless the player is given another limit.
const IDLE_LIMIT: f64 = 2.0;

/// A film.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// The name of its file without the extension: `ROLE`, or `ROLE-2`.
    pub name: String,
    /// `SCENARIO ROLE flow N`.
    pub title: String,
    /// The size of the terminal at the beginning.
    pub size: ScreenSize,
    /// The kind of terminal, as the program found it in `TERM`.
    pub term: String,
    /// The flow's start, in seconds since 1970.
    pub started_at: i64,
    /// In the order of time.
    pub events: Vec<FilmEvent>,
}

/// An event of a film.
#[derive(Debug, Clone, PartialEq)]
pub struct FilmEvent {
    /// Since the flow's start.
    pub at: Duration,
    pub scene: FilmScene,
}

/// Content of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum FilmScene {
    /// Output of the program, for a terminal.
    Output(String),
    /// The terminal has another size from now on.
    Resized(ScreenSize),
    /// A step begins.
    Step(String),
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    width: u16,
    height: u16,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    idle_time_limit: f64,
    #[serde(default)]
    title: String,
    #[serde(default)]
    env: Variables,
}

#[derive(Default, Serialize, Deserialize)]
struct Variables {
    #[serde(rename = "TERM", default)]
    term: String,
}

impl Film {
    /// Returns the films of all script instances of a bundle that have printed anything.
    pub(super) fn of_all(bundle: &Bundle) -> Vec<Film> {
        let mut films: Vec<Film> = Vec::new();
        let mut instances: Vec<(&str, u32)> = Vec::new();
        for entry in &bundle.transcript {
            let instance = (entry.role.as_str(), entry.attempt);
            if !instances.contains(&instance) {
                instances.push(instance);
            }
        }
        for instance in instances {
            let Some(mut film) = Film::of(bundle, instance) else {
                continue;
            };
            // A role may be called `clerk-2`.
            while films.iter().any(|other| other.name == film.name) {
                film.name.push('_');
            }
            films.push(film);
        }
        films
    }

    fn of(bundle: &Bundle, (role, attempt): (&str, u32)) -> Option<Film> {
        let mut roles = bundle.run.roles.iter();
        let terminal = roles
            .find(|it| it.name == role)
            .and_then(|it| it.terminal.as_ref());
        let entries = bundle.transcript.iter();
        let entries = entries.filter(|it| it.role == role && it.attempt == attempt);
        let entries: Vec<&TranscriptEntry> = entries.collect();
        let mut lines = PipeLines::default();
        let output = |entry: &&TranscriptEntry| {
            let scene = match &entry.what {
                Happening::Heard { text, stream } if terminal.is_none() => {
                    FilmScene::Output(lines.on_a_terminal(text, *stream))
                }
                Happening::Heard { text, .. } => FilmScene::Output(text.clone()),
                Happening::Screen { drawing } => FilmScene::Output(format!("{BLANK}{drawing}")),
                Happening::LeftOut { bytes, .. } => {
                    let count = units::counted(*bytes, "byte");
                    FilmScene::Output(format!("{BLANK}[{count} left out]\r\n"))
                }
                Happening::Resized { rows, columns } => FilmScene::Resized(ScreenSize {
                    rows: *rows,
                    columns: *columns,
                }),
                Happening::Started { .. }
                | Happening::Said { .. }
                | Happening::Remark { .. }
                | Happening::Injected { .. }
                | Happening::Exited { .. } => return None,
            };
            let at = Duration::from_micros(entry.after_us);
            Some(FilmEvent { at, scene })
        };
        let mut events: Vec<FilmEvent> = entries.iter().filter_map(output).collect();
        let is_output = |event: &FilmEvent| matches!(event.scene, FilmScene::Output(_));
        if !events.iter().any(is_output) {
            return None;
        }
        let span = entries.first()?.after_us..=entries.last()?.after_us;
        let steps = bundle.run.steps.iter().filter(|it| it.role == role);
        for step in &bundle.flow.steps {
            let us = step.started_after_us;
            // The first step of a role begins before its program is started.
            let is_in_film = us <= *span.end() && (attempt == 1 || us >= *span.start());
            if is_in_film && steps.clone().any(|it| it.name == step.step) {
                let at = Duration::from_micros(us);
                let place = events.partition_point(|event| event.at < at);
                let scene = FilmScene::Step(step.step.clone());
                events.insert(place, FilmEvent { at, scene });
            }
        }
        let name = role.replace(['/', '\0'], "_");
        Some(Film {
            name: match attempt {
                1 => name,
                attempt => format!("{name}-{attempt}"),
            },
            title: format!("{} {role} flow {}", bundle.run.scenario, bundle.flow.number),
            size: terminal.map_or(WITHOUT_TERMINAL, |it| ScreenSize {
                rows: it.rows,
                columns: it.columns,
            }),
            term: terminal.map_or("dumb", |it| &it.term).to_owned(),
            started_at: bundle.flow.started_at.timestamp(),
            events,
        })
    }

    /// Returns the name of its file.
    pub fn file_name(&self) -> String {
        format!("{}.{EXTENSION}", self.name)
    }

    /// Returns the text of its file.
    pub(super) fn text(&self) -> serde_json::Result<String> {
        let header = Header {
            version: 2,
            width: self.size.columns,
            height: self.size.rows,
            timestamp: self.started_at,
            idle_time_limit: IDLE_LIMIT,
            title: self.title.clone(),
            env: Variables {
                term: self.term.clone(),
            },
        };
        let mut text = escaped(&serde_json::to_string(&header)?) + "\n";
        for FilmEvent { at, scene } in &self.events {
            let (code, data) = match scene {
                FilmScene::Output(output) => ("o", output.clone()),
                FilmScene::Resized(size) => ("r", format!("{}x{}", size.columns, size.rows)),
                FilmScene::Step(step) => ("m", step.clone()),
            };
            let line = escaped(&serde_json::to_string(&(at.as_secs_f64(), code, data))?);
            writeln!(text, "{line}").expect("a String takes all");
        }
        Ok(text)
    }

    /// Reads all films in a bundle's directory, in the order of their first events.
    ///
    /// # Errors
    /// If one cannot be read or is no film.
    pub fn open_all(directory: &Path) -> Result<Vec<Film>, ReportError> {
        let unreadable = |error| ReportError::read(directory, error);
        let mut films = Vec::new();
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|it| it == EXTENSION) {
                films.push(Film::open(&path)?);
            }
        }
        films.sort_by_cached_key(|film: &Film| {
            let first = film.events.first().map(|event| event.at);
            (first, film.name.clone())
        });
        Ok(films)
    }

    fn open(path: &Path) -> Result<Film, ReportError> {
        let text = saved_file::read(path)?;
        let name = path.file_stem().unwrap_or_default();
        Film::parse(&name.to_string_lossy(), &text).map_err(|(line, what)| {
            let what = format!("line {line}: {what}");
            ReportError::malformed(path, what)
        })
    }

    /// Reads the text of a film; events of unknown kinds are left out. An error has its line.
    fn parse(name: &str, text: &str) -> Result<Film, (usize, String)> {
        let mut lines = text.lines().zip(1..);
        let (header, _) = lines.next().unwrap_or_default();
        let header: Header = serde_json::from_str(header).map_err(|it| (1, it.to_string()))?;
        if header.version != 2 {
            let what = format!(
                "it is asciicast v{}, and this program reads v2",
                header.version
            );
            return Err((1, what));
        }
        let size = |rows: u16, columns: u16| {
            let sides = 1..=SIDE_LIMIT;
            let is_possible = sides.contains(&rows) && sides.contains(&columns);
            let what = || format!("no terminal has {rows} rows of {columns} columns");
            let size = ScreenSize { rows, columns };
            is_possible.then_some(size).ok_or_else(what)
        };
        let mut film = Film {
            name: name.to_owned(),
            title: header.title,
            size: size(header.height, header.width).map_err(|what| (1, what))?,
            term: header.env.term,
            started_at: header.timestamp,
            events: Vec::new(),
        };
        let mut last = Duration::ZERO;
        for (text, line) in lines.filter(|(text, _)| !text.trim().is_empty()) {
            let fault = |what: String| (line, what);
            let event: (f64, String, String) =
                serde_json::from_str(text).map_err(|it| fault(it.to_string()))?;
            let (seconds, code, data) = event;
            let at = Duration::try_from_secs_f64(seconds).map_err(|it| fault(it.to_string()))?;
            let scene = match code.as_str() {
                "o" => FilmScene::Output(data),
                "m" => FilmScene::Step(data),
                "r" => {
                    let sides = data.split_once('x');
                    let sides = sides.and_then(|(width, height)| {
                        Some((height.parse().ok()?, width.parse().ok()?))
                    });
                    let (rows, columns) =
                        sides.ok_or_else(|| fault(format!("`{data}` is no size")))?;
                    FilmScene::Resized(size(rows, columns).map_err(fault)?)
                }
                _ => continue,
            };
            last = last.max(at);
            film.events.push(FilmEvent { at: last, scene });
        }
        Ok(film)
    }
}

/// Line ends of a program on pipes, as a terminal needs them.
#[derive(Debug, Default)]
struct PipeLines {
    /// The last character of each stream is a carriage return.
    after_return: [bool; 2],
}

impl PipeLines {
    fn on_a_terminal(&mut self, text: &str, stream: Stream) -> String {
        let after_return = &mut self.after_return[stream as usize];
        let mut converted = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            if character == '\n' && !*after_return {
                converted.push('\r');
            }
            converted.push(character);
            *after_return = character == '\r';
        }
        converted
    }
}

/// Escapes, in the text of JSON, what acts on a terminal or on the order of text and is no ASCII: JSON
/// itself escapes the rest.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                write!(text, "\\u{:04x}", u32::from(character)).expect("a String takes all");
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::super::writer::tests::{about, evidence, failed, info};
    use super::*;
    use crate::model::{
        Evidence, Moment, RoleIndex, RunInfo, StepOutcome, StepRecord, TerminalInfo,
    };
    use crate::terminal::Screen;

    /// A run in which the manager has a screen, and the customer is on pipes.
    fn with_screen() -> RunInfo {
        let mut info = info();
        info.roles[1].terminal = Some(TerminalInfo {
            rows: 6,
            columns: 30,
            term: "xterm-256color".into(),
            has_screen: true,
        });
        info
    }

    fn moment(after_us: u64, attempt: u32, what: Happening) -> Moment {
        Moment {
            after_us,
            role: RoleIndex(1),
            attempt,
            what,
        }
    }

    fn films(evidence: &Evidence) -> Vec<Film> {
        Film::of_all(&Bundle::new(&with_screen(), &about(), evidence))
    }

    fn step(started_after_us: u64) -> StepRecord {
        StepRecord {
            step: "06_approve".into(),
            attempt: 1,
            outcome: StepOutcome::Failed,
            started_after_us,
            duration_us: 1,
            paused_us: 0,
            held_us: 0,
            waited_us: 0,
            turns: Vec::new(),
        }
    }

    fn screen_of(film: &Film) -> Screen {
        let mut screen = Screen::new(film.size, Instant::now());
        for event in &film.events {
            if let FilmScene::Output(output) = &event.scene {
                screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
            }
        }
        screen
    }

    #[test]
    fn a_film_has_the_output_of_its_role_only() {
        let mut evidence = evidence(failed(12, "Select: "));
        evidence.flow.steps.push(step(900));
        let films = films(&evidence);
        let texts: Vec<String> = films.iter().map(|film| film.text().unwrap()).collect();
        let at = evidence.flow.started_at.timestamp();
        assert_eq!(films[0].file_name(), "manager.cast");
        let manager = format!(
            r#"{{"version":2,"width":30,"height":6,"timestamp":{at},"idle_time_limit":2.0,"title":"shop manager flow 12","env":{{"TERM":"xterm-256color"}}}}
[0.0009,"m","06_approve"]
[0.001,"o","\u001b[2JOrder?\r\n> "]
[0.002,"o","ORD-1 is already \u0007approved\r\nSelect: "]
"#
        );
        assert_eq!(texts[0], manager);
        assert_eq!(films[1].file_name(), "customer.cast");
        assert!(
            texts[1].ends_with("[0.0021,\"o\",\"Bye\\r\\n\"]\n"),
            "on pipes"
        );
    }

    #[test]
    fn gaps_clear_the_screen_and_the_last_frame_is_exact() {
        let mut evidence = evidence(failed(12, ""));
        let size = ScreenSize {
            rows: 6,
            columns: 30,
        };
        let mut screen = Screen::new(size, Instant::now());
        let output = "\x1b[2;5H\x1b[44;37m menu \x1b[0m\x1b[3;1H> ";
        screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
        let frame = screen.frame();
        let drawing = frame.drawing();
        let left_out = Happening::LeftOut {
            bytes: 12_345,
            entries: 3,
        };
        let mess = Happening::Heard {
            stream: Stream::Out,
            text: "\x1b[?1049h\x1b[2;3r\x1b[?6h\x1b(0\x1b[4h\x1b[41mmess".into(),
        };
        evidence.transcript.push(moment(3_000, 1, mess.clone()));
        evidence.transcript.push(moment(4_000, 1, left_out.clone()));
        let gap = films(&evidence);
        assert_eq!(
            screen_of(&gap[0]).frame().text().trim_end(),
            "[12345 bytes left out]"
        );
        evidence.transcript.push(moment(5_000, 1, mess));
        evidence
            .transcript
            .push(moment(6_000, 1, Happening::Screen { drawing }));
        let failed = films(&evidence);
        assert_eq!(screen_of(&failed[0]).frame(), frame);
    }

    #[test]
    fn further_programs_of_a_role_have_films_of_their_own() {
        let mut evidence = evidence(failed(12, ""));
        let heard = Happening::Heard {
            stream: Stream::Out,
            text: "again".into(),
        };
        let resized = Happening::Resized {
            rows: 40,
            columns: 120,
        };
        evidence.transcript.push(moment(3_000, 2, heard));
        evidence.transcript.push(moment(4_000, 2, resized));
        let silent = Happening::Remark { text: "x".into() };
        evidence.transcript.push(moment(5_000, 3, silent));
        let films = films(&evidence);
        let names: Vec<_> = films.iter().map(Film::file_name).collect();
        assert_eq!(names, ["manager.cast", "customer.cast", "manager-2.cast"]);
        let text = films[2].text().unwrap();
        assert!(text.ends_with("[0.004,\"r\",\"120x40\"]\n"), "{text}");
    }

    #[test]
    fn line_ends_of_pipes_get_a_carriage_return_once() {
        let mut lines = PipeLines::default();
        let pieces = [("a\nb\r", "a\r\nb\r"), ("\nc\r\n\n", "\nc\r\n\r\n")];
        for (text, expected) in pieces {
            assert_eq!(lines.on_a_terminal(text, Stream::Out), expected);
        }
    }

    #[test]
    fn what_is_no_film_is_refused() {
        let header = r#"{"version":2,"width":80,"height":24}"#;
        let cases = [
            ("".to_owned(), 1),
            (r#"{"version":3,"width":80,"height":24}"#.to_owned(), 1),
            (
                r#"{"version":2,"width":65535,"height":65535}"#.to_owned(),
                1,
            ),
            (format!("{header}\n[0,\"o\""), 2),
            (format!("{header}\n[-1,\"o\",\"\"]"), 2),
            (format!("{header}\n[1,\"x\",\"\"]\n[1,\"r\",\"9x0\"]"), 3),
        ];
        for (text, line) in cases {
            let fault = Film::parse("f", &text).unwrap_err();
            assert_eq!(fault.0, line, "{text}: {fault:?}");
        }
    }

    proptest! {
        #[test]
        fn films_are_read_as_they_were_written(
            outputs in proptest::collection::vec((0..100_000_000_u64, any::<String>()), 1..8),
        ) {
            let mut evidence = evidence(failed(1, ""));
            evidence.transcript.clear();
            let mut at = 0;
            for (later, text) in outputs {
                at += later;
                let stream = Stream::Out;
                evidence.transcript.push(moment(at, 1, Happening::Heard { stream, text }));
            }
            let film = films(&evidence).remove(0);
            let text = film.text().unwrap();
            let again = Film::parse("manager", &text).unwrap();
            prop_assert_eq!(again.text().unwrap(), text);
            prop_assert!(again.events.is_sorted_by_key(|event| event.at));
            let outputs = |film: &Film| -> Vec<FilmScene> {
                film.events.iter().map(|event| event.scene.clone()).collect()
            };
            prop_assert_eq!(outputs(&again), outputs(&film));
        }
    }
}
