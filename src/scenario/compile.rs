//! Compilation of a scenario to a plan, with all problems reported at once.
//!
//! The compiler does not stop at a problem: it leaves out invalid parts and assumes that what
//! depends on them is valid, so that a mistake is reported once.

mod context;
mod faults;
mod flow;
mod gates;
mod integrity;
mod known_names;
mod load;
mod options;
mod patterns;
mod pool;
mod pool_check;
mod retry;
mod role_context;
mod roles;
mod thresholds;
mod trace;
mod turns;
mod usage;
mod values;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::data::{self, DataSource, InstanceTable, Take};
use super::diagnostics::{Diagnostics, Problem, Severity};
use super::names;
use super::plan::{Defaults, Plan};
use super::raw::{self, Node};
use super::template::Template;
use super::vocabulary::{DATA, DEFAULTS, SCENARIO};
use context::Context;
use known_names::KnownNames;
use roles::RoleDefaults;
use trace::Trace;
use values::names_of;

pub use options::{CommandStart, CompileOptions, FindProgram, FindVariable};

/// A compiled scenario.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    /// Warnings only: places that may not mean what the author intended.
    pub warnings: Diagnostics,
}

/// The name of a scenario that is not read from a file.
const NO_FILE: &str = "scenario";

/// Reads and compiles a scenario file. Its directory is taken from its path if the options name
/// none.
///
/// # Errors
/// All problems, or the reason why the file cannot be read.
pub fn load(path: &Path, options: CompileOptions<'_>) -> Result<Compiled, Diagnostics> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let source = read(file, path)?;
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    let options = CompileOptions {
        directory: options.directory.or(directory),
        ..options
    };
    compile(&source, Some(path), options)
}

fn unreadable(name: &Path, error: &std::io::Error) -> Diagnostics {
    let message = format!("cannot read the scenario: {error}");
    let help = "is the path right, and may you read it?".to_owned();
    let fault = Problem::error(&message, None, Some(help));
    Diagnostics::new(name.to_string_lossy().into(), "".into(), vec![fault])
}

/// Reads the text of a scenario from a file or a stream; `name` is its name in messages.
///
/// # Errors
/// If it cannot be read or is not UTF-8.
pub fn read(input: impl std::io::Read, name: &Path) -> Result<String, Diagnostics> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    // One byte more than allowed, so that the parser detects the excess.
    let limit = raw::SOURCE_LIMIT_BYTES as u64 + 1;
    let read = input.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(name, &error))?;
    let shown: Arc<str> = name.to_string_lossy().into();
    match String::from_utf8(bytes) {
        Ok(source) => Ok(source),
        // Cut in the middle of a character, and too long anyway.
        Err(error) if error.as_bytes().len() as u64 == limit => {
            Ok(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = String::from_utf8_lossy(error.as_bytes());
            let span = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
            let help = Some("save the file as UTF-8".to_owned());
            let fault = Problem::error("this is not UTF-8", Some(span), help);
            Err(Diagnostics::new(shown, source.into(), vec![fault]))
        }
    }
}

/// Compiles the text of a scenario; `file` is its name in messages.
///
/// # Errors
/// All problems of the scenario.
pub fn compile(
    source: &str,
    file: Option<&Path>,
    options: CompileOptions<'_>,
) -> Result<Compiled, Diagnostics> {
    let source: Arc<str> = source.strip_prefix('\u{feff}').unwrap_or(source).into();
    let shown: Arc<str> = file.map_or(NO_FILE.into(), |path| path.to_string_lossy().into());
    let root = match raw::parse(&source) {
        Ok(root) => root,
        Err(fault) => {
            let fault = Problem::error(&fault.message, Some(fault.span), fault.help);
            return Err(Diagnostics::new(shown, source, vec![fault]));
        }
    };
    let file_name = file
        .and_then(Path::file_name)
        .map_or(NO_FILE.into(), |n| n.to_string_lossy());
    let context = Context::new(&source, &file_name, options);
    let plan = scenario(&context, &root, file, &source);
    let faults = context.into_problems();
    let failed = faults.iter().any(Problem::is_error);
    let diagnostics = Diagnostics::new(shown, Arc::clone(&source), faults);
    match plan {
        Some(plan) if !failed => Ok(Compiled {
            plan,
            warnings: diagnostics,
        }),
        _ => {
            debug_assert!(
                diagnostics.count(Severity::Error) > 0,
                "no plan, and no reason"
            );
            Err(diagnostics)
        }
    }
}

