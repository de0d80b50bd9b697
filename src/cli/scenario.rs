//! Loads the chosen scenario into a checked plan.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use crate::engine::{Programs, Within};
use crate::scenario::{self, CommandStart, CompileOptions, Compiled, Diagnostics, Plan};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::settings::{RunSettings, Save, ScenarioChoice};

/// The built-in scenario's file name in messages.
pub(super) const BUILT_IN_NAME: &str = "order-flow.yaml";

/// The scenario that runs when none is named.
const BUILT_IN: &str = include_str!("../../config/order-flow.yaml");

/// The maximum number of names proposed for one that does not exist.
const MAX_PROPOSALS: usize = 3;

/// The name of a scenario that is read from standard input.
const STANDARD_INPUT: &str = "-";

/// A checked scenario and its programs.
pub(super) struct Loaded {
    pub plan: Plan,
    pub programs: Programs,
    /// Warnings of the check.
    pub warnings: Diagnostics,
}

/// Finds and checks the scenario.
pub(super) fn load(
    settings: &RunSettings,
    environment: &CliEnvironment,
) -> Result<Loaded, CliError> {
    match check(settings, environment)? {
        Ok(loaded) => Ok(loaded),
        Err(diagnostics) => Err(CliError::Scenario(diagnostics.render(coloured()))),
    }
}

/// As [`load`], with errors of the scenario separate from errors of the command line.
pub(super) fn check(
    settings: &RunSettings,
    environment: &CliEnvironment,
) -> Result<Result<Loaded, Diagnostics>, CliError> {
    let home = match &settings.scenario {
        ScenarioChoice::BuiltIn => environment.directory.clone(),
        ScenarioChoice::File(file) if is_stream(file) => environment.directory.clone(),
        ScenarioChoice::File(file) | ScenarioChoice::Text { file, .. } => environment
            .directory
            .join(file.parent().unwrap_or(Path::new(""))),
    };
    let scripts = settings
        .scripts
        .iter()
        .map(|directory| environment.directory.join(directory));
    let programs = Programs::new(
        home.clone(),
        scripts.collect(),
        environment.program.clone(),
        environment.path.clone(),
    );
    let find = |start: CommandStart<'_>| {
        let within = Within {
            directory: start.directory,
            has_own_path: start.has_own_path,
        };
        programs
            .resolve(start.words, within)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let variable = |name: &str| environment.variable(name);
    let options = CompileOptions {
        directory: Some(&home),
        find_program: Some(&find),
        overrides: &settings.variables,
        environment: Some(&variable),
    };
    let compiled = match &settings.scenario {
        ScenarioChoice::BuiltIn => {
            scenario::compile(BUILT_IN, Some(Path::new(BUILT_IN_NAME)), options)
        }
        ScenarioChoice::Text { text, file } => scenario::compile(text, Some(file), options),
        ScenarioChoice::File(file) if file.as_os_str() == STANDARD_INPUT => {
            let name = Path::new("standard input");
            scenario::read(std::io::stdin().lock(), name)
                .and_then(|text| scenario::compile(&text, Some(name), options))
        }
        ScenarioChoice::File(file) => {
            if !file.is_file() && !is_stream(file) {
                return Err(no_such_scenario(file, settings));
            }
            scenario::load(file, options)
        }
    };
    Ok(compiled.map(|Compiled { plan, warnings }| Loaded {
        plan,
        programs,
        warnings,
    }))
}

/// Returns `true` if a scenario is read from a stream, as with `-` or `<(…)`: it is gone once it
/// was read, and there is nothing beside it.
pub(super) fn is_stream(file: &Path) -> bool {
    let is_other = |it: std::fs::Metadata| !it.is_file() && !it.is_dir();
    file.as_os_str() == STANDARD_INPUT || std::fs::metadata(file).is_ok_and(is_other)
}

/// Returns the values of secret variables, given or written in the scenario.
pub(super) fn secret_values(plan: &Plan, settings: &RunSettings) -> Vec<String> {
    let given = settings.variables.iter();
    let given = given.map(|(name, value)| (name, value.as_str()));
    let written = plan.variables.iter();
    let written = written.filter_map(|(name, value)| Some((name, value.fixed()?)));
    given
        .chain(written)
        .filter(|(name, _)| plan.secrets.contains(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}

/// Returns `true` if diagnostics, which go to standard error, may be coloured.
pub(super) fn coloured() -> bool {
    let stderr = std::io::stderr();
    let choice = anstream::AutoStream::choice(&stderr);
    match choice {
        anstream::ColorChoice::Never => false,
        anstream::ColorChoice::Auto => stderr.is_terminal(),
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => true,
    }
}

fn no_such_scenario(file: &Path, settings: &RunSettings) -> CliError {
    if settings.save == Save::Usual && file.extension().is_none() {
        return CliError::usage(
            format_args!("there is no scenario file {}", file.display()),
            format_args!(
                "to save results in that directory, write --save={}",
                file.display()
            ),
        );
    }
    let what = if file.is_dir() {
        "is a directory, not a scenario file"
    } else {
        "does not exist"
    };
    let proposals = proposals(file);
    let hint = if proposals.is_empty() {
        "a scenario is a YAML file; without one, the built-in scenario is run".to_owned()
    } else {
        let names: Vec<_> = proposals
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        format!("did you mean {}?", names.join(" or "))
    };
    CliError::usage(format_args!("the scenario {} {what}", file.display()), hint)
}

/// Lists the scenario files nearby with the most similar names.
fn proposals(file: &Path) -> Vec<PathBuf> {
    let directory = file.parent().unwrap_or(Path::new(""));
    let mut found: Vec<(f64, PathBuf)> = Vec::new();
    for directory in [directory, Path::new("config")] {
        let listed = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            directory
        };
        let Ok(entries) = std::fs::read_dir(listed) else {
            continue;
        };
        for path in entries
            .flatten()
            .map(|entry| directory.join(entry.file_name()))
        {
            let is_yaml = path
                .extension()
                .is_some_and(|it| it == "yaml" || it == "yml");
            let stem = |path: &Path| {
                path.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .to_lowercase()
            };
            let likeness = strsim::jaro_winkler(&stem(file), &stem(&path));
            if is_yaml && likeness > 0.75 && !found.iter().any(|(_, it)| *it == path) {
                found.push((likeness, path));
            }
        }
    }
    found.sort_by(|(one, a), (other, b)| other.total_cmp(one).then_with(|| a.cmp(b)));
    found
        .into_iter()
        .map(|(_, path)| path)
        .take(MAX_PROPOSALS)
        .collect()
}
