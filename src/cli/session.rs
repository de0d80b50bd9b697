//! One run from its preparation to its results.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Local;
use tempfile::TempDir;

use crate::engine::{self, Control, Recording, RunOptions, RunResult};
use crate::model::{EventSink, FlowNumber, RunEvent, RunId};
use crate::process::WatcherProgram;
use crate::report::result_file::Head;
use crate::report::{
    self, Artifacts, BundleCounts, Bundles, HtmlSource, Log, NatsLogin, Place, Publication,
    PublicationOptions, Recorder, ReportError, Reporter, Reporters, Reserved, ResultDirectory, Say,
    Trend,
};
use crate::scenario::{Load, Overrides, Plan};
use crate::stats::{EvidenceChoice, EvidenceLimits, FlowFailures, Integrity, Threshold};

use super::args::SegmentArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::failure_limit::FailureLimit;
use super::scenario::{Loaded, secret_values};
use super::settings::{DialogueLogging, RunSettings, Save};
use super::{bundles, machine_limits, nats_login, saved, scenario, segment};

/// A run that is ready to begin: everything is prepared, and nothing is started.
pub(super) struct Session {
    /// There is only one flow, which can be reported step by step.
    pub is_single: bool,
    pub control: Control,
    pub messages: Messages,
    options: RunOptions,
    names: Reserved,
    /// The directory in which the run is saved while it is in progress.
    directory: Option<ResultDirectory>,
    dialogue: DialogueLogging,
    allowed_failures: FailureLimit,
    environment: report::result_file::RunEnvironment,
    keep: Keep,
    notices: Vec<String>,
    bundles: Bundles,
    temporary: TempDir,
    segment: SegmentArgs,
    login: NatsLogin,
}

/// Retention of a run's flows after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Not kept; only the summary is shown.
    Nothing,
    /// Kept in a temporary directory until this program ends.
    ForNow,
    /// Saved in the run's directory among the results.
    InDirectory,
}

/// A handle to add notices to the events of a run in progress.
#[derive(Clone, Default)]
pub(super) struct Messages(Arc<OnceLock<Arc<dyn EventSink>>>);

impl Messages {
    /// Adds a notice; without effect before the run begins.
    pub(super) fn say(&self, text: &str) {
        if let Some(sink) = self.0.get() {
            sink.emit(RunEvent::Notice {
                flow: None,
                text: text.to_owned(),
            });
        }
    }
}

/// A publication, and the reporter that feeds it.
type Published = (Publication, Box<dyn Reporter>);

/// A run that has ended.
pub(super) struct Finished {
    pub outcome: RunResult,
    pub artifacts: Artifacts,
    pub head: Head,
    /// Errors of reporters and of saving.
    pub errors: Vec<ReportError>,
    /// Live figures that did not arrive, which concerns no result.
    pub unpublished: Vec<String>,
    /// Processes that could not be ended.
    pub left_over: Vec<u32>,
    pub log: PathBuf,
    pub results: Results,
    /// The directory of the run's bundles, if there are any.
    pub bundles: Option<PathBuf>,
    /// The directory in which the run was saved while it was in progress.
    directory: Option<ResultDirectory>,
    allowed_failures: FailureLimit,
    /// Keeps the temporary flows file until this is dropped.
    _temporary: TempDir,
}

/// The location of a run's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Results {
    /// In this directory.
    Saved(PathBuf),
    /// Not saved; this directory can be created for them.
    NotSaved(PathBuf),
}

