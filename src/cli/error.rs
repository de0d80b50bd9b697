//! Errors of the command line.

use std::fmt::Display;
use std::fs;

use anstyle::{AnsiColor, Style};

use crate::engine::EngineError;
use crate::report::ReportError;
use crate::report::sanitize_lines;

use super::exit::Exit;

/// An error with a suggestion.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A request that cannot be carried out.
    #[error("{what}")]
    Usage { what: String, hint: String },
    /// An invalid scenario. The text shows where, styled for a terminal if that is wanted.
    #[error("{0}")]
    Scenario(String),
    /// Results or log could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Any other refusal of the system.
    #[error("{what}: {source}")]
    System {
        what: String,
        source: std::io::Error,
    },
}

impl CliError {
    /// An error about what was typed; `hint` suggests what to type instead.
    pub fn usage(what: impl Display, hint: impl Display) -> Self {
        CliError::Usage {
            what: what.to_string(),
            hint: hint.to_string(),
        }
    }

    /// An error of the system.
    pub fn system(what: impl Display, source: std::io::Error) -> Self {
        CliError::System {
            what: what.to_string(),
            source,
        }
    }

    /// An error of writing `what` to standard output; names the file that it goes to, if it does.
    pub fn standard_output(what: &str, source: std::io::Error) -> Self {
        match fs::read_link("/proc/self/fd/1")
            .ok()
            .filter(|it| it.is_file())
        {
            Some(file) => CliError::system(
                format_args!("cannot write {what} to {}", file.display()),
                source,
            ),
            None => CliError::system(format_args!("cannot write {what}"), source),
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
    sanitize_lines(text).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_the_error_and_the_hint() {
        let error = CliError::usage("no\x1b good", "do this\nor that");
        let text = anstream::adapter::strip_str(&error.render()).to_string();
        assert_eq!(text, "error: no␛ good\nhelp:  do this\n       or that");
        assert_eq!(error.exit(), Exit::Usage);
    }
}
