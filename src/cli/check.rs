//! `rehearsal check`: the errors of a scenario, or its plan.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::model::{IntegrityInfo, OwnInfo};
use crate::process::LimitProblem;
use crate::report::units::{counted, duration};
use crate::report::{Output, sanitize};
use crate::scenario::{FaultRules, Plan, RetryPolicy, Role, Step};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::machine_limits;
use super::scenario::{self, Loaded};
use super::settings::RunSettings;

/// Checks a scenario and prints its plan. Missing resources on this machine are an error, as they
/// are for a run.
pub(super) fn check(
    settings: &RunSettings,
    parallel: Option<u64>,
    json: bool,
    environment: &CliEnvironment,
) -> Result<Exit, CliError> {
    let mut output = Output::new(anstream::stdout());
    let loaded = match scenario::check(settings, environment)? {
        Ok(loaded) => loaded,
        Err(diagnostics) if json => {
            let diagnostics = diagnostics.to_json();
            let answer = json!({ "ok": false, "diagnostics": diagnostics, "plan": null });
            output.line(&format!("{answer:#}"));
            return exit(output, Exit::Usage);
        }
        Err(diagnostics) => {
            return Err(CliError::Scenario(diagnostics.render(scenario::coloured())));
        }
    };
    let Loaded { plan, warnings, .. } = loaded;
    let parallel = parallel.unwrap_or(plan.load.most_in_flight()).max(1);
    let chaos = settings.chaos(&plan)?;
    let problems = machine_limits::problems(&plan, parallel);
    if json {
        let answer = json!({
            "ok": problems.is_empty(),
            "diagnostics": warnings.to_json(),
            "plan": as_json(&plan, &chaos, parallel, &problems),
        });
        output.line(&format!("{answer:#}"));
    } else {
        if !warnings.is_empty() {
            let warnings = warnings.render(scenario::coloured());
            Output::new(anstream::stderr()).text(&warnings);
        }
        output.text(&as_text(&plan, &chaos, parallel, &problems));
    }
    let found = if problems.is_empty() {
        Exit::Completed
    } else {
        Exit::Usage
    };
    exit(output, found)
}

/// An answer that could not be written overrides the exit code of what was found.
fn exit(output: Output, found: Exit) -> Result<Exit, CliError> {
    let written = output.finish();
    written.map_err(|error| CliError::standard_output("the answer", error))?;
    Ok(found)
}

fn as_text(plan: &Plan, chaos: &FaultRules, parallel: u64, problems: &[LimitProblem]) -> String {
    let mut text = format!("{}: OK\n\nRoles\n", sanitize(&plan.name));
    let width = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| name.chars().count()).max().unwrap_or(0)
    };
    let widest_title = width(&mut plan.roles.iter().map(|role| role.title.as_str()));
    for role in &plan.roles {
        let words: Vec<_> = role.run.iter().map(|word| word.source()).collect();
        let (title, command) = (sanitize(&role.title), words.join(" "));
        let lifetime = match role.pool {
            Some(size) => format!(", {} for all flows", counted(size.get(), "instance")),
            None if role.ends_with_steps => ", left after its last step".to_owned(),
            None => String::new(),
        };
        push(
            &mut text,
            format_args!("  {title:<widest_title$}  {}{lifetime}", sanitize(&command)),
        );
        for detail in details(role) {
            push(
                &mut text,
                format_args!("  {:<widest_title$}    {}", "", sanitize(&detail)),
            );
        }
    }
    text.push_str("\nSteps\n");
    let widest_name = width(&mut plan.steps.iter().map(|step| step.name.as_str()));
    for step in &plan.steps {
        let (name, role) = (
            sanitize(&step.name),
            sanitize(&plan.roles[step.role.0].title),
        );
        let action = sanitize(&step.action.name);
        let timeout = duration(u64::try_from(step.timeout.as_micros()).unwrap_or(u64::MAX));
        push(
            &mut text,
            format_args!(
                "  {name:<widest_name$}  {role}: {action}, at most {timeout}{}",
                policies(step)
            ),
        );
    }
    if let Some(retry) = &plan.retry {
        let retry = retried(retry);
        push(&mut text, format_args!("  A flow that fails is {retry}."));
    }
    push_integrity(&mut text, &plan.integrity);
    if !plan.thresholds.is_empty() {
        text.push_str("\nThresholds\n");
    }
    for threshold in &plan.thresholds {
        push(
            &mut text,
            format_args!("  {}", sanitize(&threshold.to_string())),
        );
    }
    chaos_as_text(&mut text, plan, chaos);
    let need = machine_limits::need(plan, parallel);
    push(
        &mut text,
        format_args!(
            "\n{} at a time: at most {}, {} and {}",
            counted(parallel, "flow"),
            counted(need.processes, "process").replace("processs", "processes"),
            counted(need.terminals, "terminal"),
            counted(need.descriptors, "descriptor"),
        ),
    );
    if problems.is_empty() {
        text.push_str("This machine has room for that.\n");
    }
    for gate in plan.closed_gates(&plan.load) {
        push(&mut text, format_args!("{}.", sanitize(&gate)));
    }
    for problem in problems {
        push(&mut text, format_args!("There are {problem}."));
    }
    text
}

