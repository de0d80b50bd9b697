//! From recordings to the scenario's file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::recorder::{InferOptions, Inferred, Recording, SecretTexts, infer, infer_into};
use crate::report::{Output, sanitize};
use crate::scenario::outline;

use super::places::{self, Recordings};

/// A scenario that is made of recordings, and its file.
pub(super) struct Draft {
    path: PathBuf,
    role: String,
    latest: Vec<Recording>,
    secrets: SecretTexts,
    options: InferOptions,
    /// The file before this recording.
    existing: String,
    /// A person has written or edited it.
    is_edited: bool,
    /// The remarks that were shown.
    shown: Vec<String>,
}

/// A scenario as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Variables of the environment that have its secrets, as far as they are known.
    pub(super) secrets: Vec<(String, String)>,
    /// Variables whose values nobody knows: secrets of earlier recordings.
    pub(super) unknown: Vec<String>,
    /// Variables of the scenario, with what was typed.
    pub(super) variables: Vec<(String, String)>,
}

/// Checks that a role can be added to this file, before a person's work would be in vain.
///
/// # Errors
/// If it has a text that cannot be read as YAML, or cannot be read at all.
pub(super) fn check(scenario: &Path) -> Result<(), CliError> {
    if scenario.is_dir() {
        return Err(CliError::usage(
            format_args!("{} is a directory", scenario.display()),
            "name a file for the scenario: --into FILE",
        ));
    }
    let text = match fs::read_to_string(scenario) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(|error| {
            let what = format!("{} cannot be read: {error}", scenario.display());
            CliError::usage(what, "name another file: --into FILE")
        })?,
    };
    if text.trim().is_empty() || outline(&text).is_some() {
        return Ok(());
    }
    Err(CliError::usage(
        format_args!(
            "{} is no YAML that a role can be added to",
            scenario.display()
        ),
        format_args!(
            "`rehearsal check {}` shows the place; fix it, or name another file: --into FILE",
            scenario.display()
        ),
    ))
}

impl Draft {
    /// Takes the new recording together with the earlier ones of the scenario.
    pub(super) fn new(
        scenario: &Path,
        recorded: (&Path, Recording),
        secrets: SecretTexts,
        mut options: InferOptions,
    ) -> Draft {
        let role = recorded.1.role.clone();
        let Recordings { latest, earlier } = places::recordings(scenario, recorded);
        let stem = scenario.file_stem().unwrap_or_default();
        options.name = Some(stem.to_string_lossy().into_owned());
        options.again = earlier;
        let existing = fs::read_to_string(scenario).unwrap_or_default();
        let last = fs::read_to_string(places::last_scenario(scenario));
        let is_edited = !existing.trim().is_empty() && !last.is_ok_and(|last| last == existing);
        if is_edited {
            // The others may have been edited; their recordings show where values come from.
            options.only = vec![role.clone()];
        }
        Draft {
            path: scenario.to_owned(),
            role,
            latest,
            secrets,
            options,
            existing,
            is_edited,
            shown: Vec::new(),
        }
    }

    /// Infers the scenario from the new recording and those of the other roles, and writes it. In a
    /// scenario that a person has written or edited, only the recorded role is replaced, and its former
    /// text is kept beside the recordings. `None` if there is nothing to write.
    pub(super) fn write(&mut self, output: &mut Output) -> Result<Option<Written>, CliError> {
        let inferred = match self.is_edited {
            true => infer_into(&self.existing, &self.latest, &self.options).map_err(|what| {
                let what = format!("{}: {what}", self.path.display());
                CliError::usage(what, "fix it, or name another file, and go on with `rehearsal record --from RECORDING`")
            })?,
            false => infer(&self.latest, &self.options),
        };
        if inferred.scenario.trim().is_empty() {
            return Ok(None);
        }
        if self.is_edited {
            write(&places::edited_scenario(&self.path), &self.existing)?;
        }
        self.put(&inferred.scenario)?;
        self.show(&inferred, output);
        let (secrets, unknown) = self.secret_values(&inferred);
        Ok(Some(Written {
            path: self.path.clone(),
            text: inferred.scenario,
            secrets,
            unknown,
            variables: inferred.variables,
        }))
    }

    /// Writes it again, with what a replay of it has printed. `None` if that changes nothing.
    pub(super) fn adapted(
        &mut self,
        replayed: Vec<(String, String)>,
        before: &Written,
        output: &mut Output,
    ) -> Result<Option<Written>, CliError> {
        self.options.replayed.extend(replayed);
        let written = self.write(output)?;
        Ok(written.filter(|it| it.text != before.text))
    }

    /// Puts a text into the scenario's file.
    pub(super) fn put(&self, text: &str) -> Result<(), CliError> {
        if !self.is_edited {
            write(&places::last_scenario(&self.path), text)?;
        }
        write(&self.path, text)
    }

    fn show(&mut self, inferred: &Inferred, output: &mut Output) {
        let notes = inferred.notes.iter();
        let notes = notes.map(|it| format!("note: {}: {}", it.role, sanitize(&it.text)));
        let questions = inferred.questions.iter();
        let questions =
            questions.map(|it| format!("to decide: {}: {}", it.role, sanitize(&it.text)));
        for line in notes.chain(questions) {
            if !self.shown.contains(&line) {
                output.line(&line);
                self.shown.push(line);
            }
        }
    }

    /// Returns the variables of the environment with their values, and those without.
    fn secret_values(&self, inferred: &Inferred) -> (Vec<(String, String)>, Vec<String>) {
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for secret in &inferred.secrets {
            let text = secret.number.filter(|_| secret.role == self.role);
            match text.and_then(|number| self.secrets.get(&number)) {
                Some(text) => known.push((secret.variable.clone(), text.clone())),
                None => unknown.push(secret.variable.clone()),
            }
        }
        (known, unknown)
    }
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    fs::write(path, text)
        .map_err(|error| CliError::system(format_args!("cannot write {}", path.display()), error))
}
