//! The displays of a run that is watched: progress of its segments, and their live page.

use std::net::SocketAddr;
use std::time::Duration;

use crate::report::result_file::Head;
use crate::report::{Output, SegmentsPage, SegmentsProgress, Watch, WatchedPlace};

use super::args::Progress;
use super::display::Display;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::{live, nats_login};

/// The time between two looks.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// The displays of a run that is watched.
pub(super) struct WatchOptions {
    pub progress: Progress,
    /// The address of the page, if it is wanted.
    pub page: Option<SocketAddr>,
}

/// The progress of the segments at one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// No segment has been heard of.
    Nothing,
    Progress,
    /// All segments have ended.
    End,
}

/// A run that is being watched, and shown.
pub(super) struct Watching {
    watch: Watch,
    progress: SegmentsProgress,
    page: Option<SegmentsPage>,
}

impl Watching {
    /// Starts to watch, and prints the link of the page.
    pub(super) fn start(
        place: &WatchedPlace,
        options: &WatchOptions,
        environment: &CliEnvironment,
    ) -> Result<Self, CliError> {
        let progress = progress(options.progress, environment)?;
        let page = options.page.map(page).transpose()?;
        Ok(Watching {
            watch: Watch::start(place, nats_login::login(environment))?,
            progress,
            page,
        })
    }

    /// Looks at what is new, and shows it.
    pub(super) fn look(&mut self) -> Seen {
        let look = self.watch.look();
        self.progress.show(&look);
        let seen = match look.heard() {
            (0, _) => Seen::Nothing,
            _ if look.is_over() => Seen::End,
            _ => Seen::Progress,
        };
        if let Some(page) = &mut self.page {
            page.update(look);
        }
        seen
    }

    /// Adds a line above the progress.
    pub(super) fn say(&mut self, text: &str) {
        self.progress.say(text);
    }

    /// Removes what is redrawn; the page stays.
    pub(super) fn end_progress(&mut self) {
        self.progress.end();
    }

    /// Ends the displays; the page shows the result, if it is known, and where it is.
    pub(super) fn end(mut self, head: Option<&Head>, locations: &str) {
        self.end_progress();
        if let Some(page) = self.page.take() {
            page.end(head, locations);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.progress.end();
    }
}

/// Returns the display that was asked for.
fn progress(wanted: Progress, environment: &CliEnvironment) -> Result<SegmentsProgress, CliError> {
    let errors = || Output::new(anstream::stderr());
    Ok(match Display::of(wanted, environment)? {
        Display::Quiet => SegmentsProgress::quiet(errors()),
        Display::Bars => SegmentsProgress::bars(),
        Display::Plain => SegmentsProgress::plain(errors()),
    })
}

/// Starts to serve the page, and prints its link.
fn page(address: SocketAddr) -> Result<SegmentsPage, CliError> {
    let page = SegmentsPage::start(address).map_err(live::refused)?;
    let mut output = Output::new(anstream::stderr());
    live::print_link(page.link(), page.address(), "see the run", &mut output);
    Ok(page)
}
