//! Compilation of `roles`: programs, menus, interludes and actions.

use std::ops::Range;
use std::sync::Arc;

use crate::dialogue::On;
use crate::model::TerminalKind;
use crate::scenario::plan::{
    Action, FailOn, Interlude, Menu, Reply, Role, Then, Turn, TurnKind, any_turn,
};
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::scenario::vocabulary::{INTERLUDE, MENU, ROLE};

use super::context::{Context, Fields};
use super::pool;
use super::role_context::{CommandContext, RoleContext};
use super::trace::Trace;
use super::turns::{self, command, key, one_of_two, said};

/// The default maximum number of times that an interlude may come in a step.
const INTERLUDES_AT_MOST: u32 = 50;

/// The action that is performed when a flow has ended well.
pub(super) const LEAVE: &str = "leave";

/// The action that navigates back to the menu.
pub(super) const RETURN: &str = "return";

/// The actions that are performed without a step.
pub(super) const IMPLICIT_ACTIONS: [&str; 2] = [RETURN, LEAVE];

/// A role, with further data for the compiler.
pub(super) struct CompiledRole {
    pub role: Role,
    pub span: Range<usize>,
    /// The location of its `lifetime`, if it has one.
    pub lifetime: Option<Range<usize>>,
    /// Its menu's prompt is invalid, and was reported.
    pub menu_is_faulty: bool,
    /// Names used by the program's command line, its environment and its directory.
    pub start_trace: Vec<Trace>,
    /// Names used by the interludes.
    pub trace: Vec<Trace>,
    pub actions: Vec<CompiledAction>,
}

pub(super) struct CompiledAction {
    pub name: String,
    pub span: Range<usize>,
    pub trace: Vec<Trace>,
}

/// The parts of `defaults` for roles.
#[derive(Clone, Copy)]
pub(super) struct RoleDefaults<'n> {
    pub is_pty: bool,
    pub size: (u16, u16),
    pub directory: Option<&'n Node>,
    pub menu: Option<&'n Node>,
    pub interludes: Option<&'n Node>,
    pub fail_on: Option<&'n Node>,
}

impl RoleDefaults<'_> {
    /// Defaults of a scenario that sets none.
    pub(super) fn none() -> Self {
        RoleDefaults {
            is_pty: true,
            size: (50, 200),
            directory: None,
            menu: None,
            interludes: None,
            fail_on: None,
        }
    }
}

pub(super) fn roles(
    context: &Context<'_>,
    node: &Node,
    defaults: RoleDefaults<'_>,
) -> Vec<CompiledRole> {
    let mut roles = Vec::new();
    for (key, name, node) in context.entries(node, "roles") {
        context.word(key, "the role's name");
        let fields = context
            .fields(node, &ROLE)
            .unwrap_or_else(|| Fields::none(&ROLE, &key.span));
        roles.push(role(context, name, key.span.clone(), &fields, defaults));
    }
    roles
}

