//! The proof of a new scenario: it is run as it is, then with its output in single bytes and with the
//! fresh values that the person allows. What the first run prints otherwise than the recording says
//! which texts are not always the same.

mod heard;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::sync::mpsc;

use crate::cli::args::RunArgs;
use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::run::{print_errors, stop_on};
use crate::cli::session::{self, Keep};
use crate::cli::settings::RunSettings;
use crate::cli::signals;
use crate::report::{Output, Reporter, SingleFlow};

use super::questions;
use super::scenario_file::{Draft, Written};
use heard::Heard;

/// The most replays from which the scenario learns. Each finds what depends on the one before.
const MOST_REPLAYS: usize = 5;

/// Runs of a scenario with the secrets of its recording.
struct Proof {
    written: Written,
    environment: CliEnvironment,
}

/// Proves a scenario. Ends with the first run that fails.
pub(super) fn prove(
    draft: &mut Draft,
    written: Written,
    mut fresh: Vec<(String, String)>,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let mut output = Output::new(anstream::stderr());
    let mut proof = Proof {
        written,
        environment: environment.clone(),
    };
    let secrets = proof.written.secrets.iter();
    let secrets = secrets.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    proof.environment.variables.extend(secrets);
    let exit = proof.first_run(draft, &mut output)?;
    if exit != Exit::Completed {
        return Ok(exit);
    }
    let variables = &proof.written.variables;
    if fresh.is_empty() && !variables.is_empty() && io::stdin().is_terminal() {
        fresh = questions::ask_for_fresh_values(variables)
            .map_err(|error| CliError::system("the terminal", error))?;
    }
    let names: Vec<&str> = fresh.iter().map(|(name, _)| name.as_str()).collect();
    let title = match names.as_slice() {
        [] => "with all output in single bytes".to_owned(),
        names => format!(
            "with all output in single bytes, and fresh values of {}",
            names.join(", ")
        ),
    };
    let args = RunArgs {
        chaos: vec!["bytewise 100%".to_owned()],
        variables: fresh.clone(),
        ..RunArgs::default()
    };
    let (exit, _) = proof.run(&title, args, &mut output)?;
    if exit != Exit::Completed && exit != Exit::Interrupted && !fresh.is_empty() {
        output.line(
            "With the recorded values it was completed. If the fresh ones are possible, the scenario \
             waits for a text that depends on them.",
        );
    }
    Ok(exit)
}

impl Proof {
    /// Runs the scenario as it is, and adapts it to what it prints otherwise than in the recording.
    fn first_run(&mut self, draft: &mut Draft, output: &mut Output) -> Result<Exit, CliError> {
        let (exit, mut heard) = self.run("as it is", RunArgs::default(), output)?;
        let (first, mut last) = (exit, exit);
        let before = self.written.clone();
        for _ in 1..MOST_REPLAYS {
            if last == Exit::Interrupted {
                break;
            }
            let Some(adapted) = draft.adapted(heard, &self.written, output)? else {
                break;
            };
            output.line(
                "The programs printed other texts than in the recording. The scenario was adapted: what \
                 was typed of them is captured, and no wait contains them.",
            );
            self.written = adapted;
            (last, heard) = self.run("as adapted", RunArgs::default(), output)?;
            if last == Exit::Completed {
                break;
            }
        }
        if last != Exit::Completed && self.written != before {
            output.line("It is left as it was before it was adapted.");
            draft.put(&before.text)?;
            self.written = before;
            return Ok(match last {
                Exit::Interrupted => last,
                _ => first,
            });
        }
        Ok(last)
    }

    /// Runs one flow. Returns what the programs printed, too.
    fn run(
        &self,
        title: &str,
        args: RunArgs,
        output: &mut Output,
    ) -> Result<(Exit, Vec<(String, String)>), CliError> {
        output.line(&format!("\nProof: the scenario {title}"));
        let mut settings = RunSettings::new(Some(self.written.path.clone()), args)?;
        settings.shows_dialogue = true;
        let session = session::prepare(&settings, Keep::Nothing, &self.environment)?;
        let (arrived, arriving) = mpsc::channel();
        signals::watch(move |signal| {
            // Without a receiver the run is over.
            let _ = arrived.send(signal);
        })
        .map_err(|error| CliError::system("cannot listen for signals", error))?;
        stop_on(arriving, &session)?;
        let heard = Heard::default();
        let reporters: Vec<Box<dyn Reporter>> = vec![
            Box::new(SingleFlow::new(Output::new(anstream::stderr()))),
            Box::new(heard.clone()),
        ];
        let finished = session.perform(reporters)?;
        print_errors(&finished, output);
        Ok((Exit::first(&finished.exits()), heard.take()))
    }
}