impl Session {
    /// Prepares a run of the scenario: chooses its place and name, and checks that the machine has
    /// the resources for it.
    pub(super) fn prepare(
        loaded: Loaded,
        settings: &RunSettings,
        keep: Keep,
        environment: &CliEnvironment,
    ) -> Result<Self, CliError> {
        let Loaded {
            plan,
            programs,
            warnings,
        } = loaded;
        let segment = segment::segment(settings, environment)?;
        let load = Load {
            segment,
            ..settings.load(&plan.load)?
        };
        segment::check(&plan, &load)?;
        let thresholds = settings.thresholds(&plan)?;
        let chaos = settings.chaos(&plan)?;
        let problems = machine_limits::problems(&plan, load.most_in_flight());
        if !problems.is_empty() {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            return Err(CliError::usage(problems.join("\n"), ""));
        }
        let (place, moved) = place(&settings.save, environment)?;
        let mut notices: Vec<_> = moved.into_iter().collect();
        notices.extend(plan.closed_gates(&load));
        notices.extend(segment::remarks(&plan, &load));
        let warnings = warnings.render(false);
        notices.extend(
            warnings
                .lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned),
        );
        let temporary = tempfile::Builder::new()
            .prefix("rehearsal-")
            .tempdir_in(&environment.temporary)
            .map_err(|error| {
                let directory = environment.temporary.display();
                CliError::system(
                    format_args!("cannot make a directory in {directory}"),
                    error,
                )
            })?;
        let started_at = Local::now();
        let part = format!("s{}of{}", segment.number(), segment.count());
        let part = (!segment.is_whole()).then_some(part.as_str());
        let names = place.reserve(started_at, part)?;
        let mut record = environment.record(&secret_values(&plan, settings));
        let directory = match keep {
            Keep::Nothing => None,
            Keep::ForNow => Some(ResultDirectory::create(&temporary.path().join("kept"))?),
            Keep::InDirectory => Some(ResultDirectory::create(&names.directory)?),
        };
        if let Some(directory) = &directory {
            if !segment.is_whole() {
                record.clock_offset_us = directory.clock_offset_us();
            }
            directory.keep_scenario(&bundles::scenario_text(&plan))?;
        }
        let about = bundles::about(&plan, settings, environment, record.clone());
        let limits = EvidenceLimits {
            slowest: match keep {
                Keep::InDirectory => settings.bundles.slowest,
                Keep::Nothing | Keep::ForNow => 0,
            },
            ..settings.bundles
        };
        let bundles = Bundles::new(&names.directory, about, limits);
        let is_single = load.flows == Some(1) && load.warm_up.is_zero();
        let plan = plan.with_overrides(Overrides {
            variables: settings.variables.clone(),
            step_timeout: settings.step_timeout,
            delay: settings.delay,
            load: Some(load),
            faults: Some(chaos),
        });
        let recording = Recording {
            dialogue: settings.dialogue == DialogueLogging::Logged || settings.shows_dialogue,
            evidence: Some(Arc::new(EvidenceChoice::new(limits))),
        };
        let options = RunOptions::new(Arc::new(plan), Arc::new(programs))
            .run_id(names.id.clone())
            .seed(settings.seed.unwrap_or_else(|| fastrand::u64(..1 << 53)))
            .thresholds(thresholds)
            .fail_fast(settings.fail_fast)
            .recording(recording)
            .environment(environment.variables.clone())
            .run_directory(temporary.path().to_owned())
            .traced(settings.exports.otlp.is_some())
            .adjustable(settings.live.is_some())
            .watcher(WatcherProgram {
                program: environment.program.clone(),
                temporary: Some(temporary.path().to_owned()),
            })
            .started_at(started_at);
        Ok(Session {
            is_single,
            control: Control::new(),
            messages: Messages::default(),
            options,
            names,
            directory,
            dialogue: settings.dialogue,
            allowed_failures: settings.allowed_failures,
            environment: record,
            keep,
            notices,
            bundles,
            temporary,
            segment: settings.segment.clone(),
            login: nats_login::login(environment),
        })
    }

    /// Limits the run to a replay of this flow of another run, which begins with these notices.
    pub(super) fn replay(&mut self, flow: FlowNumber, notices: Vec<String>) {
        self.options.first_flow = flow;
        self.notices.extend(notices);
    }

    /// Removes the files of a run that is not to be made.
    pub(super) fn discard(self) {
        // What cannot be removed is an unfinished run for those who list them.
        let _ = std::fs::remove_dir_all(&self.names.directory);
        let _ = std::fs::remove_file(&self.names.log_path);
    }

    /// Returns the id of the run.
    pub(super) fn id(&self) -> &RunId {
        &self.names.id
    }

    /// Returns the plan, with all overrides.
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.options.plan)
    }

    /// Returns the thresholds of the scenario, then those of the command line.
    pub(super) fn thresholds(&self) -> &[Threshold] {
        &self.options.thresholds
    }

    /// Returns the directory of the run, which need not exist.
    pub(super) fn directory(&self) -> &Path {
        &self.names.directory
    }

    /// Starts to publish the live figures, if that is wanted; the reporter feeds them.
    fn publish(&self) -> Result<Option<Published>, ReportError> {
        if self.segment.publish.is_empty() {
            return Ok(None);
        }
        let options = PublicationOptions {
            places: self.segment.publish.clone(),
            login: self.login.clone(),
            segments: self.options.plan.load.segment.count(),
            thresholds: self.options.thresholds.clone(),
            start: format!("{}-{:016x}", self.names.id, fastrand::u64(..)),
            host: self.environment.host.clone(),
        };
        let messages = self.messages.clone();
        let say: Say = Arc::new(move |text: &str| messages.say(text));
        let (publication, reporter) = Publication::start(options, &say)?;
        Ok(Some((publication, Box::new(reporter))))
    }

    /// Returns the time that flows in flight have to finish once no more are started.
    pub(super) fn graceful_stop(&self) -> Duration {
        self.options.plan.load.graceful_stop
    }

    /// Runs on this thread, with these reporters and the log.
    pub(super) fn perform(
        self,
        mut listeners: Vec<Box<dyn Reporter>>,
    ) -> Result<Finished, CliError> {
        let (publication, published) = self.publish()?.unzip();
        listeners.extend(published);
        let Reserved {
            log_path,
            log,
            directory: results,
            ..
        } = self.names;
        let mut recorder = Recorder::new();
        let log = Log::new(&log_path, log);
        listeners.push(Box::new(match self.dialogue {
            DialogueLogging::Logged => log,
            DialogueLogging::LeftOut => log.without_dialogue(),
        }));
        if let Some(directory) = &self.directory {
            recorder = Recorder::with_flows(directory.write_flows(self.environment.clone())?);
            listeners.push(Box::new(directory.latency_log()?));
        }
        let recorder = recorder
            .with_bundles(self.bundles)
            .with_temporary_directory(self.temporary.path().to_owned());
        let reporters = Reporters::start(recorder, listeners)?;
        // Set only here, once.
        let _ = self.messages.0.set(reporters.sink());
        for notice in &self.notices {
            self.messages.say(notice);
        }
        let mut options = self.options;
        let say = |text: &str| self.messages.say(text);
        options.load_began = segment::await_start(&self.segment, &self.control, say)?;
        let outcome = engine::run(options, reporters.sink(), &self.control);
        let (mut artifacts, mut errors) = reporters.finish()?;
        let mut outcome = outcome?;
        outcome.set_integrity(artifacts.integrity.take());
        let flows = &outcome.summary.flows;
        // Those that stopped the run are not allowed.
        let stopped = outcome.summary.stopped_by_failures.is_some();
        if flows.failed > 0 && !stopped && self.allowed_failures.is_kept(flows) {
            outcome.summary.flow_failures = FlowFailures::AreAllowed;
        }
        artifacts.name_bundles(&mut outcome.summary.failures);
        artifacts
            .notices
            .extend(errors.iter().map(|error| format!("incomplete: {error}")));
        let head = Head::new(
            &outcome.info,
            self.environment,
            outcome.summary.clone(),
            // They are large and have no other use.
            std::mem::take(&mut outcome.histograms),
            artifacts.notices.clone(),
        );
        let finished = self
            .directory
            .as_ref()
            .map(|directory| directory.finish(&head, Some(&log_path)));
        let has_bundles = artifacts.bundles != BundleCounts::default();
        let bundles = has_bundles.then(|| results.join("bundles"));
        let results = match &finished {
            Some(Ok(())) if self.keep == Keep::InDirectory => Results::Saved(results),
            _ => Results::NotSaved(results),
        };
        errors.extend(finished.and_then(Result::err));
        let unpublished = publication.map_or_else(Vec::new, |it| it.end(&head));
        Ok(Finished {
            left_over: outcome.left_over.pids.clone(),
            outcome,
            artifacts,
            head,
            errors,
            unpublished,
            log: log_path,
            bundles,
            results,
            directory: self.directory,
            allowed_failures: self.allowed_failures,
            _temporary: self.temporary,
        })
    }
}

