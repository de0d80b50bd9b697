//! The results of a job's tasks, merged and reported as one run.

use std::path::{Path, PathBuf};

use crate::cli::args::{LoadArgs, Progress, RunArgs};
use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::repeat::making::Maker;
use crate::cli::settings::RunSettings;
use crate::cli::{merge, scenario};
use crate::model::AuditRecord;
use crate::report::result_file::Head;
use crate::report::{ListedResult, Output, saved_runs, units};

use super::job::{Description, SEGMENTS, run_command};
use super::ssh_parallel::{self, TaskEnd};

/// The directory for the merged run.
const MERGED: &str = "merged";

/// The directory for the run of the audit.
const AUDIT: &str = "audit";

/// The state of the run that counts for a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// It was cut off, or is still in progress.
    CutOff,
    Interrupted,
    Complete,
}

/// The runs of the tasks that performed a segment; an engine may have started it again.
#[derive(Debug, Default)]
struct Attempts(Vec<(State, PathBuf)>);

impl Attempts {
    /// Finds them, the newest first.
    fn of(directory: &Path) -> Result<Self, CliError> {
        let runs = saved_runs(directory).map_err(|error| CliError::usage(error, ""))?;
        let attempts = runs.into_iter().filter_map(|run| {
            let state = match run.result {
                ListedResult::Passed | ListedResult::Failed | ListedResult::DataInconsistent => {
                    State::Complete
                }
                ListedResult::Interrupted => State::Interrupted,
                ListedResult::InProgress | ListedResult::CutOff => State::CutOff,
                ListedResult::Unreadable => return None,
            };
            Some((state, run.directory))
        });
        Ok(Attempts(attempts.collect()))
    }

    /// Returns the run that counts: the newest of those that came furthest.
    fn counted(&self) -> Option<&(State, PathBuf)> {
        let furthest = self.0.iter().map(|(state, _)| *state).max();
        self.0.iter().find(|(state, _)| Some(*state) == furthest)
    }

    /// Describes what is not as it should be.
    fn remark(&self, number: u64) -> Option<String> {
        let remark = match self.counted().map(|(state, _)| *state) {
            None => "is lost: its task left no results".to_owned(),
            Some(State::CutOff) => {
                "was cut off: only the flows that it had recorded are counted".to_owned()
            }
            Some(State::Interrupted) => "was interrupted before its end".to_owned(),
            Some(State::Complete) if self.0.len() == 1 => return None,
            Some(State::Complete) => format!(
                "was started {} times, and is counted once: by its last complete run",
                self.0.len()
            ),
        };
        Some(format!("Segment {number} {remark}."))
    }
}

/// The merged run of a job.
pub(super) struct Collected {
    pub exit: Exit,
    pub head: Head,
    /// Its directory.
    pub merged: PathBuf,
}

