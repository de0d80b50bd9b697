//! `rehearsal record`: a person works with a program, and a scenario is made of it.

mod console;
mod menu;
mod places;
mod proof;
mod questions;
mod scenario_file;
mod session;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::unbounded_channel;

use crate::model::{ExitCause, TerminalKind};
use crate::process::{Command, Environment, Programs, RunMarker, Spawner, WatcherProgram, Within};
use crate::recorder::{
    Capture, Chunk, ChunkEvent, Imported, InferOptions, Recording, RecordingError, RecordingFile,
    SecretTexts,
};
use crate::report::Output;

use super::args::RecordArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::signals;

use console::Console;
use scenario_file::Draft;
use session::{Ended, Session};

/// The time that the program's processes have to end after it.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A recording that is complete, and the secrets that are not in it.
struct Recorded {
    path: PathBuf,
    recording: Recording,
    secrets: SecretTexts,
    /// Prompts whose answers seemed secrets and are none.
    plain_prompts: Vec<String>,
    exit: Exit,
}

/// Records, writes the scenario, and tries it.
pub(super) fn record(args: RecordArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    scenario_file::check(&args.into)?;
    let recorded = match &args.from {
        Some(file) => import(file, &args)?,
        None => work(&args, environment)?,
    };
    let mut output = Output::new(anstream::stderr());
    output.line(&format!("Recording: {}", recorded.path.display()));
    if recorded.exit == Exit::Interrupted {
        output.line(&format!(
            "No scenario was made of it; for that, use --from {}",
            recorded.path.display()
        ));
        return Ok(Exit::Interrupted);
    }
    let Recorded {
        path,
        recording,
        secrets,
        plain_prompts,
        exit,
    } = recorded;
    let is_typed = |chunk: &Chunk| {
        let event = &chunk.event;
        matches!(
            event,
            ChunkEvent::Typed { .. } | ChunkEvent::TypedSecret { .. }
        )
    };
    if !recording.chunks.iter().any(is_typed) {
        output.line("No scenario was made of it: nothing was typed.");
        return Ok(exit);
    }
    let options = InferOptions {
        think: args.think,
        plain_prompts,
        ..InferOptions::default()
    };
    let new = (&*path, recording);
    let mut draft = Draft::new(&args.into, new, secrets, options);
    let written = draft.write(&mut output)?;
    let Some(mut written) = written else {
        output.line("No scenario was made of it: there is nothing to do in it.");
        return Ok(exit);
    };
    output.line(&format!("Scenario:  {}", written.path.display()));
    written
        .unknown
        .retain(|name| environment.variable(name).is_none());
    if !written.unknown.is_empty() {
        output.line(&format!(
            "Not tried: it needs secrets of earlier recordings. Set {}, and use `rehearsal run {}`",
            written.unknown.join(", "),
            written.path.display()
        ));
        return Ok(exit);
    }
    if args.no_proof {
        return Ok(exit);
    }
    let proof = proof::prove(&mut draft, written, args.fresh, environment);
    let proof = proof.unwrap_or_else(|error| {
        output.line(&error.render());
        error.exit()
    });
    if proof != Exit::Completed && proof != Exit::Interrupted {
        output.line(&format!(
            "The scenario does not do the work yet. Edit {0}, and try `rehearsal run {0}`",
            args.into.display()
        ));
    }
    Ok(match exit {
        Exit::Completed => proof,
        other => other,
    })
}

/// Returns the role that is recorded.
fn role(args: &RecordArgs, command: &[String]) -> String {
    if let Some(role) = &args.role {
        return role.clone();
    }
    // The script says more than its interpreter.
    let is_script = |word: &&String| word.contains('.') && !word.starts_with('-');
    let word = command.iter().find(is_script).or(command.first());
    let name = Path::new(word.map_or("", String::as_str)).file_stem();
    let name = name.unwrap_or_default().to_string_lossy();
    let allowed = |c: char| match c.is_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    let name: String = name.chars().map(allowed).collect();
    let name = name.trim_matches('_');
    match name.starts_with(|c: char| c.is_alphabetic()) {
        true => name.to_owned(),
        false => format!("role{name}"),
    }
}