/// Describes what a role has from itself or from `defaults`, one part a line.
fn details(role: &Role) -> impl Iterator<Item = String> {
    let screen = role.screen().map(|size| format!("screen: {size}"));
    let directory = role.directory.as_ref();
    let directory = directory.map(|it| format!("directory: {}", it.source()));
    let prompt = role.menu.prompt.as_ref();
    let prompt = prompt.map(|it| format!("menu: {it}"));
    let row = role.menu.row.own().map(|it| format!("rows: {it}"));
    let interludes = role.interludes.iter().map(|it| it.wait.to_string());
    let fail_on = role.fail_on.iter().map(|it| it.category.clone());
    let lists = [
        ("interludes", listed(interludes)),
        ("fail_on", listed(fail_on)),
    ];
    let lists = lists.map(|(name, list)| Some(format!("{name}: {}", list?)));
    let parts = [screen, directory, prompt, row];
    parts.into_iter().chain(lists).flatten()
}

/// Joins distinct texts; `None` if there are none.
fn listed(texts: impl Iterator<Item = String>) -> Option<String> {
    let mut distinct: Vec<String> = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    (!distinct.is_empty()).then(|| distinct.join(", "))
}

/// Describes a step's retry, gates and delay as a suffix of its line.
fn policies(step: &Step) -> String {
    let gates = &step.gates;
    let together = gates
        .together
        .map(|flows| format!("{flows} flows together"));
    let interval = gates.interval.map(|interval| {
        let interval = humantime::format_duration(interval);
        format!("{interval} apart at least")
    });
    let exclusive = gates.exclusive.as_ref();
    let exclusive = exclusive.map(|name| format!("one flow at a time (`{}`)", sanitize(name)));
    let retry = step.retry.as_ref().map(retried);
    let all = [together, interval, exclusive, retry].into_iter().flatten();
    all.fold(String::new(), |text, it| text + ", " + &it)
}

fn retried(retry: &RetryPolicy) -> String {
    let times = counted(retry.times.into(), "time");
    let on = retry.on.as_ref().map_or(String::new(), |names| {
        format!(" after {}", sanitize(&names.join(", ")))
    });
    format!("retried{on}, {times} at most")
}

