//! Compilation of `flow`: steps of roles, in their order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{RoleIndex, StepIndex};
use crate::scenario::plan::{Defaults, Step};
use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::STEP;

use super::context::{Context, Fields};
use super::gates;
use super::retry;
use super::roles::CompiledRole;
use super::trace::Trace;
use super::values::names_of;

/// A step, with further data for the compiler.
pub(super) struct CompiledStep {
    pub step: Step,
    /// Names used by its keys.
    pub trace: Vec<Trace>,
    pub provides: Vec<(String, Range<usize>)>,
    /// The locations of its `when` and its `together`, if it has them.
    pub when: Option<Range<usize>>,
    pub together: Option<Range<usize>>,
}

pub(super) fn flow(
    context: &Context<'_>,
    node: &Node,
    roles: &[CompiledRole],
    defaults: &Defaults,
) -> Flow {
    let example = "`- {step: 01_start, role: …, do: …}`";
    let list = context.list(node, "steps", example);
    if list.is_empty() && matches!(node.value, Value::List(_)) {
        context.error(
            &node.span,
            "the flow has no steps",
            Some(format!("write {example}")),
        );
    }
    let mut steps: Vec<CompiledStep> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for node in list {
        let Some(fields) = context.fields(node, &STEP) else {
            continue;
        };
        if let Some(name) = fields
            .get("step")
            .and_then(|node| context.word(node, "the name"))
        {
            let span = &fields
                .get("step")
                .map_or(fields.span.clone(), |node| node.span.clone());
            let line = context.place(span).line;
            if let Some(first) = names.insert(name.to_owned(), line) {
                let message = format!("two steps are called `{name}`");
                let help = format!(
                    "the other one is on line {first}; reports identify steps by their names"
                );
                context.error(span, message, Some(help));
            }
        }
        let (read, trace) = context.traced(|| step(context, &fields, roles, defaults));
        let Some((mut step, provides)) = read else {
            continue;
        };
        step.index = StepIndex(steps.len());
        step.starts_script = steps.iter().all(|before| before.step.role != step.role);
        if steps.is_empty() && !fields.has("delay") {
            step.delay = Duration::ZERO;
        }
        steps.push(CompiledStep {
            step,
            trace,
            provides,
            when: fields.get("when").map(|node| node.span.clone()),
            together: fields.get("together").map(|node| node.span.clone()),
        });
    }
    Flow {
        is_complete: !list.is_empty() && steps.len() == list.len(),
        steps,
    }
}

/// The valid steps.
#[derive(Default)]
pub(super) struct Flow {
    pub steps: Vec<CompiledStep>,
    /// All steps are valid.
    pub is_complete: bool,
}

type Provides = Vec<(String, Range<usize>)>;

fn step(
    context: &Context<'_>,
    fields: &Fields<'_>,
    roles: &[CompiledRole],
    defaults: &Defaults,
) -> Option<(Step, Provides)> {
    let name = fields
        .get("step")
        .and_then(|node| context.word(node, "the name"));
    let role = fields
        .get("role")
        .and_then(|node| role(context, node, roles));
    let timeout = fields.get("timeout").map(|node| context.deadline(node));
    let delay = fields.get("delay").map(|node| context.duration(node));
    let when = fields.get("when").map(|node| context.expression(node));
    let provides = names_of(context, fields.get("provides"));
    let tolerate = names_of(context, fields.get("tolerate"));
    let gates = gates::gates(context, fields);
    let role = role?;
    let compiled = &roles[role.0];
    let retry = fields
        .get("retry")
        .and_then(|node| retry::step_retry(context, node, &retry::categories(compiled)));
    for (category, span) in &tolerate {
        let known = compiled
            .role
            .fail_on
            .iter()
            .map(|fail_on| fail_on.category.as_str());
        if !known.clone().any(|known| known == category) {
            let message = format!(
                "`{}` has no category `{category}` in `fail_on`",
                compiled.role.name
            );
            context.unknown(span, &message, category, known);
        }
    }
    let action = fields.get("do").and_then(|node| {
        let wanted = context.scalar(node)?;
        let found = compiled
            .role
            .actions
            .iter()
            .find(|action| action.name == wanted);
        if found.is_none() && !compiled.role.actions.is_empty() {
            let known = compiled
                .role
                .actions
                .iter()
                .map(|action| action.name.as_str());
            let message = format!("`{}` has no action `{wanted}`", compiled.role.name);
            context.unknown(&node.span, &message, wanted, known);
        }
        found
    });
    let when = match when {
        None => None,
        Some(expression) => Some(expression?),
    };
    Some((
        Step {
            index: StepIndex(0),
            name: name?.to_owned(),
            role,
            action: Arc::clone(action?),
            starts_script: false,
            timeout: timeout.flatten().unwrap_or(defaults.step),
            delay: delay.flatten().unwrap_or(defaults.delay),
            when,
            provides: provides.iter().map(|(name, _)| name.clone()).collect(),
            tolerate: tolerate.into_iter().map(|(name, _)| name).collect(),
            retry,
            gates,
            place: context.place(&fields.span),
        },
        provides,
    ))
}

fn role(context: &Context<'_>, node: &Node, roles: &[CompiledRole]) -> Option<RoleIndex> {
    let wanted = context.scalar(node)?;
    let found = roles.iter().position(|role| role.role.name == wanted);
    if found.is_none() && !roles.is_empty() {
        let known = roles.iter().map(|role| role.role.name.as_str());
        context.unknown(
            &node.span,
            &format!("there is no role `{wanted}`"),
            wanted,
            known,
        );
    }
    found.map(RoleIndex)
}
