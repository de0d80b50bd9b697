//! The evidence of a flow: what is kept so that people can see afterwards what happened in it.

use serde::{Deserialize, Serialize};

use super::flow::FlowRecord;
use super::ids::RoleIndex;
use super::injection::InjectionKind;
use super::process::{Ending, ExitCause, Stream};

/// All that is known of a flow that has ended. All texts are masked and bounded, but not yet
/// neutralised for any display.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub flow: FlowRecord,
    /// The rows of data that the flow had.
    pub data: Vec<DataRow>,
    /// The events of all of its script instances, in the order of time. Empty if the values of
    /// the flow were lost, as nothing could be masked then.
    pub transcript: Vec<Moment>,
}

/// A flow's row of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRow {
    /// The table's name in the scenario.
    pub name: String,
    /// By column, in the table's order.
    pub values: Vec<(String, String)>,
}

/// Something that happened to one script instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// From the flow's start.
    pub after_us: u64,
    pub role: RoleIndex,
    /// Which of the role's instances, from 1.
    pub attempt: u32,
    pub what: Happening,
}

/// An event of a script instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Happening {
    /// The program was started.
    Started {
        pid: u32,
        /// Its command line.
        command: String,
    },
    /// It said this: control characters and all, as it was read.
    Heard { stream: Stream, text: String },
    /// This was typed; a secret is `***`, a key `<enter>`.
    Said { text: String },
    /// Chaos did this to it.
    Injected { kind: InjectionKind, text: String },
    /// So much was not kept: the beginning and the end are.
    LeftOut { bytes: u64, entries: u64 },
    /// It has ended.
    Exited {
        exit: Option<ExitCause>,
        ending: Ending,
    },
}

impl Happening {
    /// The texts that may contain a secret, but what was heard: secrets in that may go on in
    /// the next piece of it.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let text = match self {
            Happening::Started { command, .. } => Some(command),
            Happening::Said { text } => Some(text),
            Happening::Heard { .. }
            | Happening::Injected { .. }
            | Happening::LeftOut { .. }
            | Happening::Exited { .. } => None,
        };
        text.into_iter()
    }
}
