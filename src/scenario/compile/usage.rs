//! Checks of the names that are used: their values must be provided before.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::scenario::names;
use crate::scenario::plan::Step;

use super::context::Context;
use super::flow::{CompiledStep, Flow};
use super::known_names::{KnownNames, Unknown};
use super::roles::{CompiledAction, CompiledRole, IMPLICIT_ACTIONS};
use super::trace::Trace;

/// Reports names without a value in `known` that a variable uses; `to_come` are this variable and
/// those after it.
pub(super) fn check_variable(
    context: &Context<'_>,
    trace: &[Trace],
    known: &KnownNames,
    to_come: &[&str],
) {
    let mut usage = UsageCheck::new(context, known, &[]);
    usage.to_come = to_come.to_vec();
    usage.uses(trace);
}

/// Checks the flow: every name must have a value when it is used, every `provides` must be captured
/// by its action, and no secret may be in a command's arguments.
pub(super) fn check(
    context: &Context<'_>,
    roles: &[CompiledRole],
    flow: &Flow,
    known: &KnownNames,
    secrets: &[(String, Range<usize>)],
) {
    let steps = &flow.steps;
    let mut usage = UsageCheck::new(context, known, secrets);
    if !flow.is_complete {
        usage.capture_all(roles);
    }
    // An action's uses are checked at its first execution: later, no fewer names are known.
    let firsts = first_uses(steps);
    for step in firsts.iter().map(|&at| &steps[at]) {
        let action = action_of(roles, step);
        for (name, _) in action.map(captures).unwrap_or_default() {
            usage
                .later
                .entry(name)
                .or_insert_with(|| step.step.name.clone());
        }
    }
    for (at, step) in steps.iter().enumerate() {
        let Some(role) = roles.get(step.step.role.0) else {
            continue;
        };
        if step.step.starts_script {
            usage.in_role(role).follow(&role.start_trace);
            usage.in_role(role).follow(&role.trace);
        }
        usage.outside_of_roles().follow(&step.trace);
        if let Some(action) = action_of(roles, step) {
            if firsts.contains(&at) {
                usage.in_role(role).follow(&action.trace);
            }
            provides(context, step, action);
        }
        let is_last = steps[at + 1..]
            .iter()
            .all(|later| later.step.role != step.step.role);
        if is_last && role.role.ends_with_steps {
            leaves_amid_steps(&mut usage, role);
        }
    }
    let used = |role: usize| steps.iter().any(|step| step.step.role.0 == role);
    for (index, role) in roles.iter().enumerate() {
        if used(index) && !role.role.ends_with_steps {
            for action in implicit_actions(role) {
                usage.in_role(role).follow(&action.trace);
            }
        }
    }
    // Unused actions are checked for misspelt names only: they may use any action's captures.
    usage.capture_all(roles);
    for role in roles {
        usage.in_role(role).uses(&role.start_trace);
        usage.in_role(role).uses(&role.trace);
        for action in &role.actions {
            usage.in_role(role).uses(&action.trace);
        }
    }
    check_secrets(&usage, secrets);
}

/// Returns the actions that a role performs without a step.
fn implicit_actions(role: &CompiledRole) -> impl Iterator<Item = &CompiledAction> {
    let named = |name| role.actions.iter().find(move |action| action.name == name);
    IMPLICIT_ACTIONS.into_iter().filter_map(named)
}

/// Checks what a role does after its last step, while the flow's next steps are performed: it knows
/// only what was captured before, and captures nothing, as a step may be performed again with the
/// values before it.
fn leaves_amid_steps(usage: &mut UsageCheck<'_, '_>, role: &CompiledRole) {
    for action in implicit_actions(role) {
        let before = usage.captured.clone();
        usage.in_role(role).follow(&action.trace);
        usage.captured = before;
        for (name, span) in captures(action) {
            let message = format!(
                "`{}` captures `{name}` while the next steps of the flow are performed",
                action.name
            );
            let help = "capture it in a step, or write `lifetime: flow`, with which the role leaves \
                        when all steps are done";
            usage.context.error(span, message, Some(help.to_owned()));
        }
    }
}

/// Returns the first steps that perform each action.
fn first_uses(steps: &[CompiledStep]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let first = |step: &Step| seen.insert((step.role.0, step.action.name.clone()));
    let firsts: Vec<bool> = steps.iter().map(|step| &step.step).map(first).collect();
    (0..steps.len()).filter(|&at| firsts[at]).collect()
}

