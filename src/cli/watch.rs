//! `rehearsal watch`: the segments of a run in progress, as one.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::report::{Look, NatsLogin, Output, PublishPlace, SegmentsProgress, Watch, WatchedPlace};

use super::args::{Progress, WatchArgs};
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::{launch, publish, signals};

/// The time between two looks.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Watches until all segments have ended, or until a signal.
pub(super) fn watch(args: &WatchArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let place = watched(&args.place)?;
    let progress = progress(args.progress, environment)?;
    let (arrived, signals) = mpsc::channel();
    signals::watch(move |signal| {
        // Without a receiver the program is about to end.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let mut watching = Watching::start(&place, publish::login(environment), progress)?;
    loop {
        if watching.look().is_over() {
            watching.end();
            return Ok(Exit::Completed);
        }
        match signals.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                watching.end();
                return Ok(Exit::Interrupted);
            }
        }
    }
}

/// Returns the places at which this one is watched: that of a job has its own.
fn watched(place: &PublishPlace) -> Result<WatchedPlace, CliError> {
    let PublishPlace::Folder(path) = place else {
        return Ok(place.clone().into());
    };
    if let Some(place) = launch::published_at(path)? {
        return Ok(place);
    }
    if !path.is_dir() {
        let what = format_args!("{} is not a directory", path.display()).to_string();
        return Err(CliError::usage(
            what,
            "name the directory of a job, or the one after --publish of its runs",
        ));
    }
    Ok(WatchedPlace::folder(Path::new(path)))
}

/// Returns the display that was asked for.
pub(super) fn progress(
    wanted: Progress,
    environment: &CliEnvironment,
) -> Result<SegmentsProgress, CliError> {
    let errors = || Output::new(anstream::stderr());
    let is_terminal = environment.stderr_is_terminal;
    Ok(match wanted {
        Progress::None => SegmentsProgress::quiet(errors()),
        Progress::Bar if !is_terminal => {
            return Err(CliError::usage(
                "--progress bar: standard error is not a terminal",
                "leave it out, or write --progress plain",
            ));
        }
        Progress::Bar => SegmentsProgress::bars(),
        Progress::Auto if is_terminal && !environment.is_dumb && !environment.is_ci => {
            SegmentsProgress::bars()
        }
        Progress::Auto | Progress::Plain => SegmentsProgress::plain(errors()),
    })
}

/// A run that is being watched, and shown.
pub(super) struct Watching {
    watch: Watch,
    progress: SegmentsProgress,
}

impl Watching {
    pub(super) fn start(
        place: &WatchedPlace,
        login: NatsLogin,
        progress: SegmentsProgress,
    ) -> Result<Self, CliError> {
        Ok(Watching {
            watch: Watch::start(place, login)?,
            progress,
        })
    }

    /// Looks at what is new, and shows it.
    pub(super) fn look(&mut self) -> Look {
        let look = self.watch.look();
        self.progress.show(&look);
        look
    }

    /// Removes what is redrawn.
    pub(super) fn end(&mut self) {
        self.progress.end();
    }
}
