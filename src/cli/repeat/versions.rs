//! Check that two versions differ in the programs that they start.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::scenario::{self, Loaded};
use crate::cli::settings::RunSettings;
use crate::engine::Within;

/// Refuses directories of older programs of which none is started: a comparison would find no
/// change, whatever was changed.
pub(super) fn check_programs(
    new: &RunSettings,
    old: &RunSettings,
    environment: &CliEnvironment,
) -> Result<(), CliError> {
    let series = &new.series;
    if series.against_scripts.is_empty() || series.against.is_some() || series.comparing.force {
        return Ok(());
    }
    let new = started(&scenario::load(new, environment)?);
    let started_by_old = started(&scenario::load(old, environment)?);
    if new != started_by_old {
        return Ok(());
    }
    let shown: Vec<String> = new.iter().map(|it| it.display().to_string()).collect();
    Err(CliError::usage(
        format_args!(
            "both versions would start the same programs: {}",
            shown.join(", ")
        ),
        "programs beside the scenario are taken before those of --scripts and --against-scripts: \
         put each version into a directory of its own, such as --scripts new --against-scripts old",
    ))
}

/// Returns the programs of all roles, and the scripts that interpreters are given.
fn started(loaded: &Loaded) -> Vec<PathBuf> {
    // A relative script is looked for beside the program's start; it is the same for both.
    let within = Within {
        directory: None,
        has_own_path: false,
    };
    let commands = loaded.plan.roles.iter().filter_map(|role| {
        let words: Vec<&str> = role
            .run
            .iter()
            .map(|it| it.fixed().unwrap_or("$"))
            .collect();
        let (program, words) = loaded.programs.resolve(&words, within).ok()?;
        let is_path = |word: &OsString| word.to_string_lossy().contains('/');
        let script = words.into_iter().skip(1).find(is_path);
        Some(script.map_or(program, PathBuf::from))
    });
    let mut started: Vec<PathBuf> = commands.collect();
    started.sort();
    started.dedup();
    started
}
