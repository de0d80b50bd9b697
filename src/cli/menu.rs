//! placeholder
use super::settings::RunSettings;
use super::{CliError, Environment, Exit};
pub(super) fn menu(_: RunSettings, _: &Environment) -> Result<Exit, CliError> {
    Ok(Exit::Completed)
}
