//! Uses and captures of names, in the order in which they happen.

use std::ops::Range;

/// A use or a capture of a name.
#[derive(Debug)]
pub(super) enum Trace {
    Use {
        name: String,
        span: Range<usize>,
    },
    /// A use in the arguments of a command, which every user of the machine can read.
    ArgumentUse {
        name: String,
        span: Range<usize>,
    },
    /// A capture, possibly in only one of several alternatives.
    Capture {
        name: String,
        span: Range<usize>,
    },
}
