//! `rehearsal replay --watch`: play the films of a bundle on the terminal.
//!
//! The recorded output never reaches the terminal: it is applied to an emulator, whose cells are drawn.
//! So a recorded program cannot set the clipboard, ask the terminal for anything, or leave it in a
//! strange mode.

mod console;
mod keys;
mod playback;
mod view;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::args::FilmArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::report::{Film, sanitize};

use console::{Console, Wake};
use keys::{KeyReader, PlayerKey};
use playback::{Playback, PlaybackSettings};
use view::View;

/// The terminal's size is looked at this often.
const SIZE_PERIOD: Duration = Duration::from_millis(500);

/// While a film is played, its time is drawn this often.
const CLOCK_PERIOD: Duration = Duration::from_millis(100);

/// Plays the films until the person quits.
pub(in crate::cli) fn watch(mut bundle: PathBuf, options: FilmArgs) -> Result<Exit, CliError> {
    let mut role = options.role;
    if bundle.is_file() {
        // A file in the bundle was named, perhaps a film.
        if bundle.extension().is_some_and(|it| it == "cast") {
            let name = bundle.file_stem().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            role.get_or_insert(name);
        }
        bundle.pop();
    }
    let films = Film::open_all(&bundle).map_err(|error| {
        CliError::usage(
            error,
            "name a bundle: a directory in `bundles` in a run's directory among the results",
        )
    })?;
    if films.is_empty() {
        return Err(CliError::usage(
            format_args!("there is no film in {}", bundle.display()),
            "bundles have films of the roles that printed anything; those of earlier versions of \
             rehearsal have none: repeat the run, or read transcript.txt",
        ));
    }
    let film = role.map(|role| find(&films, &role)).transpose()?;
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CliError::usage(
            "--watch needs a terminal for its input and its output",
            "run it in a terminal without redirection; as text, the dialogue is in transcript.txt",
        ));
    }
    let settings = PlaybackSettings {
        speed: options.speed,
        idle_limit: options.idle_limit,
        film,
    };
    play(Playback::new(films, settings)).map_err(|error| CliError::system("the terminal", error))
}

fn find(films: &[Film], role: &str) -> Result<usize, CliError> {
    let found = films.iter().position(|film| film.name == role);
    found.ok_or_else(|| {
        let names: Vec<&str> = films.iter().map(|film| film.name.as_str()).collect();
        CliError::usage(
            format_args!("there is no film of `{}`", sanitize(role)),
            format_args!("the bundle has {}", sanitize(&names.join(", "))),
        )
    })
}

fn play(mut playback: Playback) -> io::Result<Exit> {
    let mut console = Console::open()?;
    let mut keys = KeyReader::default();
    let mut now = Instant::now();
    loop {
        let since = std::mem::replace(&mut now, Instant::now());
        playback.advance(now - since);
        let status = playback.status();
        let view = View::new(&playback.frame(), &status, console.size());
        console.show(view)?;
        let next = playback.next_change().map(|next| next.min(CLOCK_PERIOD));
        match console.wait(next.unwrap_or(SIZE_PERIOD))? {
            Wake::TimeOver => {}
            Wake::Ended => return Ok(Exit::Interrupted),
            Wake::Typed(bytes) => {
                for key in keys.read(&bytes) {
                    if key == PlayerKey::Quit {
                        return Ok(Exit::Completed);
                    }
                    playback.advance(now.elapsed());
                    now = Instant::now();
                    playback.press(key);
                }
            }
        }
    }
}
