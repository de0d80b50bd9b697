//! Compilation of `roles`: programs, menus, interludes and actions.

use std::ops::Range;
use std::sync::Arc;

use crate::model::TerminalKind;
use crate::scenario::plan::{
    Action, FailOn, Interlude, Menu, Reply, Role, Then, Turn, TurnKind, any_turn,
};
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::scenario::vocabulary::{INTERLUDE, MENU, ROLE};
use crate::terminal::ScreenSize;

use super::context::{Context, Fields};
use super::pool::{self, Lifetime};
use super::role_context::{CommandContext, MenuWait, RoleContext, RoleTerminal};
use super::trace::Trace;
use super::turns::{self, WaitPlace, command, one_wait, press, said};

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
    pub size: ScreenSize,
    /// The size of the screens of roles with neither a `size` nor pipes.
    pub screen: Option<ScreenSize>,
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
            size: ScreenSize {
                rows: 50,
                columns: 200,
            },
            screen: None,
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
    let lives = lifetime.and_then(|node| pool::lifetime(context, node));
    let directory_node = fields.get("directory").or(defaults.directory);
    let commands = CommandContext::new(context, directory_node, fields.get("environment"));
    let menu_nodes = [fields.get("menu"), defaults.menu];
    let (terminal, size) = terminal_kind(context, fields, defaults);
    let turns_on = RoleTerminal {
        role: name,
        is_pty: terminal != TerminalKind::Pipes,
        screen: size.map(|size| match fields.get("actions") {
            Some(actions) => turns::largest(size, actions),
            None => size,
        }),
    };
    let menu_wait = menu_wait_node(menu_nodes, turns_on);
    let (interludes, trace) = context.traced(|| match fields.get("interludes") {
        Some(node) => Some(interludes(context, node, turns_on, true)),
        None => Some(interludes(context, defaults.interludes?, turns_on, false)),
    });
    let (mut role, start_trace) = context.traced(|| Role {
        name: name.to_owned(),
        title: title.unwrap_or_else(|| name.to_owned()),
        run: fields
            .get("run")
            .and_then(|node| command(context, node, &commands))
            .unwrap_or_default(),
        terminal,
        has_screen: size.is_some(),
        environment: fields
            .get("environment")
            .map(|n| environment(context, n))
            .unwrap_or_default(),
        directory: directory_node.and_then(|node| directory(context, node)),
        menu: menu(context, menu_nodes, menu_wait, turns_on),
        interludes: interludes.unwrap_or_default(),
        fail_on: fail_on(context, fields.get("fail_on"), defaults.fail_on),
        actions: Vec::new(),
        chooses: false,
        pool: match lives {
            Some(Lifetime::Pool(size)) => Some(size),
            Some(Lifetime::Flow | Lifetime::Steps) | None => None,
        },
        ends_with_steps: lives == Some(Lifetime::Steps),
        return_to_menu: Arc::from([]),
        back: None,
        leave: None,
    });
    let around = RoleContext {
        terminal: turns_on,
        commands,
        menu: menu_wait,
        menu_is_faulty: menu_wait.is_some() && role.menu.prompt.is_none(),
    };
    if role.pool.is_some()
        && let (Some(menu), _) = context.traced(|| turns::default_wait(context, &around))
    {
        role.return_to_menu = Arc::from([pool::return_to_menu(menu, context.place(&span))]);
    }
    let mut actions = Vec::new();
    for (key, name, node) in fields
        .get("actions")
        .map(|node| context.entries(node, "actions"))
        .unwrap_or_default()
    {
        let (turns, trace) = context.traced(|| turns::turns(context, node, &around));
        if !IMPLICIT_ACTIONS.contains(&name) {
            turns::report_unconfirmed(context, node, &turns, role.has_screen);
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
        menu_is_faulty: around.menu_is_faulty,
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

/// Returns the wait for the menu: the role's own, or that of the defaults, which may have one for
/// roles with a screen and one for others.
fn menu_wait_node<'n>(
    [own, default]: [Option<&'n Node>; 2],
    terminal: RoleTerminal<'_>,
) -> Option<MenuWait<'n>> {
    let get = |menu: Option<&'n Node>, name: &str| match &menu?.value {
        Value::Map(entries) => entries.iter().find_map(|(key, value)| match &key.value {
            Value::Text(key) if key == name => Some(value),
            _ => None,
        }),
        _ => None,
    };
    let screen = |menu| get(menu, "screen").map(MenuWait::Screen);
    let prompt = |menu| get(menu, "prompt").map(MenuWait::Prompt);
    let has_screen = terminal.screen.is_some();
    screen(own)
        .or_else(|| prompt(own))
        .or_else(|| screen(default).filter(|_| has_screen))
        .or_else(|| prompt(default))
}

