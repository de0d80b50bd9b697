//! Facts about the run that are stored in its bundles.

use std::path::{Path, absolute};

use crate::report::result_file;
use crate::report::{About, RunOrigin};
use crate::scenario::{Masker, Plan};

use super::environment::CliEnvironment;
use super::scenario::{is_stream, secret_values};
use super::settings::{RunSettings, ScenarioChoice};

/// The prefix of environment variables of Rehearsal and its shop.
const OWN_VARIABLES: &str = "REHEARSAL_";

/// The one of them that does not influence a flow.
const RESULTS: &str = "REHEARSAL_RESULTS";

/// Collects what all bundles of the run have in common.
pub(super) fn about(
    plan: &Plan,
    settings: &RunSettings,
    environment: &CliEnvironment,
    record: result_file::RunEnvironment,
) -> About {
    let secrets = secret_values(plan, settings);
    let masker = Masker::new(secrets.iter().map(String::as_str));
    let mask = |text: &str| masker.mask(text).into_owned();
    let path = |path: &Path| {
        let path = environment.directory.join(path);
        absolute(&path)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned()
    };
    let is_secret = |name: &str| plan.secrets.iter().any(|secret| secret == name);
    let given = settings.variables.iter();
    let variables = given.clone().filter(|(name, _)| !is_secret(name));
    let mut secrets_given: Vec<_> = given
        .map(|(name, _)| name.clone())
        .filter(|name| is_secret(name))
        .collect();
    secrets_given.sort();
    secrets_given.dedup();
    let micros =
        |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let own = environment.variables.iter().filter_map(|(name, value)| {
        let (name, value) = (name.to_str()?, value.to_str()?);
        let is_own = name.starts_with(OWN_VARIABLES) && name != RESULTS;
        let shown = is_own && !is_secret(&format!("env.{name}"));
        shown.then(|| (name.to_owned(), mask(value)))
    });
    About {
        environment: record,
        origin: RunOrigin {
            scenario: match &settings.scenario {
                ScenarioChoice::BuiltIn => None,
                // A replay takes the bundle's copy, with programs from the current directory.
                ScenarioChoice::File(file) if is_stream(file) => Some(path(Path::new("-"))),
                ScenarioChoice::File(file) | ScenarioChoice::Text { file, .. } => Some(path(file)),
            },
            scripts: settings.scripts.iter().map(|it| path(it)).collect(),
            variables: variables
                .map(|(name, value)| (name.clone(), mask(value)))
                .collect(),
            secrets_given,
            step_timeout_us: settings.step_timeout.map(micros),
            delay_us: settings.delay.map(micros),
            environment: own.collect(),
        },
        scenario: scenario_text(plan),
    }
}

/// Returns the scenario text to store, secrets masked.
pub(super) fn scenario_text(plan: &Plan) -> String {
    plan.masked_source().unwrap_or_else(|| NOT_KEPT.to_owned())
}

/// The text stored in place of a scenario.
pub(super) const NOT_KEPT: &str =
    "# It is not kept, as it contains a secret in a form that cannot be masked.\n";
