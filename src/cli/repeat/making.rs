//! Single runs of a series, and the signals that end them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::baseline::Entry;
use crate::engine::Control;
use crate::report::sanitize;

use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::kept;
use crate::cli::run;
use crate::cli::scenario;
use crate::cli::session::{Finished, Keep, Messages, Results, Session};
use crate::cli::settings::RunSettings;
use crate::cli::signals::{self, Signal, SignalEscalation};

/// The version of the programs that a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Version {
    Old,
    New,
}

impl Version {
    pub(in crate::cli) fn word(self) -> &'static str {
        match self {
            Version::Old => "old",
            Version::New => "new",
        }
    }
}

/// The run in progress, and whether a signal has arrived.
#[derive(Default)]
struct State {
    current: Option<(Control, Messages, SignalEscalation)>,
    is_interrupted: bool,
}

/// Makes runs one after the other, until a signal arrives.
pub(in crate::cli) struct Maker<'e> {
    state: Arc<Mutex<State>>,
    environment: &'e CliEnvironment,
}

impl<'e> Maker<'e> {
    /// Starts to listen for signals.
    pub(in crate::cli) fn start(environment: &'e CliEnvironment) -> Result<Self, CliError> {
        let failed = |error| CliError::system("cannot listen for signals", error);
        let state = Arc::new(Mutex::new(State::default()));
        let (arrived, arrivals) = mpsc::channel::<Signal>();
        signals::watch(move |signal| {
            // Without a receiver the series is over, and the program is about to end anyway.
            let _ = arrived.send(signal);
        })
        .map_err(failed)?;
        let shared = Arc::clone(&state);
        let listen = move || {
            for signal in arrivals {
                let mut state = locked(&shared);
                state.is_interrupted = true;
                if let Some((control, messages, escalation)) = &mut state.current {
                    let (stop, text) = escalation.signal(signal);
                    control.stop(stop);
                    messages.say(&text);
                }
            }
        };
        thread::Builder::new()
            .name("stop-signals".into())
            .spawn(listen)
            .map_err(failed)?;
        Ok(Maker { state, environment })
    }

    /// Makes a run; `None` if a signal has arrived before it.
    pub(in crate::cli) fn run(
        &mut self,
        settings: &RunSettings,
    ) -> Result<Option<Finished>, CliError> {
        if self.is_interrupted() {
            return Ok(None);
        }
        let loaded = scenario::load(settings, self.environment)?;
        let session = Session::prepare(loaded, settings, Keep::InDirectory, self.environment)?;
        let grace: Duration = session.graceful_stop();
        {
            let mut state = locked(&self.state);
            if state.is_interrupted {
                drop(state);
                session.discard();
                return Ok(None);
            }
            let (control, messages) = (session.control.clone(), session.messages.clone());
            state.current = Some((control, messages, SignalEscalation::of(grace)));
        }
        // Of a single flow, too, only the progress is shown.
        let reporter = run::reporter(false, settings, self.environment)?;
        let finished = session.perform(vec![reporter]);
        locked(&self.state).current = None;
        finished.map(Some)
    }

    /// Returns `true` once a signal has arrived.
    pub(in crate::cli) fn is_interrupted(&self) -> bool {
        locked(&self.state).is_interrupted
    }

    /// Returns the entry of a run for the history; `None` if it could not be saved.
    pub(in crate::cli) fn entry(&self, finished: &Finished) -> Option<Entry> {
        match &finished.results {
            Results::Saved(directory) => Some(kept::entry(finished, directory)),
            Results::NotSaved(_) => None,
        }
    }

    /// Returns the errors of a run as lines.
    pub(in crate::cli) fn errors(&self, finished: &Finished) -> Vec<String> {
        let errors = finished.errors.iter();
        let mut lines: Vec<String> = errors
            .map(|error| format!("error: {}", sanitize(&error.to_string())))
            .collect();
        if !finished.left_over.is_empty() {
            let pids: Vec<_> = finished.left_over.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "error: these processes could not be ended: {}",
                pids.join(" ")
            ));
        }
        lines
    }
}

/// Locks the state. A thread that panicked has left it whole.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
