//! `rehearsal init`: a commented scenario to begin with.

mod answers;
mod questions;
mod starter;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use crate::report::{Output, sanitize};

use super::args::{InitAnswers, InitArgs, RunArgs};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::scenario;
use super::settings::{RunSettings, ScenarioChoice};

use answers::Answers;

/// Writes a scenario from answers: those of the options, else those of the person at the terminal,
/// else those for a program of the built-in shop.
pub(super) fn init(args: &InitArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let file = args.file.as_path();
    if file.exists() && !args.force {
        return Err(exists(file));
    }
    let is_asked = environment.stdin_is_terminal && environment.stderr_is_terminal;
    let answers = if args.answers != InitAnswers::default() {
        Answers::of(&args.answers)?
    } else if is_asked {
        questions::ask(&mut io::stdin().lock(), &mut anstream::stderr())?
    } else {
        Answers::of_the_shop()
    };
    let text = starter::scenario(&answers, file);
    check(&text, file, &answers, environment)?;
    write(file, &text, args.force)?;

    let name = sanitize(&file.display().to_string()).into_owned();
    let mut output = Output::new(anstream::stdout());
    output.line(&format!("Wrote {name}."));
    let variable = answers.secret.as_ref().filter(|it| it.default.is_none());
    if let Some(secret) = variable
        && environment.variable(&secret.variable).is_none()
    {
        let variable = &secret.variable;
        output.line(&format!("  export {variable}=…    sets the password first"));
    }
    output.line(&format!("  rehearsal check {name}"));
    output.line(&format!("  rehearsal run {name} --show-dialogue"));
    let written = output.finish();
    written.map_err(|error| CliError::standard_output("what was written", error))?;
    Ok(Exit::Completed)
}

fn exists(file: &Path) -> CliError {
    CliError::usage(
        format_args!("{} exists", file.display()),
        "name another file, or overwrite this one with --force",
    )
}

/// Checks the text as `rehearsal check` will, with the password set.
fn check(
    text: &str,
    file: &Path,
    answers: &Answers,
    environment: &CliEnvironment,
) -> Result<(), CliError> {
    let mut environment = environment.clone();
    if let Some(secret) = &answers.secret
        && environment.variable(&secret.variable).is_none()
    {
        let variable = secret.variable.clone();
        environment.variables.push((variable.into(), "x".into()));
    }
    let settings = RunSettings {
        scenario: ScenarioChoice::Text {
            text: text.to_owned(),
            file: file.to_owned(),
        },
        ..RunSettings::new(None, RunArgs::default())?
    };
    scenario::load(&settings, &environment).map(drop)
}

fn write(file: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    match force {
        true => options.write(true).create(true).truncate(true),
        // It may have been made since it was looked for.
        false => options.write(true).create_new(true),
    };
    let written = options
        .open(file)
        .and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(file),
        _ => CliError::system(format_args!("cannot write {}", file.display()), error),
    })
}
