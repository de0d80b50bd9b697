//! What a program says and what is said to it: text, patterns, rows and keys.

mod keys;
mod pattern;
mod rows;

pub use keys::{Key, UnknownKey};
pub use pattern::{Pattern, PatternError};
pub use rows::{RowError, RowFormat, RowFormatError, Which, choose, pick, pick_position};