/// Merges the segments of the job in this directory, and reports.
pub(super) fn collect(
    directory: &Path,
    environment: &CliEnvironment,
) -> Result<Collected, CliError> {
    let directory = &std::path::absolute(directory)
        .map_err(|error| CliError::system("cannot find the current directory", error))?;
    let description = Description::read(directory)?;
    let first = match description.engine.as_str() {
        // It numbers them from 0.
        "kubernetes" => 0,
        _ => 1,
    };
    let mut runs = Vec::new();
    let mut remarks = Vec::new();
    let mut unfinished = 0;
    for number in 1..=description.segments {
        let name = (number - 1 + first).to_string();
        let attempts = Attempts::of(&directory.join(SEGMENTS).join(name))?;
        let counted = attempts.counted();
        runs.extend(counted.map(|(_, run)| run.clone()));
        let remark = attempts.remark(number);
        let is_whole = counted.is_some_and(|(state, _)| *state == State::Complete);
        let end = ssh_parallel::task_end(directory, number).filter(|_| !is_whole);
        remarks.extend(remark.map(|remark| match end {
            None => remark,
            Some(TaskEnd { host, code: 255 }) => {
                format!("{remark} There was no connection to {host}, or it broke.")
            }
            Some(TaskEnd { host, code }) => {
                format!("{remark} Its task on {host} ended with exit code {code}.")
            }
        }));
        unfinished += u64::from(counted.is_none_or(|(state, _)| *state < State::Complete));
    }
    let mut errors = Output::new(anstream::stderr());
    for remark in &remarks {
        errors.line(remark);
    }
    if runs.is_empty() {
        return Err(CliError::usage(
            format_args!("no segment has left results in {}", directory.display()),
            "look at the tasks' logs there; the programs and the directory have to be on all machines",
        ));
    }
    let (audits, remark) = match audits(&description, directory, environment) {
        Ok(audits) => (audits, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let into = merged(directory);
    let (mut exits, head) = merge::segments(&runs, &audits, &into, environment)?;
    if let Some(error) = remark {
        errors.line("The audit could not be run:");
        errors.line(&error.render());
        exits.push(Exit::Internal);
    }
    if unfinished > 0 {
        errors.line(&format!(
            "{} of {} not complete",
            unfinished,
            units::counted(description.segments, "segment"),
        ));
        // The worst of what is known, or else that flows are missing: that tasks were interrupted does not
        // interrupt this command.
        exits.retain(|exit| *exit != Exit::Interrupted);
        if exits.is_empty() {
            exits.push(Exit::SomeFailed);
        }
    }
    if let Some(text) = Exit::explain(&exits) {
        errors.line(&text);
    }
    Ok(Collected {
        exit: Exit::first(&exits),
        head,
        merged: into,
    })
}

/// Runs the scenario's audit, if it has one, now that the flows of all segments have ended: as a run
/// of no flows, which is saved beside the segments.
fn audits(
    description: &Description,
    directory: &Path,
    environment: &CliEnvironment,
) -> Result<Vec<AuditRecord>, CliError> {
    let run = std::iter::once(&"run".to_owned())
        .chain(&description.arguments)
        .map(Into::into)
        .collect::<Vec<_>>();
    let (scenario, options) = run_command(&run)?;
    std::env::set_current_dir(&description.home).map_err(|error| {
        CliError::system(
            format_args!("cannot go to {}", description.home.display()),
            error,
        )
    })?;
    let options = RunArgs {
        load: LoadArgs {
            flows: Some(0),
            ..LoadArgs::default()
        },
        thresholds: Vec::new(),
        save: Some(Some(directory.join(AUDIT))),
        progress: Progress::None,
        ..options
    };
    let settings = RunSettings::new(scenario, options)?;
    if scenario::load(&settings, environment)?.plan.audit.is_none() {
        return Ok(Vec::new());
    }
    let finished = Maker::start(environment)?.run(&settings)?;
    let integrity = finished.and_then(|it| it.outcome.summary.integrity);
    Ok(integrity.map_or_else(Vec::new, |it| it.audits))
}

/// Returns a new directory for the merged run: an earlier collection stays.
fn merged(directory: &Path) -> PathBuf {
    let numbered = (2_u64..).map(|number| directory.join(format!("{MERGED}-{number}")));
    let mut all = std::iter::once(directory.join(MERGED)).chain(numbered);
    all.find(|it| !it.exists())
        .unwrap_or_else(|| directory.join(MERGED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(states: &[State]) -> Attempts {
        let runs = states.iter().enumerate();
        Attempts(
            runs.map(|(at, state)| (*state, at.to_string().into()))
                .collect(),
        )
    }

    #[test]
    fn a_segment_is_counted_once_by_the_run_that_came_furthest() {
        use State::{Complete, CutOff, Interrupted};
        let cases: [(&[State], Option<&str>, Option<&str>); 6] = [
            (&[], None, Some("is lost")),
            (&[Complete], Some("0"), None),
            (&[CutOff], Some("0"), Some("was cut off")),
            (&[Interrupted, CutOff], Some("0"), Some("was interrupted")),
            // The newest is first.
            (&[CutOff, Complete], Some("1"), Some("was started 2 times")),
            (
                &[Complete, Complete, Interrupted],
                Some("0"),
                Some("was started 3 times"),
            ),
        ];
        for (states, counted, remark) in cases {
            let attempts = attempts(states);
            let found = attempts.counted().map(|(_, run)| run.as_path());
            assert_eq!(found, counted.map(Path::new), "{states:?}");
            let said = attempts.remark(3);
            match remark {
                None => assert_eq!(said, None),
                Some(remark) => {
                    let said = said.unwrap();
                    assert!(said.starts_with(&format!("Segment 3 {remark}")), "{said}");
                }
            }
        }
    }
}
