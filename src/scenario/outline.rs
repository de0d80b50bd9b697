//! A plan in few words, for people who check what they wrote.

use super::plan::{Plan, TerminalKind};

/// What a scenario will do, in the order in which it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub name: String,
    pub description: Option<String>,
    pub roles: Vec<RoleOutline>,
    pub steps: Vec<StepOutline>,
    /// Names only: values may be secret.
    pub variables: Vec<String>,
    pub secrets: Vec<String>,
    pub data: Vec<DataOutline>,
    /// The load in words.
    pub load: String,
    pub flows: Option<u64>,
    pub most_in_flight: u64,
}

/// A part in the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleOutline {
    pub name: String,
    pub title: String,
    /// The command as the scenario writes it, one line.
    pub command: String,
    pub terminal: TerminalKind,
    /// Its actions, each with the number of its turns, in the order of the scenario.
    pub actions: Vec<(String, usize)>,
}

/// An action at its place in the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutline {
    pub name: String,
    pub role: String,
    pub action: String,
    /// How many turns the action has, those within other turns not counted.
    pub turns: usize,
    pub provides: Vec<String>,
    /// The condition as the scenario writes it.
    pub when: Option<String>,
}

/// A table of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataOutline {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: usize,
}

/// What the plan will do, in few words.
pub fn outline(plan: &Plan) -> Outline {
    let roles = plan.roles.iter().map(|role| RoleOutline {
        name: role.name.clone(),
        title: role.title.clone(),
        command: role.command(),
        terminal: role.terminal,
        actions: role
            .actions
            .iter()
            .map(|a| (a.name.clone(), a.turns.len()))
            .collect(),
    });
    let steps = plan.steps.iter().map(|step| StepOutline {
        name: step.name.clone(),
        role: plan.roles[step.role.0].name.clone(),
        action: step.action.name.clone(),
        turns: step.action.turns.len(),
        provides: step.provides.clone(),
        when: step.when.as_ref().map(|when| when.source().to_owned()),
    });
    let data = plan.data.iter().map(|data| DataOutline {
        name: data.name.clone(),
        columns: data.columns.clone(),
        rows: data.rows.len(),
    });
    Outline {
        name: plan.name.clone(),
        description: plan.description.clone(),
        roles: roles.collect(),
        steps: steps.collect(),
        variables: plan
            .variables
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        secrets: plan.secrets.to_vec(),
        data: data.collect(),
        load: plan.load.to_string(),
        flows: plan.load.flows,
        most_in_flight: plan.load.most_in_flight(),
    }
}
