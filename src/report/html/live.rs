//! Live page: the report for browsers while the run goes on.
//!
//! A [`LiveReporter`] collects the figures on the reporters' thread, and publishes them once a
//! second as one text. The server has a thread of its own and hands each browser the latest text
//! when it has room for it: a slow browser misses some, and a vanished one misses all; neither the
//! run nor its reporters wait for them. All sizes are bounded.
//!
//! The link contains a random token, without which nothing is answered; see [`access`].

mod access;
mod controls;
mod figures;
mod published;
mod server;
mod view;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::RunEvent;
use crate::report::error::ReportError;
use crate::report::http::Server;
use crate::report::reporter::Reporter;
use crate::report::result_file::Head;
use crate::stats::Integrity;

use figures::Figures;
use server::{Shared, Update};

pub use controls::{LiveControls, LiveOptions};

/// The interval between updates of the page.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// The time for browsers to take the last update. Without browsers, nothing waits.
const GRACE: Duration = Duration::from_millis(500);

/// A live page. Dropping it ends its server.
pub struct LivePage {
    server: Server,
    link: String,
    figures: Arc<Mutex<Figures>>,
    updates: watch::Sender<Arc<Update>>,
}

/// The reporter that feeds a live page.
pub struct LiveReporter {
    figures: Arc<Mutex<Figures>>,
    updates: watch::Sender<Arc<Update>>,
    published: Option<Duration>,
}

impl LivePage {
    /// Starts to serve the page.
    ///
    /// # Errors
    /// If the address cannot be listened at, or the system refuses a thread or random numbers.
    pub fn start(
        options: LiveOptions,
        controls: Box<dyn LiveControls>,
    ) -> Result<(Self, LiveReporter), ReportError> {
        let token = access::token().map_err(|error| ReportError::Thread(error.to_string()))?;
        let mut figures = Figures::new(options.load, options.limit, options.thresholds);
        let updates = watch::Sender::new(Arc::new(Update {
            json: figures.json(),
            is_last: false,
        }));
        let listener = Server::bind(options.address)?;
        let router = server::router(Shared {
            token: token.clone(),
            // Commands on the page can be used anywhere.
            directory: std::path::absolute(&options.directory).unwrap_or(options.directory),
            updates: updates.clone(),
            controls,
        });
        // An open page has its connection as long as the run.
        let server = Server::start("live-page", listener, router, Duration::MAX)?;
        let link = format!("http://{}/{token}/", server.address());
        let figures = Arc::new(Mutex::new(figures));
        let reporter = LiveReporter {
            figures: Arc::clone(&figures),
            updates: updates.clone(),
            published: None,
        };
        let page = LivePage {
            server,
            link,
            figures,
            updates,
        };
        Ok((page, reporter))
    }

    /// Returns the link to the page, which contains the token.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Returns the address of the page.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Shows the result and the location of the files, and ends the server.
    pub fn end(mut self, head: &Head, locations: &str) {
        let mut figures = lock(&self.figures);
        figures.end(head, locations);
        let json = figures.json();
        drop(figures);
        let last = Update {
            json,
            is_last: true,
        };
        self.updates.send_replace(Arc::new(last));
        self.server.stop(GRACE);
    }
}

impl Reporter for LiveReporter {
    fn event(&mut self, event: &RunEvent) {
        lock(&self.figures).event(event);
    }

    fn integrity(&mut self, integrity: &Integrity) {
        lock(&self.figures).integrity(integrity);
    }

    fn tick(&mut self, elapsed: Duration) {
        let mut figures = lock(&self.figures);
        figures.tick(elapsed);
        let is_due = |last| elapsed.saturating_sub(last) >= PUBLISH_EVERY;
        if self.published.is_none_or(is_due) {
            self.published = Some(elapsed);
            let json = figures.json();
            self.updates.send_replace(Arc::new(Update {
                json,
                is_last: false,
            }));
        }
    }
}

fn lock(figures: &Mutex<Figures>) -> MutexGuard<'_, Figures> {
    // Figures of a panic in between are still figures; the panic is reported elsewhere.
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}
