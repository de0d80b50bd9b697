//! Recording of a person's work with programs, and scenarios inferred from it.
//!
//! A [`Recording`] holds the raw chunks of both directions. What a person typed with echo off is
//! a secret: its place is recorded, its text is not. [`infer`] makes a scenario of recordings.

mod inference;
mod recording;

pub use inference::{InferOptions, Inferred, Note, Question, SecretValue, infer, infer_into};
pub use recording::{Chunk, ChunkEvent, Mark, Recording, TypedMode};
