//! Options of the compiler.

use std::path::Path;

/// A check that a command can be started. An error is the reason in half a sentence: "it is not
/// executable".
pub type FindProgram<'a> = dyn Fn(CommandStart<'_>) -> Result<(), String> + 'a;

/// The beginning of a command.
#[derive(Debug, Clone, Copy)]
pub struct CommandStart<'a> {
    /// The program, or the program and its first argument.
    pub words: &'a [&'a str],
    /// Its working directory; `None` if that is not known yet.
    pub directory: Option<&'a Path>,
    /// True if the role sets its PATH.
    pub has_own_path: bool,
}

/// The surroundings against which a scenario is checked.
#[derive(Clone, Copy, Default)]
pub struct CompileOptions<'a> {
    /// The scenario's folder: data files and the roles' directories are found from there. If
    /// `None`, from where rehearsal was started.
    pub directory: Option<&'a Path>,
    /// If `None`, programs are not checked.
    pub find_program: Option<&'a FindProgram<'a>>,
    /// The names of the variables that are set from outside.
    pub overrides: &'a [String],
}
