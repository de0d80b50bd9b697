//! The interactive menu, which opens when no command is given.
//!
//! Typed lines, the end of a run and signals arrive as one stream of inputs, so that a run can
//! continue in the background. There is one run at a time. A user at a terminal is asked to wait
//! for its end where that matters; lines from a pipe are held back, so that
//! `printf '1\n\n3\n0\n' | rehearsal` runs a flow and then shows its results. At the exit and at
//! the end of the input the current run finishes first; signals stop it.

mod console;
mod outputs;
mod scripts;

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::engine::{Control, Stop};
use crate::report::terminal::Detail;
use crate::report::{LivePage, Output, PlainProgress, Reporter, SingleFlow, sanitize};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::kept;
use super::live;
use super::run::{print_errors, report_of, result_locations};
use super::scenario;
use super::session::{self, Finished, Keep, Messages, Results};
use super::settings::{OutputFormat, RunSettings, Save};
use super::signals::{self, Signal, SignalEscalation};

use console::Console;
use outputs::Outputs;

/// The variable that the menu asks for.
const CUSTOMER: &str = "customer_id";

/// Opens the menu. `settings` apply to every run that is started in it.
///
/// It ends with [`Exit::SomeFailed`] if flows of any of its runs failed; runs that were ended
/// from the menu itself do not count.
pub(super) fn menu(settings: RunSettings, environment: &CliEnvironment) -> Result<Exit, CliError> {
    refuse_what_belongs_to_runs(&settings)?;
    let plan = scenario::load(&settings, environment)?.plan;
    let (sender, inputs) = channel();
    read_lines(sender.clone())?;
    let signals = sender.clone();
    signals::watch(move |signal| {
        // The menu, and with it the receiver, may have ended.
        let _ = signals.send(MenuInput::Signal(signal));
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let mut menu = Menu {
        title: plan.name.clone(),
        outputs: Outputs::of(&settings),
        asks_customer: plan.variables.iter().any(|(name, _)| name == CUSTOMER),
        settings,
        environment,
        console: Console::new(anstream::stdout()),
        sender,
        asking: Asking::Choice,
        running: None,
        last: None,
        waiting: VecDeque::new(),
        closing: false,
        exit: Exit::Completed,
    };
    menu.open(&inputs);
    Ok(menu.exit)
}

fn refuse_what_belongs_to_runs(settings: &RunSettings) -> Result<(), CliError> {
    let given = [
        ("--flows", settings.load.flows.is_some()),
        ("--parallel", settings.load.parallel.is_some()),
        ("--save", settings.save != Save::No),
        ("--json", settings.format == OutputFormat::Json),
        ("--json-lines", settings.json_lines.is_some()),
        ("--csv-flows", settings.exports.csv_flows.is_some()),
        ("--otlp", settings.exports.otlp.is_some()),
        ("--prometheus", settings.prometheus.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(CliError::usage(
            format_args!("{option} is not available in the menu"),
            "use it with `rehearsal run` or `rehearsal --batch`",
        )),
    }
}

/// An input of the menu.
enum MenuInput {
    Line(String),
    /// No more lines will come.
    End,
    RunEnded(Box<Result<Finished, CliError>>),
    Signal(Signal),
}

/// The question that the next line answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    Choice,
    Customer,
    Flows,
    Parallel { flows: u64 },
    Outputs,
}

/// The run in the background.
struct RunInProgress {
    control: Control,
    messages: Messages,
    escalation: SignalEscalation,
    live_page: Option<LivePage>,
    /// Ended by the user; its flows then do not count as failed.
    ended_by_choice: bool,
}

struct Menu<'a> {
    title: String,
    asks_customer: bool,
    settings: RunSettings,
    outputs: Outputs,
    environment: &'a CliEnvironment,
    console: Console,
    sender: Sender<MenuInput>,
    asking: Asking,
    running: Option<RunInProgress>,
    last: Option<Finished>,
    /// Lines held back until the run ends.
    waiting: VecDeque<String>,
    /// The menu closes as soon as no run is active.
    closing: bool,
    exit: Exit,
}

impl Menu<'_> {
    fn open(&mut self, inputs: &Receiver<MenuInput>) {
        self.ask();
        while !(self.closing && self.running.is_none()) {
            // `self` holds a sender.
            let Ok(input) = inputs.recv() else { return };
            match input {
                MenuInput::Line(line) => {
                    self.console
                        .line_was_typed(!self.environment.stdin_is_terminal);
                    self.take(line);
                }
                MenuInput::End => self.input_ended(),
                MenuInput::RunEnded(result) => self.run_ended(*result),
                MenuInput::Signal(signal) => self.signal(signal),
            }
        }
    }

    /// Handles a line, or holds it back until the run has ended.
    fn take(&mut self, line: String) {
        if self.must_wait(&line) {
            self.waiting.push_back(line);
        } else if !self.closing {
            self.answer(line.trim());
            if !self.closing && self.waiting.is_empty() {
                self.ask();
            }
        }
    }

    /// Returns `true` if the line has to wait for the end of the run: the author of a pipe cannot
    /// see that one is active.
    fn must_wait(&self, line: &str) -> bool {
        let looks_only = self.asking == Asking::Choice && matches!(line.trim(), "5" | "6");
        !self.environment.stdin_is_terminal
            && self.running.is_some()
            && !(looks_only && self.waiting.is_empty())
    }

    fn ask(&mut self) {
        let prompt = match self.asking {
            Asking::Choice => {
                self.console.say(&format!(
                    "\nRehearsal: {}\n\
                     \x20 1  Run a single flow\n\
                     \x20 2  Run several flows\n\
                     \x20 3  View the last results\n\
                     \x20 4  Save the results\n\
                     \x20 5  Clean up all scripts\n\
                     \x20 6  List active scripts\n\
                     \x20 7  Choose outputs: live page, HTML, JUnit, Markdown, CSV\n\
                     \x20 0  Exit\n",
                    sanitize(&self.title)
                ));
                "Select (0-7): "
            }
            Asking::Customer => "Customer (Enter for the default): ",
            Asking::Flows => "How many flows: ",
            Asking::Parallel { .. } => "How many at once (Enter for 1): ",
            Asking::Outputs => {
                self.console.say(&self.outputs.list());
                "Number to change (Enter to go back): "
            }
        };
        self.console.prompt(prompt);
    }

    fn answer(&mut self, line: &str) {
        match self.asking {
            Asking::Choice => self.choose(line),
            Asking::Customer => {
                let customer = (!line.is_empty()).then(|| line.to_owned());
                self.start(1, 1, customer);
            }
            Asking::Flows => match count(line) {
                Some(flows) => self.asking = Asking::Parallel { flows },
                None => self.not_a_count(line),
            },
            Asking::Parallel { flows } => match if line.is_empty() {
                Some(1)
            } else {
                count(line)
            } {
                Some(parallel) => self.start(flows, parallel, None),
                None => self.not_a_count(line),
            },
            Asking::Outputs if self.outputs.toggle(line) => {}
            Asking::Outputs => self.asking = Asking::Choice,
        }
    }

    fn not_a_count(&mut self, line: &str) {
        let line = sanitize(line);
        self.console.say(&format!(
            "\"{line}\" is not a number of 1 or greater. Back to the menu.\n"
        ));
        self.asking = Asking::Choice;
    }

    fn choose(&mut self, choice: &str) {
        match choice {
            "1" | "2" if self.running.is_some() => self
                .console
                .say("A run is in progress: wait for its end, or end it with 5.\n"),
            "1" if self.asks_customer => self.asking = Asking::Customer,
            "1" => self.start(1, 1, None),
            "2" => self.asking = Asking::Flows,
            "3" => self.view(),
            "4" => self.save(),
            "5" => self.clean_up(),
            "6" => self.console.say(&match &self.running {
                Some(running) => scripts::table(&running.control.live_scripts()),
                None => scripts::table(&[]),
            }),
            "7" => self.asking = Asking::Outputs,
            "0" => self.close(),
            "" => {}
            other => self.console.say(&format!(
                "\"{}\" is not in the menu: type a number from 0 to 7.\n",
                sanitize(other)
            )),
        }
    }

    /// Starts a run in the background.
    fn start(&mut self, flows: u64, parallel: u64, customer: Option<String>) {
        self.asking = Asking::Choice;
        let mut settings = self.settings.clone();
        settings.load.flows = Some(flows);
        settings.load.parallel = Some(parallel);
        self.outputs.apply(&mut settings);
        settings
            .variables
            .extend(customer.map(|id| (CUSTOMER.to_owned(), id)));
        let checked = self.outputs.check(&settings, self.environment);
        let prepared =
            checked.and_then(|()| session::prepare(&settings, Keep::ForNow, self.environment));
        let session = match prepared {
            Ok(session) => session,
            Err(error) => return self.console.say(&format!("{}\n", error.render())),
        };
        self.console
            .say(&format!("Started {} in the background.\n", session.id()));
        let mut output = Output::new(self.console.writer());
        let (live_page, live_reporter) = match live::start(settings.live, &session, &mut output) {
            Ok(live) => live.unzip(),
            Err(error) => return self.console.say(&format!("{}\n", error.render())),
        };
        self.running = Some(RunInProgress {
            control: session.control.clone(),
            messages: session.messages.clone(),
            escalation: SignalEscalation::of(session.graceful_stop()),
            live_page,
            ended_by_choice: false,
        });
        let reporter: Box<dyn Reporter> = if flows == 1 {
            Box::new(SingleFlow::new(output))
        } else {
            Box::new(PlainProgress::new(output))
        };
        let sender = self.sender.clone();
        let started = thread::Builder::new().name("run".into()).spawn(move || {
            let reporters = live_reporter.into_iter().chain([reporter]);
            let result = session.perform(reporters.collect());
            // The menu, and with it the receiver, may have ended.
            let _ = sender.send(MenuInput::RunEnded(Box::new(result)));
        });
        if let Err(error) = started {
            self.running = None;
            self.console.say(&format!(
                "error: cannot start a thread for the run: {error}\n"
            ));
        }
    }

    fn run_ended(&mut self, result: Result<Finished, CliError>) {
        let running = self.running.take();
        let (ended_by_choice, live_page) = running.map_or((false, None), |running| {
            (running.ended_by_choice, running.live_page)
        });
        match result {
            Ok(finished) => {
                self.console
                    .say(&report_of(&finished, Detail::Short, self.environment));
                let mut locations = result_locations(&finished);
                let (outputs, settings) = (&self.outputs, &self.settings);
                let (lines, errors) = outputs.write(&finished, settings, self.environment);
                locations.push_str(&lines);
                for error in errors {
                    self.exit = self.exit.max(Exit::Internal);
                    self.console.say(&format!("{}\n", error.render()));
                }
                if let Some(page) = live_page {
                    page.end(&finished.head, &locations);
                }
                self.console.say(&locations);
                print_errors(&finished, &mut Output::new(self.console.writer()));
                let exit = Exit::first(&finished.exits());
                if !(ended_by_choice && exit == Exit::Interrupted) {
                    self.exit = self.exit.max(exit);
                }
                self.console
                    .say(&format!("\nRun {} has ended.\n", finished.outcome.info.id));
                if let Err(error) = kept::remember(&finished) {
                    self.exit = self.exit.max(Exit::Internal);
                    self.console.say(&format!("{}\n", error.render()));
                }
                self.last = Some(finished);
            }
            Err(error) => {
                self.exit = self.exit.max(error.exit());
                self.console.say(&format!("{}\n", error.render()));
            }
        }
        self.catch_up();
    }

    /// Handles the lines held back, up to one that starts the next run.
    fn catch_up(&mut self) {
        if !self.closing {
            self.ask();
        }
        while self.running.is_none() && !self.closing {
            let Some(line) = self.waiting.pop_front() else {
                break;
            };
            self.console.line_was_typed(true);
            self.answer(line.trim());
            if !self.closing {
                self.ask();
            }
        }
    }

    fn view(&mut self) {
        let text = match &self.last {
            Some(finished) => {
                report_of(finished, Detail::Full, self.environment) + &result_locations(finished)
            }
            None if self.running.is_some() => "The first run is still in progress.\n".into(),
            None => "No run has ended yet.\n".into(),
        };
        self.console.say(&text);
    }

    fn save(&mut self) {
        let text = match &mut self.last {
            None => "There is nothing to save: no run has ended yet.\n".to_owned(),
            Some(finished) => {
                let before = matches!(finished.results, Results::Saved(_));
                let saved = finished.save().map(|path| path.display().to_string());
                match saved {
                    Ok(path) => {
                        let remembered = kept::remember(finished);
                        if let Err(error) = remembered {
                            self.exit = self.exit.max(Exit::Internal);
                            self.console.say(&format!("{}\n", error.render()));
                        }
                        let verb = if before {
                            "They are saved in"
                        } else {
                            "Saved in"
                        };
                        format!("{verb} {}\n", sanitize(&path))
                    }
                    Err(error) => {
                        self.exit = self.exit.max(Exit::Internal);
                        format!("error: {}\n", sanitize(&error.to_string()))
                    }
                }
            }
        };
        self.console.say(&text);
    }

    fn clean_up(&mut self) {
        let text = match &mut self.running {
            None => "No scripts are running.\n".to_owned(),
            Some(running) => {
                let scripts = running.control.live_scripts().len();
                running.ended_by_choice = true;
                running.control.stop(Stop::Now);
                format!("Ending the run and its scripts ({scripts} at the moment).\n")
            }
        };
        self.console.say(&text);
    }

    fn close(&mut self) {
        self.closing = true;
        if self.running.is_some() {
            self.console
                .say("A run is in progress and will be finished first; Ctrl-C stops it.\n");
        }
    }

    /// Exits at the end of the input, after the lines held back.
    fn input_ended(&mut self) {
        if self.waiting.is_empty() {
            self.close();
        } else {
            self.waiting.push_back("0".into());
        }
    }

    fn signal(&mut self, signal: Signal) {
        match &mut self.running {
            None => {
                self.exit = Exit::Interrupted;
                self.closing = true;
                self.console.say("");
            }
            Some(running) => {
                let (stop, text) = running.escalation.signal(signal);
                running.control.stop(stop);
                running.messages.say(&text);
            }
        }
        if signal != Signal::Interrupt || !self.environment.stdin_is_terminal {
            self.exit = Exit::Interrupted;
            self.closing = true;
            self.waiting.clear();
        }
    }
}

/// Parses a positive integer.
fn count(line: &str) -> Option<u64> {
    line.parse().ok().filter(|&count| count > 0)
}

/// Reads lines on a separate thread, which ends with the program at the latest.
fn read_lines(sender: Sender<MenuInput>) -> Result<(), CliError> {
    let read = move || {
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.send(MenuInput::Line(line)).is_err() {
                return;
            }
        }
        // The menu, and with it the receiver, may have ended.
        let _ = sender.send(MenuInput::End);
    };
    thread::Builder::new()
        .name("input".into())
        .spawn(read)
        .map(drop)
        .map_err(|error| CliError::system("cannot start a thread for the menu", error))
}
