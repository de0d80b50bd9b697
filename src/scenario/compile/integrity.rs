//! Compilation of `integrity`: rules for the values of all flows together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crate::dialogue::Pattern;
use crate::model::{IntegrityInfo, OwnInfo, ValueInfo};
use crate::scenario::names;
use crate::scenario::plan::{Audit, command_line};
use crate::scenario::raw::{Node, Value};
use crate::scenario::vocabulary::{AUDIT, INTEGRITY};

use super::context::Context;
use super::flow::Flow;
use super::known_names::KnownNames;
use super::role_context::CommandContext;
use super::roles::{self, CompiledRole, LEAVE};
use super::trace::Trace;
use super::turns::command;
use super::usage::captures;
use super::values::names_of;

/// The default time limit of an audit.
const AUDIT_WITHIN: Duration = Duration::from_secs(60);

/// Compiles the integrity rules, and the command that audits the data.
pub(super) fn integrity(
    context: &Context<'_>,
    node: &Node,
    names: &ValueSources<'_>,
) -> (IntegrityInfo, Option<Audit>) {
    let mut info = IntegrityInfo::default();
    let Some(fields) = context.fields(node, &INTEGRITY) else {
        return (info, None);
    };
    if fields.is_complete
        && fields
            .among(&["unique", "agree", "own", "audit"])
            .is_empty()
    {
        let help = Some("write `unique: [order_id]`, or leave it out".to_owned());
        context.error(&node.span, "`integrity` has no rule", help);
    }
    if let Some(node) = fields.get("unique") {
        info.unique = unique(context, node, names);
    }
    if let Some(node) = fields.get("agree") {
        info.agree = agree(context, node, names);
    }
    if let Some(node) = fields.get("own") {
        info.own = own(context, node, names, fields.get("unique"));
    }
    let audit = fields
        .get("audit")
        .and_then(|node| audit(context, node, names.known));
    info.audit = audit.as_ref().map(|audit| command_line(&audit.run));
    (info, audit)
}

/// Sources of values that rules can name: captures and variables.
pub(super) struct ValueSources<'c> {
    known: &'c KnownNames,
    secrets: &'c [(String, Range<usize>)],
    /// Captures of steps, each with the titles of its roles.
    captured: BTreeMap<String, Vec<String>>,
    /// Names captured only by actions whose captures are not recorded, with the reason.
    lost: BTreeMap<String, String>,
}

impl<'c> ValueSources<'c> {
    pub fn new(
        roles: &[CompiledRole],
        flow: &Flow,
        known: &'c KnownNames,
        secrets: &'c [(String, Range<usize>)],
    ) -> Self {
        let mut captured: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut lost = BTreeMap::new();
        for (index, role) in roles.iter().enumerate() {
            for action in &role.actions {
                let is_done = flow
                    .steps
                    .iter()
                    .any(|step| step.step.role.0 == index && step.step.action.name == action.name);
                for (name, _) in captures(action) {
                    let name = name.to_owned();
                    if is_done || (!flow.is_complete && action.name != LEAVE) {
                        let titles = captured.entry(name).or_default();
                        if !titles.contains(&role.role.title) {
                            titles.push(role.role.title.clone());
                        }
                    } else if action.name == LEAVE {
                        let why = "only `leave` captures it, when the flow's values are settled";
                        lost.insert(name, why.to_owned());
                    } else {
                        let why =
                            format!("only `{}` captures it, and no step does that", action.name);
                        lost.insert(name, why);
                    }
                }
            }
        }
        ValueSources {
            known,
            secrets,
            captured,
            lost,
        }
    }

    /// Returns the capture of this name.
    fn capture(&self, context: &Context<'_>, span: &Range<usize>, name: &str) -> Option<ValueInfo> {
        if self.known.is_secret(name, self.secrets) {
            let message = format!("`{name}` is a secret, and masked before it could be compared");
            let help = "leave it out here; or out of `secrets`, if it may be seen".to_owned();
            context.error(span, message, Some(help));
            return None;
        }
        if let Some(roles) = self.captured.get(name) {
            return Some(ValueInfo {
                name: name.to_owned(),
                roles: roles.clone(),
            });
        }
        if self.known.is_variable(name) {
            let message = format!("`{name}` is a variable, not a capture");
            let help = format!("name a capture, as `(?<{name}_seen>…)` in a `see`");
            context.error(span, message, Some(help));
            return None;
        }
        let nearest = names::nearest(name, self.captured.keys().map(String::as_str));
        let (message, help) = match (self.lost.get(name), nearest) {
            (Some(why), _) => (
                format!("no step captures `{name}`: {why}"),
                "capture it in a step's action".to_owned(),
            ),
            (None, Some(near)) => (
                format!("nothing captures `{name}`"),
                format!("is `{near}` meant?"),
            ),
            (None, None) => (
                format!("nothing captures `{name}`"),
                format!("capture it where a program prints it: see: '/…(?<{name}>\\S+)/'"),
            ),
        };
        context.error(span, message, Some(help));
        None
    }

    /// Returns the capture or variable of this name.
    fn value(&self, context: &Context<'_>, span: &Range<usize>, name: &str) -> Option<ValueInfo> {
        let is_secret = self.known.is_secret(name, self.secrets);
        let is_captured = self.captured.contains_key(name);
        if !is_secret && !is_captured && self.known.is_variable(name) {
            return Some(ValueInfo {
                name: name.to_owned(),
                roles: Vec::new(),
            });
        }
        self.capture(context, span, name)
    }
}

