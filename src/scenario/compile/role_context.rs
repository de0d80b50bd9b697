//! Context for compiling a role's turns and commands.

use std::path::PathBuf;

use crate::scenario::plan::PatternSpec;
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;

use super::context::Context;

/// The parts of a role that the turns of its actions can refer to.
pub(super) struct RoleContext<'n> {
    pub role: &'n str,
    pub commands: CommandContext,
    pub menu_prompt: Option<&'n Node>,
    pub menu_prompt_is_faulty: bool,
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

impl RoleContext<'_> {
    /// Returns the default wait of `choose` and `pick`.
    pub fn menu_prompt_pattern(&self, context: &Context<'_>) -> Option<PatternSpec> {
        if self.menu_prompt_is_faulty {
            return None;
        }
        context.pattern_without_captures(self.menu_prompt?, "the menu's prompt")
    }
}