fn scenario(
    context: &Context<'_>,
    root: &Node,
    file: Option<&Path>,
    source: &Arc<str>,
) -> Option<Plan> {
    let fields = context.fields(root, &SCENARIO)?;
    let name = fields
        .get("name")
        .and_then(|node| context.text(node))
        .or_else(|| {
            let stem = file
                .and_then(Path::file_stem)
                .map(|stem| stem.to_string_lossy().into_owned());
            Some(stem.unwrap_or_else(|| NO_FILE.into()))
        })?;
    let description = fields
        .get("description")
        .and_then(|node| context.text(node));
    let (defaults, for_roles) = defaults(context, fields.get("defaults"));

    let mut known = KnownNames::default();
    let secrets = names_of(context, fields.get("secrets"));
    context.begin_constants(secrets.iter().map(|(name, _)| name.clone()).collect());
    let environment = environment(context, fields.get("environment"), &mut known);
    let (data, instance_data) = data(context, fields.get("data"), &mut known);
    let variables = variables(context, fields.get("variables"), &mut known, &secrets);
    check_overrides(context, &variables);

    let roles = fields
        .get("roles")
        .map(|node| roles::roles(context, node, for_roles));
    let roles = roles.unwrap_or_default();
    let flow = fields
        .get("flow")
        .map(|node| flow::flow(context, node, &roles, &defaults));
    let flow = flow.unwrap_or_default();
    let load = load::load(context, fields.get("load"));
    let retry = fields
        .get("retry")
        .and_then(|node| retry::flow_retry(context, node, &roles));
    let (integrity, audit) = match fields.get("integrity") {
        Some(node) => {
            let names = integrity::ValueSources::new(&roles, &flow, &known, &secrets);
            integrity::integrity(context, node, &names)
        }
        None => Default::default(),
    };
    let thresholds = fields
        .get("thresholds")
        .map(|node| thresholds::thresholds(context, node, &flow, fields.has("integrity")))
        .unwrap_or_default();

    let faults = fields
        .get("chaos")
        .map(|node| faults::faults(context, node, &roles, &flow))
        .unwrap_or_default();

    usage::check(context, &roles, &flow, &known, &secrets);
    gates::check_names(context, flow.steps.iter().map(|it| &it.step));
    if flow.is_complete {
        pool_check::check(context, &roles, &flow.steps, &known);
        usage::check_unused(context, &roles, &flow.steps);
    }
    let secrets = secrets.into_iter().map(|(name, _)| name).collect();
    Some(Plan {
        name,
        description,
        file: file.map(PathBuf::from),
        source: Arc::clone(source),
        given: Vec::new(),
        roles: roles.into_iter().map(|role| role.role).collect(),
        steps: flow.steps.into_iter().map(|step| step.step).collect(),
        variables,
        secrets,
        data,
        instance_data,
        environment,
        defaults,
        load,
        retry,
        thresholds,
        integrity,
        audit,
        faults,
    })
}

fn defaults<'n>(context: &Context<'_>, node: Option<&'n Node>) -> (Defaults, RoleDefaults<'n>) {
    let mut defaults = Defaults::default();
    let mut for_roles = RoleDefaults::none();
    let Some(fields) = node.and_then(|node| context.fields(node, &DEFAULTS)) else {
        return (defaults, for_roles);
    };
    let deadline = |name| fields.get(name).and_then(|node| context.deadline(node));
    let duration = |name| fields.get(name).and_then(|node| context.duration(node));
    for_roles = RoleDefaults {
        is_pty: fields
            .get("terminal")
            .and_then(|n| roles::is_pty(context, n))
            .unwrap_or(for_roles.is_pty),
        size: fields
            .get("size")
            .and_then(|n| context.size(n))
            .unwrap_or(for_roles.size),
        screen: fields.get("screen").and_then(|n| context.screen_size(n)),
        directory: fields.get("directory"),
        menu: fields.get("menu"),
        interludes: fields.get("interludes"),
        fail_on: fields.get("fail_on"),
    };
    if fields.has("size") && fields.has("screen") {
        let message = "roles without their own size have either a `size` or a `screen`";
        let help = Some("leave one out, or write it in the roles".to_owned());
        context.error(&fields.key_span("screen"), message, help);
    }
    defaults.startup = deadline("startup").unwrap_or(defaults.startup);
    defaults.step = deadline("step").unwrap_or(defaults.step);
    defaults.flow = deadline("flow");
    defaults.delay = duration("delay").unwrap_or(defaults.delay);
    defaults.quiet = duration("quiet").unwrap_or(defaults.quiet);
    (defaults, for_roles)
}

