//! From recordings to the scenario's file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::recorder::{InferOptions, Recording, SecretTexts, infer, infer_into};
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

/// Infers the scenario from the new recording and the earlier ones of the other roles, and writes it. In
/// a scenario that a person has written or edited, only the recorded role is replaced, and its former
/// text is kept beside the recordings. `None` if there is nothing to write.
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
    let existing = fs::read_to_string(scenario).unwrap_or_default();
    let last = fs::read_to_string(places::last_scenario(scenario));
    let is_edited = !existing.trim().is_empty() && !last.is_ok_and(|last| last == existing);
    let inferred = match is_edited {
        // The others may have been edited; their recordings show where values come from.
        true => {
            options.only = vec![role.clone()];
            infer_into(&existing, &latest, &options).map_err(|what| {
                let what = format!("{}: {what}", scenario.display());
                CliError::usage(what, "mend it, or name another file: --into FILE")
            })?
        }
        false => infer(&latest, &options),
    };
    if inferred.scenario.trim().is_empty() {
        return Ok(None);
    }
    let write = |path: &Path, text: &str| {
        fs::write(path, text).map_err(|error| {
            CliError::system(format_args!("cannot write {}", path.display()), error)
        })
    };
    match is_edited {
        true => write(&places::edited_scenario(scenario), &existing)?,
        false => write(&places::last_scenario(scenario), &inferred.scenario)?,
    }
    write(scenario, &inferred.scenario)?;
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
        path: scenario.to_owned(),
        variables,
        unknown,
    }))
}