pub(super) fn is_pty(context: &Context<'_>, node: &Node) -> Option<bool> {
    context.choice(node, &[("pty", true), ("pipes", false)])
}

/// Compiles the kind of a role's terminal, and the size of its screen if it has one.
fn terminal_kind(
    context: &Context<'_>,
    fields: &Fields<'_>,
    default: RoleDefaults<'_>,
) -> (TerminalKind, Option<ScreenSize>) {
    let pty = |ScreenSize { rows, columns }| TerminalKind::Pty { rows, columns };
    let own = fields
        .get("terminal")
        .and_then(|node| is_pty(context, node));
    let size = fields.get("size").and_then(|node| context.size(node));
    if let Some(node) = fields.get("screen") {
        // Assumed if it is invalid, so that its waits are not reported.
        let usual = ScreenSize {
            rows: u16::MAX,
            columns: u16::MAX,
        };
        let screen = context.screen_size(node).unwrap_or(usual);
        if fields.has("size") {
            let message = "the size of a screen is given already";
            let help = Some("leave `size` out".to_owned());
            context.error(&fields.key_span("size"), message, help);
        }
        if own == Some(false) {
            let help = Some("leave it out, or `terminal: pipes`".to_owned());
            context.error(&fields.key_span("screen"), "pipes have no screen", help);
        }
        return (pty(screen), Some(screen));
    }
    if own.unwrap_or(default.is_pty) {
        let screen = default.screen.filter(|_| !fields.has("size"));
        return (pty(screen.or(size).unwrap_or(default.size)), screen);
    }
    if fields.has("size") {
        let help = Some("leave it out, or write `terminal: pty`".to_owned());
        context.error(&fields.key_span("size"), "pipes have no size", help);
    }
    (TerminalKind::Pipes, None)
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
fn menu(
    context: &Context<'_>,
    own_and_default: [Option<&Node>; 2],
    wait: Option<MenuWait<'_>>,
    terminal: RoleTerminal<'_>,
) -> Menu {
    let fields = own_and_default.map(|node| context.fields(node?, &MENU));
    if let [Some(own), _] = &fields
        && own.has("screen")
        && own.has("prompt")
    {
        let message = "a role awaits its menu in one way, not both `prompt` and `screen`";
        let help = Some("leave one out".to_owned());
        context.error(&own.key_span("screen"), message, help);
    }
    // Its uses count where a turn awaits it.
    let (prompt, _) = context.traced(|| turns::menu_wait(context, wait?, terminal));
    let row = fields.iter().flatten().find_map(|it| it.get("row"));
    let row = row
        .and_then(|node| context.row_format(node))
        .unwrap_or_default();
    Menu { prompt, row }
}

/// Compiles the interludes of a role. Those for screens are the role's `own`, or are left out of a
/// role without one.
fn interludes(
    context: &Context<'_>,
    node: &Node,
    terminal: RoleTerminal<'_>,
    own: bool,
) -> Vec<Interlude> {
    let example = "`- {prompt: Press Enter to continue, press: enter}`";
    let interludes = context.list(node, "interludes", example).iter();
    interludes
        .filter_map(|node| {
            let fields = context.fields(node, &INTERLUDE)?;
            let fits = own || terminal.screen.is_some() || !fields.has("screen");
            fits.then(|| interlude(context, &fields, terminal))?
        })
        .collect()
}

fn interlude(
    context: &Context<'_>,
    fields: &Fields<'_>,
    terminal: RoleTerminal<'_>,
) -> Option<Interlude> {
    let place = WaitPlace {
        terminal,
        without_captures: Some("an interlude"),
        is_answered: true,
    };
    let wait = one_wait(context, fields, place);
    let reply = match fields.among(&["send", "press"]).as_slice() {
        [] if !fields.is_complete => None,
        [] => {
            let help = Some("write `press: enter` or `send: …`".to_owned());
            context.error(&fields.span, "this interlude is not answered", help);
            None
        }
        ["send"] => said(context, fields.get("send")?).map(Reply::Send),
        ["press"] => press(context, fields.get("press")?),
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
    Some(Interlude {
        wait: wait?,
        reply: Some(reply?),
        at_most: at_most?,
        place: context.place(&fields.span),
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
