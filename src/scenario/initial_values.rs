//! Initial values of a flow, and the values of a run.

use std::path::Path;
use std::sync::Arc;

use crate::model::{FlowId, FlowNumber, RunId};

use super::data::UsedUp;
use super::plan::Plan;
use super::scope::{FLOW_NUMBER, INSTANCE_NUMBER, Scope};
use super::secrets::Masker;
use super::template::{RenderError, Template};

/// Errors of a flow's initial values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Data whose rows are used once has no row left: the run ends here, without an error.
    #[error(transparent)]
    UsedUp(#[from] UsedUp),
    /// A variable cannot be computed. Secrets are masked in the reason.
    #[error("variable `{variable}`: {reason}")]
    Variable {
        variable: String,
        reason: RenderError,
    },
}

/// Facts about a flow before it begins.
#[derive(Clone, Copy)]
pub struct FlowContext<'a> {
    pub number: FlowNumber,
    pub flow_id: &'a FlowId,
    pub run_id: &'a RunId,
    /// A directory that only this run uses.
    pub run_directory: &'a Path,
    /// Looks up an environment variable; asked only for names that the scenario lists.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Plan {
    /// Returns the initial values of a flow: facts about it, its rows of data, and the variables,
    /// computed in their order. An override replaces a variable's template by a text, which later
    /// variables see.
    ///
    /// The same seed and the same flow number give the same values.
    ///
    /// # Errors
    /// [`ScopeError::UsedUp`] if there is no row of data left for the flow, and
    /// [`ScopeError::Variable`] if a variable cannot be computed.
    pub fn scope(&self, flow: FlowContext<'_>, seed: u64) -> Result<Scope, ScopeError> {
        let mut scope = Scope::new(Arc::clone(&self.secrets));
        scope.set(FLOW_NUMBER, flow.number.to_string());
        scope.set("flow.id", flow.flow_id.to_string());
        scope.set("run.id", flow.run_id.to_string());
        scope.set("run.directory", flow.run_directory.to_string_lossy());
        for name in &self.environment {
            if let Some(value) = (flow.environment)(name) {
                scope.set(format!("env.{name}"), value);
            }
        }
        for data in &self.data {
            let row = data.row(flow.number, seed)?;
            for (column, value) in data.columns.iter().zip(row) {
                scope.set(format!("{}.{column}", data.name), value.as_str());
            }
        }
        for (name, template) in &self.variables {
            let value = match self.given(name) {
                Some(value) => {
                    // A secret that another value replaces is a secret of another run.
                    if scope.is_secret(name)
                        && let Ok(replaced) = template.render(&scope)
                    {
                        scope.add_secret(replaced);
                    }
                    value.to_owned()
                }
                None => template
                    .render(&scope)
                    .map_err(|reason| ScopeError::Variable {
                        variable: name.clone(),
                        reason: without_secrets(&scope, name, template, &reason),
                    })?,
            };
            scope.set(name.as_str(), value);
        }
        Ok(scope)
    }
}

impl Plan {
    /// Sets the values of the pooled instance that works for the flow now: `instance.number` and
    /// its rows of data. `slot` is its place in the segment's part of the pool, from 0.
    pub fn set_instance(&self, scope: &mut Arc<Scope>, slot: usize) {
        let slot = self.load.segment.place(slot as u64);
        let number = (slot + 1).to_string();
        if scope.get(INSTANCE_NUMBER) == Some(&number) {
            return;
        }
        let scope = Arc::make_mut(scope);
        scope.set(INSTANCE_NUMBER, number);
        for table in &self.instance_data {
            let row = usize::try_from(slot)
                .ok()
                .and_then(|slot| table.rows.get(slot));
            if let Some(row) = row {
                for (column, value) in table.columns.iter().zip(row) {
                    scope.set(format!("instance.{column}"), value.as_str());
                }
            }
        }
    }

    /// Returns the values that belong to no flow: facts about the run and the environment. Secrets
    /// that are known without a flow are masked with it: those of variables, and those of all rows
    /// of data.
    pub fn scope_of_run(
        &self,
        run_id: &RunId,
        run_directory: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Scope {
        let mut scope = Scope::new(Arc::clone(&self.secrets));
        scope.set("run.id", run_id.to_string());
        scope.set("run.directory", run_directory.to_string_lossy());
        for name in &self.environment {
            if let Some(value) = environment(name) {
                scope.set(format!("env.{name}"), value);
            }
        }
        let mut secrets = Vec::new();
        for (name, template) in self.variables.iter().filter(|it| scope.is_secret(&it.0)) {
            secrets.extend(self.given(name).map(str::to_owned));
            // A variable that depends on the flow has no value here.
            secrets.extend(template.render(&scope).ok());
        }
        let of_flows = self
            .data
            .iter()
            .map(|it| (it.name.as_str(), &it.columns, &it.rows));
        let of_instances = self.instance_data.iter();
        let of_instances = of_instances.map(|it| ("instance", &it.columns, &it.rows));
        for (group, columns, rows) in of_flows.chain(of_instances) {
            let columns = columns.iter().enumerate();
            let secret = columns.filter(|(_, it)| scope.is_secret(&format!("{group}.{it}")));
            for (place, _) in secret {
                secrets.extend(rows.iter().filter_map(|row| row.get(place).cloned()));
            }
        }
        scope.add_secrets(secrets);
        scope
    }
}

/// Masks secrets in the reason why the template of a variable could not be rendered. A value that
/// is part of a secret variable is secret, too.
fn without_secrets(
    scope: &Scope,
    variable: &str,
    template: &Template,
    reason: &RenderError,
) -> RenderError {
    let used = template.names();
    let used = used.iter().filter(|_| scope.is_secret(variable));
    let used = used.filter_map(|name| scope.get(name));
    let masker = Masker::new(scope.secret_values().chain(used));
    RenderError::NotComputed(masker.mask(&reason.to_string()).into_owned())
}
