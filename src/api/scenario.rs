//! A checked scenario and the programs that it names.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::{Programs, Within};
use crate::scenario::{self, CommandStart, CompileOptions, Compiled, Diagnostics, Plan};

use super::ScenarioBuilder;

/// A checked scenario: its roles, their turns, and the order of steps.
///
/// ```
/// use rehearsal::Scenario;
///
/// let errors = Scenario::from_yaml("name: empty").unwrap_err();
/// assert!(errors.to_string().contains("flow"));
/// ```
#[derive(Debug)]
pub struct Scenario {
    pub(super) plan: Plan,
    pub(super) programs: Arc<Programs>,
    warnings: Diagnostics,
}

impl Scenario {
    /// Reads a scenario from a file. Programs and data are searched from the file's directory.
    ///
    /// # Errors
    /// All errors, each with its place, or the reason why the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Diagnostics> {
        let path = path.as_ref();
        let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
        let home = directory.map_or_else(current_directory, Path::to_owned);
        Self::checked(home, |options| scenario::load(path, options))
    }

    /// Reads a scenario from its text. Programs and data are searched from the current directory.
    ///
    /// # Errors
    /// All errors, each with its place.
    pub fn from_yaml(text: &str) -> Result<Self, Diagnostics> {
        Self::compile(text, None, None)
    }

    /// Creates a builder of a scenario in Rust.
    pub fn builder(name: &str) -> ScenarioBuilder {
        ScenarioBuilder::new(name)
    }

    /// Returns the warnings of the check, often none.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    pub(super) fn compile(
        text: &str,
        file: Option<&Path>,
        directory: Option<PathBuf>,
    ) -> Result<Self, Diagnostics> {
        let home = directory.unwrap_or_else(current_directory);
        Self::checked(home, |options| scenario::compile(text, file, options))
    }

    fn checked(
        home: PathBuf,
        compile: impl FnOnce(CompileOptions<'_>) -> Result<Compiled, Diagnostics>,
    ) -> Result<Self, Diagnostics> {
        let path = env::var_os("PATH");
        // The embedding program is not `rehearsal`, so a role that names `rehearsal` must not run a
        // copy of it.
        let installed = path.as_deref().and_then(|path| {
            let candidates = env::split_paths(path).map(|directory| directory.join("rehearsal"));
            candidates.into_iter().find(|candidate| candidate.is_file())
        });
        let rehearsal = installed.unwrap_or_else(|| PathBuf::from("rehearsal"));
        let programs = Programs::new(home.clone(), Vec::new(), rehearsal, path);
        let find = |start: CommandStart<'_>| {
            let within = Within {
                directory: start.directory,
                has_own_path: start.has_own_path,
            };
            let found = programs.resolve(start.words, within);
            found.map(drop).map_err(|error| error.to_string())
        };
        let compiled = compile(CompileOptions {
            directory: Some(&home),
            find_program: Some(&find),
            overrides: &[],
            // A run may set variables later.
            environment: None,
        })?;
        Ok(Scenario {
            plan: compiled.plan,
            programs: Arc::new(programs),
            warnings: compiled.warnings,
        })
    }
}

/// Returns the current directory, or a relative path to it if it cannot be read.
fn current_directory() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}
