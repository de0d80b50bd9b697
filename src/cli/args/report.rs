//! Options of the report at the end of a run and of a saved run.

use std::path::PathBuf;

use super::exports::ExportArgs;
use crate::report::terminal::Detail;

/// The amount of detail in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ReportDetail {
    #[default]
    Short,
    Full,
    None,
}

impl ReportDetail {
    /// Returns the form of the report, if there is one.
    pub fn detail(self) -> Option<Detail> {
        match self {
            ReportDetail::Short => Some(Detail::Short),
            ReportDetail::Full => Some(Detail::Full),
            ReportDetail::None => None,
        }
    }
}

/// The option for the amount of detail.
#[derive(Debug, Default, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Display")]
pub struct DetailArgs {
    /// Report: what matters in at most 40 lines (short), everything (full), or nothing (none)
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_default_value = false
    )]
    pub report: ReportDetail,
}

/// Arguments of `rehearsal report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// The directory of a saved run; `last` is the newest one. Without it, the saved runs are listed
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Write an HTML report instead: one self-contained file; write --html=FILE to name it [default:
    /// DIR/report.html]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "json")]
    pub html: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub detail: DetailArgs,
    #[command(flatten)]
    pub exports: Box<ExportArgs>,
}
