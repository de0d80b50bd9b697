//! The load of a run: options of the command line override the scenario.

use crate::cli::args::{LoadArgs, StageArg};
use crate::cli::error::CliError;
use crate::scenario::{
    Arrivals, Load, MAX_IN_FLIGHT, MAX_RATE, Pacing, Ramp, Shape, Stage, help_for_excessive_rate,
};

/// Resolves the load of a run; options win over the scenario.
///
/// A limit that was typed replaces the scenario's limits: `--flows` its duration, `--duration`
/// its flows; both together end the run at whichever comes first.
///
/// # Errors
/// If options exclude each other.
pub(super) fn resolve(args: &LoadArgs, scenario: &Load) -> Result<Load, CliError> {
    let mut load = scenario.clone();
    load.shape = shape(args, &scenario.shape)?;
    if args.flows.is_some() || args.duration.is_some() {
        load.flows = args.flows;
        load.duration = args.duration;
    } else if args.stages.is_some() || args.flows_each.is_some() {
        (load.flows, load.duration) = (None, None);
    }
    if let Some(warm_up) = args.warm_up {
        load.warm_up = warm_up;
    }
    if let Some(graceful_stop) = args.graceful_stop {
        load.graceful_stop = graceful_stop;
    }
    if load.end().is_some_and(|end| load.warm_up >= end) {
        return Err(CliError::usage(
            "nothing would be counted: the warm-up is as long as the run",
            "make --warm-up shorter, or --duration longer",
        ));
    }
    if !load.is_bounded() {
        if let Some(stages) = args.stages.as_deref() {
            return Err(CliError::usage(
                format_args!("nothing ends the load of --stages {}", listed(stages)),
                "give a stage a length, or add --duration, --flows or --flows-each",
            ));
        }
        load.flows = Some(1);
    }
    if load.starts_nothing() {
        let of_stages = args
            .stages
            .as_deref()
            .map(|stages| format!(" of --stages {}", listed(stages)));
        return Err(CliError::usage(
            format_args!(
                "the load{} starts no flow: none is due before its end",
                of_stages.unwrap_or_default()
            ),
            "reach a value of 1 or more before the end, as in 30s:50, or make --duration longer",
        ));
    }
    Ok(load)
}

fn shape(args: &LoadArgs, scenario: &Shape) -> Result<Shape, CliError> {
    let opens =
        args.rate.is_some() || (matches!(scenario, Shape::Open { .. }) && args.parallel.is_none());
    if opens {
        refuse(args.parallel.is_some(), "--parallel", "--rate")?;
        refuse(args.flows_each.is_some(), "--flows-each", "--rate")?;
        refuse(args.pause.is_some(), "--pause", "--rate")?;
        refuse(args.pace.is_some(), "--pace", "--rate")?;
        let (known_rate, known_arrivals, known_most) = match scenario {
            Shape::Open {
                rate,
                arrivals,
                most_in_flight,
            } => (rate.clone(), *arrivals, *most_in_flight),
            Shape::Closed { .. } => (Ramp::constant(0.0), Arrivals::Even, MAX_IN_FLIGHT),
        };
        let rate = ramp(args.rate, args.stages.as_deref(), known_rate);
        if rate.highest() > MAX_RATE {
            return Err(CliError::usage(
                format_args!(
                    "{} flows per second are too many for any machine",
                    rate.highest()
                ),
                help_for_excessive_rate(),
            ));
        }
        return Ok(Shape::Open {
            rate,
            arrivals: args.arrivals.unwrap_or(known_arrivals),
            most_in_flight: args.max_in_flight.unwrap_or(known_most),
        });
    }
    refuse(
        args.max_in_flight.is_some(),
        "--max-in-flight",
        "a load without --rate",
    )?;
    refuse(
        args.arrivals.is_some(),
        "--arrivals",
        "a load without --rate",
    )?;
    let mut stages = args.stages.iter().flatten();
    if let Some(stage) = stages.find(|stage| stage.is_rate) {
        return Err(CliError::usage(
            format_args!("--stages {} has a rate, and the load has none", stage.text),
            "add --rate, the rate at the start, as in --rate 1/s; or write a number of flows in \
             parallel, as in 30s:50",
        ));
    }
    let (known_parallel, known_each, known_between) = match scenario {
        Shape::Closed {
            parallel,
            flows_each,
            between,
        } => (parallel.clone(), *flows_each, *between),
        Shape::Open { .. } => (Ramp::constant(1.0), None, Pacing::Nothing),
    };
    let between = match (args.pause, args.pace) {
        (Some(pause), None) => Pacing::Pause(pause),
        (None, Some(pace)) => Pacing::Pace(pace),
        _ => known_between,
    };
    let parallel = args.parallel.map(|parallel| parallel as f64);
    Ok(Shape::Closed {
        parallel: ramp(parallel, args.stages.as_deref(), known_parallel),
        flows_each: args.flows_each.or(known_each),
        between,
    })
}

/// Returns the stages as they were typed.
fn listed(stages: &[StageArg]) -> String {
    let texts: Vec<&str> = stages.iter().map(|stage| stage.text.as_str()).collect();
    texts.join(",")
}

fn ramp(from: Option<f64>, stages: Option<&[StageArg]>, known: Ramp) -> Ramp {
    match (from, stages) {
        (None, None) => known,
        (Some(from), None) => Ramp::constant(from),
        (from, Some(stages)) => Ramp {
            from: from.unwrap_or(0.0),
            stages: stages
                .iter()
                .map(|&StageArg { length, to, .. }| Stage { length, to })
                .collect(),
        },
    }
}

fn refuse(given: bool, option: &str, with: &str) -> Result<(), CliError> {
    if !given {
        return Ok(());
    }
    Err(CliError::usage(
        format_args!("{option} cannot be combined with {with}"),
        "a load either starts flows when others end (--parallel) or by the clock (--rate)",
    ))
}
