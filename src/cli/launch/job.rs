//! A job: its directory, the command of its tasks, and the engine that runs them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Local;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::cli::args::{Args, Command, JobArgs, RunArgs};
use crate::cli::child::{Children, Ended};
use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::settings::{RunSettings, ScenarioChoice};
use crate::cli::signals::{self, Signal};
use crate::cli::watching::{LOOK, Watching};
use crate::cli::{saved, scenario, segment};
use crate::report::{NatsPlace, WatchedPlace, sanitize};
use crate::scenario::{Load, Segment};

/// The name of the job's description.
const DESCRIPTION: &str = "launch.json";

/// The directory with a directory for each segment's results.
pub(super) const SEGMENTS: &str = "segments";

/// The directory for the segments' live figures.
pub(super) const LIVE: &str = "live";

/// An engine that runs tasks.
pub(super) trait Engine {
    /// Returns the name that `launch` has for it.
    fn name(&self) -> &'static str;

    /// Returns `true` if the tasks see the job's directory.
    fn shares_directory(&self) -> bool {
        true
    }

    /// Returns the job's files, by name.
    ///
    /// # Errors
    /// If the job cannot be run by this engine.
    fn files(&self, job: &Job) -> Result<Vec<(&'static str, String)>, CliError>;

    /// Returns the shell command that submits the job.
    fn submission(&self, job: &Job) -> String;

    /// Submits the job and waits for its end.
    ///
    /// # Errors
    /// If the engine's program cannot be run, or refuses the job.
    fn submit(&self, job: &Job, submission: &mut Submission<'_>) -> Result<End, CliError>;
}

/// The end of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All tasks have ended, well or not.
    Ended,
    /// A signal has ended it.
    Interrupted,
}

/// A run that is performed as so many tasks.
pub(super) struct Job {
    /// The directory for its files, absolute.
    pub directory: PathBuf,
    pub segments: u64,
    pub submit: bool,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's file; `None` for the built-in one.
    pub file: Option<PathBuf>,
    /// The program that was named.
    pub program: Option<PathBuf>,
    /// This program.
    pub own_program: PathBuf,
    /// The directory in which the command was given.
    pub home: PathBuf,
    /// The arguments of each task, without its segment and the places of its results.
    pub arguments: Vec<String>,
    /// The run on a NATS server at which the tasks publish their live figures, too.
    pub nats: Option<NatsPlace>,
}

/// The description of a job, by which its results are collected.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Description {
    /// Name and version of this form.
    pub format: String,
    pub engine: String,
    pub scenario: String,
    pub segments: u64,
    /// The directory in which the command was given.
    pub home: PathBuf,
    /// The arguments of `run` for all segments.
    pub arguments: Vec<String>,
    /// The run on a NATS server at which the tasks publish their live figures, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nats: Option<String>,
}

impl Description {
    const FORMAT: &'static str = "rehearsal-launch/1";

    /// Returns `true` if there is a job in this directory.
    pub(super) fn is_in(directory: &Path) -> bool {
        directory.join(DESCRIPTION).is_file()
    }

    /// Returns the places at which the job in this directory is watched.
    pub(super) fn watched(&self, directory: &Path) -> WatchedPlace {
        let nats = self.nats.as_deref();
        WatchedPlace {
            folder: Some(directory.join(LIVE)),
            nats: nats.and_then(|it| NatsPlace::parse(it, None).ok()),
        }
    }

    /// Reads the description of the job in this directory.
    pub(super) fn read(directory: &Path) -> Result<Self, CliError> {
        let path = directory.join(DESCRIPTION);
        let unusable = |reason: &dyn std::fmt::Display| {
            let what = format_args!("{}: {reason}", path.display()).to_string();
            CliError::usage(what, "name a directory that `rehearsal launch` has made")
        };
        let text = fs::read_to_string(&path).map_err(|error| unusable(&error))?;
        let description: Description =
            serde_json::from_str(&text).map_err(|error| unusable(&error))?;
        match description.format == Self::FORMAT {
            true => Ok(description),
            false => Err(unusable(&"another version wrote it")),
        }
    }
}

