//! `rehearsal history`: saved runs, the trend of their figures, and baselines.

use super::args::HistoryArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;

/// Shows or changes the history.
pub(super) fn history(
    _args: &HistoryArgs,
    _environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    Ok(Exit::Completed)
}
