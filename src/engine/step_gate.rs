//! Manual stepping: flows wait before each step until they are allowed to continue.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Receives the name of the step that is held.
type Announce = Arc<dyn Fn(&str) + Send + Sync>;

/// A gate that holds flows before each of their steps until it is opened. Cheap to clone.
#[derive(Clone)]
pub struct ManualStepGate {
    permits: Arc<Semaphore>,
    announce: Announce,
}

impl ManualStepGate {
    /// Calls `announce` with a step's name when the step is held, from any thread.
    pub fn new(announce: impl Fn(&str) + Send + Sync + 'static) -> Self {
        ManualStepGate {
            permits: Arc::new(Semaphore::new(0)),
            announce: Arc::new(announce),
        }
    }

    /// Lets one step begin: the one that is held, or else the next.
    pub fn go_on(&self) {
        self.permits.add_permits(1);
    }

    /// Lets all steps begin from now on.
    pub fn let_go(&self) {
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

impl fmt::Debug for ManualStepGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualStepGate").finish_non_exhaustive()
    }
}
