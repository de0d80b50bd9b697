pub mod data;
mod names;
pub mod plan;
pub mod scope;
mod secrets;
pub mod template;

pub use plan::*;
pub use scope::*;
pub use secrets::Masker;
pub use template::*;
