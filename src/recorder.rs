//! Recording of a person's work with programs, and scenarios inferred from it.
//!
//! A [`Recording`] holds the raw chunks of both directions. What a person typed with echo off is
//! a secret: its place is recorded, its text is not.
//!
//! [`Capture`] decides what is a secret while the person works; [`RecordingFile`] has the rest on disk
//! at once.

mod capture;
mod recording;
mod recording_file;

pub use capture::{Capture, Captured, DoubtfulSecret, SecretTexts};
pub use recording::{Chunk, ChunkEvent, Mark, Recording, TypedMode};
pub use recording_file::{RecordingError, RecordingFile};