fn unique(context: &Context<'_>, node: &Node, names: &ValueSources<'_>) -> Vec<ValueInfo> {
    let written = names_of(context, Some(node));
    if written.is_empty() && matches!(node.value, Value::List(_)) {
        let help = Some("write `[order_id]`, or leave `unique` out".to_owned());
        context.error(&node.span, "`unique` is empty", help);
    }
    let values = written
        .iter()
        .filter_map(|(name, span)| names.capture(context, span, name));
    values.collect()
}

fn agree(context: &Context<'_>, node: &Node, names: &ValueSources<'_>) -> Vec<Vec<ValueInfo>> {
    const EXAMPLE: &str = "[[total, collected], …]";
    let list = context.list(node, "lists of names", EXAMPLE);
    if list.is_empty() && matches!(node.value, Value::List(_)) {
        let help = Some(format!("write {EXAMPLE}, or leave `agree` out"));
        context.error(&node.span, "`agree` is empty", help);
    }
    let mut rules = Vec::new();
    for node in list {
        if let Value::Text(_) = node.value {
            let help = Some(format!(
                "write the names that go together in a list: {EXAMPLE}"
            ));
            context.error(&node.span, "a rule of `agree` needs two values", help);
            continue;
        }
        let written = names_of(context, Some(node));
        let values: Vec<ValueInfo> = written
            .iter()
            .filter_map(|(name, span)| names.value(context, span, name))
            .collect();
        if values.len() < written.len() || !matches!(node.value, Value::List(_)) {
            continue;
        }
        if values.len() < 2 {
            let help = Some("name two values at least, as `[total, collected]`".to_owned());
            context.error(&node.span, "a rule of `agree` needs two values", help);
        } else if values.iter().all(|value| value.roles.is_empty()) {
            let help = Some("name at least one capture".to_owned());
            context.error(&node.span, "none of these is a capture", help);
        } else {
            rules.push(values);
        }
    }
    rules
}

fn own(
    context: &Context<'_>,
    node: &Node,
    names: &ValueSources<'_>,
    unique: Option<&Node>,
) -> Vec<OwnInfo> {
    let unique: Vec<&str> = match unique.map(|node| &node.value) {
        Some(Value::List(list)) => list.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    let mut rules = Vec::new();
    for (key, name, node) in context.entries(node, "captures") {
        let seen = names.capture(context, &key.span, name);
        let Some(of) = context.word(node, "the name") else {
            continue;
        };
        if of == name {
            let help = Some(format!("write which unique value `{name}` is to be"));
            context.error(&node.span, format!("`{name}` always equals itself"), help);
            continue;
        }
        if !unique.contains(&of) {
            let message = format!("`{of}` is not listed as unique, so it does not identify a flow");
            let help = match names::nearest(of, unique.iter().copied()) {
                Some(near) => format!("is `{near}` meant?"),
                None => format!("list it: `unique: [{of}]`"),
            };
            context.error(&node.span, message, Some(help));
            continue;
        }
        rules.extend(seen.map(|seen| OwnInfo {
            seen,
            of: of.to_owned(),
        }));
    }
    rules
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn audit(context: &Context<'_>, node: &Node, known: &KnownNames) -> Option<Audit> {
    let fields = context.fields(node, &AUDIT)?;
    let commands = CommandContext::new(context, fields.get("directory"), fields.get("environment"));
    let ((run, environment, directory), trace) = context.traced(|| {
        let run = fields
            .get("run")
            .map(|node| command(context, node, &commands));
        let environment = fields.get("environment");
        let environment = environment.map(|node| roles::environment(context, node));
        let directory = fields.get("directory");
        let directory = directory.map(|node| roles::directory(context, node));
        (run, environment.unwrap_or_default(), directory)
    });
    check_uses(context, &trace, known);
    let expect = fields.get("expect").map(|node| expected(context, node));
    let within = fields.get("within").map(|node| context.deadline(node));
    Some(Audit {
        run: run??,
        expect: expect.unwrap_or_default(),
        within: within.flatten().unwrap_or(AUDIT_WITHIN),
        environment,
        directory: directory.flatten(),
        place: context.place(&fields.span),
    })
}

fn expected(context: &Context<'_>, node: &Node) -> Vec<Pattern> {
    const WHAT: &str = "what an audit is to print";
    match &node.value {
        Value::List(list) => list
            .iter()
            .filter_map(|node| context.fixed_pattern(node, WHAT))
            .collect(),
        _ => context.fixed_pattern(node, WHAT).into_iter().collect(),
    }
}

/// Checks that an audit uses no value of a flow.
fn check_uses(context: &Context<'_>, trace: &[Trace], known: &KnownNames) {
    for trace in trace {
        let (Trace::Use { name, span, .. } | Trace::ArgumentUse { name, span, .. }) = trace else {
            continue;
        };
        let root = name.split('.').next().unwrap_or(name);
        if !matches!(root, "run" | "env") {
            let message =
                format!("`{name}` belongs to a flow; an audit runs when all flows have ended");
            let help = "known here are `run.id`, `run.directory`, and `env.NAME`".to_owned();
            context.error(span, message, Some(help));
        } else if let Some((message, help)) = known.misuse(name).or_else(|| known.unset(trace)) {
            context.error(span, message, Some(help));
        }
    }
}
