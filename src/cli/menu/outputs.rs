//! Outputs of the menu's runs, besides what it shows itself.

use std::path::PathBuf;

use crate::cli::args::{ExportArgs, LiveArgs};
use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::exports::Exports;
use crate::cli::html;
use crate::cli::session::{Finished, Results};
use crate::cli::settings::RunSettings;
use crate::report::sanitize;

/// An output that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Live,
    Html,
    Junit,
    Markdown,
    Steps,
}

/// The outputs in the order of the menu, with their names.
const ALL: [(Kind, &str); 5] = [
    (Kind::Live, "Live page, while a run goes on"),
    (Kind::Html, "Report for browsers (HTML)"),
    (Kind::Junit, "Test results (JUnit)"),
    (Kind::Markdown, "Summary (Markdown)"),
    (Kind::Steps, "Table of the steps (CSV)"),
];

/// The chosen outputs.
#[derive(Debug)]
pub(super) struct Outputs {
    chosen: Vec<Kind>,
}

impl Outputs {
    /// Returns the outputs that the command line asks for.
    pub(super) fn of(settings: &RunSettings) -> Self {
        let exports = &settings.exports;
        let asked = [
            (Kind::Live, settings.live.is_some()),
            (Kind::Html, settings.html.is_some()),
            (Kind::Junit, exports.junit.is_some()),
            (Kind::Markdown, exports.markdown.is_some()),
            (Kind::Steps, exports.csv_steps.is_some()),
        ];
        let chosen = asked.into_iter().filter(|(_, is_asked)| *is_asked);
        Outputs {
            chosen: chosen.map(|(kind, _)| kind).collect(),
        }
    }

    /// Returns the list of outputs, chosen or not.
    pub(super) fn list(&self) -> String {
        let rows = ALL.iter().zip(1..).map(|((kind, name), number)| {
            let sign = if self.has(*kind) { 'x' } else { ' ' };
            format!("  {number}  [{sign}] {name}\n")
        });
        let rows: String = rows.collect();
        format!("\nOutputs of the next runs\n{rows}")
    }

    /// Chooses the output of this number, or no longer; returns `false` if there is none.
    pub(super) fn toggle(&mut self, number: &str) -> bool {
        let place = number.parse::<usize>().ok();
        let place = place.and_then(|number| number.checked_sub(1));
        let Some((kind, _)) = place.and_then(|place| ALL.get(place)) else {
            return false;
        };
        if self.has(*kind) {
            self.chosen.retain(|it| it != kind);
        } else {
            self.chosen.push(*kind);
        }
        true
    }

    fn has(&self, kind: Kind) -> bool {
        self.chosen.contains(&kind)
    }

    /// Sets what a run needs to know before it starts.
    pub(super) fn apply(&self, settings: &mut RunSettings) {
        let address = settings.live.unwrap_or(LiveArgs::LOOPBACK);
        settings.live = self.has(Kind::Live).then_some(address);
    }

    /// Checks that the files named on the command line can be written.
    pub(super) fn check(
        &self,
        settings: &RunSettings,
        environment: &CliEnvironment,
    ) -> Result<(), CliError> {
        let given = self.files(settings, |_| None);
        Exports::open(&given, environment).map(drop)
    }

    /// Returns the chosen files: those named on the command line, or else the usual ones, by the
    /// extension.
    fn files(&self, settings: &RunSettings, usual: impl Fn(&str) -> Option<PathBuf>) -> ExportArgs {
        let path = |kind, given: &Option<PathBuf>, extension| {
            let is_chosen = self.has(kind);
            let path = given.clone().or_else(|| usual(extension));
            path.filter(|_| is_chosen)
        };
        let given = &settings.exports;
        ExportArgs {
            junit: path(Kind::Junit, &given.junit, "junit.xml"),
            markdown: path(Kind::Markdown, &given.markdown, "md"),
            csv_steps: path(Kind::Steps, &given.csv_steps, "steps.csv"),
            ..ExportArgs::default()
        }
    }

    /// Writes the files of a run that has ended, beside its results unless the command line names
    /// them; returns lines with their paths, and the errors.
    pub(super) fn write(
        &self,
        finished: &Finished,
        settings: &RunSettings,
        environment: &CliEnvironment,
    ) -> (String, Vec<CliError>) {
        let (mut lines, mut errors) = (String::new(), Vec::new());
        if self.has(Kind::Html) {
            let file = settings.html.clone().flatten();
            match html::write(finished, file.as_deref()) {
                Ok(path) => lines.push_str(&html::location(&path)),
                Err(error) => errors.push(error.into()),
            }
        }
        let (Results::Saved(run) | Results::NotSaved(run)) = &finished.results;
        let exports = self.files(settings, |extension| Some(run.with_extension(extension)));
        match Exports::open(&exports, environment) {
            Err(error) => errors.push(error),
            Ok(files) => {
                let failed = files.write(&finished.head);
                if failed.is_empty() {
                    let written = [exports.junit, exports.markdown, exports.csv_steps];
                    let written = written.into_iter().flatten();
                    let paths =
                        written.map(|path| sanitize(&path.display().to_string()).into_owned());
                    lines.extend(paths.map(|path| format!("Written: {path}\n")));
                }
                errors.extend(failed.into_iter().map(CliError::from));
            }
        }
        (lines, errors)
    }
}
