//! `rehearsal guide`: pages on each task.

use clap::builder::PossibleValuesParser;

use crate::guide::{PAGES, Page};
use crate::report::Output;

use super::error::CliError;
use super::exit::Exit;

/// Returns a parser of topics, which suggests the nearest one for an unknown word.
pub(super) fn topics() -> PossibleValuesParser {
    PossibleValuesParser::new(PAGES.iter().map(|page| page.topic))
}

/// Prints the page on `topic`, or the list of topics.
pub(super) fn guide(topic: Option<&str>) -> Result<Exit, CliError> {
    let mut output = Output::new(std::io::stdout());
    match topic.and_then(|topic| PAGES.iter().find(|page| page.topic == topic)) {
        Some(page) => output.line(page.text.trim_end()),
        None => {
            output.line("rehearsal guide TOPIC prints a page on:");
            let width = PAGES.iter().map(|page| page.topic.len()).max().unwrap_or(0);
            for Page { topic, summary, .. } in PAGES {
                output.line(&format!("  {topic:width$}  {summary}"));
            }
        }
    }
    output
        .finish()
        .map_err(|error| CliError::standard_output("the guide", error))?;
    Ok(Exit::Completed)
}
