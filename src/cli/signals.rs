//! Signals that stop the program.

use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

use crate::engine::Stop;

/// A signal that stops the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl-C.
    Interrupt,
    Terminate,
    HangUp,
    /// Ctrl-\.
    Quit,
}

/// Escalation of repeated signals to a run.
#[derive(Debug)]
pub(super) struct SignalEscalation {
    grace: Duration,
    interrupts: u32,
}

impl SignalEscalation {
    /// Creates the state for a run whose flows may finish within `grace` after the first Ctrl-C.
    pub(super) fn of(grace: Duration) -> Self {
        SignalEscalation {
            grace,
            interrupts: 0,
        }
    }

    /// Returns the kind of stop that this signal causes, with a message.
    pub(super) fn signal(&mut self, signal: Signal) -> (Stop, String) {
        match signal {
            Signal::Terminate => (Stop::Now, "SIGTERM: all flows are ended now".into()),
            Signal::HangUp => (Stop::Now, "SIGHUP: all flows are ended now".into()),
            Signal::Quit => (Stop::Now, "SIGQUIT: all flows are ended now".into()),
            Signal::Interrupt => {
                self.interrupts += 1;
                if self.interrupts == 1 {
                    let text = format!(
                        "Ctrl-C: flows in flight may finish within {}; press it again to end them \
                         at once",
                        humantime::format_duration(self.grace)
                    );
                    (Stop::Graceful { grace: self.grace }, text)
                } else {
                    (Stop::Now, "Ctrl-C: all flows are ended now".into())
                }
            }
        }
    }
}

/// Calls `handle` for every such signal from now on, on a separate thread, until the program
/// exits. Signals that were ignored when the program was started, as by `nohup`, stay ignored.
///
/// # Errors
/// If the system refuses the handlers.
pub(super) fn watch(handle: impl Fn(Signal) + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let ignored = ignored_at_start();
    let listen = |kind: SignalKind| -> io::Result<Option<Arrivals>> {
        let is_ignored = ignored & (1 << (kind.as_raw_value() - 1)) != 0;
        if is_ignored {
            Ok(None)
        } else {
            signal(kind).map(Some)
        }
    };
    let entered = runtime.enter();
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    drop(entered);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                loop {
                    let arrived = tokio::select! {
                        () = arrival(&mut interrupt) => Signal::Interrupt,
                        () = arrival(&mut terminate) => Signal::Terminate,
                        () = arrival(&mut hang_up) => Signal::HangUp,
                        () = arrival(&mut quit) => Signal::Quit,
                    };
                    handle(arrived);
                }
            });
        })?;
    Ok(())
}

/// Waits for the next arrival of a signal; pending forever if there is no listener.
async fn arrival(arrivals: &mut Option<Arrivals>) {
    if let Some(arrivals) = arrivals
        && arrivals.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Returns the mask of signals that this process ignores, bit 0 for number 1; 0 if it is unknown.
fn ignored_at_start() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(7);

    #[test]
    fn the_second_interrupt_is_the_end_and_other_signals_are_at_once() {
        let mut escalation = SignalEscalation::of(GRACE);
        let (stop, text) = escalation.signal(Signal::Interrupt);
        assert_eq!(stop, Stop::Graceful { grace: GRACE });
        assert!(text.contains("within 7s"), "{text}");
        assert_eq!(escalation.signal(Signal::Interrupt).0, Stop::Now);
        assert_eq!(
            SignalEscalation::of(GRACE).signal(Signal::Terminate).0,
            Stop::Now
        );
        assert_eq!(
            SignalEscalation::of(GRACE).signal(Signal::HangUp).0,
            Stop::Now
        );
    }
}
