//! Prepares a replay: from a bundle to a run of one flow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{ReplayArgs, RunArgs};
use crate::cli::bundles::{NOT_KEPT, scenario_text};
use crate::cli::environment::CliEnvironment;
use crate::cli::error::CliError;
use crate::cli::scenario::{self, BUILT_IN_NAME, Loaded};
use crate::cli::settings::{NO_BUNDLES, RunSettings, ScenarioChoice};
use crate::report::{Bundle, sanitize};
use crate::scenario::{FaultRules, Load, Plan, Take};

/// Placeholders of masked secrets: in a stored scenario, and in a value.
const MASKED: [&str; 2] = ["MASKED", "***"];

/// Everything that a run of the flow needs.
pub(super) struct Prepared {
    pub loaded: Loaded,
    pub settings: RunSettings,
    pub environment: CliEnvironment,
    /// Differences from the original run.
    pub notices: Vec<String>,
}

pub(super) fn prepare(
    wanted: &ReplayArgs,
    bundle: &Bundle,
    environment: &CliEnvironment,
) -> Result<Prepared, CliError> {
    let mut notices = Vec::new();
    let environment = environment_of_run(bundle, environment, &mut notices);
    let mut settings = settings(wanted, bundle)?;
    let copy = Bundle::scenario(&wanted.bundle).map_err(|error| {
        CliError::usage(
            error,
            "a bundle is a whole directory: copy all that is in it",
        )
    })?;
    let mut loaded = choose(
        wanted,
        bundle,
        &copy,
        &mut settings,
        &environment,
        &mut notices,
    )?;
    check_secrets(wanted, bundle, &loaded.plan, &settings)?;
    let plan = &mut loaded.plan;
    plan.load = Load::closed(1, 1);
    plan.thresholds.clear();
    // The bundle names the faults of the original run, including those of its command line.
    plan.faults = FaultRules::default();
    // Integrity checks across flows are meaningless for one.
    plan.integrity = Default::default();
    plan.audit = None;
    for step in &mut plan.steps {
        step.gates = Default::default();
    }
    if wanted.step {
        // Stepping by hand takes longer than the flow's time limit.
        plan.defaults.flow = None;
    }
    same_data(plan, bundle, &mut notices);
    if !plan.secrets.is_empty() && bundle.origin.scenario.is_some() {
        notices.push(
            "secrets are as the scenario has them now: a bundle does not know whether they have \
             changed"
                .into(),
        );
    }
    Ok(Prepared {
        loaded,
        settings,
        environment,
        notices,
    })
}

fn settings(wanted: &ReplayArgs, bundle: &Bundle) -> Result<RunSettings, CliError> {
    let origin = &bundle.origin;
    let of_run = origin.variables.clone().into_iter();
    let scripts = origin.scripts.iter().map(PathBuf::from);
    let args = RunArgs {
        variables: of_run.chain(wanted.variables.iter().cloned()).collect(),
        scripts: wanted.scripts.iter().cloned().chain(scripts).collect(),
        timeout: origin.step_timeout_us.map(Duration::from_micros),
        delay: origin.delay_us.map(Duration::from_micros),
        seed: bundle.run.seed,
        chaos: bundle.run.chaos.clone(),
        show_dialogue: true,
        ..RunArgs::default()
    };
    let settings = RunSettings::new(wanted.scenario.clone(), args)?;
    Ok(RunSettings {
        bundles: NO_BUNDLES,
        ..settings
    })
}

/// The environment, with the values that Rehearsal's own variables had in the run.
fn environment_of_run(
    bundle: &Bundle,
    environment: &CliEnvironment,
    notices: &mut Vec<String>,
) -> CliEnvironment {
    let mut environment = environment.clone();
    for (name, value) in &bundle.origin.environment {
        let known = environment
            .variables
            .iter()
            .find(|(known, _)| known == name.as_str())
            .map(|(_, now)| now.to_string_lossy().into_owned());
        match known {
            Some(now) if now == *value => {}
            Some(now) => notices.push(format!("{name} is {now}; the run had {value}")),
            None if value.contains(MASKED[1]) => {}
            None => {
                notices.push(format!("{name}={value}, as the run had it"));
                environment.variables.push((name.into(), value.into()));
            }
        }
    }
    environment
}

