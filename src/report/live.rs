//! Live reporters: progress, one flow step by step, and dialogue.

#[cfg(feature = "cli")]
pub(super) mod bar;
#[cfg(feature = "cli")]
pub(super) mod causes;
mod dialogue_printer;
#[cfg(feature = "cli")]
mod frame;
#[cfg(feature = "cli")]
pub(super) mod lines_terminal;
pub(super) mod live_stats;
#[cfg(feature = "cli")]
mod plain;
#[cfg(feature = "cli")]
mod progress;
#[cfg(feature = "cli")]
pub(super) mod progress_line;
mod single_flow;
#[cfg(feature = "cli")]
pub(super) mod so_far;
#[cfg(feature = "cli")]
mod thresholds_so_far;

pub use dialogue_printer::DialoguePrinter;
#[cfg(feature = "cli")]
pub use plain::{PlainProgress, Quiet};
#[cfg(feature = "cli")]
pub use progress::ProgressBars;
pub use single_flow::SingleFlow;
