//! Context for compiling a role's turns and commands.

use std::ops::Range;
use std::path::PathBuf;

use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::terminal::ScreenSize;

use super::context::Context;

/// The parts of a role that the turns of its actions can refer to.
pub(super) struct RoleContext<'n> {
    pub terminal: RoleTerminal<'n>,
    pub commands: CommandContext,
    pub menu: Option<MenuWait<'n>>,
    pub menu_is_faulty: bool,
}

/// The terminal of a role, as far as its turns depend on it.
#[derive(Clone, Copy)]
pub(super) struct RoleTerminal<'n> {
    pub role: &'n str,
    pub is_pty: bool,
    /// The largest size of its screen, if it has one.
    pub screen: Option<ScreenSize>,
}

/// The wait for a role's menu.
#[derive(Clone, Copy)]
pub(super) enum MenuWait<'n> {
    Prompt(&'n Node),
    Screen(&'n Node),
}

/// Working directory and PATH of a role's commands.
pub(super) struct CommandContext {
    /// `None` if it is not known before the run.
    pub directory: Option<PathBuf>,
    /// The role sets PATH.
    pub has_own_path: bool,
}

impl CommandContext {
    pub fn new(
        context: &Context<'_>,
        directory: Option<&Node>,
        environment: Option<&Node>,
    ) -> Self {
        let directory = match directory.map(|node| &node.value) {
            None => Some(String::new()),
            Some(Value::Text(text)) => {
                let template = Template::parse(text).ok();
                template.and_then(|template| context.known(&template))
            }
            Some(_) => None,
        };
        let has_path = |node: &Node| match &node.value {
            Value::Map(entries) => entries
                .iter()
                .any(|(key, _)| matches!(&key.value, Value::Text(name) if name == "PATH")),
            _ => true,
        };
        CommandContext {
            directory: directory.map(|directory| context.path(&directory)),
            has_own_path: environment.is_some_and(has_path),
        }
    }
}

impl RoleTerminal<'_> {
    /// Returns the largest size of the screen, or reports that there is none.
    pub fn screen_or_report(
        &self,
        context: &Context<'_>,
        span: &Range<usize>,
    ) -> Option<ScreenSize> {
        if self.screen.is_none() {
            let role = self.role;
            let instead = match self.is_pty {
                true => "",
                false => ", in place of `terminal: pipes`",
            };
            let help = format!("write `screen: 24x80` in the role `{role}`{instead}");
            context.error(span, format!("`{role}` has no screen"), Some(help));
        }
        self.screen
    }
}
