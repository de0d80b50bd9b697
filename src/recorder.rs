//! Recording of a person's work with programs, and scenarios inferred from it.
//!
//! A [`Recording`] holds the raw chunks of both directions. What a person typed with echo off is
//! a secret: its place is recorded, its text is not. [`infer`] makes a scenario of recordings.
//!
//! [`Capture`] decides what is a secret while the person works; [`RecordingFile`] has the rest on disk
//! at once. [`Imported`] is the work that another recorder has recorded.

mod capture;
mod import;
mod inference;
mod recording;
mod recording_file;

pub use capture::{Capture, Captured, DoubtfulSecret, SecretTexts};
pub use import::Imported;
pub use inference::{InferOptions, Inferred, Note, Question, SecretValue, infer, infer_into};
pub use recording::{Chunk, ChunkEvent, Mark, Recording, TypedMode};
pub use recording_file::{RecordingError, RecordingFile};