fn role(
    context: &Context<'_>,
    name: &str,
    span: Range<usize>,
    fields: &Fields<'_>,
    defaults: RoleDefaults<'_>,
) -> CompiledRole {
    let title = fields.get("title").and_then(|node| context.text(node));
    let lifetime = fields.get("lifetime");
    let pool = lifetime.and_then(|node| pool::lifetime(context, node));
    let directory_node = fields.get("directory").or(defaults.directory);
    let commands = CommandContext::new(context, directory_node, fields.get("environment"));
    let menu_nodes = [fields.get("menu"), defaults.menu];
    let (interludes, trace) = context.traced(|| {
        let node = fields.get("interludes").or(defaults.interludes)?;
        Some(interludes(context, node))
    });
    let (mut role, start_trace) = context.traced(|| Role {
        name: name.to_owned(),
        title: title.unwrap_or_else(|| name.to_owned()),
        run: fields
            .get("run")
            .and_then(|node| command(context, node, &commands))
            .unwrap_or_default(),
        terminal: terminal_kind(context, fields, defaults),
        environment: fields
            .get("environment")
            .map(|n| environment(context, n))
            .unwrap_or_default(),
        directory: directory_node.and_then(|node| directory(context, node)),
        menu: menu(context, menu_nodes),
        interludes: interludes.unwrap_or_default(),
        fail_on: fail_on(context, fields.get("fail_on"), defaults.fail_on),
        actions: Vec::new(),
        chooses: false,
        pool,
        return_to_menu: Arc::from([]),
        back: None,
        leave: None,
    });
    let menu_prompt = menu_nodes.into_iter().flatten().find_map(menu_prompt_node);
    let around = RoleContext {
        role: name,
        commands,
        menu_prompt,
        menu_prompt_is_faulty: menu_prompt.is_some() && role.menu.prompt.is_none(),
    };
    if role.pool.is_some()
        && let (Some(pattern), _) = context.traced(|| around.menu_prompt_pattern(context))
    {
        role.return_to_menu = Arc::from([pool::return_to_menu(pattern, context.place(&span))]);
    }
    let mut actions = Vec::new();
    for (key, name, node) in fields
        .get("actions")
        .map(|node| context.entries(node, "actions"))
        .unwrap_or_default()
    {
        let (turns, trace) = context.traced(|| turns::turns(context, node, &around));
        if !IMPLICIT_ACTIONS.contains(&name) {
            turns::report_unconfirmed(context, node, &turns);
        }
        let place = context.place(&key.span);
        role.chooses |= any_turn(&turns, &|turn| {
            let mut replies = turn.replies();
            replies.any(|reply| matches!(reply, Reply::Choose(_)))
        });
        let action = Arc::new(Action {
            name: name.to_owned(),
            turn_names: turn_names(&turns),
            turns,
            place,
        });
        match name {
            LEAVE => role.leave = Some(Arc::clone(&action)),
            RETURN => role.back = Some(Arc::clone(&action)),
            _ => {}
        }
        role.actions.push(action);
        actions.push(CompiledAction {
            name: name.to_owned(),
            span: key.span.clone(),
            trace,
        });
    }
    CompiledRole {
        role,
        span,
        lifetime: lifetime.map(|node| node.span.clone()),
        menu_is_faulty: around.menu_prompt_is_faulty,
        start_trace,
        trace,
        actions,
    }
}

