//! Errors of the command line.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::engine::EngineError;
use crate::report::ReportError;
use crate::report::neutral_lines;

use super::exit::Exit;

/// An error with a suggestion.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Something typed cannot be done.
    #[error("{what}")]
    Usage { what: String, hint: String },
    /// The scenario is wrong. The text shows where, with styles if they are wanted.
    #[error("{0}")]
    Scenario(String),
    /// The results or the log could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Anything else that the system refused.
    #[error("{what}: {source}")]
    System {
        what: String,
        source: std::io::Error,
    },
}

impl CliError {
    /// Something typed cannot be done; `hint` says what can.
    pub fn usage(what: impl Display, hint: impl Display) -> Self {
        CliError::Usage {
            what: what.to_string(),
            hint: hint.to_string(),
        }
    }

    /// The system refused something.
    pub fn system(what: impl Display, source: std::io::Error) -> Self {
        CliError::System {
            what: what.to_string(),
            source,
        }
    }

    /// Returns the exit code for this error.
    pub fn exit(&self) -> Exit {
        match self {
            CliError::Usage { .. } | CliError::Scenario(_) => Exit::Usage,
            CliError::Report(_) | CliError::Engine(_) | CliError::System { .. } => Exit::Internal,
        }
    }

    /// Renders the error as ANSI text without a line end.
    pub fn render(&self) -> String {
        const ERROR: Style = AnsiColor::Red.on_default().bold();
        const HELP: Style = Style::new().bold();
        if let CliError::Scenario(text) = self {
            return text.trim_end().to_owned();
        }
        let mut text = format!(
            "{ERROR}error:{ERROR:#} {}",
            lines(&self.to_string(), "\n       ")
        );
        if let CliError::Usage { hint, .. } = self
            && !hint.is_empty()
        {
            text.push_str(&format!(
                "\n{HELP}help:{HELP:#}  {}",
                lines(hint, "\n       ")
            ));
        }
        text
    }
}

fn lines(text: &str, separator: &str) -> String {
    neutral_lines(text).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_and_what_next() {
        let error = CliError::usage("no\x1b good", "do this\nor that");
        let text = anstream::adapter::strip_str(&error.render()).to_string();
        assert_eq!(text, "error: no␛ good\nhelp:  do this\n       or that");
        assert_eq!(error.exit(), Exit::Usage);
    }
}
