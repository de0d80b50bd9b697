//! The proof of a new scenario: it is run twice, the second time with its output in single bytes.

use std::ffi::OsString;
use std::path::Path;
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

/// The two runs: their names, and the faults in them.
const RUNS: [(&str, &[&str]); 2] = [
    ("as it is", &[]),
    ("with all output in single bytes", &["bytewise 100%"]),
];

/// Runs the scenario with these variables of the environment. Ends with the first run that fails.
pub(super) fn prove(
    scenario: &Path,
    variables: Vec<(String, String)>,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let mut environment = environment.clone();
    let variables = variables.into_iter();
    environment
        .variables
        .extend(variables.map(|(name, value)| (OsString::from(name), OsString::from(value))));
    for (name, faults) in RUNS {
        let mut output = Output::new(anstream::stderr());
        output.line(&format!("\nProof: the scenario {name}"));
        let args = RunArgs {
            chaos: faults.iter().map(|it| (*it).to_owned()).collect(),
            ..RunArgs::default()
        };
        let settings = RunSettings::new(Some(scenario.to_owned()), args)?;
        let session = session::prepare(&settings, Keep::Nothing, &environment)?;
        let (arrived, arriving) = mpsc::channel();
        signals::watch(move |signal| {
            // Without a receiver the run is over.
            let _ = arrived.send(signal);
        })
        .map_err(|error| CliError::system("cannot listen for signals", error))?;
        stop_on(arriving, &session)?;
        let reporters: Vec<Box<dyn Reporter>> =
            vec![Box::new(SingleFlow::new(Output::new(anstream::stderr())))];
        let finished = session.perform(reporters)?;
        print_errors(&finished, &mut output);
        let exit = Exit::first(&finished.exits());
        if exit != Exit::Completed {
            return Ok(exit);
        }
    }
    Ok(Exit::Completed)
}
