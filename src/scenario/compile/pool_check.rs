//! Checks of pools against the whole flow.

use std::collections::BTreeSet;
use std::ops::Range;

use super::context::Context;
use super::flow::CompiledStep;
use super::known_names::KnownNames;
use super::roles::{CompiledAction, CompiledRole};
use super::trace::Trace;
use super::usage::captures;

/// Checks that pooled roles can be shared, and that flows cannot deadlock.
pub(super) fn check(
    context: &Context<'_>,
    roles: &[CompiledRole],
    steps: &[CompiledStep],
    known: &KnownNames,
) {
    let captured: BTreeSet<&str> = roles
        .iter()
        .flat_map(|role| &role.actions)
        .flat_map(captures)
        .map(|(name, _)| name)
        .collect();
    let differs = |name: &str| known.differs_by_flow(name) || captured.contains(name);
    for (index, role) in roles.iter().enumerate() {
        let (Some(size), Some(span)) = (role.role.pool, &role.lifetime) else {
            continue;
        };
        if role.role.menu.prompt.is_none() && !role.menu_is_faulty {
            let wait = match role.role.has_screen {
                true => "screen",
                false => "prompt",
            };
            let message = format!(
                "`{}` is a pool and has no `menu.{wait}`, which shows that an instance is free \
                 again",
                role.role.name
            );
            let help = Some(format!(
                "write the {wait} to which it returns: `menu: {{{wait}: …}}`"
            ));
            context.error(span, message, help);
        }
        let of_role: Vec<_> = steps.iter().filter(|it| it.step.role.0 == index).collect();
        let (Some(first), Some(last)) = (of_role.first(), of_role.last()) else {
            continue;
        };
        let log_in = role
            .actions
            .iter()
            .find(|it| it.name == first.step.action.name);
        if let Some(log_in) = log_in {
            shared_log_in(context, role, log_in, size.get(), &differs);
        }
        shared_start(context, role, size.get(), &differs);
        rows_of_instances(context, role, size.get(), span, known);
        if of_role.len() == 1 {
            let message = format!(
                "`{}` is the only step of `{}`, and it logs an instance in: flows that get a logged-in \
                 instance skip it",
                first.step.name, role.role.name
            );
            let help = "add a step for what each flow does with it, or leave out `lifetime`";
            context.warning(span, message, Some(help.into()));
        }
        if let (Some(when), true) = (&first.when, of_role.len() > 1) {
            let message = format!(
                "the first step of `{}`, which is shared by flows, depends on the flow",
                role.role.name
            );
            let help = Some("it logs the script in for the flows after this one, too".into());
            context.error(when, message, help);
        }
        let held = first.step.index.0..=last.step.index.0;
        for crowd in steps.iter().filter(|it| held.contains(&it.step.index.0)) {
            if let (Some(together), Some(span)) = (crowd.step.gates.together, &crowd.together)
                && together > size.get()
            {
                let message = format!(
                    "{together} flows are held here, each with an instance of `{}`, of which \
                     there are {size}: they would wait forever",
                    role.role.name
                );
                let help = Some(format!("write {size} at most, or make the pool larger"));
                context.error(span, message, help);
            }
        }
    }
}

/// Checks the login of a pooled script, which must neither use nor capture a value of a single
/// flow.
fn shared_log_in(
    context: &Context<'_>,
    role: &CompiledRole,
    log_in: &CompiledAction,
    size: u64,
    differs: &dyn Fn(&str) -> bool,
) {
    let report = |span: &Range<usize>, what: String| {
        let message = format!(
            "`{}` logs a script in for many flows ({size} in the pool): {what}",
            log_in.name
        );
        let help = format!(
            "do that in another action of `{}`; for accounts of the instances' own use \
             `instance.number`, or a table of `data` with `per: instance`",
            role.role.name
        );
        context.error(span, message, Some(help));
    };
    for trace in &log_in.trace {
        match trace {
            Trace::Capture { name, span } => {
                let what = format!("the value of `{name}` would belong to one of them");
                report(span, what);
            }
            Trace::Use { name, span, .. } | Trace::ArgumentUse { name, span, .. }
                if differs(name) =>
            {
                report(span, format!("`{name}` differs for each of them"));
            }
            Trace::Use { .. } | Trace::ArgumentUse { .. } => {}
        }
    }
}

/// Checks the start of a pooled script, which must not depend on the flow that happens to start it.
fn shared_start(
    context: &Context<'_>,
    role: &CompiledRole,
    size: u64,
    differs: &dyn Fn(&str) -> bool,
) {
    for trace in &role.start_trace {
        if let Trace::Use { name, span, .. } | Trace::ArgumentUse { name, span, .. } = trace
            && differs(name)
        {
            let message = format!(
                "`{}` is started for many flows ({size} in the pool): `{name}` differs for each of \
                 them",
                role.role.name
            );
            let help = "use `instance.number`, or a table of `data` with `per: instance`";
            context.error(span, message, Some(help.into()));
        }
    }
}

/// Checks that every instance of a pool has its row of data.
fn rows_of_instances(
    context: &Context<'_>,
    role: &CompiledRole,
    size: u64,
    lifetime: &Range<usize>,
    known: &KnownNames,
) {
    let actions = role.actions.iter().flat_map(|action| &action.trace);
    let used = role.start_trace.iter().chain(&role.trace).chain(actions);
    let short = used.filter_map(|trace| match trace {
        Trace::Use { name, .. } | Trace::ArgumentUse { name, .. } => {
            let rows = known.instance_rows(name)?;
            ((rows as u64) < size).then_some((name, rows))
        }
        Trace::Capture { .. } => None,
    });
    if let Some((name, rows)) = short.min_by_key(|(_, rows)| *rows) {
        let message = format!(
            "the pool of `{}` has {size} instances, and there are {rows} rows for `{name}`",
            role.role.name
        );
        let help = format!("write {rows} at most, or add rows to the table");
        context.error(lifetime, message, Some(help));
    }
}
