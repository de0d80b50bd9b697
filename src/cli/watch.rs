//! `rehearsal watch`: the segments of a run in progress, as one.

use std::io::{self, ErrorKind, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::report::{PublishPlace, Watch, WatchedPlace, sanitize};

use super::args::WatchArgs;
use super::environment::CliEnvironment;
use super::error::CliError;
use super::exit::Exit;
use super::watching::{LOOK, Seen, WatchOptions, Watching};
use super::{launch, nats_login, signals};

/// The time for all segments to be heard of, for figures as they are now.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches until all segments have ended, or until a signal.
pub(super) fn watch(args: &WatchArgs, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let place = watched(&args.place)?;
    if args.json {
        return print_now(&place, environment);
    }
    let options = WatchOptions {
        progress: args.progress,
        page: args.live.address(),
    };
    let mut watching = Watching::start(&place, &options, environment)?;
    let (arrived, signals) = mpsc::channel();
    signals::watch(move |signal| {
        // Without a receiver the program is about to end.
        let _ = arrived.send(signal);
    })
    .map_err(|error| CliError::system("cannot listen for signals", error))?;
    let mut seen = watching.look();
    if seen == Seen::Nothing {
        watching.say(&format!("Waits for segments at {}", args.place));
    }
    let (exit, text) = loop {
        if seen == Seen::End {
            break (Exit::Completed, collection(&args.place));
        }
        match signals.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => seen = watching.look(),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => break (Exit::Interrupted, None),
        }
    };
    if let Some(text) = &text {
        watching.say(text);
    }
    // The run goes on without this page, which says that the connection is lost.
    if exit == Exit::Completed {
        watching.end(
            None,
            text.as_deref().unwrap_or("in the segments' directories"),
        );
    }
    Ok(exit)
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
    Ok(WatchedPlace::folder(path))
}

/// Returns the advice for a job whose segments have ended.
fn collection(place: &PublishPlace) -> Option<String> {
    let PublishPlace::Folder(path) = place else {
        return None;
    };
    let is_job = launch::published_at(path).is_ok_and(|it| it.is_some());
    is_job.then(|| {
        let path = sanitize(&path.display().to_string()).into_owned();
        format!("All segments have ended; merged results: rehearsal launch collect {path}")
    })
}

/// Prints the figures as they are now.
fn print_now(place: &WatchedPlace, environment: &CliEnvironment) -> Result<Exit, CliError> {
    let mut watch = Watch::start(place, nats_login::login(environment))?;
    let end = Instant::now() + PATIENCE;
    let mut look = watch.look();
    let is_whole = |(heard, all): (usize, usize)| all > 0 && heard == all;
    // Those on a server are heard when they publish next.
    while place.nats.is_some() && !is_whole(look.heard()) {
        let Some(left) = end.checked_duration_since(Instant::now()) else {
            break;
        };
        watch.wait(left);
        look = watch.look();
    }
    let mut text = look.json().to_string();
    text.push('\n');
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A reader who has left is no error.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::standard_output("the figures", error))
        }
        _ => Ok(Exit::Completed),
    }
}
