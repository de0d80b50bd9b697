//! Commands that a script actor starts: its role's program, and plain commands.

use std::ffi::OsString;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dialogue::{Dialogue, DialogueSettings, RoleMatcher};
use crate::engine::context::RunContext;
use crate::engine::script::interpreter::{ActionError, CommandOutput};
use crate::model::{ExitCause, FailureKind, InstanceId, RoleIndex, TerminalKind};
use crate::process::{ChildEvent, Command, Spawner, Within};
use crate::scenario::{Role, Scope, Template};

/// Returns the command of a script instance.
pub(super) fn for_role(
    run: &RunContext,
    instance: InstanceId,
    scope: &Scope,
) -> Result<Command, ActionError> {
    let role = &run.plan.roles[instance.role.0];
    let argv = role
        .run
        .iter()
        .map(|word| word.render(scope))
        .collect::<Result<Vec<_>, _>>()?;
    // A pooled instance works for several flows, so it belongs to no one trace.
    let traces = run.traces.filter(|_| role.pool.is_none());
    let trace_parent = traces.map(|traces| traces.parent(instance.flow));
    let around = Surroundings {
        draws: role.has_screen,
        trace_parent: trace_parent.as_deref(),
        ..Surroundings::of(role)
    };
    build(run, around, argv, role.terminal, scope)
}

/// Returns a plain command in the surroundings of `role`, without a terminal.
pub(super) fn plain(
    run: &RunContext,
    role: RoleIndex,
    argv: Vec<String>,
    scope: &Scope,
) -> Result<Command, ActionError> {
    let role = &run.plan.roles[role.0];
    build(
        run,
        Surroundings::of(role),
        argv,
        TerminalKind::Pipes,
        scope,
    )
}

/// The directory and environment of a command.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Surroundings<'p> {
    /// Relative to the scenario's directory.
    pub directory: Option<&'p Template>,
    /// Variables on top of those of the run.
    pub environment: &'p [(String, Template)],
    /// True if the program draws a screen.
    pub draws: bool,
    /// The trace that the program is to continue.
    pub trace_parent: Option<&'p str>,
}

impl<'p> Surroundings<'p> {
    fn of(role: &'p Role) -> Self {
        Surroundings {
            directory: role.directory.as_ref(),
            environment: &role.environment,
            draws: false,
            trace_parent: None,
        }
    }
}

pub(in crate::engine) fn build(
    run: &RunContext,
    around: Surroundings<'_>,
    argv: Vec<String>,
    terminal: TerminalKind,
    scope: &Scope,
) -> Result<Command, ActionError> {
    let directory = match around.directory {
        Some(directory) => run.programs.home().join(directory.render(scope)?),
        None => run.programs.home().to_owned(),
    };
    let within = Within {
        directory: Some(&directory),
        has_own_path: around.environment.iter().any(|(name, _)| name == "PATH"),
    };
    let (program, argv) = run.programs.resolve(&argv, within).map_err(|error| {
        ActionError::new(
            FailureKind::NotStarted,
            scope.mask(&error.to_string()).into_owned(),
        )
    })?;
    let mut environment = run.environment.on(terminal);
    if around.draws {
        environment = environment.drawing();
    }
    if let Some(parent) = around.trace_parent {
        environment.set("TRACEPARENT", parent);
    }
    for (name, value) in around.environment {
        environment.set(name, value.render(scope)?);
    }
    Ok(Command {
        program,
        argv,
        environment,
        directory,
        terminal,
    })
}

/// Returns a command line as people write it, for display only.
pub(in crate::engine) fn shown(argv: &[OsString]) -> String {
    let words = argv.iter().map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs a plain command to its end.
pub(super) async fn output(
    spawner: &Spawner,
    command: Command,
) -> Result<CommandOutput, ActionError> {
    let mut heard = silence();
    let exit = hear(spawner, command, &mut heard).await?;
    let text = heard.lines().join("\n");
    Ok(CommandOutput { exit, text })
}

/// Returns the empty dialogue of a plain command.
pub(in crate::engine) fn silence() -> Dialogue {
    let settings = DialogueSettings {
        columns: None,
        screen: None,
        quiet: Duration::ZERO,
    };
    let nothing = Arc::new(RoleMatcher::new(Vec::new(), &[]));
    Dialogue::new(nothing, settings, Instant::now())
}

/// Runs a plain command to its end, with its output in `heard`. Dropping the future ends the command.
pub(in crate::engine) async fn hear(
    spawner: &Spawner,
    command: Command,
    heard: &mut Dialogue,
) -> Result<ExitCause, ActionError> {
    let mut child = spawner
        .spawn(command)
        .await
        .map_err(|error| ActionError::new(FailureKind::CommandFailed, error.to_string()))?;
    child.close_input();
    let Some(events) = child.events() else {
        return Err(ActionError::new(
            FailureKind::Internal,
            "a new process has no events",
        ));
    };
    let mut events = pin!(events);
    while let Some(event) = poll_fn(|cx| futures_core::Stream::poll_next(events.as_mut(), cx)).await
    {
        match event {
            ChildEvent::Output {
                stream, bytes, at, ..
            } => heard.feed(stream, &bytes, at),
            ChildEvent::Closed { stream, at } => heard.closed(stream, at),
            ChildEvent::Exited { exit, .. } => {
                return exit.ok_or_else(|| {
                    ActionError::new(FailureKind::CommandFailed, "the command could not be ended")
                });
            }
        }
    }
    Err(ActionError::new(
        FailureKind::Internal,
        "a process ended without reporting its exit",
    ))
}
