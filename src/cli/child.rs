//! Processes that commands start: this program again, shell commands, and programs of job engines.

use std::ffi::{OsStr, OsString};
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::Pin;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_core::Stream as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::signals::Signal;
use crate::model::{ExitCause, Stream, TerminalKind};
use crate::process::{ChildEvent, Command, Environment, Grace, RunMarker, Spawner, WatcherProgram};

/// The longest wait without a look at the clock, which may be set, and which stands still for a
/// machine that sleeps.
const LOOK: Duration = Duration::from_secs(30);

/// The time that a run has to end its programs and to report after a signal.
const GRACE: Grace = Grace {
    hang_up: Duration::ZERO,
    terminate: Duration::from_secs(60),
};

/// The time for everything to be gone at the end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The end of a run's output that the command on a change can read.
const MAX_KEPT: usize = 32 << 10;

/// A run of the schedule that has ended.
pub(super) struct Ended {
    pub exit: Exit,
    pub code: i32,
    /// A signal ended it.
    pub is_interrupted: bool,
    /// The end of its standard output.
    output: Vec<u8>,
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    Due,
    Interrupted,
    ClockSetBack,
}

/// Things that are done while a program runs.
struct Looks<'l> {
    /// The time between two looks at something else.
    every: Duration,
    look: &'l mut dyn FnMut(),
    /// The program that stops it, if that is not done by signals.
    stop: Vec<OsString>,
}

/// A clock that lags behind the time that has passed by more was set back.
const SET_BACK: TimeDelta = TimeDelta::minutes(1);

/// Returns `true` if the clock was set back during a wait of this length.
fn is_set_back(before: DateTime<Utc>, after: DateTime<Utc>, passed: Duration) -> bool {
    let passed = TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
    (after - before) < passed - SET_BACK
}

/// Starts and awaits the processes.
pub(super) struct Children<'e> {
    runtime: Runtime,
    spawner: Spawner,
    environment: &'e CliEnvironment,
}

impl<'e> Children<'e> {
    pub(super) fn new(environment: &'e CliEnvironment) -> Result<Self, CliError> {
        let failed = |error| CliError::system("cannot start processes", error);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let watcher = WatcherProgram {
            program: environment.program.clone(),
            temporary: None,
        };
        let entered = runtime.enter();
        let spawner = Spawner::new(1, RunMarker::unique(), Some(watcher)).map_err(failed)?;
        drop(entered);
        Ok(Children {
            runtime,
            spawner,
            environment,
        })
    }

    /// Waits for a time of the wall clock or a signal.
    pub(super) fn wait_until(
        &self,
        due: DateTime<Utc>,
        signals: &mut UnboundedReceiver<Signal>,
    ) -> Waited {
        let (began, at_first) = (Instant::now(), Utc::now());
        loop {
            let now = Utc::now();
            if is_set_back(at_first, now, began.elapsed()) {
                return Waited::ClockSetBack;
            }
            let Ok(left) = (due - now).to_std() else {
                return Waited::Due;
            };
            let arrived = self.block_on(async { timeout(left.min(LOOK), signals.recv()).await });
            if arrived.is_ok() {
                return Waited::Interrupted;
            }
        }
    }

    /// Makes a run with these arguments. A signal ends it.
    pub(super) fn run(
        &self,
        arguments: &[OsString],
        signals: &mut UnboundedReceiver<Signal>,
    ) -> Result<Ended, CliError> {
        let program = &self.environment.program;
        let argv = [program.as_os_str().to_owned()];
        let argv = argv.into_iter().chain(arguments.iter().cloned()).collect();
        let command = self.command(program.as_os_str(), argv, &[]);
        self.perform(command, &[], signals, None)
    }

    /// Runs a program that is searched for on PATH, with these words, and looks at something else
    /// every so often meanwhile. Exit code 127: there is no such program.
    ///
    /// A signal ends it, or runs another program that stops it, if there are words for that.
    pub(super) fn program(
        &self,
        words: Vec<OsString>,
        stop: Vec<OsString>,
        signals: &mut UnboundedReceiver<Signal>,
        every: Duration,
        look: &mut dyn FnMut(),
    ) -> Result<Ended, CliError> {
        let look = Looks { every, look, stop };
        self.perform(self.searched(words), &[], signals, Some(look))
    }

    /// Returns the command of a program that is searched for on PATH.
    fn searched(&self, words: Vec<OsString>) -> Command {
        let argv = std::iter::once("env".into()).chain(words).collect();
        self.command(OsStr::new("/usr/bin/env"), argv, &[])
    }

    /// Runs a program that stops another one.
    async fn stop(&self, words: Vec<OsString>) {
        let Ok(mut child) = self.spawner.spawn(self.searched(words)).await else {
            return;
        };
        child.close_input();
        let Some(mut events) = child.events() else {
            return;
        };
        let ended = async {
            while let Some(event) =
                poll_fn(|context| Pin::new(&mut events).poll_next(context)).await
            {
                if let ChildEvent::Output { bytes, .. } = event {
                    // Without a reader it stops the other program all the same.
                    let _ = std::io::stderr().write_all(&bytes);
                }
            }
        };
        // Dropped, it is ended.
        let _ = timeout(LOOK, ended).await;
    }