impl Job {
    /// Checks the command as far as it can be checked here.
    pub(super) fn new(args: &JobArgs, environment: &CliEnvironment) -> Result<Self, CliError> {
        let (choice, options) = run_command(&args.command)?;
        refuse_what_tasks_cannot_share(&options)?;
        let settings = RunSettings::new(choice.clone(), options)?;
        let loaded = scenario::load(&settings, environment)?;
        let segment = Segment::new(1, args.segments).map_err(|_| {
            CliError::usage(
                format_args!("--segments: {} are not possible", args.segments),
                format_args!("a run has from 1 to {} of them", Segment::MOST),
            )
        })?;
        let load = Load {
            segment,
            ..settings.load(&loaded.plan.load)?
        };
        segment::check(&loaded.plan, &load)?;
        settings.thresholds(&loaded.plan)?;
        let secrets = &loaded.plan.secrets;
        if let Some((name, _)) = settings
            .variables
            .iter()
            .find(|(name, _)| secrets.contains(name))
        {
            return Err(CliError::usage(
                format_args!("--var {name}: the secret would be in the job's files"),
                format_args!(
                    "take it from the tasks' environment: {name}: ${{env.NAME}} in the scenario"
                ),
            ));
        }
        let mut arguments = Vec::new();
        for argument in args.command.iter().skip(1) {
            let text = argument.to_str().ok_or_else(|| {
                CliError::usage("an argument is not UTF-8", "rename what it stands for")
            })?;
            arguments.push(text.to_owned());
        }
        if settings.seed.is_none() {
            arguments.push(format!("--seed={}", fastrand::u64(..1 << 53)));
        }
        let file = match settings.scenario {
            ScenarioChoice::File(file) => Some(file),
            ScenarioChoice::BuiltIn | ScenarioChoice::Text { .. } => None,
        };
        let home = std::path::absolute(".")
            .map_err(|error| CliError::system("cannot find the current directory", error))?;
        let directory = directory(args.into.as_deref(), environment)?;
        if let Some(path) = [&directory, &home]
            .into_iter()
            .find(|it| it.to_str().is_none())
        {
            return Err(CliError::usage(
                format_args!("{} is not UTF-8, as the job's files are", path.display()),
                "work in another directory, or name one: --into DIR",
            ));
        }
        let nats = nats(args.nats.as_deref(), &directory)?;
        Ok(Job {
            directory,
            segments: args.segments,
            submit: args.submit,
            scenario: loaded.plan.name.clone(),
            file,
            program: args.program.clone(),
            own_program: std::path::absolute(&environment.program)
                .unwrap_or_else(|_| environment.program.clone()),
            home,
            arguments,
            nats,
        })
    }

    /// Makes the directory, with the description and the engine's files.
    pub(super) fn write(&self, engine: &dyn Engine) -> Result<Description, CliError> {
        let description = Description {
            format: Description::FORMAT.into(),
            engine: engine.name().into(),
            scenario: self.scenario.clone(),
            segments: self.segments,
            home: self.home.clone(),
            arguments: self.arguments.clone(),
            nats: self.nats.as_ref().map(ToString::to_string),
        };
        let text = serde_json::to_string_pretty(&description)
            .map_err(|error| CliError::system("cannot describe the job", error.into()))?;
        let files = engine.files(self)?;
        self.make_directory()?;
        for (name, text) in [(DESCRIPTION, text)].into_iter().chain(files) {
            let path = self.directory.join(name);
            fs::write(&path, text).map_err(|error| {
                CliError::system(format_args!("cannot write {}", path.display()), error)
            })?;
        }
        Ok(description)
    }

    /// Returns the options by which a task publishes its live figures: in the job's directory as the
    /// task sees it, if it does, and at a NATS server.
    pub(super) fn publishing(&self, directory: Option<&str>) -> Vec<String> {
        let folder = directory.map(|it| format!("--publish={it}/{LIVE}"));
        let nats = self.nats.iter().map(|it| format!("--publish={it}"));
        folder.into_iter().chain(nats).collect()
    }

    fn make_directory(&self) -> Result<(), CliError> {
        let parent = self.directory.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent)
            .and_then(|()| fs::create_dir(&self.directory))
            .and_then(|()| fs::create_dir(self.directory.join(SEGMENTS)))
            .map_err(|error| cannot_make(&self.directory, &error))
    }

    /// Returns the path of a file of the job.
    pub(super) fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Returns the directory's path for people.
    pub(super) fn shown(&self) -> String {
        sanitize(&self.directory.display().to_string()).into_owned()
    }
}

/// Returns the scenario and the options of a command that begins with `run`.
pub(super) fn run_command(command: &[OsString]) -> Result<(Option<PathBuf>, RunArgs), CliError> {
    let name = OsString::from("rehearsal");
    let arguments: Vec<OsString> = [name].into_iter().chain(command.iter().cloned()).collect();
    match Args::read(&arguments).map(|args| args.command) {
        Ok(Some(Command::Run { scenario, options })) => Ok((scenario, *options)),
        Ok(_) => Err(CliError::usage(
            "only runs can be launched",
            "write the command after `--`: -- run my.yaml --flows 1000",
        )),
        Err(error) => Err(CliError::usage(
            error.to_string().trim_end(),
            "see `rehearsal run --help`",
        )),
    }
}

/// Refuses options that each task would take for itself.
fn refuse_what_tasks_cannot_share(options: &RunArgs) -> Result<(), CliError> {
    let exports = &options.exports;
    let of_one_process = [
        (options.segment.segment.is_some(), "--segment"),
        (!options.segment.publish.is_empty(), "--publish"),
        (options.save.is_some(), "--save"),
        (options.series.is_series(), "--repeat"),
        (options.html.is_some(), "--html"),
        (options.live.address().is_some(), "--live"),
        (options.json, "--json"),
        (options.json_lines.is_some(), "--json-lines"),
        (options.prometheus.is_some(), "--prometheus"),
        (exports.junit.is_some(), "--junit"),
        (exports.markdown.is_some(), "--markdown"),
        (exports.csv_steps.is_some(), "--csv-steps"),
        (exports.csv_flows.is_some(), "--csv-flows"),
    ];
    match of_one_process.iter().find(|(is_given, _)| *is_given) {
        None => Ok(()),
        Some((_, "--publish")) => Err(CliError::usage(
            "--publish is chosen for each task",
            "leave it out; --nats names a NATS server",
        )),
        Some((_, "--live")) => Err(CliError::usage(
            "--live is for a run of one process",
            "write it before the `--`: launch … --submit --live -- run …",
        )),
        Some((_, option @ ("--segment" | "--save"))) => Err(CliError::usage(
            format_args!("{option} is chosen for each task"),
            "leave it out; --into names the directory for all results",
        )),
        Some((_, option)) => Err(CliError::usage(
            format_args!("{option} is for a run of one process"),
            "leave it out, and use `rehearsal report` for the merged run",
        )),
    }
}

