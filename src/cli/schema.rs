//! `rehearsal schema`: the language of scenarios, for editors.

use crate::report::Output;
use crate::scenario;

use super::error::CliError;
use super::exit::Exit;

/// Prints the JSON Schema.
pub(super) fn schema() -> Result<Exit, CliError> {
    let text = format!("{:#}", scenario::schema());
    Output::new(std::io::stdout()).line(&text);
    Ok(Exit::Completed)
}
