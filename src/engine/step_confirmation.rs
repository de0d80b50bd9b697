//! Confirmation of steps: flows wait before each step until it is confirmed.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Receives the name of the step that is held.
type Announce = Arc<dyn Fn(&str) + Send + Sync>;

/// Holds flows before each of their steps until that is confirmed. Cheap to clone.
#[derive(Clone)]
pub struct StepConfirmation {
    permits: Arc<Semaphore>,
    announce: Announce,
}

impl StepConfirmation {
    /// Calls `announce` with a step's name when the step is held, from any thread.
    pub fn new(announce: impl Fn(&str) + Send + Sync + 'static) -> Self {
        StepConfirmation {
            permits: Arc::new(Semaphore::new(0)),
            announce: Arc::new(announce),
        }
    }

    /// Confirms one step: the one that is held, or else the next.
    pub fn confirm(&self) {
        self.permits.add_permits(1);
    }

    /// Confirms all steps from now on.
    pub fn confirm_all(&self) {
        self.permits.close();
    }

    /// Waits until the step of this name may begin.
    pub(super) async fn wait(self, step: String) {
        if self.permits.is_closed() {
            return;
        }
        (self.announce)(&step);
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
    }
}

impl fmt::Debug for StepConfirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepConfirmation").finish_non_exhaustive()
    }
}