/// Describes the integrity checks.
fn push_integrity(text: &mut String, integrity: &IntegrityInfo) {
    if integrity.is_empty() {
        return;
    }
    text.push_str("\nIntegrity\n");
    let mut line = |demand: String| push(text, format_args!("  {}", sanitize(&demand)));
    for value in &integrity.unique {
        line(format!("{value} is unique"));
    }
    for values in &integrity.agree {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        line(format!("{} agree", values.join(", ")));
    }
    for OwnInfo { seen, of } in &integrity.own {
        line(format!("{seen} is the flow's own {of}"));
    }
    if let Some(command) = &integrity.audit {
        line(format!("audit {command} passes"));
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes all");
}

fn as_json(plan: &Plan, chaos: &FaultRules, parallel: u64, problems: &[LimitProblem]) -> Value {
    let need = machine_limits::need(plan, parallel);
    let roles = plan.roles.iter().map(|role| {
        let command: Vec<_> = role.run.iter().map(|word| word.source()).collect();
        let pool = role.pool;
        let fail_on = role.fail_on.iter();
        json!({
            "name": role.name,
            "title": role.title,
            "command": command,
            "pool": pool,
            "ends_with_steps": role.ends_with_steps,
            "screen": role.screen().map(|it| json!({ "rows": it.rows, "columns": it.columns })),
            "directory": role.directory.as_ref().map(|it| it.source()),
            "menu_prompt": role.menu.prompt.as_ref().map(ToString::to_string),
            "interludes": role.interludes.iter().map(|it| it.wait.to_string()).collect::<Vec<_>>(),
            "fail_on": fail_on.map(|it| it.category.as_str()).collect::<Vec<_>>(),
        })
    });
    let steps = plan.steps.iter().map(|step| {
        json!({
            "name": step.name,
            "role": plan.roles[step.role.0].name,
            "action": step.action.name,
            "timeout_us": u64::try_from(step.timeout.as_micros()).unwrap_or(u64::MAX),
            "retries": step.retry.as_ref().map_or(0, |retry| retry.times),
            "together": step.gates.together,
            "interval_us": step.gates.interval.map(|it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX)),
            "exclusive": step.gates.exclusive,
        })
    });
    json!({
        "name": plan.name,
        "load": plan.load.to_string(),
        "flows": plan.load.flows,
        "parallel": parallel,
        "roles": roles.collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
        "integrity": plan.integrity,
        "thresholds": plan.thresholds.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "chaos": chaos_as_json(plan, chaos),
        "most_processes": need.processes,
        "most_terminals": need.terminals,
        "most_descriptors": need.descriptors,
        "gates_never_full": plan.closed_gates(&plan.load),
        "limits_too_low": problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Describes the expected fault injections.
fn chaos_as_text(text: &mut String, plan: &Plan, chaos: &FaultRules) {
    if chaos.is_empty() {
        return;
    }
    text.push_str("\nChaos\n");
    let context = plan.rule_context();
    let widest = chaos.rules.iter().map(|rule| rule.text.chars().count());
    let widest = widest.max().unwrap_or(0);
    for rule in &chaos.rules {
        let steps = rule.steps(&context).len() as u64;
        let steps = format!("{} of {} steps", steps, plan.steps.len());
        let times = rule.times_per_flow(&context);
        let flows = match rule.target.flow {
            Some(flow) => format!("in flow {flow}"),
            None => "a flow".to_owned(),
        };
        let what = sanitize(&rule.text);
        push(
            text,
            format_args!("  {what:<widest$}  at {steps}, {times:.2} times {flows}"),
        );
    }
    let part = chaos.share_of_flows(&context) * 100.0;
    push(
        text,
        format_args!(
            "  About {part:.0}% of the flows are affected if each step is performed once."
        ),
    );
}

fn chaos_as_json(plan: &Plan, chaos: &FaultRules) -> Value {
    let context = plan.rule_context();
    let name = |step: &crate::model::StepIndex| plan.steps[step.0].name.as_str();
    let rules = chaos.rules.iter().map(|rule| {
        json!({
            "injection": rule.text,
            "kind": rule.fault.kind().name(),
            "steps": rule.steps(&context).iter().map(name).collect::<Vec<_>>(),
            "flow": rule.target.flow,
            "times_a_flow": rule.times_per_flow(&context),
        })
    });
    json!({
        "injections": rules.collect::<Vec<_>>(),
        "part_of_flows": chaos.share_of_flows(&context),
    })
}
