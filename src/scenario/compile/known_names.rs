//! Names that have a value before the first step of a flow.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::scenario::names;

use super::trace::Trace;

/// The names that have a value before the first step.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    variables: BTreeSet<String>,
    /// Tables with their columns, if these could be read.
    data: BTreeMap<String, Option<Vec<String>>>,
    environment: BTreeSet<String>,
    /// The names of environment variables that are not set.
    unset: BTreeSet<String>,
    /// Tables with a row for each instance of a pool.
    instance_tables: BTreeSet<String>,
    /// Their columns, each with the number of its rows.
    instance_columns: BTreeMap<String, usize>,
    /// Variables that may differ from flow to flow.
    by_flow: BTreeSet<String>,
    /// Variables that a secret is part of.
    tainted: BTreeSet<String>,
}

/// Groups with fixed names.
const GROUPS: [(&str, &[&str]); 2] = [("flow", &["number", "id"]), ("run", &["id", "directory"])];

/// The reason why a name has no value.
pub(super) enum Unknown {
    /// It is never provided.
    Never,
    /// It exists but is used in the wrong way: the message and the help.
    Misused(String, String),
}

impl KnownNames {
    pub fn add_variable(&mut self, name: &str) {
        self.variables.insert(name.to_owned());
    }

    pub fn add_data(&mut self, name: &str, columns: Option<Vec<String>>) {
        self.data.insert(name.to_owned(), columns);
    }

    pub fn add_instance_table(&mut self, name: &str) {
        self.instance_tables.insert(name.to_owned());
    }

    /// Adds a column of such a table; `None` if the name is taken.
    pub fn add_instance_column(&mut self, column: &str, rows: usize) -> Option<()> {
        let is_taken = column == "number" || self.instance_columns.contains_key(column);
        (!is_taken).then(|| {
            self.instance_columns.insert(column.to_owned(), rows);
        })
    }

    /// Returns the number of instances for which a value of an instance is there; `None` if for any.
    pub fn instance_rows(&self, name: &str) -> Option<usize> {
        let column = name.strip_prefix("instance.")?;
        self.instance_columns.get(column).copied()
    }

    /// Notes that a variable may differ from flow to flow.
    pub fn add_by_flow(&mut self, name: &str) {
        self.by_flow.insert(name.to_owned());
    }

    /// Returns whether the value of a name may differ from flow to flow before the first step:
    /// facts about the flow, its rows of data, and variables made of these.
    pub fn differs_by_flow(&self, name: &str) -> bool {
        let root = name.split('.').next().unwrap_or(name);
        root == "flow" || self.data.contains_key(root) || self.by_flow.contains(root)
    }

    pub fn add_environment(&mut self, name: &str) {
        self.environment.insert(name.to_owned());
    }

    pub fn add_unset(&mut self, name: &str) {
        self.unset.insert(name.to_owned());
    }

    /// Returns the problem with the use of an environment variable that is not set: the message and
    /// the help.
    pub fn unset(&self, trace: &Trace) -> Option<(String, String)> {
        let (Trace::Use {
            name,
            is_optional: false,
            ..
        }
        | Trace::ArgumentUse {
            name,
            is_optional: false,
            ..
        }) = trace
        else {
            return None;
        };
        let variable = name.strip_prefix("env.")?;
        self.unset.contains(variable).then(|| {
            let help = format!(
                "set it before the run, `export {variable}=…`, or write a value for this case: \
                 `${{{name} | default('…')}}`"
            );
            (format!("`{name}` is not set"), help)
        })
    }

    pub fn taint(&mut self, name: &str) {
        self.tainted.insert(name.to_owned());
    }

    pub fn is_data(&self, name: &str) -> bool {
        self.data.contains_key(name) || self.instance_tables.contains(name)
    }

    /// Returns `true` if a secret is part of the value of this name.
    pub fn is_secret(&self, name: &str, secrets: &[(String, Range<usize>)]) -> bool {
        self.tainted.contains(name) || secrets.iter().any(|(secret, _)| secret == name)
    }

    pub fn is_variable(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Returns the problem with a name of the run or the environment: the message and the help.
    pub fn misuse(&self, name: &str) -> Option<(String, String)> {
        match self.check(name, &BTreeSet::new()) {
            Err(Unknown::Misused(message, help)) => Some((message, help)),
            Ok(()) | Err(Unknown::Never) => None,
        }
    }

    /// Returns all known names, for proposals.
    pub fn all(&self) -> Vec<String> {
        let groups = GROUPS
            .iter()
            .flat_map(|(group, parts)| parts.iter().map(move |part| format!("{group}.{part}")));
        let columns = self.data.iter().flat_map(|(name, columns)| {
            columns
                .iter()
                .flatten()
                .map(move |column| format!("{name}.{column}"))
        });
        let environment = self.environment.iter().map(|name| format!("env.{name}"));
        self.variables
            .iter()
            .cloned()
            .chain(groups)
            .chain(columns)
            .chain(environment)
            .collect()
    }

    /// Checks that a name has a value, given the names captured so far.
    pub fn check(&self, name: &str, captured: &BTreeSet<String>) -> Result<(), Unknown> {
        let (root, part) = match name.split_once('.') {
            Some((root, part)) => (root, Some(part.split('.').next().unwrap_or(part))),
            None => (name, None),
        };
        if let Some((_, parts)) = GROUPS.iter().find(|(group, _)| *group == root) {
            return has_part(root, part, &mut parts.iter().copied());
        }
        if root == "instance" {
            let columns = self.instance_columns.keys().map(String::as_str);
            return has_part(root, part, &mut ["number"].into_iter().chain(columns));
        }
        if self.instance_tables.contains(root) {
            return Err(Unknown::Misused(
                format!("`{root}` has a row for each instance of a pool, not for each flow"),
                format!("write `instance.{}`", part.unwrap_or("COLUMN")),
            ));
        }
        if root == "env" {
            return match part {
                Some(part) if self.environment.contains(part) => Ok(()),
                Some(part) => Err(Unknown::Misused(
                    format!("the scenario does not list `{part}` under `environment`"),
                    format!("add it: `environment: [{part}]`"),
                )),
                None => Err(Unknown::Misused(
                    "`env` alone is not a value".into(),
                    "write `env.NAME`".into(),
                )),
            };
        }
        if let Some(columns) = self.data.get(root) {
            return match columns {
                Some(columns) => has_part(root, part, &mut columns.iter().map(String::as_str)),
                None => Ok(()),
            };
        }
        if !self.variables.contains(root) && !captured.contains(root) {
            return Err(Unknown::Never);
        }
        match part {
            None => Ok(()),
            Some(part) => Err(Unknown::Misused(
                format!("`{root}` is a text and has no part `{part}`"),
                format!("filters are written `{root} | upper`; only tables of `data` have parts"),
            )),
        }
    }
}

fn has_part(
    root: &str,
    part: Option<&str>,
    parts: &mut dyn Iterator<Item = &str>,
) -> Result<(), Unknown> {
    let parts: Vec<&str> = parts.collect();
    match part {
        Some(part) if parts.contains(&part) => Ok(()),
        Some(part) => Err(Unknown::Misused(
            format!("`{root}` has no `{part}`"),
            match names::nearest(part, parts.iter().copied()) {
                Some(near) => format!("is `{root}.{near}` meant?"),
                None => format!("it has {}", names::list(parts)),
            },
        )),
        None => Err(Unknown::Misused(
            format!("`{root}` alone is not a value"),
            format!(
                "write one of its parts: `{root}.{}`",
                parts.first().unwrap_or(&"name")
            ),
        )),
    }
}
