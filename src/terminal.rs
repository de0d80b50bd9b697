//! Terminal input and output: control sequences, lines, echo, keys. Pure.
//!
//! Output comes in as bytes. The decoder removes its control sequences and decodes its text, which is
//! kept as lines with the places of echoes in them. Input goes out as [`Typed`], which has the bytes
//! to send and the echo to expect.
//!
//! For programs that draw, the same bytes are also applied to a [`Screen`].
//!
//! Every result depends on the sequence of bytes only, never on how it was split into reads.

mod decoder;
mod echo;
mod input;
mod input_line;
mod keys;
mod lines;
mod plain_output;
mod queries;
mod screen;
mod text_sink;

pub(crate) use decoder::Decoder;
pub(crate) use echo::PossibleEcho;
pub(crate) use input::ExpectedEcho;
pub use input::{InputError, Typed};
pub use input_line::EchoMode;
pub use keys::{Key, UnknownKey};
pub(crate) use lines::Lines;
pub use screen::{
    CellColor, CellStyle, KeyModes, Screen, ScreenChange, ScreenCursor, ScreenFrame, ScreenRow,
    ScreenSize, cell_text,
};
