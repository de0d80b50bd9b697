//! `rehearsal schema`: the JSON Schema of scenarios, for editors.

use crate::report::Output;
use crate::scenario;

use super::error::CliError;
use super::exit::Exit;

/// Prints the JSON Schema.
pub(super) fn schema() -> Result<Exit, CliError> {
    let text = format!("{:#}", scenario::schema());
    let mut output = Output::new(std::io::stdout());
    output.line(&text);
    let written = output.finish();
    written.map_err(|error| CliError::standard_output("the schema", error))?;
    Ok(Exit::Completed)
}
