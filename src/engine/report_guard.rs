//! Drop guard for final reports: one is sent even if its actor panics.

use std::ops::{Deref, DerefMut};

/// State of an actor that has to send a final report.
pub(super) trait FinalReport {
    /// Reports that the actor is gone without its proper final report: it panicked.
    ///
    /// Called once, when the actor is dropped. Must not panic: nothing would be reported then.
    fn report_loss(&mut self);
}

/// Reports a loss when it is dropped, unless the final report was sent before.
pub(super) struct ReportGuard<R: FinalReport> {
    state: R,
    is_due: bool,
}

impl<R: FinalReport> ReportGuard<R> {
    pub(super) fn new(state: R) -> Self {
        ReportGuard {
            state,
            is_due: true,
        }
    }

    /// Returns the state for its final report, which is not due any more then.
    pub(super) fn complete(&mut self) -> &mut R {
        self.is_due = false;
        &mut self.state
    }
}

impl<R: FinalReport> Deref for ReportGuard<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.state
    }
}

impl<R: FinalReport> DerefMut for ReportGuard<R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.state
    }
}

impl<R: FinalReport> Drop for ReportGuard<R> {
    fn drop(&mut self) {
        if self.is_due {
            self.state.report_loss();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    struct Losses(Rc<Cell<u32>>);

    impl FinalReport for Losses {
        fn report_loss(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_loss_is_reported_unless_the_final_report_was_sent() {
        let losses = Rc::new(Cell::new(0));
        drop(ReportGuard::new(Losses(Rc::clone(&losses))));
        assert_eq!(losses.get(), 1);
        let mut guard = ReportGuard::new(Losses(Rc::clone(&losses)));
        guard.complete();
        drop(guard);
        assert_eq!(losses.get(), 1);
    }
}
