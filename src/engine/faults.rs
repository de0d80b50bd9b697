//! Fault injection: faults done to running programs on purpose.
//!
//! [`choice`] decides, from the seed alone, which faults hit a step and at which point of it.

pub(super) mod choice;
