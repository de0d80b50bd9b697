//! `--demo`: an explanation of the run before it starts.

use std::fmt::Write as _;

use crate::report::units::counted;
use crate::report::{Output, sanitize};

use super::environment::CliEnvironment;
use super::error::CliError;
use super::scenario;
use super::settings::{OutputFormat, RunSettings};

/// Explains the run that follows, or the runs that the menu offers.
pub(super) fn explain(
    settings: &RunSettings,
    batch: bool,
    environment: &CliEnvironment,
) -> Result<(), CliError> {
    let plan = scenario::load(settings, environment)?.plan;
    let load = settings.load(&plan.load)?;
    let mut text = format!(
        "Rehearsal plays {} as {} would: it starts real programs, reads\n\
         what they show, and types what the scenario says. A step counts as completed only when\n\
         the program has shown that it is.\n\n",
        sanitize(&plan.name),
        counted(plan.roles.len() as u64, "person").replace("persons", "people"),
    );
    for (number, step) in plan.steps.iter().enumerate() {
        let role = &plan.roles[step.role.0];
        let (name, title) = (sanitize(&step.name), sanitize(&role.title));
        let words: Vec<_> = role.run.iter().map(|word| word.source()).collect();
        let starts = !plan.steps[..number]
            .iter()
            .any(|earlier| earlier.role == step.role);
        let what = if starts {
            format!(" starts `{}`", words.join(" "))
        } else {
            String::new()
        };
        writeln!(
            text,
            "  {:>2}. {name}: {title}{}",
            number + 1,
            sanitize(&what)
        )
        .expect("a String takes all");
    }
    let then = if batch {
        let much = match (load.flows, load.end()) {
            (Some(flows), _) => counted(flows, "flow"),
            (None, Some(time)) => humantime::format_duration(time).to_string(),
            (None, None) => "as much as its workers do".to_owned(),
        };
        format!("Now {much} of it, {load}.")
    } else {
        "The menu offers to run it.".to_owned()
    };
    text.push_str(&format!("\n{then} All programs are ended afterwards.\n\n"));
    let mut output = match settings.format {
        OutputFormat::People => Output::new(anstream::stdout()),
        OutputFormat::Json => Output::new(anstream::stderr()),
    };
    output.text(&text);
    Ok(())
}
