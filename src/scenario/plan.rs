//! The plan: a checked scenario in the form that the engine executes.
//!
//! A plan is immutable and shared by all flows. Everything that does not depend on a flow is done
//! here: names are resolved to indexes, durations to [`Duration`]s, patterns without placeholders
//! are compiled.

mod masking;
mod turns;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::dialogue::{Pattern, RowFormat};
use crate::model::{IntegrityInfo, RoleIndex, StepIndex, TerminalKind};
use crate::stats::Threshold;
use crate::terminal::ScreenSize;

use super::data::{DataSource, InstanceTable};
use super::faults::rule::FaultRules;
use super::gates::GateSpec;
use super::load::Load;
use super::location::SourceLocation;
use super::retry::RetryPolicy;
use super::template::{Expression, Template};

pub use turns::{
    Alternative, AwaitedSpec, CommonWaits, FieldInput, KeyInput, PatternSpec, Pick, Reply, Since,
    TextInput, Then, Turn, TurnKind, Wait, any_turn,
};

/// A checked scenario.
#[derive(Debug)]
pub struct Plan {
    /// The scenario's name.
    pub name: String,
    /// The author's description, one sentence.
    pub description: Option<String>,
    /// The file as the user named it; `None` for the built-in scenario.
    pub file: Option<PathBuf>,
    /// The source text.
    pub source: Arc<str>,
    pub roles: Vec<Role>,
    pub steps: Vec<Step>,
    /// In the order of evaluation: a variable may use those before it.
    pub variables: Vec<(String, Template)>,
    /// Overridden values of variables; the last one of a name wins.
    pub given: Vec<(String, String)>,
    /// Names of variables and captures whose values are masked everywhere.
    pub secrets: Arc<[String]>,
    pub data: Vec<DataSource>,
    /// Tables with a row for each instance of a pool.
    pub instance_data: Vec<InstanceTable>,
    /// Names of environment variables that expressions may read as `env.NAME`.
    pub environment: Vec<String>,
    pub defaults: Defaults,
    pub load: Load,
    /// The retry of failed flows.
    pub retry: Option<RetryPolicy>,
    /// Conditions on the run's figures.
    pub thresholds: Vec<Threshold>,
    /// Rules of fault injection.
    pub faults: FaultRules,
    /// Integrity rules for the values of all flows.
    pub integrity: IntegrityInfo,
    /// The command that audits the data after the run.
    pub audit: Option<Audit>,
}

/// A command that audits the data when all flows have ended. It is outside of flows, so it can use
/// only values of the run and of the environment.
#[derive(Debug)]
pub struct Audit {
    /// Program and arguments.
    pub run: Vec<Template>,
    /// Patterns that must each match a line of its output.
    pub expect: Vec<Pattern>,
    pub within: Duration,
    /// Variables in addition to rehearsal's own environment.
    pub environment: Vec<(String, Template)>,
    /// Its working directory, relative to the scenario's directory.
    pub directory: Option<Template>,
    pub place: SourceLocation,
}

impl Plan {
    /// Returns `true` if any turn runs a plain command.
    pub fn runs_commands(&self) -> bool {
        let leaving = self.roles.iter().flat_map(|role| &role.leave);
        let mut actions = self.steps.iter().map(|step| &step.action).chain(leaving);
        actions.any(|action| turns::runs_command(&action.turns))
    }

    /// Returns `true` if flows can wait for each other.
    pub fn has_gates(&self) -> bool {
        self.roles.iter().any(|role| role.pool.is_some())
            || self.steps.iter().any(|step| !step.gates.is_open())
    }

    /// Returns warnings about gates that release more flows together than this load ever has at
    /// them.
    pub fn closed_gates(&self, load: &Load) -> Vec<String> {
        let most = load.most_in_flight().min(load.flows.unwrap_or(u64::MAX));
        let steps = self.steps.iter();
        steps
            .filter_map(|step| {
                let wanted = step.gates.together.filter(|wanted| *wanted > most)?;
                Some(format!(
                    "`{}` is to be performed by {wanted} flows together, and there are never more \
                     than {most}: run {wanted} flows with --parallel {wanted}, or make `together` \
                     smaller ({})",
                    step.name, step.place,
                ))
            })
            .collect()
    }
}

