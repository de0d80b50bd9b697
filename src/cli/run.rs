//! `rehearsal run`: perform a scenario, and report.

use std::io::{self, BufWriter};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::report::terminal::Detail;
use crate::report::{
    BundleCounts, DialoguePrinter, JsonLines, Output, PlainProgress, ProgressBars, Quiet, Reporter,
    SingleFlow, SlowCollector, locate, sanitize, terminal, units,
};
use crate::stats::Summary;

use super::args::Progress;
use super::display::Display;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::exports::{self, Exports};
use super::html;
use super::kept;
use super::live;
use super::report;
use super::scenario;
use super::session::{Finished, Keep, Results, Session};
use super::settings::{Destination, OutputFormat, RunSettings, Save, ScenarioChoice};
use super::signals::{self, Signal, SignalEscalation};

/// Performs the run and reports it.
pub(super) fn run(settings: &RunSettings, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let keep = match (&settings.save, settings.format) {
        (Save::Usual | Save::In(_), _) => Keep::InDirectory,
        (Save::No, OutputFormat::Json) => Keep::ForNow,
        // It is made of the flows.
        (Save::No, OutputFormat::People) if settings.html.is_some() => Keep::ForNow,
        (Save::No, OutputFormat::People) => Keep::Nothing,
    };
    let loaded = scenario::load(settings, environment)?;
    let exports = Exports::open(&settings.exports, environment)?.with_step_summary(environment);
    let of_flows = exports::reporters(&settings.exports, SlowCollector::Drop)?;
    let json_lines = json_lines(settings)?;
    let metrics = exports::prometheus(settings.prometheus, &mut Output::new(anstream::stderr()))?;
    // From here on there is something to clean up.
    let (arrived, signals) = mpsc::channel();
    signals::watch(move |signal| {
        // Without a receiver the run is over, and the program is about to end anyway.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let session = Session::prepare(loaded, settings, keep, environment)?;
    stop_on(signals, &session)?;
    let mut reporters = vec![reporter(session.is_single, settings, environment)?];
    reporters.extend(json_lines);
    reporters.extend(of_flows);
    reporters.extend(metrics);
    let (live_page, live_reporter) = live::start(
        settings.live,
        &session,
        &mut Output::new(anstream::stderr()),
    )?
    .unzip();
    reporters.extend(live_reporter);
    if settings.shows_dialogue {
        reporters.push(Box::new(DialoguePrinter::new(output(settings))));
    }
    let mut finished = session.perform(reporters)?;
    let mut head = finished.head.clone();
    locate_bundles(&mut head.summary, &finished);
    finished.errors.extend(exports.write(&head));

    let mut exits = finished.exits();
    let html = settings.html.as_ref();
    let html = html.map(|file| html::write(&finished, file.as_deref()));
    let mut locations = result_locations(&finished);
    if let Some(Ok(path)) = &html {
        locations.push_str(&html::location(path));
    }
    if let Some(page) = live_page {
        page.end(&head, &locations);
    }
    let printed = match settings.format {
        OutputFormat::People => {
            let mut output = output(settings);
            if let Some(detail) = settings.report {
                output.text(&report_of(&finished, detail, environment));
                output.text(&locations);
            }
            let printed = output.finish();
            printed.map_err(|error| written_to(settings, "the report", error))
        }
        OutputFormat::Json => {
            let printed = print_record(&finished);
            if matches!(settings.report, Some(Detail::Short | Detail::Full)) {
                Output::new(anstream::stderr()).text(&locations);
            }
            printed.map_err(|error| CliError::standard_output("the result", error))
        }
    };
    if let Err(error) = printed {
        Output::new(anstream::stderr()).line(&error.render());
        exits.push(Exit::Internal);
    }
    let scenario = match &settings.scenario {
        ScenarioChoice::File(file) => Some(file.as_path()),
        ScenarioChoice::BuiltIn | ScenarioChoice::Text { .. } => None,
    };
    let mut annotations = output(settings);
    exports::annotate(&head, scenario, environment, &mut annotations);
    let mut output = Output::new(anstream::stderr());
    if let Some(Err(error)) = html {
        output.line(&CliError::from(error).render());
        exits.push(Exit::Internal);
    }
    print_errors(&finished, &mut output);
    if let Err(error) = kept::remember(&finished) {
        output.line(&error.render());
        exits.push(Exit::Internal);
    }
    if let Some(text) = Exit::explain(&exits) {
        output.line(&text);
    }
    Ok(Exit::first(&exits))
}

/// Stops the run on signals, including those that have already arrived.
pub(super) fn stop_on(signals: Receiver<Signal>, session: &Session) -> Result<(), CliError> {
    let (control, messages) = (session.control.clone(), session.messages.clone());
    let grace = session.graceful_stop();
    let listen = move || {
        let mut escalation = SignalEscalation::of(grace);
        for signal in signals {
            let (stop, text) = escalation.signal(signal);
            control.stop(stop);
            messages.say(&text);
        }
    };
    thread::Builder::new()
        .name("stop-signals".into())
        .spawn(listen)
        .map(drop)
        .map_err(|error| CliError::system("cannot listen for signals", error))
}

/// Returns `true` if standard output is reserved for JSON.
fn is_for_programs(settings: &RunSettings) -> bool {
    settings.format == OutputFormat::Json
        || settings.json_lines == Some(Destination::StandardOutput)
}

/// The output for people: standard output, unless that is reserved for JSON.
fn output(settings: &RunSettings) -> Output {
    if is_for_programs(settings) {
        Output::new(anstream::stderr())
    } else {
        Output::new(anstream::stdout())
    }
}

/// The error of writing to the output for people.
fn written_to(settings: &RunSettings, what: &str, error: io::Error) -> CliError {
    if is_for_programs(settings) {
        CliError::system(format_args!("cannot write {what}"), error)
    } else {
        CliError::standard_output(what, error)
    }
}

/// The live reporter: for a single flow its dialogue, on the output of the report; for many a
/// progress display on standard error.
pub(super) fn reporter(
    is_single: bool,
    settings: &RunSettings,
    environment: &CliEnvironment,
) -> Result<Box<dyn Reporter>, CliError> {
    let errors = || Output::new(anstream::stderr());
    let is_story = is_single && matches!(settings.progress, Progress::Auto | Progress::Plain);
    Ok(match Display::of(settings.progress, environment)? {
        _ if is_story => Box::new(SingleFlow::new(output(settings))),
        Display::Quiet => Box::new(Quiet::new(errors())),
        Display::Bars => Box::new(ProgressBars::new()),
        Display::Plain => Box::new(PlainProgress::new(errors())),
    })
}

/// The reporter of JSON lines, if requested.
fn json_lines(settings: &RunSettings) -> Result<Option<Box<dyn Reporter>>, CliError> {
    Ok(match &settings.json_lines {
        None => None,
        Some(Destination::StandardOutput) => Some(Box::new(JsonLines::new(io::stdout()))),
        Some(Destination::File(path)) => {
            let lines = JsonLines::to_file(path);
            Some(Box::new(lines.map_err(exports::refused_output)?))
        }
    })
}

/// The report of a run for people, as ANSI text.
pub(super) fn report_of(
    finished: &Finished,
    detail: Detail,
    environment: &CliEnvironment,
) -> String {
    let mut summary = finished.outcome.summary.clone();
    locate_bundles(&mut summary, finished);
    let form = report::form(detail, 0, environment);
    terminal::render(&finished.outcome.info, &summary, form)
}

/// Makes the figures name bundles by full paths.
fn locate_bundles(summary: &mut Summary, finished: &Finished) {
    let (Results::Saved(directory) | Results::NotSaved(directory)) = &finished.results;
    locate(summary, directory);
}

/// Lists the directories and files in which results and log are.
pub(super) fn result_locations(finished: &Finished) -> String {
    let mut text = String::from("\n");
    if let Results::Saved(path) = &finished.results {
        text.push_str(&format!(
            "Results: {}\n",
            sanitize(&path.display().to_string())
        ));
    }
    if let Some(path) = &finished.bundles {
        let BundleCounts { failed, slow } = finished.artifacts.bundles;
        let counts = [
            (failed > 0).then(|| units::counted(failed as u64, "failed flow")),
            (slow > 0).then(|| match slow {
                1 => "the slowest".to_owned(),
                slow => format!("the {slow} slowest"),
            }),
        ];
        let counts: Vec<_> = counts.into_iter().flatten().collect();
        text.push_str(&format!(
            "Bundles: {} ({})\n",
            sanitize(&path.display().to_string()),
            counts.join(", ")
        ));
    }
    text.push_str(&format!(
        "Log:     {}\n",
        sanitize(&finished.log.display().to_string())
    ));
    text
}

/// Prints errors of reporters and processes that could not be ended.
pub(super) fn print_errors(finished: &Finished, output: &mut Output) {
    for error in &finished.errors {
        output.line(&format!("error: {}", sanitize(&error.to_string())));
    }
    for text in &finished.unpublished {
        output.line(&format!("Note: {}", sanitize(text)));
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
