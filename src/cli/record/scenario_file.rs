//! From recordings to the scenario's file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::recorder::{InferOptions, Inferred, Recording, SecretTexts, infer};
use crate::report::{Output, sanitize};

use super::places::{self, Recordings};

/// A scenario as written.
pub(super) struct Written {
    pub(super) path: PathBuf,
    /// Variables of the environment that have its secrets, as far as they are known.
    pub(super) variables: Vec<(String, String)>,
    /// Variables whose values nobody knows: secrets of earlier recordings.
    pub(super) unknown: Vec<String>,
}

/// Infers the scenario from the new recording and the earlier ones of the other roles, and writes it.
/// `None` if there is nothing to write.
pub(super) fn write(
    scenario: &Path,
    recorded: (&Path, Recording),
    secrets: &SecretTexts,
    mut options: InferOptions,
    output: &mut Output,
) -> Result<Option<Written>, CliError> {
    let role = recorded.1.role.clone();
    let Recordings { latest, earlier } = places::recordings(scenario, recorded);
    let stem = scenario.file_stem().unwrap_or_default();
    options.name = Some(stem.to_string_lossy().into_owned());
    options.again = earlier;
    let inferred = infer(&latest, &options);
    if inferred.scenario.trim().is_empty() {
        return Ok(None);
    }
    let path = place(scenario, &inferred);
    if path != scenario {
        output.line(&format!(
            "{} was edited since it was recorded, and is left as it is",
            scenario.display()
        ));
    }
    for path in [&path, &places::last_scenario(scenario)] {
        fs::write(path, &inferred.scenario).map_err(|error| {
            CliError::system(format_args!("cannot write {}", path.display()), error)
        })?;
    }
    for note in &inferred.notes {
        output.line(&format!("note: {}: {}", note.role, sanitize(&note.text)));
    }
    for question in &inferred.questions {
        let text = sanitize(&question.text).into_owned();
        output.line(&format!("to decide: {}: {text}", question.role));
    }
    let mut variables = Vec::new();
    let mut unknown = Vec::new();
    for secret in inferred.secrets {
        let text = secret.number.filter(|_| secret.role == role);
        match text.and_then(|number| secrets.get(&number)) {
            Some(text) => variables.push((secret.variable, text.clone())),
            None => unknown.push(secret.variable),
        }
    }
    Ok(Some(Written {
        path,
        variables,
        unknown,
    }))
}

/// Returns the path to write to: a file that a person has written or edited is left alone.
fn place(scenario: &Path, inferred: &Inferred) -> PathBuf {
    let Ok(text) = fs::read_to_string(scenario) else {
        return scenario.to_owned();
    };
    let last = fs::read_to_string(places::last_scenario(scenario));
    match text == inferred.scenario || last.is_ok_and(|last| last == text) {
        true => scenario.to_owned(),
        false => scenario.with_extension("new.yaml"),
    }
}