fn action_of<'r>(roles: &'r [CompiledRole], step: &CompiledStep) -> Option<&'r CompiledAction> {
    let role = roles.get(step.step.role.0)?;
    role.actions
        .iter()
        .find(|action| action.name == step.step.action.name)
}

pub(super) fn captures(action: &CompiledAction) -> Vec<(&str, &Range<usize>)> {
    action
        .trace
        .iter()
        .filter_map(|trace| match trace {
            Trace::Capture { name, span } => Some((name.as_str(), span)),
            Trace::Use { .. } | Trace::ArgumentUse { .. } => None,
        })
        .collect()
}

fn provides(context: &Context<'_>, step: &CompiledStep, action: &CompiledAction) {
    if step.provides.is_empty() {
        return;
    }
    let captures: Vec<&str> = captures(action).into_iter().map(|(name, _)| name).collect();
    for (name, span) in &step.provides {
        if captures.contains(&name.as_str()) {
            continue;
        }
        let message = format!("no turn of `{}` captures `{name}`", action.name);
        let help = match names::nearest(name, captures.iter().copied()) {
            Some(near) => format!("is `{near}` meant?"),
            None if captures.is_empty() => {
                format!("capture it where the program prints it: see: '/…(?<{name}>\\S+)/'")
            }
            None => format!("it captures {}", names::list(captures.iter().copied())),
        };
        context.error(span, message, Some(help));
    }
}

fn check_secrets(usage: &UsageCheck<'_, '_>, secrets: &[(String, Range<usize>)]) {
    for (name, span) in secrets {
        if let Err(unknown) = usage.known.check(name, &usage.captured) {
            let (message, help) = match unknown {
                Unknown::Misused(message, help) => (message, Some(help)),
                Unknown::Never => usage.never(name),
            };
            usage.context.error(span, message, help);
        }
    }
}

fn is_for_steps(action: &&CompiledAction) -> bool {
    !IMPLICIT_ACTIONS.contains(&action.name.as_str())
}

/// Warns about roles and actions that the flow does not use.
pub(super) fn check_unused(context: &Context<'_>, roles: &[CompiledRole], steps: &[CompiledStep]) {
    for (index, role) in roles.iter().enumerate() {
        if steps.iter().all(|step| step.step.role.0 != index) {
            let message = format!("no step uses the role `{}`", role.role.name);
            context.warning(
                &role.span,
                message,
                Some("add a step, or leave it out".into()),
            );
            continue;
        }
        for action in role.actions.iter().filter(is_for_steps) {
            let used = steps
                .iter()
                .any(|step| step.step.role.0 == index && step.step.action.name == action.name);
            if !used {
                let message = format!("no step does `{}`", action.name);
                context.warning(
                    &action.span,
                    message,
                    Some("add a step, or leave it out".into()),
                );
            }
        }
    }
}

struct UsageCheck<'a, 'c> {
    context: &'a Context<'c>,
    known: &'a KnownNames,
    secrets: &'a [(String, Range<usize>)],
    /// Names captured so far, possibly in alternatives.
    captured: BTreeSet<String>,
    /// The first step that captures each name.
    later: BTreeMap<&'a str, String>,
    /// The variables without a value so far.
    to_come: Vec<&'a str>,
    /// The uses that have been reported.
    reported: BTreeSet<(String, usize)>,
    /// The role whose uses are checked, and whether it is a pool.
    role: Option<(String, bool)>,
}

impl<'a, 'c> UsageCheck<'a, 'c> {
    fn new(
        context: &'a Context<'c>,
        known: &'a KnownNames,
        secrets: &'a [(String, Range<usize>)],
    ) -> Self {
        UsageCheck {
            context,
            known,
            secrets,
            captured: BTreeSet::new(),
            later: BTreeMap::new(),
            to_come: Vec::new(),
            reported: BTreeSet::new(),
            role: None,
        }
    }

    /// Checks uses of this role next.
    fn in_role(&mut self, role: &CompiledRole) -> &mut Self {
        self.role = Some((role.role.name.clone(), role.role.pool.is_some()));
        self
    }

