//! What a program says and what is said to it: text, patterns, rows and keys.

mod keys;
mod pattern;
mod reply;
mod rows;
mod set;
mod text;

pub use keys::{Key, UnknownKey};
pub use pattern::{Pattern, PatternError};
pub use reply::{LINE_LIMIT_BYTES, ReplyError, Typed};
pub use rows::{RowError, RowFormat, RowFormatError, Which, choose, pick, pick_position};
pub use set::{Hit, PatternSet};