/// Returns the run on this NATS server, by default with the name of the job's directory.
fn nats(address: Option<&str>, directory: &Path) -> Result<Option<NatsPlace>, CliError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = name
        .chars()
        .map(|c| if is_sound(c) { c } else { '-' })
        .take(100)
        .collect();
    let place = NatsPlace::parse(address, Some(name.as_str()));
    place
        .map(Some)
        .map_err(|error| CliError::usage(format_args!("--nats {address}"), error))
}

/// Returns the absolute path of the job's directory.
fn directory(into: Option<&Path>, environment: &CliEnvironment) -> Result<PathBuf, CliError> {
    let directory = into.map_or_else(
        || {
            let name = Local::now().format("launch-%Y%m%d-%H%M%S").to_string();
            saved::results(environment).join(name)
        },
        Path::to_owned,
    );
    std::path::absolute(&directory).map_err(|error| cannot_make(&directory, &error))
}

fn cannot_make(directory: &Path, error: &io::Error) -> CliError {
    CliError::usage(
        format_args!("cannot make {}: {error}", directory.display()),
        "name a new directory that you may write to: --into DIR",
    )
}

/// Runs the engine's programs, and shows the progress of the segments meanwhile.
pub(super) struct Submission<'e> {
    children: Children<'e>,
    signals: UnboundedReceiver<Signal>,
    progress: JobProgress,
}

/// The progress of a job's segments.
struct JobProgress {
    segments: PathBuf,
    all: u64,
    watching: Watching,
    /// The number of segments that had ended at the last look.
    ended: Option<usize>,
}

impl JobProgress {
    fn look(&mut self) {
        self.watching.look();
        let ended = ended_segments(&self.segments);
        if self.ended.replace(ended) != Some(ended) {
            let text = format!("{ended} of {} segments have ended", self.all);
            self.watching.say(&text);
        }
    }
}

impl<'e> Submission<'e> {
    pub(super) fn new(
        job: &Job,
        watching: Watching,
        environment: &'e CliEnvironment,
    ) -> Result<Self, CliError> {
        let (arrived, signals) = mpsc::unbounded_channel();
        signals::watch(move |signal| {
            // Without a receiver the job is over.
            let _ = arrived.send(signal);
        })
        .map_err(|error| CliError::system("cannot listen for signals", error))?;
        Ok(Submission {
            children: Children::new(environment)?,
            signals,
            progress: JobProgress {
                segments: job.directory.join(SEGMENTS),
                all: job.segments,
                watching,
                ended: None,
            },
        })
    }

    /// Runs a command to its end. A signal ends it.
    pub(super) fn run(&mut self, words: &[&str]) -> Result<Ended, CliError> {
        self.run_until_stopped(words, &[])
    }

    /// Runs a command to its end. A signal lets another command stop it, if there is one; a second
    /// signal ends it.
    pub(super) fn run_until_stopped(
        &mut self,
        words: &[&str],
        stop: &[&str],
    ) -> Result<Ended, CliError> {
        let argv = |words: &[&str]| words.iter().map(OsString::from).collect();
        let progress = &mut self.progress;
        let mut look = || progress.look();
        self.children
            .program(argv(words), argv(stop), &mut self.signals, LOOK, &mut look)
    }

    /// Shows what came last, and ends the progress; the page stays until the result is known.
    pub(super) fn end(mut self) -> Watching {
        let watching = &mut self.progress.watching;
        watching.look();
        watching.end_progress();
        self.progress.watching
    }

    /// Waits for so long, or for a signal; returns `true` for that.
    pub(super) fn pause(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if self.children.pause(left.min(LOOK), &mut self.signals) {
                return true;
            }
            self.progress.look();
        }
        false
    }
}

/// Counts the segments with a result.
fn ended_segments(segments: &Path) -> usize {
    let runs = |segment: PathBuf| {
        let runs = fs::read_dir(segment).into_iter().flatten().flatten();
        runs.map(|run| run.path().join("result.json"))
    };
    let all = fs::read_dir(segments).into_iter().flatten().flatten();
    all.filter(|segment| runs(segment.path()).any(|it| it.exists()))
        .count()
}

/// Quotes words for a shell.
pub(super) fn quoted<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    // Words with a NUL cannot be arguments, and so do not come here.
    shlex::try_join(words).unwrap_or_default()
}
