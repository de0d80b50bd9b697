//! Values with names.

use std::sync::Arc;

/// A value and its name, such as a capture. Cheap to clone: many know of it.
pub type NamedValue = (Arc<str>, Arc<str>);
