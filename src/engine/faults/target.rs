//! The program into which faults are injected.

use std::time::Instant;

use crate::process::{Child, ReadRate, WriteError};
use crate::terminal::ScreenSize;

/// The program that faults are injected into.
///
/// All methods return at once. [`FaultTarget::freeze`] and [`FaultTarget::kill`] return `false` if the
/// program has exited; what cannot be written is an error and was not written in part.
pub(in crate::engine) trait FaultTarget {
    fn kill(&self) -> bool;
    fn freeze(&self) -> bool;
    fn thaw(&self);
    /// Closes the input and refuses what is written later.
    fn refuse_input(&self);
    /// Closes the input after what was written before.
    fn close_input(&self);
    /// Reads the output at this pace; `None` for as fast as it comes.
    fn throttle_reads(&self, pace: Option<ReadRate>);
    /// Gives its terminal another size. Does nothing on pipes.
    fn resize(&self, size: ScreenSize);
    fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError>;
    /// Writes also a line that is too long for a terminal.
    fn write_unchecked(&self, bytes: &[u8]) -> Result<Instant, WriteError>;
}

impl FaultTarget for Child {
    fn kill(&self) -> bool {
        self.inject_kill()
    }

    fn freeze(&self) -> bool {
        Child::freeze(self)
    }

    fn thaw(&self) {
        Child::thaw(self);
    }

    fn refuse_input(&self) {
        Child::refuse_input(self);
    }

    fn close_input(&self) {
        Child::close_input(self);
    }

    fn throttle_reads(&self, pace: Option<ReadRate>) {
        Child::throttle_reads(self, pace);
    }

    fn resize(&self, size: ScreenSize) {
        Child::resize(self, size.rows, size.columns);
    }

    fn write(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        Child::write(self, bytes)
    }

    fn write_unchecked(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        Child::write_unchecked(self, bytes)
    }
}
