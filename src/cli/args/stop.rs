//! Options that end a run early.

/// Options that end a run early.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
pub struct StopArgs {
    /// Stop the run once N flows have failed; flows in flight may finish [default N: 1]
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        default_missing_value = "1",
        value_parser = failures,
        allow_negative_numbers = true
    )]
    pub fail_fast: Option<u64>,
}

/// Parses a number of failures.
fn failures(text: &str) -> Result<u64, String> {
    super::values::count(text).map_err(|error| match text.parse::<i128>() {
        Ok(_) => error,
        // The scenario, behind an option that may have a value.
        Err(_) => format!("{error}, or --fail-fast=1 before a file"),
    })
}