    /// Waits for so long, or for a signal; returns `true` for that.
    pub(super) fn pause(&self, time: Duration, signals: &mut UnboundedReceiver<Signal>) -> bool {
        self.block_on(async { timeout(time, signals.recv()).await.is_ok() })
    }

    /// Runs a shell command that can read the run's output, and returns its exit code.
    pub(super) fn shell(
        &self,
        command: &str,
        ended: &Ended,
        signals: &mut UnboundedReceiver<Signal>,
    ) -> Result<i32, CliError> {
        let argv = ["/bin/sh", "-c", command].map(OsString::from).to_vec();
        let code = ended.code.to_string();
        let variables = [("REHEARSAL_EXIT_CODE", code.as_str())];
        let command = self.command(OsStr::new("/bin/sh"), argv, &variables);
        let ended = self.perform(command, &ended.output, signals, None)?;
        Ok(ended.code)
    }

    fn command(&self, program: &OsStr, argv: Vec<OsString>, variables: &[(&str, &str)]) -> Command {
        let inherited = self.environment.variables.iter().cloned();
        let added = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let all: Vec<(OsString, OsString)> = inherited.chain(added).collect();
        Command {
            program: program.into(),
            argv,
            environment: Environment::new(all),
            directory: self.environment.directory.clone(),
            terminal: TerminalKind::Pipes,
        }
    }

    fn perform(
        &self,
        command: Command,
        input: &[u8],
        signals: &mut UnboundedReceiver<Signal>,
        mut look: Option<Looks<'_>>,
    ) -> Result<Ended, CliError> {
        self.block_on(async {
            let every = look.as_ref().map_or(LOOK, |it| it.every);
            let mut stopped: Option<Instant> = None;
            let mut looks = tokio::time::interval(every);
            let spawned = self.spawner.spawn(command).await;
            let mut child = spawned.map_err(|error| CliError::usage(error, ""))?;
            // It may not read its input, which is no error.
            let _ = child.write(input);
            child.close_input();
            let mut ended = Ended {
                exit: Exit::Internal,
                code: i32::from(Exit::Internal.code()),
                is_interrupted: false,
                output: Vec::new(),
            };
            let Some(mut events) = child.events() else {
                return Ok(ended);
            };
            loop {
                let event = poll_fn(|context| Pin::new(&mut events).poll_next(context));
                tokio::select! {
                    event = event => match event {
                        None => return Ok(ended),
                        Some(ChildEvent::Output { stream, bytes, .. }) => ended.take(stream, &bytes),
                        Some(ChildEvent::Exited { exit, .. }) => ended.exited(exit),
                        Some(ChildEvent::Closed { .. }) => {}
                    },
                    _ = looks.tick() => if let Some(looks) = &mut look {
                        (looks.look)();
                        // Again: it may have been stopped before all of it had begun.
                        if let Some(since) = stopped {
                            if since.elapsed() < GRACE.terminate {
                                self.stop(looks.stop.clone()).await;
                            } else {
                                stopped = None;
                                child.end(GRACE);
                            }
                        }
                    },
                    Some(_) = signals.recv() => {
                        let stop = look.as_ref().map(|it| it.stop.clone());
                        match stop.filter(|it| !it.is_empty()) {
                            Some(stop) if !ended.is_interrupted => {
                                stopped = Some(Instant::now());
                                self.stop(stop).await;
                            }
                            _ => {
                                let is_first = !ended.is_interrupted;
                                child.end(if is_first { GRACE } else { Grace::SHORT });
                            }
                        }
                        ended.is_interrupted = true;
                    }
                }
            }
        })
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        // Batched writes are sent by a local task.
        self.runtime.block_on(LocalSet::new().run_until(work))
    }
}

impl Drop for Children<'_> {
    fn drop(&mut self) {
        self.spawner.shutdown(SHUTDOWN);
    }
}

impl Ended {
    /// Returns the end of the standard output.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Passes output on, and keeps the end of the standard output.
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        // A reader who has left must not end the schedule.
        let _ = match stream {
            Stream::Out => std::io::stdout()
                .write_all(bytes)
                .and_then(|()| std::io::stdout().flush()),
            Stream::Err => std::io::stderr().write_all(bytes),
        };
        if stream == Stream::Out {
            self.output.extend_from_slice(bytes);
            let surplus = self.output.len().saturating_sub(MAX_KEPT);
            self.output.drain(..surplus);
        }
    }

    fn exited(&mut self, exit: Option<ExitCause>) {
        self.code = match exit {
            Some(ExitCause::Code(code)) => code,
            Some(ExitCause::Signal(number)) => 128 + number,
            None => i32::from(Exit::Internal.code()),
        };
        self.exit = Exit::of_code(self.code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_lags_behind_was_set_back() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let before = at("2026-01-31T10:00:00Z");
        let passed = Duration::from_secs(600);
        for (after, expected) in [
            ("2026-01-31T10:10:00Z", false),
            // Slewed by time servers.
            ("2026-01-31T10:09:58Z", false),
            // Set forward, or asleep.
            ("2026-01-31T12:00:00Z", false),
            ("2026-01-31T09:30:00Z", true),
            ("2026-01-31T10:05:00Z", true),
        ] {
            assert_eq!(is_set_back(before, at(after), passed), expected, "{after}");
        }
    }
}