fn cannot_write(error: RecordingError) -> CliError {
    CliError::usage(
        error,
        "name a file in a directory that you may write to: --into FILE",
    )
}

/// Takes a recording that exists.
fn import(file: &Path, args: &RecordArgs) -> Result<Recorded, CliError> {
    let unusable = |error: RecordingError| {
        let hint = "name a recording of asciinema, the file of times of script(1), or a recording of \
                    this program";
        CliError::usage(error, hint)
    };
    // Our own recordings know the modes of the terminal and the secrets.
    if let Ok(mut own) = Recording::read(file)
        && !own.role.is_empty()
    {
        if let Some(role) = &args.role {
            own.role.clone_from(role);
        }
        return Ok(Recorded {
            path: file.to_owned(),
            recording: own,
            secrets: SecretTexts::new(),
            plain_prompts: Vec::new(),
            exit: Exit::Completed,
        });
    }
    let mut imported = Imported::read(file).map_err(unusable)?;
    if !imported.has_input {
        let hint = "record with `asciinema rec --capture-input` (version 2: `--stdin`) or `script \
                    --log-io FILE --log-timing TIMES`, or use `rehearsal record -- PROGRAM`";
        let what = format!("{} has only output, nothing that was typed", file.display());
        return Err(CliError::usage(what, hint));
    }
    if args.program.is_empty() && imported.command().is_empty() {
        let hint = format!(
            "name it: rehearsal record --from {} -- PROGRAM",
            file.display()
        );
        return Err(CliError::usage(
            "the recording does not name its program",
            hint,
        ));
    }
    if io::stdin().is_terminal() {
        questions::ask_about_secrets(&mut imported.capture)
            .map_err(|error| CliError::system("the terminal", error))?;
    }
    let command = match args.program.is_empty() {
        true => imported.command().to_vec(),
        false => args.program.clone(),
    };
    let role = role(args, &command);
    let plain_prompts = imported.capture.plain_prompts();
    let (recording, secrets) = imported.finish(&role, &command);
    let path = places::new_recording(&args.into, &role);
    let mut copy = RecordingFile::create(&path, &recording).map_err(cannot_write)?;
    copy.append(&recording.chunks).map_err(cannot_write)?;
    Ok(Recorded {
        path,
        recording,
        secrets,
        plain_prompts,
        exit: Exit::Completed,
    })
}

/// Lets the person work with the program.
fn work(args: &RecordArgs, environment: &CliEnvironment) -> Result<Recorded, CliError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::usage(
            "a person works with the program, so this needs a terminal",
            "run it in a terminal without redirection, or use --from with a recording",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::system("cannot wait for input", error))?;
    let watcher = WatcherProgram {
        program: environment.program.clone(),
        temporary: None,
    };
    let spawner = Spawner::new(0, RunMarker::unique(), Some(watcher))
        .map_err(|error| CliError::system("cannot start programs", error))?;
    let local = tokio::task::LocalSet::new();
    let recorded = local.block_on(&runtime, attended(args, environment, &spawner));
    let left = spawner.shutdown(SHUTDOWN);
    let mut recorded = recorded?;
    if !left.is_empty() {
        let mut output = Output::new(anstream::stderr());
        output.line(&format!(
            "These processes could not be ended: {:?}",
            left.pids
        ));
    }
    if recorded.1.is_interrupted {
        // Nobody can be asked: what is in doubt stays a secret.
    } else if let Err(error) = questions::ask_about_secrets(&mut recorded.0.capture) {
        let mut output = Output::new(anstream::stderr());
        output.line(&format!("What is in doubt is taken for a secret: {error}"));
    }
    finish(recorded)
}

/// The parts of a session that outlive the terminal's raw mode.
struct Attended {
    capture: Capture,
    file: RecordingFile,
    head: Recording,
    failure: Option<RecordingError>,
}

