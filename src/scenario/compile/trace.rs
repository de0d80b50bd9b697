//! Uses and captures of names, in the order in which they happen.

use std::ops::Range;

/// A name that is used or captured, in the order in which it happens.
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
    /// Perhaps: of several alternatives one is taken.
    Capture {
        name: String,
        span: Range<usize>,
    },
}
