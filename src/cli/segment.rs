//! The segment of a run that this process performs.

use std::time::{Duration, Instant};

use chrono::Local;

use crate::engine::Control;
use crate::scenario::{Load, Plan, Segment};

use super::args::SegmentArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::settings::RunSettings;

/// Returns the segment to perform.
///
/// # Errors
/// If it is to come from the environment and is not there, or the run has no seed that its segments
/// share.
pub(super) fn segment(
    settings: &RunSettings,
    environment: &CliEnvironment,
) -> Result<Segment, CliError> {
    let Some(choice) = settings.segment.segment else {
        return Ok(Segment::WHOLE);
    };
    let segment = choice.resolve(&|name| environment.variable(name));
    let segment = segment.map_err(|error| {
        CliError::usage(
            format_args!("--segment: {error}"),
            "name the segment and their number: --segment 2/8",
        )
    })?;
    if settings.seed.is_none() && !segment.is_whole() {
        return Err(CliError::usage(
            "--segment needs the seed that all segments of the run share",
            "add the same --seed N to each of them",
        ));
    }
    Ok(segment)
}

/// Checks that every segment of the load has something to do.
///
/// # Errors
/// If there are fewer flows, workers, or instances of a pool than segments.
pub(super) fn check(plan: &Plan, load: &Load) -> Result<(), CliError> {
    if load.segment.is_whole() {
        return Ok(());
    }
    let segments = load.segment.count();
    let whole = Load {
        segment: Segment::WHOLE,
        ..load.clone()
    };
    let flows = load.flows.map(|flows| (flows, "flows".to_owned(), "flows"));
    let in_flight = (
        whole.most_in_flight(),
        "flows at once".to_owned(),
        "flows at once",
    );
    let pools = plan.roles.iter().filter_map(|role| {
        let what = format!("instances in the pool of `{}`", role.name);
        Some((role.pool?.get(), what, "instances"))
    });
    let mut amounts = flows.into_iter().chain([in_flight]).chain(pools);
    let Some((amount, what, unit)) = amounts.find(|(amount, ..)| *amount < segments) else {
        return Ok(());
    };
    Err(CliError::usage(
        format_args!("--segment: the run has {amount} {what}, fewer than its {segments} segments"),
        format_args!("use at most {amount} segments, or more {unit}"),
    ))
}

/// Returns remarks on what holds within the segment only.
pub(super) fn remarks(plan: &Plan, load: &Load) -> Vec<String> {
    let segment = load.segment;
    if segment.is_whole() {
        return Vec::new();
    }
    let mut remarks = Vec::new();
    if plan.audit.is_some() {
        remarks.push(
            "The audit is left out: it needs the flows of all segments. Run it when all have ended."
                .to_owned(),
        );
    }
    if plan.steps.iter().any(|step| step.gates.exclusive.is_some()) {
        remarks.push("`exclusive` holds within this segment only.".to_owned());
    }
    if plan.steps.iter().any(|step| step.gates.together.is_some()) {
        remarks.push("`together` gathers flows of this segment only.".to_owned());
    }
    remarks
}

/// Waits for the common start of all segments, if there is one, and returns it: the zero of the
/// load's times. Stopping the run ends the wait.
pub(super) fn await_start(
    args: &SegmentArgs,
    control: &Control,
    say: impl Fn(&str),
) -> Result<Option<Instant>, CliError> {
    let Some(start) = args.start_at else {
        return Ok(None);
    };
    let ahead = start.signed_duration_since(Local::now());
    let now = Instant::now();
    match ahead.to_std() {
        Ok(ahead) => {
            let at = now + ahead;
            say(&format!(
                "Waits for the start at {}",
                start.format("%H:%M:%S")
            ));
            let waited = control.wait_until(at);
            waited.map_err(|error| CliError::system("cannot wait for the start", error))?;
            Ok(Some(at))
        }
        Err(_) => {
            let late = (-ahead).to_std().unwrap_or(Duration::ZERO);
            say(&format!(
                "The common start was {} ago: flows that were due since then start late.",
                humantime::format_duration(Duration::from_millis(
                    u64::try_from(late.as_millis()).unwrap_or(u64::MAX)
                ))
            ));
            Ok(now.checked_sub(late))
        }
    }
}
