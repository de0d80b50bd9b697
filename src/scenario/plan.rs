//! The plan: a scenario that has been checked, in the form in which the engine performs it.
//!
//! A plan never changes and is shared by all flows. Whatever can be decided before the first
//! program starts is decided here: names are resolved to indexes, durations to [`Duration`]s,
//! patterns without placeholders are compiled.

mod turns;

use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::dialogue::{Pattern, RowFormat};
use crate::model::{IntegrityInfo, RoleIndex, StepIndex};
use crate::stats::Threshold;

use super::data::DataSource;
use super::faults::{Cast, Chaos};
use super::gates::Gates;
use super::load::Load;
use super::retry::RetryPolicy;
use super::secrets::Masker;
use super::template::{Expression, Template};

pub use turns::{
    Alternative, CommonWaits, Heard, PatternSpec, Pick, Reply, Then, Turn, TurnKind, Wait,
};

/// A checked scenario.
#[derive(Debug)]
pub struct Plan {
    /// The scenario's name.
    pub name: String,
    /// One sentence for people, if the author wrote one.
    pub description: Option<String>,
    /// The file it was read from, as the user named it; `None` for the built-in one.
    pub file: Option<PathBuf>,
    /// The text it was compiled from.
    pub source: Arc<str>,
    pub roles: Vec<Role>,
    pub steps: Vec<Step>,
    /// In the order in which they are rendered for each flow: a variable may use those before it.
    pub variables: Vec<(String, Template)>,
    /// Values of variables that the caller gave; the last one of a name counts.
    pub given: Vec<(String, String)>,
    /// Names of variables and captures whose values are masked wherever they would appear.
    pub secrets: Arc<[String]>,
    pub data: Vec<DataSource>,
    /// Names of environment variables that expressions may read as `env.NAME`.
    pub environment: Vec<String>,
    pub defaults: Defaults,
    pub load: Load,
    /// The number of times a flow that failed is begun anew.
    pub retry: Option<RetryPolicy>,
    /// What is demanded of a run's figures.
    pub thresholds: Vec<Threshold>,
    /// What may be done to scripts on purpose.
    pub chaos: Chaos,
    /// What is demanded of its books.
    pub integrity: IntegrityInfo,
    /// Looks into the books after the run.
    pub audit: Option<Audit>,
}

/// A command that looks into the books when all flows have ended. It belongs to no flow: of
/// values only those of the run and of the environment may stand in it.
#[derive(Debug)]
pub struct Audit {
    /// Program and arguments.
    pub run: Vec<Template>,
    /// Each must be in a line of its output.
    pub expect: Vec<Pattern>,
    pub within: Duration,
    /// Set on top of the environment that rehearsal itself was started in.
    pub environment: Vec<(String, Template)>,
    /// Where it runs; relative to the scenario's folder.
    pub directory: Option<Template>,
    pub place: Place,
}

impl Plan {
    /// Returns whether plain commands are run on the way.
    pub fn runs_commands(&self) -> bool {
        let leaving = self.roles.iter().flat_map(|role| &role.leave);
        let mut actions = self.steps.iter().map(|step| &step.action).chain(leaving);
        actions.any(|action| turns::runs_command(&action.turns))
    }

    /// Its steps and roles, by which chaos is read and understood.
    pub fn cast(&self) -> Cast<'_> {
        Cast {
            steps: self.steps.iter().collect(),
            roles: self.roles.iter().collect(),
        }
    }

    /// The text it was compiled from, with the values that secret variables and `secret` replies
    /// have in it masked: a scenario that can be run if they are given otherwise. `None` if a value
    /// stands in it in a form in which it cannot be found, such as over several lines.
    pub fn masked_source(&self) -> Option<String> {
        let variables = self
            .variables
            .iter()
            .filter(|(name, _)| self.secrets.contains(name))
            .map(|(_, value)| value);
        let secret = variables.chain(self.secret_replies());
        let mut forms = Vec::new();
        for value in secret.filter(|value| has_text(value.source())) {
            let written = [Some(value.source()), value.fixed()];
            let of_this = written.into_iter().flatten().flat_map(forms_in_yaml);
            let found: Vec<String> = of_this.filter(|it| self.source.contains(it)).collect();
            if found.is_empty() {
                return None;
            }
            forms.extend(found);
        }
        let masker = Masker::new(forms.iter().map(String::as_str));
        // Asterisks would make an alias of it.
        Some(masker.mask_with(&self.source, "MASKED").into_owned())
    }
}

