//! Options of the compiler.

use std::path::Path;

/// A check that a command can be started. An error completes a sentence: "it is not executable".
pub type FindProgram<'a> = dyn Fn(CommandStart<'_>) -> Result<(), String> + 'a;

/// A lookup of an environment variable.
pub type FindVariable<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The beginning of a command.
#[derive(Debug, Clone, Copy)]
pub struct CommandStart<'a> {
    /// The program, or the program and its arguments as far as they are known.
    pub words: &'a [&'a str],
    /// Its working directory; `None` if it is not known yet.
    pub directory: Option<&'a Path>,
    /// The role sets its PATH.
    pub has_own_path: bool,
}

/// Facts about the environment of the scenario.
#[derive(Clone, Copy, Default)]
pub struct CompileOptions<'a> {
    /// The scenario's directory, from which data files and roles' directories are found; `None` for
    /// the current directory.
    pub directory: Option<&'a Path>,
    /// The check of programs; `None` to skip it.
    pub find_program: Option<&'a FindProgram<'a>>,
    /// The overridden variables with their values.
    pub overrides: &'a [(String, String)],
    /// Looks up the environment variables of the run; `None` if they are not known yet. Only if
    /// they are, what depends on them and on overridden variables is checked.
    pub environment: Option<&'a FindVariable<'a>>,
}
