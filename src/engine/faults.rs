//! Fault injection on running programs.
//!
//! [`choice`] decides, from the seed alone, which faults hit a step and at which point of it;
//! [`filter`] injects them, between the effects of a script machine and the program, which is its
//! [`target`], and returns its [`feedback`].

pub(super) mod choice;
pub(super) mod feedback;
pub(super) mod filter;
mod target;
