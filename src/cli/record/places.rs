//! Files of recordings: in a directory beside the scenario.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Local;

use crate::recorder::Recording;

/// The end of the names of recordings.
const EXTENSION: &str = "cast";

/// Returns the directory of a scenario's recordings: `my.recordings` beside `my.yaml`.
pub(super) fn directory(scenario: &Path) -> PathBuf {
    scenario.with_extension("recordings")
}

/// Returns the path of a copy of the scenario as it was last written: one that differs was edited.
pub(super) fn last_scenario(scenario: &Path) -> PathBuf {
    directory(scenario).join("written.yaml")
}

/// Returns the path of a copy of an edited scenario as it was before a role was recorded again.
pub(super) fn edited_scenario(scenario: &Path) -> PathBuf {
    directory(scenario).join("edited.yaml")
}

/// Returns a path for a new recording of a role.
pub(super) fn new_recording(scenario: &Path, role: &str) -> PathBuf {
    let time = Local::now().format("%Y%m%d-%H%M%S");
    let directory = directory(scenario);
    let names = (1..).map(|number| match number {
        1 => format!("{role}-{time}.{EXTENSION}"),
        number => format!("{role}-{time}-{number}.{EXTENSION}"),
    });
    let mut paths = names.map(|name| directory.join(name));
    let free = paths.find(|path| !path.exists());
    free.unwrap_or_else(|| directory.join(role))
}

/// Returns the words of a command as a scenario in this file has to write them. Its programs and scripts
/// are searched for beside it, so that those of another directory need their whole path.
pub(super) fn as_seen_from(scenario: &Path, command: &[String], directory: &Path) -> Vec<String> {
    let place = directory.join(scenario);
    let beside = place.parent().unwrap_or(directory);
    let is_elsewhere = beside.canonicalize().ok() != directory.canonicalize().ok();
    let seen = command.iter().zip(0..).map(|(word, index)| {
        let here = directory.join(word);
        // A program without a slash is one of PATH.
        let is_file = (index > 0 || word.contains('/')) && here.is_file();
        match is_elsewhere && is_file && !beside.join(word).exists() {
            true => here.to_string_lossy().into_owned(),
            false => word.clone(),
        }
    });
    seen.collect()
}

/// Recordings of a scenario.
pub(super) struct Recordings {
    /// The latest of each role, in the order of their starts.
    pub(super) latest: Vec<Recording>,
    /// Earlier ones.
    pub(super) earlier: Vec<Recording>,
}

/// Reads the recordings of a scenario, together with a new one. Files that are none are left out.
pub(super) fn recordings(scenario: &Path, new: (&Path, Recording)) -> Recordings {
    let (new_path, new) = new;
    let entries = fs::read_dir(directory(scenario)).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == EXTENSION) && path != new_path);
    paths.sort();
    let mut all: Vec<Recording> = paths
        .iter()
        .filter_map(|path| Recording::read(path).ok())
        .collect();
    all.sort_by_key(|recording| recording.started_at);
    all.push(new);
    let mut found = Recordings {
        latest: Vec::new(),
        earlier: Vec::new(),
    };
    for recording in all.into_iter().rev() {
        match found.latest.iter().any(|it| it.role == recording.role) {
            true => found.earlier.push(recording),
            false => found.latest.push(recording),
        }
    }
    found.latest.sort_by_key(|recording| recording.started_at);
    found
}