/// Chooses the scenario: the requested one; or the original file, if it is unchanged; or else the
/// bundle's copy.
fn choose(
    wanted: &ReplayArgs,
    bundle: &Bundle,
    copy: &str,
    settings: &mut RunSettings,
    environment: &CliEnvironment,
    notices: &mut Vec<String>,
) -> Result<Loaded, CliError> {
    let is_kept = copy != NOT_KEPT;
    if wanted.scenario.is_some() {
        let loaded = scenario::load(settings, environment)?;
        if is_kept && scenario_text(&loaded.plan) != copy {
            notices.push("the scenario is not the one that was run".into());
        }
        return Ok(loaded);
    }
    let file = bundle.origin.scenario.as_deref().map(PathBuf::from);
    settings.scenario = match &file {
        None => ScenarioChoice::BuiltIn,
        Some(file) => ScenarioChoice::File(file.clone()),
    };
    let is_there = file.as_deref().is_none_or(Path::is_file);
    let name = file.as_deref().map_or_else(
        || "the built-in scenario".into(),
        |file| file.display().to_string(),
    );
    if is_there {
        match scenario::check(settings, environment)? {
            Ok(loaded) if !is_kept || scenario_text(&loaded.plan) == copy => {
                if !is_kept {
                    notices.push(format!(
                        "cannot determine whether {name} has changed: the bundle holds no copy"
                    ));
                }
                return Ok(loaded);
            }
            _ => notices.push(format!(
                "{name} has changed since: the bundle's copy of it is used; for the changed \
                 one, add --scenario FILE"
            )),
        }
    } else {
        notices.push(format!(
            "{name} no longer exists: the bundle's copy of it is used"
        ));
    }
    if !is_kept {
        return Err(CliError::usage(
            format_args!("{name} no longer exists, and the bundle has no copy of it"),
            "name the scenario: --scenario FILE",
        ));
    }
    settings.scenario = ScenarioChoice::Text {
        text: copy.to_owned(),
        file: file.unwrap_or_else(|| environment.directory.join(BUILT_IN_NAME)),
    };
    scenario::load(settings, environment)
}

/// Checks that every secret has a value; bundles hold none.
fn check_secrets(
    wanted: &ReplayArgs,
    bundle: &Bundle,
    plan: &Plan,
    settings: &RunSettings,
) -> Result<(), CliError> {
    let is_given = |name: &str| settings.variables.iter().any(|(given, _)| given == name);
    let contains_mask = |text: &str| text.contains(MASKED[0]);
    let is_copy = matches!(settings.scenario, ScenarioChoice::Text { .. });
    let of_copy = plan.variables.iter().filter(|(name, value)| {
        is_copy && plan.secrets.contains(name) && contains_mask(value.source())
    });
    let mut missing: Vec<&str> = of_copy
        .map(|(name, _)| name.as_str())
        .chain(bundle.origin.secrets_given.iter().map(String::as_str))
        .filter(|name| !is_given(name))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        let values: Vec<_> = missing.iter().map(|it| format!("--var {it}=…")).collect();
        return Err(CliError::usage(
            format_args!(
                "bundles do not store secrets; missing: {}",
                sanitize(&missing.join(", "))
            ),
            format_args!("give what the run had: {}", values.join(" ")),
        ));
    }
    let replies = plan.secret_replies().into_iter();
    if is_copy && replies.map(|it| it.source()).any(contains_mask) {
        return Err(CliError::usage(
            format_args!(
                "a `secret` is written in the scenario itself, and is masked in {}",
                wanted.bundle.display()
            ),
            "name the scenario: --scenario FILE",
        ));
    }
    Ok(())
}

/// Gives the flow its original rows of data.
fn same_data(plan: &mut Plan, bundle: &Bundle, notices: &mut Vec<String>) {
    let (flow, seed) = (bundle.flow.number, bundle.run.seed.unwrap_or_default());
    for data in &mut plan.data {
        let Some(before) = bundle.data.get(&data.name) else {
            continue;
        };
        let now = data.row(flow, seed).map(<[String]>::to_vec).ok();
        let row: Vec<String> = data
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let now = now.as_ref().and_then(|row| row.get(place).cloned());
                match before.get(column) {
                    Some(before) if !before.contains(MASKED[1]) => before.clone(),
                    _ => now.unwrap_or_default(),
                }
            })
            .collect();
        if now.as_ref() != Some(&row) {
            notices.push(format!(
                "`{}` has changed since: the flow gets the row that it had",
                data.name
            ));
        }
        data.rows = Arc::from([row]);
        data.take = Take::Sequential;
    }
}
