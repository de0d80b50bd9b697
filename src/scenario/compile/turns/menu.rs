//! Compilation of waits for menus.

use crate::dialogue::On;
use crate::scenario::plan::AwaitedSpec;

use super::super::context::Context;
use super::super::role_context::{MenuWait, RoleContext, RoleTerminal};
use super::screen::{WaitPlace, screen_wait};

/// Compiles the wait for a menu.
pub(in crate::scenario::compile) fn menu_wait(
    context: &Context<'_>,
    menu: MenuWait<'_>,
    terminal: RoleTerminal<'_>,
) -> Option<AwaitedSpec> {
    const WHAT: &str = "the menu's prompt";
    match menu {
        MenuWait::Prompt(node) => Some(AwaitedSpec::Text {
            on: On::Prompt,
            pattern: context.pattern_without_captures(node, WHAT)?,
        }),
        MenuWait::Screen(node) => {
            let place = WaitPlace {
                terminal,
                without_captures: Some(WHAT),
                is_answered: true,
            };
            screen_wait(context, node, None, place)
        }
    }
}

/// Returns the default wait of `choose` and `pick`.
pub(in crate::scenario::compile) fn default_wait(
    context: &Context<'_>,
    around: &RoleContext<'_>,
) -> Option<AwaitedSpec> {
    if around.menu_is_faulty {
        return None;
    }
    menu_wait(context, around.menu?, around.terminal)
}