/// Defaults for roles, steps and turns.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The time from the start of a program until the first wait of its first step is satisfied.
    pub startup: Duration,
    pub step: Duration,
    /// The time limit of a whole flow.
    pub flow: Option<Duration>,
    /// A pause before every step but the first.
    pub delay: Duration,
    /// The time without output after which a prompt matches that is in the unfinished line but
    /// not at its end.
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

/// A role, played by one program.
#[derive(Debug)]
pub struct Role {
    pub name: String,
    pub title: String,
    /// Program and arguments; never a shell string. They must not contain secrets.
    pub run: Vec<Template>,
    pub terminal: TerminalKind,
    /// True if its output is a screen, beside its lines.
    pub has_screen: bool,
    /// Variables in addition to rehearsal's own environment.
    pub environment: Vec<(String, Template)>,
    /// The program's working directory, relative to the scenario's directory.
    pub directory: Option<Template>,
    pub menu: Menu,
    pub interludes: Vec<Interlude>,
    pub fail_on: Vec<FailOn>,
    pub actions: Vec<Arc<Action>>,
    /// True if an action has a `choose`, so that the rows shown before each prompt are kept.
    pub chooses: bool,
    /// The number of script instances that serve all flows; `None` if every flow has its own.
    pub pool: Option<NonZeroU64>,
    /// True if a flow's own script ends with the last step of the role, and not with the flow.
    pub ends_with_steps: bool,
    /// Waits for the menu's prompt without a reply; a pooled instance is free when it matches.
    pub return_to_menu: Arc<[Turn]>,
    /// The action named `return`, which navigates back to that menu: between two flows that share
    /// the instance, and before `leave`.
    pub back: Option<Arc<Action>>,
    /// The action named `leave`, performed when the flow has ended well, or the role's steps if it
    /// [ends with them](Role::ends_with_steps), and by pooled instances at the end of the run.
    pub leave: Option<Arc<Action>>,
}

impl Role {
    /// Returns the size of its screen, if it has one.
    pub fn screen(&self) -> Option<ScreenSize> {
        match self.terminal {
            TerminalKind::Pty { rows, columns } if self.has_screen => {
                Some(ScreenSize { rows, columns })
            }
            TerminalKind::Pty { .. } | TerminalKind::Pipes => None,
        }
    }

    /// Returns the command as in the scenario, in one line for people.
    pub fn command(&self) -> String {
        command_line(&self.run)
    }
}

/// Formats a command as in the scenario, in one line for people.
pub(super) fn command_line(command: &[Template]) -> String {
    let words = command.iter().map(|word| match word.source() {
        plain if !plain.is_empty() && !plain.contains([' ', '\'', '"']) => plain.to_owned(),
        other => format!("'{}'", other.replace('\'', r"'\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The format of the role's menus.
#[derive(Debug, Default)]
pub struct Menu {
    /// The wait of `choose` and `pick` without one.
    pub prompt: Option<AwaitedSpec>,
    /// The format of a row: its key and its label.
    pub row: RowFormat,
}

/// A prompt that may come at any time and is answered without ending the wait.
#[derive(Debug)]
pub struct Interlude {
    pub wait: AwaitedSpec,
    pub reply: Option<Reply>,
    /// The maximum number of times in one step.
    pub at_most: u32,
    pub place: SourceLocation,
}

/// A pattern that fails the step.
#[derive(Debug)]
pub struct FailOn {
    pub category: String,
    pub pattern: Pattern,
    pub place: SourceLocation,
}

/// A role's named list of turns.
#[derive(Debug)]
pub struct Action {
    pub name: String,
    pub turns: Arc<[Turn]>,
    /// The names of separately timed turns, in order.
    pub turn_names: Vec<Arc<str>>,
    pub place: SourceLocation,
}

/// An action at its place in the flow.
#[derive(Debug)]
pub struct Step {
    pub index: StepIndex,
    pub name: String,
    pub role: RoleIndex,
    pub action: Arc<Action>,
    /// This step starts the role's script.
    pub starts_script: bool,
    pub timeout: Duration,
    pub delay: Duration,
    pub when: Option<Expression>,
    /// Captures that the step must make.
    pub provides: Vec<String>,
    /// Categories of `fail_on` that do not fail this step.
    pub tolerate: Vec<String>,
    /// The retry of the step after a failure.
    pub retry: Option<RetryPolicy>,
    /// Gates that the flow passes before the step.
    pub gates: GateSpec,
    pub place: SourceLocation,
}
