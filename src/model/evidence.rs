//! Evidence of a flow: the details that are kept to inspect it afterwards.

use serde::{Deserialize, Serialize};

use super::flow::FlowRecord;
use super::ids::RoleIndex;
use super::injection::FaultKind;
use super::process::{Ending, ExitCause, Stream};

/// The details of a flow that has ended. All texts are masked and bounded, but not yet sanitized
/// for any display.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub flow: FlowRecord,
    /// The flow's rows of data.
    pub data: Vec<DataRow>,
    /// The events of all its script instances, in the order of time. Empty if the flow's values
    /// were lost, as nothing could be masked then.
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

/// An event of one script instance, with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Since the flow's start.
    pub after_us: u64,
    pub role: RoleIndex,
    /// The script instance among those of its role, from 1.
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
        /// The command line.
        command: String,
    },
    /// Output as it was read, control characters included.
    Heard { stream: Stream, text: String },
    /// Typed text; a secret is `***`, a key `<enter>`.
    Said { text: String },
    /// A remark on the reply that follows.
    Remark { text: String },
    /// An injected fault.
    Injected { kind: FaultKind, text: String },
    /// The terminal has another size from now on.
    Resized { rows: u16, columns: u16 },
    /// The screen at this moment, as output that draws it on a terminal of its size.
    Screen { drawing: String },
    /// A gap: the transcript keeps the beginning and the end.
    LeftOut { bytes: u64, entries: u64 },
    /// The program has ended.
    Exited {
        exit: Option<ExitCause>,
        ending: Ending,
    },
}

impl Happening {
    /// Returns the texts that may contain a secret, except for output, in which a secret may
    /// continue in the next piece.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let text = match self {
            Happening::Started { command, .. } => Some(command),
            Happening::Said { text } | Happening::Remark { text } => Some(text),
            Happening::Screen { drawing } => Some(drawing),
            Happening::Heard { .. }
            | Happening::Resized { .. }
            | Happening::Injected { .. }
            | Happening::LeftOut { .. }
            | Happening::Exited { .. } => None,
        };
        text.into_iter()
    }
}
