//! Fault injection on a running process: freeze, kill, throttled reads, unchecked input.
//!
//! Faults do not weaken the guarantees of this module: termination continues a frozen process
//! first, and throttled output is read to its end once the process has exited.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::io::child::Child;
use crate::process::io::throttle::ReadRate;
use crate::process::io::writes::WriteError;
use crate::process::process_state::Requested;

impl Child {
    /// Stops the process and its process group until [`Child::thaw`] or termination. Returns
    /// `false` if the process has exited.
    pub fn freeze(&self) -> bool {
        self.process().signal(Requested::Nothing, &[Signal::STOP])
    }

    /// Continues a frozen process and its process group.
    pub fn thaw(&self) {
        self.process().signal(Requested::Nothing, &[Signal::CONT]);
    }

    /// Kills the process and its process group as a fault: its exit is reported as
    /// [`Ending::Injected`](crate::model::Ending::Injected). Returns `false` if the process has
    /// exited.
    pub fn inject_kill(&self) -> bool {
        self.process()
            .signal(Requested::InjectedKill, &[Signal::KILL])
    }

    /// Writes bytes as [`Child::write`] does, including lines that are too long for a terminal.
    ///
    /// # Errors
    /// As [`Child::write`]; nothing was written then.
    pub fn write_unchecked(&self, bytes: &[u8]) -> Result<Instant, WriteError> {
        self.shared().writer.write(bytes)
    }

    /// Closes the program's input as [`Child::close_input`] does, and refuses all later writes, on
    /// a terminal as well.
    pub fn refuse_input(&self) {
        self.close_input();
        self.shared().writer.refuse_writes();
    }

    /// Limits the rate at which output is read from now on; `None` removes the limit.
    pub fn throttle_reads(&self, rate: Option<ReadRate>) {
        self.shared().throttle.set_rate(rate);
        self.shared().writer.wake();
    }

    /// Returns the total time that available output was left unread because of
    /// [`Child::throttle_reads`].
    pub fn throttled_for(&self) -> Duration {
        self.shared().throttle.throttled_for()
    }
}
