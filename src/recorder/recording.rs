//! Raw, timestamped chunks of one session with one program.

use std::time::Duration;

use crate::terminal::ScreenSize;

/// One session of a person with one program.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The role that the program plays.
    pub role: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The value of `TERM` that the program was given.
    pub term: String,
    /// The size of the terminal at the start.
    pub size: ScreenSize,
    /// The start, in seconds since 1970.
    pub started_at: i64,
    /// In the order of time.
    pub chunks: Vec<Chunk>,
}

/// An event at its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Since the start of the session.
    pub at: Duration,
    pub event: ChunkEvent,
}

/// An event of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum ChunkEvent {
    /// Bytes that the program printed, as read.
    Output(Vec<u8>),
    /// Bytes that the person typed, as read, and the terminal's mode when they were.
    Typed { bytes: Vec<u8>, mode: TypedMode },
    /// A text that the person typed and the terminal did not show, at the time of its first key, after
    /// line editing, with the Enter that ended it. Another key that ended it follows as
    /// [`ChunkEvent::Typed`]. The text is nowhere recorded; equal numbers stand for equal texts.
    TypedSecret { number: usize },
    /// The terminal has another size.
    Resized(ScreenSize),
    /// A remark that the person made in the recorder's menu.
    Marked(Mark),
    /// The end of the program: its exit code, or the number of the signal that ended it, negative.
    Exited(i32),
}

/// The mode of the program's terminal when something was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypedMode {
    /// The terminal shows what is typed.
    pub echo: bool,
    /// The terminal collects lines (canonical mode); otherwise the program sees each key.
    pub lines: bool,
}

/// A remark of the person about the session at this place.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// The text is the proof that the work since the last answer succeeded.
    Proof(String),
    /// A step begins here.
    Step(String),
    /// The text is a value to capture under a name.
    Capture {
        name: String,
        text: String,
    },
    /// The text means failure.
    Failure(String),
    /// The last turn is to be left out: it was a mistake and was done again.
    Redo,
    /// The begin of a pause: until `Resumed`, nothing is recorded.
    Paused,
    Resumed,
}
