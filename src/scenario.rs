//! The scenario language: a YAML file that says who takes part, what each of them hears and
//! says, and in what order.

pub mod data;
mod names;
pub mod plan;
mod raw;
pub mod scope;
mod secrets;
pub mod template;

pub use secrets::Masker;
