//! Playback of the films of a flow: the position in time, and the screens at it. Pure.

use std::time::{Duration, Instant};

use crate::report::{Film, FilmEvent, FilmScene};
use crate::terminal::{Screen, ScreenFrame};

use super::keys::PlayerKey;

/// The length of a jump.
const JUMP: Duration = Duration::from_secs(5);

/// The slowest and the fastest speed that keys reach.
const SPEEDS: (f64, f64) = (1.0 / 16.0, 64.0);

/// Settings of a playback.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaybackSettings {
    /// Seconds of the films in a second.
    pub speed: f64,
    /// Longer pauses are as long as this, at speed 1.
    pub idle_limit: Duration,
    /// The film to play; `None` for all, of which the one is shown that has the last event.
    pub film: Option<usize>,
}

/// Playback of films with a common clock, of which one is shown.
pub(super) struct Playback {
    reels: Vec<Reel>,
    chosen: Option<usize>,
    shown: usize,
    /// Since the flow's start.
    at: Duration,
    /// Time until the next event, at speed 1.
    rest: Duration,
    speed: f64,
    idle_limit: Duration,
    is_paused: bool,
}

/// A film, and its screen at the present time.
struct Reel {
    film: Film,
    screen: Screen,
    /// Index of the next event.
    next: usize,
    /// Index of the event at which the present step began.
    step: Option<usize>,
}

/// The present state for the status line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlaybackStatus<'p> {
    pub film: &'p str,
    /// The title of the film.
    pub title: &'p str,
    pub step: Option<&'p str>,
    pub at: Duration,
    pub end: Duration,
    pub speed: f64,
    pub is_paused: bool,
    pub is_over: bool,
    /// True if the film with the last event is shown.
    pub follows_all: bool,
}

impl Playback {
    /// Prepares films, of which there is at least one, at their beginning.
    pub(super) fn new(films: Vec<Film>, settings: PlaybackSettings) -> Self {
        let mut playback = Playback {
            reels: films.into_iter().map(Reel::new).collect(),
            chosen: settings.film,
            shown: settings.film.unwrap_or(0),
            at: Duration::ZERO,
            rest: Duration::ZERO,
            speed: settings.speed,
            idle_limit: settings.idle_limit,
            is_paused: false,
        };
        playback.at = playback.beginning();
        playback.measure();
        playback
    }

    /// Lets real time pass.
    pub(super) fn advance(&mut self, time: Duration) {
        if self.is_paused {
            return;
        }
        let mut time = time.mul_f64(self.speed);
        while let Some(next) = self.next_event() {
            if time < self.rest {
                self.rest -= time;
                self.at = (self.at + time).min(next);
                return;
            }
            time -= self.rest;
            self.play_to(next);
        }
    }

    /// Returns the real time until the next event. `None` if there is none, or during a pause.
    pub(super) fn next_change(&self) -> Option<Duration> {
        let is_running = !self.is_paused && self.next_event().is_some();
        is_running.then(|| self.rest.div_f64(self.speed))
    }

    /// Performs a command; [`PlayerKey::Quit`] is none for the playback.
    pub(super) fn press(&mut self, key: PlayerKey) {
        match key {
            PlayerKey::Pause if self.next_event().is_none() => {
                self.rewind();
                self.is_paused = false;
            }
            PlayerKey::Pause => self.is_paused = !self.is_paused,
            PlayerKey::Step => {
                self.is_paused = true;
                if let Some(next) = self.next_output().or(self.next_event()) {
                    self.play_to(next);
                }
            }
            PlayerKey::Faster => self.speed = (self.speed * 2.0).min(SPEEDS.1.max(self.speed)),
            PlayerKey::Slower => self.speed = (self.speed / 2.0).max(SPEEDS.0.min(self.speed)),
            PlayerKey::Forward => self.play_to((self.at + JUMP).min(self.end())),
            PlayerKey::Back => {
                let to = self.at.saturating_sub(JUMP).max(self.beginning());
                self.rewind();
                self.play_to(to);
            }
            PlayerKey::NextRole => {
                self.shown = (self.shown + 1) % self.reels.len();
                self.chosen = Some(self.shown);
                self.measure();
            }
            PlayerKey::AllRoles => {
                self.chosen = None;
                self.measure();
            }
            PlayerKey::Quit => {}
        }
    }

