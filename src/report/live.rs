//! Live reporters: progress, one flow step by step, and dialogue.

mod dialogue_printer;
pub(super) mod live_stats;
#[cfg(feature = "cli")]
mod progress;
#[cfg(feature = "cli")]
mod progress_line;
mod single_flow;

pub use dialogue_printer::DialoguePrinter;
#[cfg(feature = "cli")]
pub use progress::{PlainProgress, ProgressBars, Quiet};
pub use single_flow::SingleFlow;
