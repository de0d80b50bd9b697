//! `rehearsal run`: perform a scenario, and report.

use std::io::{self, BufWriter};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::report::{Bars, Lines, Output, Reporter, Story, neutral, terminal};

use super::environment::Environment;
use super::error::CliError;
use super::exit::Exit;
use super::scenario;
use super::session::{Finished, Keep, Results, Session};
use super::settings::{Format, RunSettings, Save};
use super::signals::{self, Patience, Signal};

/// Performs the run and reports it.
pub(super) fn run(settings: &RunSettings, environment: &Environment) -> Result<Exit, CliError> {
    let keep = match (&settings.save, settings.format) {
        (Save::Usual | Save::In(_), _) => Keep::InFolder,
        (Save::No, Format::Json) => Keep::ForNow,
        (Save::No, Format::People) => Keep::Nothing,
    };
    let loaded = scenario::load(settings, environment)?;
    // From here on there is something to clean up.
    let (arrived, signals) = mpsc::channel();
    signals::watch(move |signal| {
        // Without a run, which is when nobody listens, the program is about to end anyway.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let session = Session::prepare(loaded, settings, keep, environment)?;
    stop_on(signals, &session)?;
    let reporter = reporter(session.is_single, settings.format, environment);
    let finished = session.perform(reporter)?;

    let mut exits = finished.exits();
    let printed = match settings.format {
        Format::People => {
            let mut output = Output::new(anstream::stdout());
            output.text(&report_of(&finished, environment.width));
            output.text(&whereabouts(&finished));
            let printed = output.finish();
            printed.map_err(|error| CliError::system("cannot write the report", error))
        }
        Format::Json => {
            let printed = print_record(&finished);
            Output::new(anstream::stderr()).text(&whereabouts(&finished));
            printed.map_err(|error| CliError::system("cannot write the result", error))
        }
    };
    if let Err(error) = printed {
        Output::new(anstream::stderr()).line(&error.render());
        exits.push(Exit::Internal);
    }
    let mut output = Output::new(anstream::stderr());
    tell_errors(&finished, &mut output);
    if let Some(text) = Exit::told(&exits) {
        output.line(&text);
    }
    Ok(Exit::first(&exits))
}

/// Stops the run when signals say so; those that have arrived already count.
fn stop_on(signals: Receiver<Signal>, session: &Session) -> Result<(), CliError> {
    let (control, messages) = (session.control.clone(), session.messages.clone());
    let grace = session.graceful_stop();
    let listen = move || {
        let mut patience = Patience::of(grace);
        for signal in signals {
            let (stop, text) = patience.signal(signal);
            control.stop(stop);
            messages.say(&text);
        }
    };
    thread::Builder::new()
        .name("patience".into())
        .spawn(listen)
        .map(drop)
        .map_err(|error| CliError::system("cannot listen for signals", error))
}

/// How a run is told as it goes: a single flow as a story, where the report will be; many on
/// standard error.
fn reporter(is_single: bool, format: Format, environment: &Environment) -> Box<dyn Reporter> {
    match (is_single, format) {
        (true, Format::People) => Box::new(Story::new(Output::new(anstream::stdout()))),
        (true, Format::Json) => Box::new(Story::new(Output::new(anstream::stderr()))),
        _ if environment.stderr_is_terminal => Box::new(Bars::new()),
        _ => Box::new(Lines::new(Output::new(anstream::stderr()))),
    }
}

/// The report of a run for people, as ANSI text.
pub(super) fn report_of(finished: &Finished, width: usize) -> String {
    terminal::render(&finished.recorded.info, &finished.recorded.summary, width)
}

/// Where the results and the log of a run are.
pub(super) fn whereabouts(finished: &Finished) -> String {
    let mut text = String::from("\n");
    if let Results::Saved(path) = &finished.results {
        text.push_str(&format!(
            "Results: {}\n",
            neutral(&path.display().to_string())
        ));
    }
    text.push_str(&format!(
        "Log:     {}\n",
        neutral(&finished.log.display().to_string())
    ));
    text
}

/// What could not be reported, kept or ended.
pub(super) fn tell_errors(finished: &Finished, output: &mut Output) {
    for error in &finished.errors {
        output.line(&format!("error: {}", neutral(&error.to_string())));
    }
    if !finished.left_over.is_empty() {
        let pids: Vec<_> = finished.left_over.iter().map(ToString::to_string).collect();
        let pids = pids.join(" ");
        output.line(&format!(
            "error: these processes could not be ended: {pids}"
        ));
    }
}

/// Prints the result record. A reader who has left is no error.
fn print_record(finished: &Finished) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match finished.write_record(&mut out) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
