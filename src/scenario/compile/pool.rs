//! Compilation of `lifetime`: script instances of one flow, and pools that serve all flows.

use std::num::NonZeroU64;

use crate::scenario::location::SourceLocation;
use crate::scenario::plan::{AwaitedSpec, CommonWaits, Turn, TurnKind, Wait};
use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::LIFETIME;

use super::context::Context;

/// The lifetime of a role's script instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// Each flow has its own, which ends with the flow.
    #[default]
    Flow,
    /// Each flow has its own, which ends with the role's last step.
    Steps,
    /// So many serve all flows.
    Pool(NonZeroU64),
}

/// Compiles the lifetime of a role's script instances.
pub(super) fn lifetime(context: &Context<'_>, node: &Node) -> Option<Lifetime> {
    if let Value::Map(_) = node.value {
        let fields = context.fields(node, &LIFETIME)?;
        let size = context.count(fields.get("pool")?, 1)?;
        return NonZeroU64::new(size).map(Lifetime::Pool);
    }
    match context.scalar(node)? {
        "flow" => Some(Lifetime::Flow),
        "steps" => Some(Lifetime::Steps),
        text => {
            let help = "write `flow`, `steps` to leave after the role's last step, or `{pool: 5}` for \
                        five instances that serve all flows";
            let message = format!("`{text}` is not a lifetime");
            context.error(&node.span, message, Some(help.to_owned()));
            None
        }
    }
}

/// Builds the turn that waits for a script's menu.
pub(super) fn return_to_menu(menu: AwaitedSpec, place: SourceLocation) -> Turn {
    Turn {
        name: None,
        kind: TurnKind::Exchange {
            wait: Wait::For(menu),
            reply: None,
            overwrite: false,
        },
        within: None,
        gates: None,
        common: CommonWaits::default(),
        place,
    }
}