    /// Returns the present frame of the film that is shown.
    pub(super) fn frame(&self) -> ScreenFrame {
        self.reels[self.shown].screen.frame()
    }

    pub(super) fn status(&self) -> PlaybackStatus<'_> {
        let reel = &self.reels[self.shown];
        let step = reel.step.and_then(|index| reel.film.events.get(index));
        PlaybackStatus {
            film: &reel.film.name,
            title: &reel.film.title,
            step: step.and_then(|event| match &event.scene {
                FilmScene::Step(step) => Some(step.as_str()),
                FilmScene::Output(_) | FilmScene::Resized(_) => None,
            }),
            at: self.at,
            end: self.end(),
            speed: self.speed,
            is_paused: self.is_paused,
            is_over: self.next_event().is_none(),
            follows_all: self.chosen.is_none() && self.reels.len() > 1,
        }
    }

    /// Returns the films that are played.
    fn played(&self) -> impl Iterator<Item = &Reel> {
        let reels = self.reels.iter().enumerate();
        let played = reels.filter(|(index, _)| self.chosen.is_none_or(|it| it == *index));
        played.map(|(_, reel)| reel)
    }

    /// Returns the time of the next event.
    fn next_event(&self) -> Option<Duration> {
        let next = self.played().filter_map(|reel| reel.rest().first());
        next.map(|event| event.at).min()
    }

    /// Returns the time of the next event that changes a screen.
    fn next_output(&self) -> Option<Duration> {
        let is_output = |event: &&FilmEvent| !matches!(event.scene, FilmScene::Step(_));
        let next = self
            .played()
            .filter_map(|reel| reel.rest().iter().find(is_output));
        next.map(|event| event.at).min()
    }

    fn beginning(&self) -> Duration {
        let first = self.reels.iter().filter_map(|it| it.film.events.first());
        first.map(|event| event.at).min().unwrap_or_default()
    }

    fn end(&self) -> Duration {
        let last = self.reels.iter().filter_map(|it| it.film.events.last());
        last.map(|event| event.at).max().unwrap_or_default()
    }

    fn rewind(&mut self) {
        self.reels.iter_mut().for_each(Reel::rewind);
        self.at = self.beginning();
        self.measure();
    }

    /// Plays all events up to a time, that of all films.
    fn play_to(&mut self, at: Duration) {
        let mut last: Option<(Duration, usize)> = None;
        for (index, reel) in self.reels.iter_mut().enumerate() {
            if let Some(played) = reel.play_to(at) {
                last = last.max(Some((played, index)));
            }
        }
        if let (None, Some((_, index))) = (self.chosen, last) {
            self.shown = index;
        }
        self.at = at;
        self.measure();
    }

    /// Measures the time until the next event.
    fn measure(&mut self) {
        let next = self.next_event().unwrap_or(self.at);
        self.rest = next.saturating_sub(self.at).min(self.idle_limit);
    }
}

impl Reel {
    fn new(film: Film) -> Self {
        Reel {
            screen: Screen::new(film.size, Instant::now()),
            film,
            next: 0,
            step: None,
        }
    }

    fn rewind(&mut self) {
        self.screen = Screen::new(self.film.size, Instant::now());
        (self.next, self.step) = (0, None);
    }

    fn rest(&self) -> &[FilmEvent] {
        &self.film.events[self.next..]
    }

