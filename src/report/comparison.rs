//! Comparison of two groups of runs, as it is rendered: on terminals, as Markdown, HTML and JSON.

mod conclusion;
mod form;
mod markdown;
pub(super) mod words;

pub use conclusion::{Conclusion, Conclusive, Gate};
pub use form::{ComparisonReport, NotedDifference, RunGroup};
pub use markdown::comparison_markdown;
pub use words::machine as load_of_machine;
