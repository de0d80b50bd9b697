//! Inputs and effects of the script machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::faults::feedback::FaultPoint;
use crate::engine::messages::Performed;
use crate::engine::script::interpreter::{ActionError, CommandOutput};
use crate::engine::values::NewValues;
use crate::model::{ProcessRecord, RunEvent, Stream};
use crate::scenario::ReplyGateSpec;
use crate::terminal::{ScreenSize, Typed};

/// The moments at which the dialogue is emitted as events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::script) enum DialogueEvents {
    Never,
    /// With the next reply, after which no secret is captured from it, or at the end.
    WithReplies,
    /// At once.
    Promptly,
}

/// An event of the program, or the result of an effect.
#[derive(Debug)]
pub(in crate::engine::script) enum ScriptInput<'a> {
    Output {
        stream: Stream,
        bytes: &'a [u8],
        at: Instant,
        /// True if nothing more could be read.
        drained: bool,
    },
    Closed {
        stream: Stream,
        at: Instant,
    },
    Exited {
        record: Box<ProcessRecord>,
        at: Instant,
    },
    /// The reply of [`ScriptEffect::BeforeReply`] may be typed now.
    Released,
    /// The gates of [`ScriptEffect::PassGates`] are passed, after this wait for other flows.
    Admitted {
        waited: Duration,
    },
    /// A fault delays typing for this long, which is not the program's time.
    Delayed(Duration),
    /// A fault has typed these lines before the reply of [`ScriptEffect::Type`].
    Preceded(Vec<Typed>),
    /// The reply of [`ScriptEffect::Type`] was handed to the program.
    Written {
        at: Instant,
    },
    /// The reply could not be typed.
    NotTyped {
        reason: String,
    },
    CommandEnded(Result<CommandOutput, ActionError>),
    /// The moment that [`ScriptMachine::next_alarm`](super::ScriptMachine::next_alarm) gave may
    /// have come.
    Alarm,
}

/// The surroundings of one call of the script machine.
pub(in crate::engine::script) struct MachineCall<'a, P> {
    pub now: Instant,
    pub program: &'a P,
    /// The effects so far; the machine appends its own.
    pub effects: &'a mut Vec<ScriptEffect>,
}

/// An effect for the actor to apply.
#[derive(Debug)]
pub(in crate::engine::script) enum ScriptEffect {
    /// A wait has begun. The points of faults are given only while faults are planned.
    WaitBegan(FaultPoint),
    /// The awaited evidence has come.
    EvidenceCame,
    /// A reply with gates is due: [`ScriptInput::Admitted`] has to follow.
    PassGates(Arc<ReplyGateSpec>),
    /// The exclusive access of a reply is over.
    LeaveGates,
    /// A reply is due: [`ScriptInput::Released`] or [`ScriptInput::NotTyped`] has to follow.
    BeforeReply(FaultPoint),
    /// The reply was typed as a whole.
    ReplySent(FaultPoint),
    /// Type [`ScriptMachine::reply`](super::ScriptMachine::reply): [`ScriptInput::Written`] or
    /// [`ScriptInput::NotTyped`] has to follow.
    Type,
    /// Answer what the program asked its terminal.
    AnswerTerminal(Vec<u8>),
    /// Give the terminal another size.
    Resize(ScreenSize),
    /// Run a command: [`ScriptInput::CommandEnded`] has to follow.
    Run(Vec<String>),
    CancelCommand,
    /// The owner's values have changed.
    NewValues(NewValues),
    Emit(RunEvent),
    /// The action is done or has failed.
    Report(Performed),
}