    /// Plays all events up to a time. Returns the time of the last one, if there was any.
    fn play_to(&mut self, at: Duration) -> Option<Duration> {
        let mut last = None;
        while let Some(event) = self.film.events.get(self.next)
            && event.at <= at
        {
            last = Some(event.at);
            match &event.scene {
                FilmScene::Output(output) => {
                    let now = Instant::now();
                    self.screen.feed(output.as_bytes(), now, &mut |_| false);
                }
                FilmScene::Resized(size) => self.screen.resize(*size),
                FilmScene::Step(_) => self.step = Some(self.next),
            }
            self.next += 1;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::ScreenSize;

    fn film(name: &str, events: &[(u64, &str)]) -> Film {
        let event = |(ms, output): &(u64, &str)| FilmEvent {
            at: Duration::from_millis(*ms),
            scene: match output.strip_prefix('#') {
                Some(step) => FilmScene::Step(step.into()),
                None => FilmScene::Output(format!("{output}\r\n")),
            },
        };
        Film {
            name: name.into(),
            title: format!("test {name}"),
            size: ScreenSize {
                rows: 5,
                columns: 20,
            },
            term: "xterm".into(),
            started_at: 0,
            events: events.iter().map(event).collect(),
        }
    }

    fn playback(film_index: Option<usize>) -> Playback {
        let clerk = [(1000, "#1_open"), (1000, "a"), (1500, "b"), (60_000, "c")];
        let boss = [(2000, "#2_sign"), (2000, "x"), (3000, "y")];
        let settings = PlaybackSettings {
            speed: 1.0,
            idle_limit: Duration::from_secs(2),
            film: film_index,
        };
        Playback::new(vec![film("clerk", &clerk), film("boss", &boss)], settings)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The film that is shown, with its rows.
    fn seen(playback: &Playback) -> String {
        let text = playback.frame().text();
        let rows: Vec<_> = text.lines().filter(|it| !it.is_empty()).collect();
        format!("{} {}", playback.status().film, rows.join(""))
    }

    #[test]
    fn the_film_with_the_last_event_is_shown() {
        let mut playback = playback(None);
        let expected = [
            (0, "clerk a"),
            (499, "clerk a"),
            (1, "clerk ab"),
            (500, "boss x"),
        ];
        for (time, shown) in expected {
            playback.advance(ms(time));
            assert_eq!(seen(&playback), shown);
        }
        assert_eq!(playback.status().step, Some("2_sign"));
        assert_eq!(playback.status().at, ms(2000));
        assert_eq!(playback.next_change(), Some(ms(1000)));
        playback.advance(ms(1000));
        assert_eq!(playback.next_change(), Some(ms(2000)), "of 57 seconds");
        playback.advance(ms(2000));
        assert_eq!(seen(&playback), "clerk abc");
        assert!(playback.status().is_over);
        playback.press(PlayerKey::Pause);
        playback.advance(ms(0));
        assert_eq!(seen(&playback), "clerk a", "from the beginning");
    }

    #[test]
    fn one_film_is_shown_if_it_was_chosen() {
        let mut playback = playback(Some(1));
        playback.advance(ms(0));
        assert_eq!(playback.status().at, ms(1000));
        assert_eq!(seen(&playback), "boss ");
        playback.advance(ms(2500));
        assert_eq!(seen(&playback), "boss xy");
        assert!(playback.status().is_over);
        playback.press(PlayerKey::NextRole);
        assert_eq!(seen(&playback), "clerk ab", "the clock is a common one");
        playback.press(PlayerKey::NextRole);
        assert_eq!(seen(&playback), "boss xy");
        playback.press(PlayerKey::AllRoles);
        assert_eq!(playback.next_change(), Some(ms(2000)));
    }

    #[test]
    fn pauses_steps_speeds_and_jumps() {
        let mut playback = playback(None);
        playback.press(PlayerKey::Pause);
        playback.advance(ms(9000));
        assert_eq!(seen(&playback), "clerk ");
        assert_eq!(playback.next_change(), None);
        playback.press(PlayerKey::Step);
        playback.press(PlayerKey::Step);
        assert_eq!(seen(&playback), "clerk ab");
        playback.press(PlayerKey::Pause);
        playback.press(PlayerKey::Faster);
        assert_eq!(playback.next_change(), Some(ms(250)));
        playback.press(PlayerKey::Slower);
        playback.press(PlayerKey::Slower);
        assert_eq!(playback.next_change(), Some(ms(1000)));
        playback.press(PlayerKey::Forward);
        assert_eq!(
            (playback.status().at, &*seen(&playback)),
            (ms(6500), "boss xy")
        );
        playback.press(PlayerKey::Back);
        assert_eq!(
            (playback.status().at, &*seen(&playback)),
            (ms(1500), "clerk ab")
        );
        (0..20).for_each(|_| playback.press(PlayerKey::Forward));
        assert_eq!(playback.status().at, ms(60_000));
        (0..20).for_each(|_| playback.press(PlayerKey::Back));
        assert_eq!(playback.status().at, ms(1000));
    }
}
