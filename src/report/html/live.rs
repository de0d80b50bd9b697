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
mod merged;
mod published;
mod server;
mod view;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model::RunEvent;
use crate::report::error::ReportError;
use crate::report::http::Server;
use crate::report::reporter::Reporter;
use crate::report::result_file::Head;
use crate::report::segments::Look;
use crate::stats::Integrity;

use figures::Figures;
use merged::MergedFigures;
use server::{Shared, Update};

pub use controls::{LiveControls, LiveOptions};

/// The interval between updates of the page.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// The time for browsers to take the last update. Without browsers, nothing waits.
const GRACE: Duration = Duration::from_millis(500);

/// A live page. Dropping it ends its server.
pub struct LivePage {
    page: Page,
    figures: Arc<Mutex<Figures>>,
}

/// A live page of all segments of a run. Dropping it ends its server.
pub struct SegmentsPage {
    page: Page,
    figures: MergedFigures,
}

/// The server of a page.
struct Page {
    server: Server,
    link: String,
    updates: watch::Sender<Arc<Update>>,
}

impl Page {
    fn start(
        address: SocketAddr,
        directory: Option<PathBuf>,
        controls: Option<Box<dyn LiveControls>>,
        json: String,
    ) -> Result<Self, ReportError> {
        let token = access::token().map_err(|error| ReportError::Thread(error.to_string()))?;
        let updates = watch::Sender::new(Arc::new(Update {
            json,
            is_last: false,
        }));
        let listener = Server::bind(address)?;
        let router = server::router(Shared {
            token: token.clone(),
            directory,
            updates: updates.clone(),
            controls,
        });
        // An open page has its connection as long as the run.
        let server = Server::start("live-page", listener, router, Duration::MAX)?;
        let link = format!("http://{}/{token}/", server.address());
        Ok(Page {
            server,
            link,
            updates,
        })
    }

    fn update(&self, json: String, is_last: bool) {
        self.updates
            .send_replace(Arc::new(Update { json, is_last }));
    }

    /// Shows the last update, and ends the server.
    fn end(mut self, json: String) {
        self.update(json, true);
        self.server.stop(GRACE);
    }
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
        let mut figures = Figures::new(options.load, options.limit, options.thresholds);
        // Commands on the page can be used anywhere.
        let directory = std::path::absolute(&options.directory).unwrap_or(options.directory);
        let json = figures.json();
        let page = Page::start(options.address, Some(directory), Some(controls), json)?;
        let figures = Arc::new(Mutex::new(figures));
        let reporter = LiveReporter {
            figures: Arc::clone(&figures),
            updates: page.updates.clone(),
            published: None,
        };
        Ok((LivePage { page, figures }, reporter))
    }

    /// Returns the link to the page, which contains the token.
    pub fn link(&self) -> &str {
        &self.page.link
    }

    /// Returns the address of the page.
    pub fn address(&self) -> SocketAddr {
        self.page.server.address()
    }

    /// Shows the result and the location of the files, and ends the server.
    pub fn end(self, head: &Head, locations: &str) {
        let mut figures = lock(&self.figures);
        figures.end(head, locations);
        let json = figures.json();
        drop(figures);
        self.page.end(json);
    }
}

impl SegmentsPage {
    /// Starts to serve the page, which has no buttons.
    ///
    /// # Errors
    /// If the address cannot be listened at, or the system refuses a thread or random numbers.
    pub fn start(address: SocketAddr) -> Result<Self, ReportError> {
        let figures = MergedFigures::default();
        let page = Page::start(address, None, None, figures.json())?;
        Ok(SegmentsPage { page, figures })
    }

    /// Returns the link to the page, which contains the token.
    pub fn link(&self) -> &str {
        &self.page.link
    }

    /// Returns the address of the page.
    pub fn address(&self) -> SocketAddr {
        self.page.server.address()
    }

    /// Shows what was seen.
    pub fn update(&mut self, look: Look) {
        self.figures.look(look);
        self.page.update(self.figures.json(), false);
    }

    /// Shows the result of the merged run, if there is one, and where it is, and ends the server.
    pub fn end(mut self, head: Option<&Head>, locations: &str) {
        self.figures.end(head, locations);
        self.page.end(self.figures.json());
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