    /// Checks uses of the flow itself next.
    fn outside_of_roles(&mut self) -> &mut Self {
        self.role = None;
        self
    }

    /// Returns the problem with a value of an instance where there is none.
    fn without_instance(&self, name: &str) -> Result<(), Unknown> {
        if !name.starts_with("instance.") {
            return Ok(());
        }
        let (reason, help) = match &self.role {
            Some((_, true)) => return Ok(()),
            Some((role, false)) => (
                format!("`{role}` is not a pool"),
                format!("write `lifetime: {{pool: 5}}` in the role `{role}`, or use `flow.number`"),
            ),
            None => (
                "here is none".to_owned(),
                "use it in the actions of a role with a pool".to_owned(),
            ),
        };
        let message = format!("`{name}` is a value of a pooled instance, and {reason}");
        Err(Unknown::Misused(message, help))
    }

    /// Treats all captures of all actions as known.
    fn capture_all(&mut self, roles: &[CompiledRole]) {
        let actions = roles.iter().flat_map(|role| &role.actions);
        self.captured
            .extend(actions.flat_map(captures).map(|(name, _)| name.to_owned()));
    }

    /// Checks the uses, and treats captures as known from there on.
    fn follow(&mut self, trace: &[Trace]) {
        for trace in trace {
            match trace {
                Trace::Use { name, span, .. } => self.one_use(name, span, trace),
                Trace::ArgumentUse { name, span, .. } => self.argument(name, span, trace),
                Trace::Capture { name, span } => {
                    if self.known.is_data(name) && self.reported.insert((name.clone(), span.start))
                    {
                        let message = format!("`{name}` is a table of `data`, not a capture");
                        self.context
                            .error(span, message, Some("choose another name".into()));
                    }
                    self.captured.insert(name.clone());
                }
            }
        }
    }

    /// Checks the uses.
    fn uses(&mut self, trace: &[Trace]) {
        for trace in trace {
            match trace {
                Trace::Use { name, span, .. } => self.one_use(name, span, trace),
                Trace::ArgumentUse { name, span, .. } => self.argument(name, span, trace),
                Trace::Capture { .. } => {}
            }
        }
    }

    fn argument(&mut self, name: &str, span: &Range<usize>, trace: &Trace) {
        self.one_use(name, span, trace);
        if self.known.is_secret(name, self.secrets)
            && self.reported.insert((name.to_owned(), span.start))
        {
            let message =
                format!("the secret in `{name}` would be visible in the list of processes");
            let help = "give it to the program in its `environment`, or at a prompt with `secret`";
            self.context.error(span, message, Some(help.into()));
        }
    }

    fn one_use(&mut self, name: &str, span: &Range<usize>, trace: &Trace) {
        let checked = self.known.check(name, &self.captured);
        let unset = self.known.unset(trace);
        let unset = unset.map_or(Ok(()), |(message, help)| {
            Err(Unknown::Misused(message, help))
        });
        let Err(unknown) = checked
            .and(unset)
            .and_then(|()| self.without_instance(name))
        else {
            return;
        };
        if !self.reported.insert((name.to_owned(), span.start)) {
            return;
        }
        let (message, help) = match unknown {
            Unknown::Misused(message, help) => (message, Some(help)),
            Unknown::Never => self.never(name),
        };
        self.context.error(span, message, help);
    }

    fn never(&self, name: &str) -> (String, Option<String>) {
        if let Some(later) = self.to_come.iter().position(|it| *it == name) {
            return match later {
                0 => (
                    format!("the variable `{name}` uses itself"),
                    Some("write its value, or use a variable of another name".into()),
                ),
                _ => (
                    format!("the variable `{name}` is set later"),
                    Some(format!(
                        "their order matters: one may use those before it; move `{name}` up"
                    )),
                ),
            };
        }
        if let Some(step) = self.later.get(name) {
            return (
                format!("`{name}` is used before any step provides it"),
                Some(format!("step `{step}` captures it, later")),
            );
        }
        let known = self.known.all();
        let known = known
            .iter()
            .map(String::as_str)
            .chain(self.later.keys().copied());
        let help = match names::nearest(name, known) {
            Some(near) => format!("is `{near}` meant?"),
            None => "set it under `variables`, or capture it with `(?<name>…)` in a `see`".into(),
        };
        (format!("nothing provides a value for `{name}`"), Some(help))
    }
}
