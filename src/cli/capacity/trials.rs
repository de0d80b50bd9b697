//! Trials of a search: their settings, lengths and outcomes.

use std::time::Duration;

use clap::Parser as _;

use crate::cli::args::{Args, CapacityArgs, LoadArgs, Progress, RunArgs};
use crate::cli::error::CliError;
use crate::cli::session::{Finished, Results};
use crate::cli::settings::{RunSettings, Save};
use crate::report::{CapacityRecord, growth_in_flight};
use crate::scenario::{Plan, Shape};
use crate::stats::{Circumstances, LoadKind, Trial, TrialFigures, TrialOutcome, judge};

use super::files::Place;

/// The part of the samples that suffices far from the capacity, where a load clearly holds or
/// breaks.
const FAR: f64 = 0.1;

/// The trials of a search.
pub(super) struct Trials {
    /// The record of the search before its first trial.
    pub(super) record: CapacityRecord,
    settings: RunSettings,
    kind: LoadKind,
    /// Flows that the thresholds need.
    pub(super) samples: u64,
    shortest: Duration,
    longest: Duration,
    warm_up: Duration,
    max_in_flight: Option<u64>,
    /// The number of flows in flight at which flows are dropped, of a load with a rate.
    limit: Option<u64>,
}

/// Returns the settings of all trials, without their load.
pub(super) fn settings(args: &CapacityArgs) -> Result<RunSettings, CliError> {
    let defaults = Args::parse_from(["rehearsal"]).options;
    let options = RunArgs {
        variables: args.variables.clone(),
        timeout: args.timeout,
        scripts: args.scripts.clone(),
        seed: args.seed,
        thresholds: args.thresholds.clone(),
        ..defaults
    };
    let settings = RunSettings::new(args.scenario.clone(), options)?;
    Ok(RunSettings {
        // As lines without a terminal: a trial may take minutes.
        progress: Progress::Auto,
        ..settings
    })
}

impl Trials {
    /// Prepares the trials of a search with this plan.
    pub(super) fn new(args: &CapacityArgs, kind: LoadKind, plan: &Plan) -> Result<Self, CliError> {
        let settings = settings(args)?;
        let thresholds = settings.thresholds(plan)?;
        if thresholds.is_empty() {
            return Err(CliError::usage(
                "there is no threshold, and so no limit to search for",
                "name what has to hold: --threshold 'flow.p95 < 2s' --threshold 'flow.failed_rate < 1%'",
            ));
        }
        if kind == LoadKind::Parallel && args.max_in_flight.is_some() {
            return Err(CliError::usage(
                "--max-in-flight is for a rate, and --parallel has none",
                "leave one of them out",
            ));
        }
        let any_rate = RunSettings {
            load: LoadArgs {
                rate: Some(super::USUAL_START),
                max_in_flight: args.max_in_flight,
                ..LoadArgs::default()
            },
            ..settings.clone()
        };
        let limit = match (kind, any_rate.load(&plan.load)?.shape) {
            (LoadKind::Rate, Shape::Open { most_in_flight, .. }) => Some(most_in_flight),
            _ => None,
        };
        let samples = thresholds
            .iter()
            .map(crate::stats::Threshold::samples_needed);
        // A window of a threshold is judged only if the trial is as long.
        let windows = thresholds
            .iter()
            .filter_map(crate::stats::Threshold::window);
        let shortest = windows.fold(args.trial, Duration::max);
        let texts = thresholds.iter().map(ToString::to_string).collect();
        Ok(Trials {
            record: super::new_record(&plan.name, kind, texts),
            settings,
            kind,
            samples: samples.max().unwrap_or(0),
            shortest,
            longest: args.longest_trial.max(shortest),
            warm_up: args.warm_up,
            max_in_flight: args.max_in_flight,
            limit,
        })
    }

    /// Removes the trials of an earlier part of the search that have to be made again, and returns
    /// their number.
    pub(super) fn remove_outdated(&self, trials: &mut Vec<Trial>) -> usize {
        let all = trials.len();
        trials.retain(|trial| !trial.is_outdated(self.limit));
        all - trials.len()
    }

    /// Returns the settings of a trial at this load.
    pub(super) fn at(
        &self,
        load: f64,
        at_edge: bool,
        earlier: &[Trial],
        place: &Place,
    ) -> RunSettings {
        let duration = self.warm_up + self.counted(load, at_edge, earlier);
        let args = LoadArgs {
            duration: Some(duration),
            warm_up: Some(self.warm_up),
            ..LoadArgs::default()
        };
        let load = match self.kind {
            LoadKind::Rate => LoadArgs {
                rate: Some(load),
                max_in_flight: self.max_in_flight,
                ..args
            },
            LoadKind::Parallel => LoadArgs {
                parallel: Some(load as u64),
                ..args
            },
        };
        RunSettings {
            load,
            save: Save::In(place.runs()),
            ..self.settings.clone()
        }
    }

    /// Returns the length of a trial's counted part: until the thresholds have their samples.
    fn counted(&self, load: f64, at_edge: bool, earlier: &[Trial]) -> Duration {
        let throughput = match self.kind {
            LoadKind::Rate => Some(load),
            // That of the nearest load; the first trial has the shortest length.
            LoadKind::Parallel => earlier
                .iter()
                .min_by(|a, b| (a.load - load).abs().total_cmp(&(b.load - load).abs()))
                .and_then(|it| it.figures.completed_per_second),
        };
        let part = if at_edge { 1.0 } else { FAR };
        let needed = throughput.filter(|it| *it > 0.0).map_or(0.0, |throughput| {
            (part * self.samples as f64 / throughput).min(self.longest.as_secs_f64())
        });
        Duration::from_secs_f64(needed).clamp(self.shortest, self.longest)
    }

    /// Judges a trial that has ended.
    pub(super) fn judge(&self, load: f64, finished: &Finished, earlier: &[Trial]) -> Trial {
        let summary = &finished.outcome.summary;
        let held = earlier.iter().filter(|it| it.outcome == TrialOutcome::Held);
        let light = held.min_by(|a, b| a.load.total_cmp(&b.load));
        // Flows that cannot be read were reported as an error of saving.
        let flows = finished.artifacts.flows.as_ref();
        let growth = flows.and_then(|it| growth_in_flight(&finished.head, it).ok());
        let circumstances = Circumstances {
            light: light.map(|it| &it.figures),
            most_in_flight: finished.head.run.parallel,
            growth: growth.flatten(),
        };
        let (outcome, reasons) = judge(summary, circumstances);
        let (Results::Saved(run) | Results::NotSaved(run)) = &finished.results;
        let name = run.file_name().unwrap_or_default();
        Trial {
            load,
            outcome,
            reasons,
            figures: TrialFigures {
                max_in_flight: self.limit,
                ..TrialFigures::of(summary)
            },
            run: name.to_string_lossy().into_owned(),
        }
    }
}
