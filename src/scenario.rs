//! The scenario language: a YAML file that says who takes part, what each of them hears and
//! says, and in what order.
//!
//! [`load()`] and [`compile`] check a scenario and make a [`plan::Plan`] of it, or tell everything
//! that is wrong with it as [`Diagnostics`]. Nothing here starts a program or reads the real
//! environment; of files only the scenario itself and its data are read.
//!
//! What is written goes through three forms: a tree of texts with their places (`raw`), the plan
//! (made in `compile`), and, for each flow, the plan together with the values of that flow
//! ([`scope::Scope`]).

mod compile;
pub mod data;
mod diagnostics;
pub mod faults;
pub mod gates;
pub mod load;
mod names;
mod overrides;
pub mod plan;
mod raw;
pub mod retry;
mod schema;
pub mod scope;
mod secrets;
pub mod template;
mod vocabulary;

pub use compile::{CommandStart, CompileOptions, Compiled, FindProgram, compile, load};
pub use data::{DataSource, Take};
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use faults::{Chaos, ChaosRule};
pub use gates::Gates;
pub use load::{Arrivals, Between, Load, MOST_IN_FLIGHT, Ramp, Shape, Stage, parse_rate};
pub use overrides::Overrides;
pub use plan::{
    Action, Alternative, Audit, CommonWaits, Defaults, FailOn, Heard, Interlude, Menu, PatternSpec,
    Pick, Place, Plan, Reply, Role, Step, TerminalKind, Then, Turn, TurnKind, Wait,
};
pub use raw::SOURCE_LIMIT_BYTES;
pub use retry::RetryPolicy;
pub use schema::schema;
pub use scope::{CaptureChanged, FlowContext, Scope, ScopeError};
pub use secrets::Masker;
pub(crate) use secrets::in_order;
pub use template::{Expression, RenderError, Template, TemplateError};
