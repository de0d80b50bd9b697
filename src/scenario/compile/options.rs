//! Options of the compiler.

use std::path::Path;

/// Says whether a command can be started, and if not, why, in half a sentence: "it is not
/// executable".
pub type FindProgram<'a> = dyn Fn(CommandStart<'_>) -> Result<(), String> + 'a;

/// How a command begins.
#[derive(Debug, Clone, Copy)]
pub struct CommandStart<'a> {
    /// The program, or the program and its first argument.
    pub words: &'a [&'a str],
    /// Where it runs; `None` if that is not known yet.
    pub directory: Option<&'a Path>,
    /// Whether the role gives it a PATH of its own.
    pub has_own_path: bool,
}

/// What a scenario is checked against besides itself.
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
