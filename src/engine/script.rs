//! Script instances: one running program each, and the actions performed with it.
//!
//! | file | holds |
//! | --- | --- |
//! | `actor` | the actor that owns the subprocess |
//! | `machine` | the state machine of a running script: pure, with made-up time in its tests |
//! | `program` | the view of the program that the machine has |
//! | `action_run` | one action being performed, with its clocks |
//! | `interpreter` | the turns of an action: decides what comes next |
//! | `command` | the commands that are started: the role's program, and plain ones |
//! | `reporter` | reports to the owner of the script |
//! | `transcript` | what happened to the instance, recorded in a bounded ring |

mod action_run;
mod actor;
pub(super) mod command;
pub(super) mod interpreter;
mod machine;
mod program;
mod reporter;
pub(super) mod transcript;

pub(in crate::engine) use actor::ScriptActor;
pub(in crate::engine) use interpreter::ActionError;
