//! Thread that delivers snapshots to one place.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::report::error::ReportError;
use crate::report::live::so_far::Phase;

use super::folder::FolderWriter;
use super::nats::NatsPublisher;
use super::place::{NatsLogin, PublishPlace};
use super::snapshot::{MAX_BYTES, Snapshot};

/// A way to add a notice to the run.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// The thread, as the reporter sees it. Dropping it ends the thread after the delivery in progress.
pub(super) struct Courier {
    latest: watch::Sender<Option<Arc<Snapshot>>>,
    /// The last snapshot that was handed over, and the last one that was delivered or given up.
    handed: AtomicU64,
    settled: Arc<AtomicU64>,
    /// The result of the last delivery.
    ended: Receiver<Result<(), String>>,
    place: String,
}

/// A way to deliver.
enum Carrier {
    Folder(FolderWriter),
    Nats(Box<NatsPublisher>),
}

impl Courier {
    /// Starts the thread. `say` gets notices of what is not delivered.
    pub(super) fn start(
        place: &PublishPlace,
        login: NatsLogin,
        say: Say,
    ) -> Result<Self, ReportError> {
        let failed = |error: std::io::Error| ReportError::Thread(error.to_string());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (latest, arrivals) = watch::channel(None);
        let (report_end, ended) = channel();
        let settled = Arc::<AtomicU64>::default();
        let round = Round {
            arrivals,
            settled: Arc::clone(&settled),
            report_end,
            say,
            shown: place.to_string(),
            is_lost: None,
        };
        let place = place.clone();
        let shown = place.to_string();
        thread::Builder::new()
            .name("snapshots".into())
            .spawn(move || {
                runtime.block_on(async {
                    let carrier = match place {
                        PublishPlace::Folder(path) => {
                            Carrier::Folder(FolderWriter::new(Path::new(&path)))
                        }
                        PublishPlace::Nats(place) => {
                            Carrier::Nats(Box::new(NatsPublisher::connect(place, login).await))
                        }
                    };
                    round.work(carrier).await;
                });
            })
            .map_err(failed)?;
        Ok(Courier {
            latest,
            handed: AtomicU64::new(0),
            settled,
            ended,
            place: shown,
        })
    }

    /// Returns `true` if the snapshot before was delivered, or given up.
    pub(super) fn is_idle(&self) -> bool {
        self.settled.load(Ordering::Acquire) >= self.handed.load(Ordering::Relaxed)
    }

    /// Hands over a snapshot, which replaces one that was not yet taken.
    pub(super) fn hand_over(&self, snapshot: Arc<Snapshot>) {
        self.handed.store(snapshot.sequence, Ordering::Relaxed);
        self.latest.send_replace(Some(snapshot));
    }

    /// Waits, for so long, until the last snapshot has been delivered.
    ///
    /// # Errors
    /// If it was not; in one sentence.
    pub(super) fn end(self, patience: Duration) -> Result<(), String> {
        let place = &self.place;
        let result = match self.ended.recv_timeout(patience) {
            Ok(result) => result,
            Err(_) => Err("it takes too long".into()),
        };
        result.map_err(|why| format!("The last live figures did not reach {place}: {why}"))
    }
}

/// The work of the thread.
struct Round {
    arrivals: watch::Receiver<Option<Arc<Snapshot>>>,
    settled: Arc<AtomicU64>,
    report_end: Sender<Result<(), String>>,
    say: Say,
    /// The place, for people.
    shown: String,
    /// The last delivery failed; `None` before the first.
    is_lost: Option<bool>,
}

impl Round {
    async fn work(mut self, mut carrier: Carrier) {
        while self.arrivals.changed().await.is_ok() {
            let Some(snapshot) = self.arrivals.borrow_and_update().clone() else {
                continue;
            };
            let is_last = snapshot.phase == Phase::Ended;
            let delivered = deliver(&mut carrier, &snapshot, is_last).await;
            self.settled.store(snapshot.sequence, Ordering::Release);
            if is_last {
                // Without a receiver, no one waits for it.
                let _ = self.report_end.send(delivered);
            } else {
                self.note(delivered);
            }
        }
    }

    /// Adds a notice when deliveries begin to fail, and when they succeed again.
    fn note(&mut self, delivered: Result<(), String>) {
        let shown = &self.shown;
        match (&delivered, self.is_lost) {
            (Err(why), None | Some(false)) => {
                (self.say)(&format!(
                    "live figures do not reach {shown}: {why}; the run goes on"
                ));
            }
            (Ok(()), Some(true)) => (self.say)(&format!("live figures reach {shown} again")),
            _ => {}
        }
        self.is_lost = Some(delivered.is_err());
    }
}

async fn deliver(carrier: &mut Carrier, snapshot: &Snapshot, is_last: bool) -> Result<(), String> {
    let bytes = serde_json::to_vec(snapshot).map_err(|error| error.to_string())?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("they are larger than {} MB", MAX_BYTES >> 20));
    }
    let number = snapshot.place().map_or(1, |(number, _)| number);
    match carrier {
        Carrier::Folder(folder) => folder
            .write(number, &bytes)
            .map_err(|error| error.to_string()),
        Carrier::Nats(nats) => {
            let id = (snapshot.start.as_str(), snapshot.sequence);
            nats.publish(number, id, bytes, is_last).await
        }
    }
}