impl Finished {
    /// Returns the scenario's text as it was saved.
    pub(super) fn scenario_text(&self) -> Option<String> {
        self.directory.as_ref()?.scenario().ok()
    }

    /// Lists the exit codes that apply to this run.
    pub(super) fn exits(&self) -> Vec<Exit> {
        let summary = &self.outcome.summary;
        let crossed = summary.thresholds.iter().any(|it| !it.holds);
        let is_kept = self.allowed_failures.is_kept(&summary.flows);
        let failed = !is_kept || summary.stopped_by_failures.is_some();
        // An interrupted run need not have completed any flow.
        let failed = failed && (summary.flows.failed > 0 || !summary.interrupted);
        let integrity = summary.integrity.as_ref();
        let wrong = integrity.is_some_and(Integrity::is_violated);
        let incomplete = !self.errors.is_empty() || !self.left_over.is_empty();
        let all = [
            (summary.interrupted, Exit::Interrupted),
            (wrong, Exit::IntegrityViolated),
            (crossed, Exit::ThresholdsCrossed),
            (failed, Exit::SomeFailed),
            (incomplete, Exit::Internal),
        ];
        all.into_iter()
            .filter_map(|(applies, exit)| applies.then_some(exit))
            .collect()
    }

    /// Saves the results in their directory, unless they are there already, and returns its path.
    pub(super) fn save(&mut self) -> Result<&Path, ReportError> {
        if let (Results::NotSaved(path), Some(directory)) = (&self.results, &self.directory) {
            if !directory.result().exists() {
                // It could not be written before.
                directory.finish(&self.head, Some(&self.log))?;
            }
            self.directory = Some(directory.copy_to(path)?);
            self.results = Results::Saved(path.clone());
        }
        let (Results::Saved(path) | Results::NotSaved(path)) = &self.results;
        Ok(path)
    }

