//! Arguments for outputs that other programs read.

use std::path::PathBuf;

use crate::report::TraceTarget;

/// Outputs for other programs.
#[derive(Debug, Default, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Outputs for other programs")]
pub struct ExportArgs {
    /// Write a JUnit report to FILE: a test case for each step, threshold and integrity check
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Write a summary in Markdown to FILE. `run` also adds it to $GITHUB_STEP_SUMMARY, if that is
    /// set. Of a series of runs, it is the comparison
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Write a table of the steps and their percentiles to FILE, as CSV
    #[arg(long, value_name = "FILE")]
    pub csv_steps: Option<PathBuf>,

    /// Write a table of the flows to FILE, as CSV. `run` does it while it goes on
    #[arg(long, value_name = "FILE")]
    pub csv_flows: Option<PathBuf>,

    /// Write a trace of each flow in OpenTelemetry's JSON format to FILE, or send it to the collector
    /// at URL, such as http://localhost:4318. `run` also passes a TRACEPARENT to the programs, so
    /// that their own spans join the trace
    #[arg(long, value_name = "FILE|URL", value_parser = TraceTarget::parse)]
    pub otlp: Option<TraceTarget>,
}
