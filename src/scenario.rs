//! Stand-in for the scenario language, until it is there: one fixed plan.

#![allow(clippy::all)]

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::RoleIndex;

#[derive(Clone, Copy, Default)]
pub struct CompileOptions<'a> {
    pub directory: Option<&'a Path>,
    pub find_program: Option<&'a dyn Fn(&str) -> Result<(), String>>,
    pub overrides: &'a [String],
}

#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    pub warnings: Diagnostics,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Diagnostics(String);

impl Diagnostics {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn render(&self, _coloured: bool) -> String {
        self.0.clone()
    }
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!([{ "message": self.0 }])
    }
}

#[derive(Debug)]
pub struct Template(String);

impl Template {
    pub fn source(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug)]
pub struct Plan {
    pub name: String,
    pub description: Option<String>,
    pub file: Option<PathBuf>,
    pub source: Arc<str>,
    pub roles: Vec<Role>,
    pub steps: Vec<Step>,
    pub variables: Vec<(String, Template)>,
    pub secrets: Vec<String>,
    pub load: Load,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub flows: u64,
    pub parallel: u64,
}

#[derive(Debug)]
pub struct Role {
    pub name: String,
    pub title: String,
    pub run: Vec<Template>,
    pub terminal: TerminalKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalKind {
    Pty { rows: u16, columns: u16 },
    Pipes,
}

#[derive(Debug)]
pub struct Action {
    pub name: String,
}

#[derive(Debug)]
pub struct Step {
    pub name: String,
    pub role: RoleIndex,
    pub action: Arc<Action>,
    pub timeout: Duration,
}

pub fn load(path: &Path, options: CompileOptions<'_>) -> Result<Compiled, Diagnostics> {
    let source = std::fs::read_to_string(path)
        .map_err(|error| Diagnostics(format!("cannot read the scenario: {error}")))?;
    compile(&source, Some(path), options)
}

pub fn compile(
    source: &str,
    file: Option<&Path>,
    _options: CompileOptions<'_>,
) -> Result<Compiled, Diagnostics> {
    if source.contains("BROKEN") {
        return Err(Diagnostics("error: this is broken\n".into()));
    }
    let parts = [
        ("customer", "Customer", "customer-portal", "create_order"),
        (
            "inventory_staff",
            "Inventory Staff",
            "inventory-staff",
            "process_order",
        ),
        (
            "warehouse_manager",
            "Warehouse Manager",
            "warehouse-manager",
            "approve_order",
        ),
        (
            "logistics_manager",
            "Logistics Manager",
            "logistics-manager",
            "plan_delivery",
        ),
        (
            "delivery_personnel",
            "Delivery Personnel",
            "delivery-personnel",
            "complete_delivery",
        ),
    ];
    let template = |text: &str| Template(text.to_owned());
    let mut roles = Vec::new();
    let mut steps = Vec::new();
    for (index, (name, title, program, action)) in parts.into_iter().enumerate() {
        roles.push(Role {
            name: name.into(),
            title: title.into(),
            run: ["rehearsal", "shop", program].map(template).into(),
            terminal: TerminalKind::Pty {
                rows: 50,
                columns: 200,
            },
        });
        let role = RoleIndex(index);
        let start = format!("start_{}", program.replace('-', "_"));
        for (action, word) in [("start_and_authenticate", start.as_str()), (action, action)] {
            steps.push(Step {
                name: format!("{:02}_{word}", steps.len() + 1),
                role,
                action: Arc::new(Action {
                    name: action.into(),
                }),
                timeout: Duration::from_secs(30),
            });
        }
    }
    let plan = Plan {
        name: "order-flow".into(),
        description: None,
        file: file.map(Path::to_owned),
        source: source.into(),
        roles,
        steps,
        variables: vec![("customer_id".into(), template("CUST001"))],
        secrets: vec!["customer_password".into()],
        load: Load {
            flows: 1,
            parallel: 1,
        },
    };
    Ok(Compiled {
        plan,
        warnings: Diagnostics(String::new()),
    })
}

pub fn schema() -> serde_json::Value {
    serde_json::json!({ "title": "Rehearsal scenario" })
}
