//! Checks of pools against the whole flow.

use std::ops::Range;

use super::context::Context;
use super::flow::CompiledStep;
use super::roles::{CompiledAction, CompiledRole};
use super::trace::Trace;

/// Checks that pooled roles can be shared, and that flows cannot deadlock.
pub(super) fn check(context: &Context<'_>, roles: &[CompiledRole], steps: &[CompiledStep]) {
    for (index, role) in roles.iter().enumerate() {
        let (Some(size), Some(span)) = (role.role.pool, &role.lifetime) else {
            continue;
        };
        if role.role.menu.prompt.is_none() && !role.menu_is_faulty {
            let message = format!(
                "`{}` is a pool and has no `menu.prompt`, which shows that an instance is free \
                 again",
                role.role.name
            );
            let help = Some("write the prompt to which it returns: `menu: {prompt: …}`".into());
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
            shared_log_in(context, role, log_in, size.get());
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
fn shared_log_in(context: &Context<'_>, role: &CompiledRole, log_in: &CompiledAction, size: u64) {
    let report = |span: &Range<usize>, what: String| {
        let message = format!(
            "`{}` logs a script in for many flows ({size} in the pool): {what}",
            log_in.name
        );
        let help = format!("do that in another action of `{}`", role.role.name);
        context.error(span, message, Some(help));
    };
    for trace in &log_in.trace {
        match trace {
            Trace::Capture { name, span } => {
                let what = format!("the value of `{name}` would belong to one of them");
                report(span, what);
            }
            Trace::Use { name, span, .. } | Trace::ArgumentUse { name, span, .. }
                if name.starts_with("flow.") =>
            {
                report(span, format!("`{name}` differs for each of them"));
            }
            Trace::Use { .. } | Trace::ArgumentUse { .. } => {}
        }
    }
}