async fn attended(
    args: &RecordArgs,
    environment: &CliEnvironment,
    spawner: &Spawner,
) -> Result<(Attended, Ended), CliError> {
    let terminal = |error| CliError::system("the terminal", error);
    let (arrived, signals) = unbounded_channel();
    signals::watch(move |signal| {
        // Without a receiver the session is over.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let programs = Programs::new(
        environment.directory.clone(),
        Vec::new(),
        environment.program.clone(),
        environment.path.clone(),
    );
    let within = Within {
        directory: Some(&environment.directory),
        has_own_path: false,
    };
    let (program, argv) = programs
        .resolve(&args.program, within)
        .map_err(|error| CliError::usage(error, "check the name behind `--`"))?;
    let role = role(args, &args.program);
    let size = console::size().map_err(terminal)?;
    let now = chrono::Utc::now();
    let head = Recording {
        role: role.clone(),
        command: places::as_seen_from(&args.into, &args.program, &environment.directory),
        term: environment.variable("TERM").unwrap_or_default(),
        size,
        started_at: now.timestamp(),
        chunks: Vec::new(),
    };
    let file = RecordingFile::create(&places::new_recording(&args.into, &role), &head)
        .map_err(cannot_write)?;
    let variables: Vec<(OsString, OsString)> = environment.variables.clone();
    let command = Command {
        program,
        argv,
        environment: Environment::new(variables),
        directory: environment.directory.clone(),
        terminal: TerminalKind::Pty {
            rows: size.rows,
            columns: size.columns,
        },
    };
    // From here on the terminal is restored whatever happens.
    let console = Console::open().map_err(terminal)?;
    // Times are since the whole second of the head: the order of roles depends on less.
    let fraction = Duration::from_nanos(now.timestamp_subsec_nanos().into());
    let started = Instant::now();
    let started = started.checked_sub(fraction).unwrap_or(started);
    let mut child = spawner.spawn(command).await.map_err(|error| {
        CliError::usage(error, "check the program and its arguments behind `--`")
    })?;
    let Some(events) = child.events() else {
        let error = io::Error::other("the program has no output");
        return Err(terminal(error));
    };
    let mut session = Session {
        console,
        child,
        capture: Capture::new(size, started),
        file,
        head,
        menu_key: args.menu_key,
        started,
        failure: None,
    };
    let ended = session.run(events, signals).await;
    let was_ended = match &ended {
        Ok(ended) => ended.is_interrupted || matches!(ended.exit, Some(ExitCause::Signal(_))),
        Err(_) => true,
    };
    if was_ended {
        session.console.reset();
    }
    let Session {
        capture,
        file,
        head,
        failure,
        ..
    } = session;
    let attended = Attended {
        capture,
        file,
        head,
        failure,
    };
    Ok((attended, ended.map_err(terminal)?))
}

/// Completes the recording on disk.
fn finish((attended, ended): (Attended, Ended)) -> Result<Recorded, CliError> {
    let Attended {
        capture,
        mut file,
        head,
        failure,
    } = attended;
    let plain_prompts = capture.plain_prompts();
    let (chunks, secrets) = capture.finish();
    let recording = Recording { chunks, ..head };
    // Also after an error: perhaps there is room again.
    match (file.rewrite(&recording), failure) {
        (Ok(()), _) => {}
        (Err(_), Some(error)) | (Err(error), None) => return Err(cannot_write(error)),
    }
    let exit = match ended.exit {
        _ if ended.is_interrupted => Exit::Interrupted,
        Some(ExitCause::Code(0)) | None => Exit::Completed,
        Some(ExitCause::Code(code)) => Exit::Program(u8::try_from(code).unwrap_or(u8::MAX)),
        Some(ExitCause::Signal(number)) => {
            Exit::Program(u8::try_from(128 + number).unwrap_or(u8::MAX))
        }
    };
    Ok(Recorded {
        path: file.path().to_owned(),
        recording,
        secrets,
        plain_prompts,
        exit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_named_after_the_program() {
        for (words, name) in [
            (&["python3", "-u", "bin/Tickets.py", "x"][..], "tickets"),
            (&["/usr/bin/whiptail", "--yesno"], "whiptail"),
            (&["./order-entry"], "order_entry"),
            (&["7z"], "role7z"),
        ] {
            let program: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
            let args = RecordArgs {
                into: "my.yaml".into(),
                role: None,
                from: None,
                menu_key: 0x1d,
                think: false,
                no_proof: false,
                fresh: Vec::new(),
                program: program.clone(),
            };
            assert_eq!(role(&args, &program), name);
        }
    }
}
