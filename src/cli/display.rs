//! The form of the progress of runs, as it was chosen and as standard error takes it.

use super::args::Progress;
use super::environment::CliEnvironment;
use super::error::CliError;

/// The form of a display of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    Bars,
    /// Plain lines.
    Plain,
    /// Notices only.
    Quiet,
}

impl Display {
    /// Returns the form that was asked for.
    pub(super) fn of(wanted: Progress, environment: &CliEnvironment) -> Result<Self, CliError> {
        let is_terminal = environment.stderr_is_terminal;
        Ok(match wanted {
            Progress::None => Display::Quiet,
            Progress::Bar if !is_terminal => {
                return Err(CliError::usage(
                    "--progress bar: standard error is not a terminal",
                    "leave it out, or write --progress plain",
                ));
            }
            Progress::Bar => Display::Bars,
            Progress::Auto if is_terminal && !environment.is_dumb && !environment.is_ci => {
                Display::Bars
            }
            Progress::Auto | Progress::Plain => Display::Plain,
        })
    }
}
