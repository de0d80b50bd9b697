//! The scenario language: YAML files of roles, their dialogues with programs, and the order of
//! steps.
//!
//! [`load()`] and [`compile`] check a scenario and turn it into a [`plan::Plan`], or report all of
//! its problems as [`Diagnostics`]. This module starts no program, does not read the real
//! environment, and reads no files but the scenario and its data.
//!
//! A scenario has three forms: a tree of texts with their locations (`raw`), the plan (made by
//! `compile`), and, for each flow, the plan together with that flow's values ([`scope::Scope`]).

mod compile;
pub mod data;
mod diagnostics;
pub mod faults;
pub mod gates;
mod initial_values;
pub mod load;
mod location;
mod names;
mod outline;
mod overrides;
pub mod plan;
mod raw;
pub mod retry;
mod schema;
pub mod scope;
mod secrets;
mod segment;
pub mod template;
mod vocabulary;

pub use compile::{
    CommandStart, CompileOptions, Compiled, FindProgram, FindVariable, compile, load, read,
};
pub use data::{DataSource, InstanceTable, Take};
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use faults::{FaultRule, FaultRules};
pub use gates::{GateSpec, ReplyGateSpec};
pub use initial_values::{FlowContext, ScopeError};
pub use load::{
    Arrivals, Load, MAX_IN_FLIGHT, MAX_RATE, Pacing, Ramp, Shape, Stage, help_for_excessive_rate,
    parse_rate,
};
pub use location::SourceLocation;
pub use outline::{OutlineEntry, outline};
pub use overrides::Overrides;
pub use plan::{
    Action, Alternative, Audit, AwaitedSpec, CommonWaits, Defaults, FailOn, FieldInput, Interlude,
    KeyInput, Menu, PatternSpec, Pick, Plan, Reply, Role, Since, Step, TextInput, Then, Turn,
    TurnKind, Wait, any_turn,
};
pub use raw::SOURCE_LIMIT_BYTES;
pub use retry::RetryPolicy;
pub use schema::schema;
pub use scope::{CaptureChanged, Scope};
pub use secrets::Masker;
pub(crate) use secrets::in_order;
pub use segment::{Segment, SegmentError};
pub use template::{Expression, RenderError, Template, TemplateError};