fn environment(context: &Context<'_>, node: Option<&Node>, known: &mut KnownNames) -> Vec<String> {
    let names = names_of(context, node);
    for (name, span) in &names {
        if !names::is_identifier(name) {
            let help = Some("names are made of letters, digits and _".to_owned());
            context.error(
                span,
                format!("`{name}` cannot be read as `env.{name}`"),
                help,
            );
        }
        known.add_environment(name);
        if let Some(find) = context.options.environment {
            match find(name) {
                Some(value) => context.add_constant(&format!("env.{name}"), &value),
                None => known.add_unset(name),
            }
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn data(
    context: &Context<'_>,
    node: Option<&Node>,
    known: &mut KnownNames,
) -> (Vec<DataSource>, Vec<InstanceTable>) {
    let mut sources = Vec::new();
    let mut of_instances: Vec<InstanceTable> = Vec::new();
    let entries = node
        .map(|node| context.entries(node, "tables"))
        .unwrap_or_default();
    for (key, name, node) in entries {
        if context.identifier(&key.span, name, "a table").is_none() {
            continue;
        }
        let Some(fields) = context.fields(node, &DATA) else {
            known.add_data(name, None);
            continue;
        };
        let is_per_instance = fields
            .get("per")
            .and_then(|node| context.choice(node, &[("flow", false), ("instance", true)]));
        let is_per_instance = is_per_instance == Some(true);
        if is_per_instance {
            known.add_instance_table(name);
            if fields.has("take") {
                let message = "the row of an instance is the one of its number";
                let help = Some("leave `take` out".to_owned());
                context.error(&fields.key_span("take"), message, help);
            }
        } else {
            known.add_data(name, None);
        }
        let choices = [
            ("sequential", Take::Sequential),
            ("random", Take::Random),
            ("unique", Take::Unique),
        ];
        let take = match fields.get("take") {
            None => Some(Take::Sequential),
            Some(node) => context.choice(node, &choices),
        };
        let Some(file) = fields.get("file") else {
            continue;
        };
        let Some(written) = context.word(file, "the file's name") else {
            continue;
        };
        match data::read(&context.path(written)) {
            Ok(table) if is_per_instance => {
                for column in &table.columns {
                    if known
                        .add_instance_column(column, table.rows.len())
                        .is_none()
                    {
                        let message = format!("`instance.{column}` has a value already");
                        let help = Some("give that column another name".to_owned());
                        context.error(&file.span, message, help);
                    }
                }
                of_instances.push(InstanceTable {
                    name: name.to_owned(),
                    columns: table.columns,
                    rows: table.rows.into(),
                });
            }
            Ok(table) => {
                known.add_data(name, Some(table.columns.clone()));
                sources.push(DataSource {
                    name: name.to_owned(),
                    columns: table.columns,
                    rows: table.rows.into(),
                    take: take.unwrap_or(Take::Sequential),
                    place: context.place(&key.span),
                });
            }
            Err(reason) => {
                let help = Some("the file is looked for from the scenario's directory".to_owned());
                context.error(&file.span, reason, help);
            }
        }
    }
    (sources, of_instances)
}

fn variables(
    context: &Context<'_>,
    node: Option<&Node>,
    known: &mut KnownNames,
    secrets: &[(String, Range<usize>)],
) -> Vec<(String, Template)> {
    let mut variables = Vec::new();
    let Some(node) = node else { return variables };
    let entries = context.entries(node, "variables");
    let names: Vec<&str> = entries.iter().map(|(_, name, _)| *name).collect();
    for (at, (key, name, node)) in entries.into_iter().enumerate() {
        if context.identifier(&key.span, name, "a variable").is_none() {
            continue;
        }
        if known.is_data(name) {
            let help = Some("choose another name".to_owned());
            context.error(
                &key.span,
                format!("`{name}` is a table of `data` already"),
                help,
            );
        }
        let (template, mut trace) = context.traced(|| context.template(node));
        let mut given = context.options.overrides.iter().rev();
        let given = given.find(|(overridden, _)| overridden == name);
        if given.is_some() {
            // Its own template is not computed.
            trace.iter_mut().for_each(Trace::make_optional);
        }
        usage::check_variable(context, &trace, known, &names[at..]);
        known.add_variable(name);
        let Some(template) = template else { continue };
        if context.options.environment.is_some() {
            let value = given.map(|(_, value)| value.clone());
            if let Some(value) = value.or_else(|| context.known(&template)) {
                context.add_constant(name, &value);
            }
        }
        if template
            .names()
            .iter()
            .any(|used| known.is_secret(used, secrets))
        {
            known.taint(name);
        }
        if given.is_none()
            && template
                .names()
                .iter()
                .any(|used| known.differs_by_flow(used))
        {
            known.add_by_flow(name);
        }
        context.define(name, &template);
        variables.push((name.to_owned(), template));
    }
    variables
}

fn check_overrides(context: &Context<'_>, variables: &[(String, Template)]) {
    let known = || variables.iter().map(|(name, _)| name.as_str());
    for (name, _) in context.options.overrides {
        if known().any(|known| known == name) {
            continue;
        }
        let help = match names::nearest(name, known()) {
            Some(near) => format!("is `{near}` meant?"),
            None => match names::list(known()) {
                list if list.is_empty() => "it has no `variables`".to_owned(),
                list => format!("it has {list}"),
            },
        };
        let message = format!("the scenario has no variable `{name}` that could be set");
        context.report(Problem::error(&message, None, Some(help)));
    }
}
