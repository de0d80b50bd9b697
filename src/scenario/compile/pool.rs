//! Compilation of `lifetime`: pools of script instances that serve all flows.

use std::num::NonZeroU64;

use crate::scenario::location::SourceLocation;
use crate::scenario::plan::{AwaitedSpec, CommonWaits, Turn, TurnKind, Wait};
use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::LIFETIME;

use super::context::Context;

/// Compiles the size of a role's pool; `None` if each flow has its own script instance.
pub(super) fn lifetime(context: &Context<'_>, node: &Node) -> Option<NonZeroU64> {
    if let Value::Map(_) = node.value {
        let fields = context.fields(node, &LIFETIME)?;
        return NonZeroU64::new(context.count(fields.get("pool")?, 1)?);
    }
    let text = context.scalar(node)?;
    if text != "flow" {
        let help =
            "write `flow`, or `{pool: 5}` for five instances that serve all flows".to_owned();
        context.error(
            &node.span,
            format!("`{text}` is not a lifetime"),
            Some(help),
        );
    }
    None
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