/// Returns the names of separately timed turns, each once.
fn turn_names(turns: &[Turn]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for turn in turns {
        let within = match &turn.kind {
            TurnKind::FirstOf(alternatives) => alternatives
                .iter()
                .filter_map(|alternative| match &alternative.then {
                    Then::Do(turns) | Then::DoAgain(turns) => Some(turn_names(turns)),
                    Then::GoOn | Then::Again | Then::Fail(_) => None,
                })
                .flatten()
                .collect(),
            TurnKind::Repeat { turns, .. } => turn_names(turns),
            _ => Vec::new(),
        };
        for name in turn.name.iter().cloned().chain(within) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn menu_prompt_node(menu: &Node) -> Option<&Node> {
    let Value::Map(entries) = &menu.value else {
        return None;
    };
    entries.iter().find_map(|(key, value)| match &key.value {
        Value::Text(name) if name == "prompt" => Some(value),
        _ => None,
    })
}

pub(super) fn is_pty(context: &Context<'_>, node: &Node) -> Option<bool> {
    context.choice(node, &[("pty", true), ("pipes", false)])
}

fn terminal_kind(
    context: &Context<'_>,
    fields: &Fields<'_>,
    default: RoleDefaults<'_>,
) -> TerminalKind {
    let is_pty = fields
        .get("terminal")
        .and_then(|node| is_pty(context, node));
    let size = fields.get("size").and_then(|node| context.size(node));
    let (rows, columns) = size.unwrap_or(default.size);
    if is_pty.unwrap_or(default.is_pty) {
        return TerminalKind::Pty { rows, columns };
    }
    if fields.has("size") {
        let help = Some("leave it out, or write `terminal: pty`".to_owned());
        context.error(&fields.key_span("size"), "pipes have no size", help);
    }
    TerminalKind::Pipes
}

pub(super) fn environment(context: &Context<'_>, node: &Node) -> Vec<(String, Template)> {
    let mut variables = Vec::new();
    for (key, name, value) in context.entries(node, "environment variables") {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("`{name}` cannot name an environment variable");
            let help = Some("write a name without `=`".to_owned());
            context.error(&key.span, message, help);
            continue;
        }
        if let Some(template) = context.template(value) {
            variables.push((name.to_owned(), template));
        }
    }
    variables
}

pub(super) fn directory(context: &Context<'_>, node: &Node) -> Option<Template> {
    context.word(node, "the directory")?;
    let template = context.template(node)?;
    if let Some(known) = context.known(&template)
        && !context.path(&known).is_dir()
    {
        let help = Some("it is looked for from the scenario's directory".to_owned());
        let message = format!("there is no directory `{}`", context.masked(&known));
        context.error(&node.span, message, help);
    }
    Some(template)
}

/// Compiles the menu of a role, whose keys win over those of the defaults.
fn menu(context: &Context<'_>, own_and_default: [Option<&Node>; 2]) -> Menu {
    let fields = own_and_default.map(|node| context.fields(node?, &MENU));
    let get = |name| fields.iter().flatten().find_map(|fields| fields.get(name));
    // Its uses count where a turn awaits it.
    let (prompt, _) =
        context.traced(|| context.pattern_without_captures(get("prompt")?, "the menu's prompt"));
    let row = get("row")
        .and_then(|node| context.row_format(node))
        .unwrap_or_default();
    Menu { prompt, row }
}

fn interludes(context: &Context<'_>, node: &Node) -> Vec<Interlude> {
    let example = "`- {prompt: Press Enter to continue, press: enter}`";
    context
        .list(node, "interludes", example)
        .iter()
        .filter_map(|node| interlude(context, node))
        .collect()
}

fn interlude(context: &Context<'_>, node: &Node) -> Option<Interlude> {
    let fields = context.fields(node, &INTERLUDE)?;
    let wait = one_of_two(context, &fields).and_then(|wait| {
        let pattern = context.pattern_without_captures(fields.get(wait)?, "an interlude")?;
        let on = if wait == "prompt" {
            On::Prompt
        } else {
            On::Line
        };
        Some((pattern, on))
    });
    let reply = match fields.among(&["send", "press"]).as_slice() {
        [] if !fields.is_complete => None,
        [] => {
            let help = Some("write `press: enter` or `send: …`".to_owned());
            context.error(&fields.span, "this interlude is not answered", help);
            None
        }
        ["send"] => said(context, fields.get("send")?).map(Reply::Send),
        ["press"] => key(context, fields.get("press")?).map(Reply::Press),
        _ => {
            let message = "an interlude sends one reply, not both `send` and `press`";
            context.error(
                &fields.key_span("press"),
                message,
                Some("leave one out".into()),
            );
            None
        }
    };
    let at_most = match fields.get("at_most") {
        Some(node) => context.small_count(node, 1),
        None => Some(INTERLUDES_AT_MOST),
    };
    let (wait, on) = wait?;
    Some(Interlude {
        wait,
        on,
        reply: Some(reply?),
        at_most: at_most?,
        place: context.place(&node.span),
    })
}

/// Compiles the failures of a role, whose categories win over those of the defaults.
fn fail_on(context: &Context<'_>, own: Option<&Node>, default: Option<&Node>) -> Vec<FailOn> {
    let nodes = own.into_iter().chain(default);
    let mut entries: Vec<(&Node, &str, &Node)> = Vec::new();
    for entry in nodes.flat_map(|node| context.entries(node, "categories of failures")) {
        if entries.iter().all(|(_, name, _)| *name != entry.1) {
            entries.push(entry);
        }
    }
    let mut all = Vec::new();
    for (key, name, value) in entries {
        if context
            .identifier(&key.span, name, "a category of failures")
            .is_none()
        {
            continue;
        }
        let patterns: Vec<&Node> = match &value.value {
            Value::List(list) => list.iter().collect(),
            _ => vec![value],
        };
        if patterns.is_empty() {
            let help = Some("write a text that the program prints".to_owned());
            context.error(&key.span, format!("`{name}` lists no text"), help);
        }
        for node in patterns {
            if let Some(pattern) = context.fixed_pattern(node, "`fail_on`") {
                let place = context.place(&node.span);
                all.push(FailOn {
                    category: name.to_owned(),
                    pattern,
                    place,
                });
            }
        }
    }
    all
}
