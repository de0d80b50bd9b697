//! Shared context of all actors of a run; immutable but for the table of running scripts.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dialogue::RoleMatcher;
use crate::model::{EventSink, NamedValue, RoleIndex, RunEvent, RunId, TraceIds};
use crate::process::{Environment, Programs, Spawner};
use crate::scenario::{PatternSpec, Plan, RenderError, Scope};

use super::control::Control;
use super::live_scripts::LiveScripts;
use super::options::{Recording, RunOptions};
use super::reply_gates::ReplyGates;
use super::step_confirmation::StepConfirmation;

/// The context that all actors of a run share.
pub(super) struct RunContext {
    pub plan: Arc<Plan>,
    pub run_id: RunId,
    pub seed: u64,
    /// The number of failed flows at which the run stops, if any.
    pub fail_fast: Option<u64>,
    pub programs: Arc<Programs>,
    /// The variables of the environment, for templates.
    variables: Vec<(OsString, OsString)>,
    /// The environment that every program gets, before its role's own.
    pub environment: Environment,
    pub run_directory: PathBuf,
    /// The traces that programs are to continue, if there are any.
    pub traces: Option<TraceIds>,
    pub spawner: Spawner,
    pub sink: Arc<dyn EventSink>,
    pub recording: Recording,
    /// True if transcripts are kept, for the evidence of flows that are chosen.
    pub keeps_transcripts: bool,
    /// Holds flows before each step of a run that is taken step by step.
    pub step_confirmation: Option<StepConfirmation>,
    /// Holds replies of different flows apart.
    pub reply_gates: ReplyGates,
    pub live: Arc<LiveScripts>,
    /// True if a secret is captured from output: until it is known, output cannot be masked and is
    /// not shown.
    pub captures_secrets: bool,
    /// Matchers by role; `None` where they depend on values of the flow.
    pub matchers: Vec<Option<Arc<RoleMatcher>>>,
}

impl RunContext {
    pub(super) fn new(
        options: RunOptions,
        spawner: Spawner,
        sink: Arc<dyn EventSink>,
        control: &Control,
    ) -> Self {
        let plan = &options.plan;
        let evidence = options.recording.evidence.as_ref();
        RunContext {
            matchers: common_matchers(plan),
            captures_secrets: captures_secrets(plan),
            environment: Environment::of_run(
                options.environment.iter().cloned(),
                &options.run_directory,
            ),
            keeps_transcripts: evidence.is_some_and(|choice| choice.is_open()),
            traces: options
                .is_traced
                .then(|| TraceIds::new(&options.run_id, options.started_at, options.seed)),
            reply_gates: ReplyGates::of(options.plan.load.segment),
            plan: options.plan,
            run_id: options.run_id,
            seed: options.seed,
            fail_fast: options.fail_fast,
            programs: options.programs,
            variables: options.environment,
            recording: options.recording,
            run_directory: options.run_directory,
            spawner,
            sink,
            step_confirmation: control.step_confirmation(),
            live: control.live(),
        }
    }

    pub(super) fn emit(&self, event: RunEvent) {
        self.sink.emit(event);
    }

    /// Returns a variable of the environment that programs get.
    pub(super) fn environment_variable(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(known, _)| known == name)?;
        found.1.to_str().map(str::to_owned)
    }

    /// Returns the matcher over all output of `role`.
    pub(super) fn matcher(
        &self,
        role: RoleIndex,
        scope: &Scope,
    ) -> Result<Arc<RoleMatcher>, RenderError> {
        match &self.matchers[role.0] {
            Some(matcher) => Ok(Arc::clone(matcher)),
            None => build_matcher(&self.plan, role, |spec| spec.resolve(scope)).map(Arc::new),
        }
    }
}

/// Returns whether a secret is captured rather than known from the beginning.
fn captures_secrets(plan: &Plan) -> bool {
    let is_known = |secret: &String| {
        // A column of a table of data, or a variable of the environment.
        secret.contains('.') || plan.variables.iter().any(|(name, _)| name == secret)
    };
    !plan.secrets.iter().all(is_known)
}

/// Returns the matchers that are the same for all flows, by role.
pub(super) fn common_matchers(plan: &Plan) -> Vec<Option<Arc<RoleMatcher>>> {
    (0..plan.roles.len())
        .map(|role| {
            build_matcher(plan, RoleIndex(role), |spec| match spec {
                PatternSpec::Fixed(pattern) => Ok(pattern.clone()),
                _ => Err(()),
            })
            .ok()
            .map(Arc::new)
        })
        .collect()
}

fn build_matcher<E>(
    plan: &Plan,
    role: RoleIndex,
    resolve: impl Fn(&PatternSpec) -> Result<crate::dialogue::Pattern, E>,
) -> Result<RoleMatcher, E> {
    let role = &plan.roles[role.0];
    let interludes = role
        .interludes
        .iter()
        .map(|interlude| interlude.wait.try_map(&resolve))
        .collect::<Result<Vec<_>, E>>()?;
    let fail_on = role
        .fail_on
        .iter()
        .map(|fail| (fail.category.clone(), fail.pattern.clone()))
        .collect();
    Ok(RoleMatcher::new(fail_on, &interludes))
}

/// Returns a value of a flow with secrets masked.
pub(super) fn shown(scope: &Scope, (name, value): NamedValue) -> NamedValue {
    if scope.is_secret(&name) {
        return (name, "***".into());
    }
    let masked = match scope.mask(&value) {
        Cow::Borrowed(_) => None,
        Cow::Owned(masked) => Some(masked.into()),
    };
    (name, masked.unwrap_or(value))
}
