//! Uses and captures of names, in the order in which they happen.

use std::ops::Range;

/// A use or a capture of a name.
#[derive(Debug)]
pub(super) enum Trace {
    Use {
        name: String,
        span: Range<usize>,
        /// True if it need not have a value, as in `${env.NAME | default('none')}`.
        is_optional: bool,
    },
    /// A use in the arguments of a command, which every user of the machine can read.
    ArgumentUse {
        name: String,
        span: Range<usize>,
        is_optional: bool,
    },
    /// A capture, possibly in only one of several alternatives.
    Capture { name: String, span: Range<usize> },
}

impl Trace {
    /// Notes that a used name need not have a value.
    pub(super) fn make_optional(&mut self) {
        if let Trace::Use { is_optional, .. } | Trace::ArgumentUse { is_optional, .. } = self {
            *is_optional = true;
        }
    }
}
