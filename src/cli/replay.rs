//! `rehearsal replay`: perform one flow of a run again, or watch its films.

mod outcome;
mod preparing;
mod watch;

use std::io::{self, BufRead as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use crate::engine::StepConfirmation;
use crate::model::{FlowRecord, RunEvent};
use crate::report::{Bundle, DialoguePrinter, Output, Reporter, SingleFlow};

use super::args::ReplayArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::run::{print_errors, stop_on};
use super::session::{Keep, Messages, Session};
use super::signals;

use outcome::ReplayOutcome;
use preparing::Prepared;

pub(super) use watch::watch;

/// Runs the flow again and reports whether it fails as before.
pub(super) fn replay(
    mut wanted: ReplayArgs,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    if wanted.bundle.is_file() {
        // A file in the bundle was named.
        wanted.bundle.pop();
    }
    let bundle = Bundle::open(&wanted.bundle).map_err(|error| {
        CliError::usage(
            error,
            "name a bundle: a directory in `bundles` in a run's directory among the results",
        )
    })?;
    let Prepared {
        loaded,
        settings,
        environment,
        notices,
    } = preparing::prepare(&wanted, &bundle, environment)?;
    let (arrived, arriving) = mpsc::channel();
    signals::watch(move |signal| {
        // Without a receiver the run is over, and the program is about to end anyway.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let mut session = Session::prepare(loaded, &settings, Keep::Nothing, &environment)?;
    session.replay(bundle.flow.number, notices);
    if wanted.step {
        let confirmation = confirm_by_enter(session.messages.clone())?;
        session.control = session.control.with_step_confirmation(confirmation);
    }
    stop_on(arriving, &session)?;
    let output = || {
        if wanted.json {
            Output::new(anstream::stderr())
        } else {
            Output::new(anstream::stdout())
        }
    };
    let last_flow = LastFlow::default();
    let reporters: Vec<Box<dyn Reporter>> = vec![
        Box::new(SingleFlow::new(output())),
        Box::new(DialoguePrinter::new(output())),
        Box::new(last_flow.clone()),
    ];
    let finished = session.perform(reporters)?;
    print_errors(&finished, &mut Output::new(anstream::stderr()));

    let outcome = ReplayOutcome::of(&bundle, last_flow.flow());
    let printed = if wanted.json {
        let json = outcome.json(&bundle, &finished.log);
        writeln!(io::stdout(), "{json:#}")
    } else {
        let mut output = output();
        output.text(&outcome.text(&bundle));
        output.line(&format!("\nLog: {}", finished.log.display()));
        output.finish()
    };
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::standard_output("the outcome", error))
        }
        _ => Ok(outcome.exit()),
    }
}

/// Confirms a step with each line on standard input, and all once that has ended.
fn confirm_by_enter(messages: Messages) -> Result<StepConfirmation, CliError> {
    let confirmation =
        StepConfirmation::new(move |step| messages.say(&format!("{step} is next: press Enter")));
    let lines = confirmation.clone();
    let listen = move || {
        for line in io::stdin().lock().lines() {
            if line.is_err() {
                break;
            }
            lines.confirm();
        }
        lines.confirm_all();
    };
    thread::Builder::new()
        .name("steps".into())
        .spawn(listen)
        .map_err(|error| CliError::system("cannot read standard input", error))?;
    Ok(confirmation)
}

/// A reporter that keeps the last ended flow.
#[derive(Default, Clone)]
struct LastFlow(Arc<Mutex<Option<FlowRecord>>>);

impl LastFlow {
    fn flow(&self) -> Option<FlowRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Reporter for LastFlow {
    fn event(&mut self, event: &RunEvent) {
        if let RunEvent::FlowEnded(flow) = event {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((**flow).clone());
        }
    }
}