impl Plan {
    /// What `secret` replies say.
    pub fn secret_replies(&self) -> Vec<&Template> {
        let mut found = Vec::new();
        for role in &self.roles {
            found.extend(
                role.interludes
                    .iter()
                    .filter_map(|it| secret(it.reply.as_ref())),
            );
            let actions = role.actions.iter();
            actions.for_each(|action| secrets_of(&action.turns, &mut found));
        }
        found
    }
}

fn secret(reply: Option<&Reply>) -> Option<&Template> {
    match reply? {
        Reply::Secret(template) => Some(template),
        _ => None,
    }
}

fn secrets_of<'p>(turns: &'p [Turn], found: &mut Vec<&'p Template>) {
    for turn in turns {
        match &turn.kind {
            TurnKind::Exchange { reply, .. } => found.extend(secret(reply.as_ref())),
            TurnKind::FirstOf(alternatives) => {
                for alternative in alternatives {
                    found.extend(secret(alternative.reply.as_ref()));
                    if let Then::Do(turns) | Then::DoAgain(turns) = &alternative.then {
                        secrets_of(turns, found);
                    }
                }
            }
            TurnKind::Repeat { turns, .. } => secrets_of(turns, found),
            TurnKind::Think { .. } | TurnKind::Assert(_) | TurnKind::Run { .. } => {}
        }
    }
}

/// Returns whether there is anything in a template but placeholders.
fn has_text(template: &str) -> bool {
    let mut left = template;
    while let Some((before, rest)) = left.split_once("${") {
        let Some((_, after)) = rest.split_once('}').filter(|_| before.is_empty()) else {
            return true;
        };
        left = after;
    }
    !left.is_empty()
}

/// The ways to write a text on one line: plain, in single quotes, in double quotes.
fn forms_in_yaml(text: &str) -> [String; 3] {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    [text.to_owned(), text.replace('\'', "''"), escaped]
}

/// What holds where a role, a step or a turn says nothing else.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// From the start of a program until the first wait of its first step is satisfied.
    pub startup: Duration,
    pub step: Duration,
    /// The whole flow, if limited.
    pub flow: Option<Duration>,
    /// A pause before every step but the first.
    pub delay: Duration,
    /// The time that the unfinished line must have been quiet before a prompt that stands in it,
    /// but
    /// not at its end, is taken to be one.
    pub quiet: Duration,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            startup: Duration::from_secs(10),
            step: Duration::from_secs(30),
            flow: None,
            delay: Duration::ZERO,
            quiet: Duration::from_millis(10),
        }
    }
}

/// A part in the scenario, played by one program.
#[derive(Debug)]
pub struct Role {
    pub name: String,
    pub title: String,
    /// Program and arguments; never a shell string. No secret may stand in it.
    pub run: Vec<Template>,
    pub terminal: TerminalKind,
    /// Set on top of the environment that rehearsal itself was started in.
    pub environment: Vec<(String, Template)>,
    /// Where the program runs; relative to the scenario's folder.
    pub directory: Option<Template>,
    pub menu: Menu,
    pub interludes: Vec<Interlude>,
    pub fail_on: Vec<FailOn>,
    pub actions: Vec<Arc<Action>>,
    /// The number of instances of its script serve all flows. If `None`, every flow has its own.
    pub pool: Option<NonZeroU64>,
    /// Awaits the menu's prompt, and says nothing: how a pool's script shows that it is free again.
    pub settle: Arc<[Turn]>,
    /// The action named `return`, which brings the program back to that menu: between two flows
    /// that share it, and before `leave`.
    pub back: Option<Arc<Action>>,
    /// The action named `leave`, performed when the flow has ended well; by a pool's scripts at the
    /// end of the run.
    pub leave: Option<Arc<Action>>,
}

impl Role {
    /// The command as the scenario writes it, in one line for people.
    pub fn command(&self) -> String {
        command_line(&self.run)
    }
}

