//! Live reporters: progress, one flow step by step, and dialogue.

mod dialogue_printer;
mod progress;
mod single_flow;

pub use dialogue_printer::DialoguePrinter;
pub use progress::{Bars, Lines, Quiet};
pub use single_flow::SingleFlow;