    /// Returns what the report for browsers shows, with the trends up to this run.
    pub(super) fn html_source<'a>(&'a self, trends: &'a [Trend]) -> HtmlSource<'a> {
        let (Results::Saved(path) | Results::NotSaved(path)) = &self.results;
        HtmlSource {
            head: &self.head,
            saved: self.directory.as_ref(),
            bundles: path,
            trends,
        }
    }

    /// Writes the result record, including all flows.
    pub(super) fn write_record(&self, out: &mut impl Write) -> io::Result<()> {
        report::write_record(out, &self.head, self.artifacts.flows.as_ref())
    }
}

/// Chooses the place for logs and results; a notice says if it is not the expected one.
fn place(save: &Save, environment: &CliEnvironment) -> Result<(Place, Option<String>), CliError> {
    let wanted = match save {
        Save::In(directory) => {
            return Place::open(directory)
                .map(|place| (place, None))
                .map_err(|error| {
                    CliError::usage(error, "name a directory that you may write to: --save=DIR")
                });
        }
        Save::No | Save::Usual => saved::results(environment),
    };
    let error = match Place::open(&wanted) {
        Ok(place) => return Ok((place, None)),
        Err(error) => error,
    };
    let elsewhere = || -> io::Result<PathBuf> {
        let directory = tempfile::Builder::new()
            .prefix("rehearsal-results-")
            .tempdir_in(&environment.temporary)?;
        Ok(directory.keep())
    };
    let elsewhere = elsewhere().map_err(|source| {
        let directory = environment.temporary.display();
        CliError::system(
            format_args!("{error}, and cannot make a directory in {directory}"),
            source,
        )
    })?;
    let place = Place::open(&elsewhere)?;
    let notice = format!("{error}; results and logs go to {}", elsewhere.display());
    Ok((place, Some(notice)))
}

/// Loads the scenario and prepares a run of it.
pub(super) fn prepare(
    settings: &RunSettings,
    keep: Keep,
    environment: &CliEnvironment,
) -> Result<Session, CliError> {
    Session::prepare(
        scenario::load(settings, environment)?,
        settings,
        keep,
        environment,
    )
}