/// A command as the scenario writes it, in one line for people.
pub(super) fn command_line(command: &[Template]) -> String {
    let words = command.iter().map(|word| match word.source() {
        plain if !plain.is_empty() && !plain.contains([' ', '\'', '"']) => plain.to_owned(),
        other => format!("'{}'", other.replace('\'', r"'\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What the program finds at its standard descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalKind {
    Pty { rows: u16, columns: u16 },
    Pipes,
}

/// How the role's menus look.
#[derive(Debug, Default)]
pub struct Menu {
    /// Awaited by `choose` and `pick` that name no wait themselves.
    pub prompt: Option<PatternSpec>,
    /// How a row is told from other lines, and its key from its label.
    pub row: RowFormat,
}

/// A prompt that may come at any time and is answered on the way.
#[derive(Debug)]
pub struct Interlude {
    pub wait: PatternSpec,
    pub on: Heard,
    pub reply: Option<Reply>,
    /// The number of times it may come in one step.
    pub at_most: u32,
    pub place: Place,
}

/// A text whose appearance fails the step.
#[derive(Debug)]
pub struct FailOn {
    pub category: String,
    pub pattern: Pattern,
    pub place: Place,
}

/// A role's named list of turns.
#[derive(Debug)]
pub struct Action {
    pub name: String,
    pub turns: Arc<[Turn]>,
    /// The names of the turns that are timed on their own, in order.
    pub turn_names: Vec<Arc<str>>,
    pub place: Place,
}

/// An action at its place in the flow.
#[derive(Debug)]
pub struct Step {
    pub index: StepIndex,
    pub name: String,
    pub role: RoleIndex,
    pub action: Arc<Action>,
    /// True if this step starts the role's script.
    pub starts_script: bool,
    pub timeout: Duration,
    pub delay: Duration,
    pub when: Option<Expression>,
    /// Captures that the step must have made when it ends.
    pub provides: Vec<String>,
    /// Categories of `fail_on` that do not fail this step.
    pub tolerate: Vec<String>,
    /// The number of times it is performed again if it fails.
    pub retry: Option<RetryPolicy>,
    /// What the flow waits for before it.
    pub gates: Gates,
    pub place: Place,
}

/// Where something stands in the scenario, for messages: `order-flow.yaml:42`.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<str>,
    pub line: usize,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::{CompileOptions, compile};

    fn masked(secret: &str) -> Option<String> {
        let text = format!(
            "name: test\nvariables: {{word: {secret}}}\nsecrets: [word]\nroles:\n  user:\n    \
             run: [program]\n    actions:\n      go:\n        - {{see: Hello, secret: \"${{word}}\"}}\n\
             flow:\n  - {{step: 1_go, role: user, do: go}}\n"
        );
        let compiled = compile(&text, None, CompileOptions::default());
        compiled.expect("a sound scenario").plan.masked_source()
    }

    #[test]
    fn secrets_are_masked_however_they_are_written() {
        for secret in ["open", "'it''s open'", r#""say \"open\" \\o/""#] {
            let text = masked(secret).expect("it is found");
            assert!(!text.contains("open"), "{text}");
            assert!(text.contains("MASKED"), "{text}");
            compile(&text, None, CompileOptions::default()).expect("a sound scenario");
        }
    }

    #[test]
    fn what_a_secret_reply_says_is_masked() {
        let text = "name: test\nroles:\n  user:\n    run: [program]\n    actions:\n      go:\n        \
                    - {see: Hello, secret: hunter2}\n        - first_of:\n            \
                    - {see: a, do: [{prompt: Pin, secret: 'o''neil'}]}\n            - {see: b}\n\
                    flow:\n  - {step: 1_go, role: user, do: go}\n";
        let compiled = compile(text, None, CompileOptions::default());
        let masked = compiled.expect("a sound scenario").plan.masked_source();
        let masked = masked.expect("they are found");
        assert!(
            !masked.contains("hunter2") && !masked.contains("neil"),
            "{masked}"
        );
        compile(&masked, None, CompileOptions::default()).expect("a sound scenario");
    }

    #[test]
    fn a_secret_from_elsewhere_is_not_in_it() {
        let text = masked("\"${run.id}\"").expect("there is nothing to find");
        assert!(text.contains("word: \"${run.id}\""), "{text}");
        let text = masked("\"open-${run.id}\"").expect("it is found");
        assert!(!text.contains("open"), "{text}");
    }

    #[test]
    fn a_secret_that_cannot_be_found_is_not_kept() {
        assert_eq!(masked(r#""\x6fpen sesame""#), None);
    }
}
