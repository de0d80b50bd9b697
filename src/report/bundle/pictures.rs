//! Pictures of the screens of a transcript.

use std::time::Instant;

use crate::model::{Happening, RoleInfo};
use crate::terminal::{Screen, ScreenSize};

use super::form::TranscriptEntry;

/// Output that makes a terminal blank, with the usual modes.
pub(super) const BLANK: &str = "\x1b[?1049l\x1b[!p\x1b[?25h\x0f\x1b(B\x1b[0m\x1b[H\x1b[2J";

/// The screens of all script instances that have one.
pub(super) struct Pictures<'b> {
    roles: &'b [RoleInfo],
    views: Vec<View<'b>>,
}

struct View<'b> {
    role: &'b str,
    attempt: u32,
    screen: Screen,
    /// The entry with the last output since the last picture.
    drawn: Option<&'b TranscriptEntry>,
    /// The last picture.
    shown: String,
}

impl<'b> Pictures<'b> {
    pub(super) fn new(roles: &'b [RoleInfo]) -> Self {
        Pictures {
            roles,
            views: Vec::new(),
        }
    }

    /// Applies an entry to the screen of its instance. Returns `true` for output to a screen, which is
    /// shown as a picture later.
    pub(super) fn follow(&mut self, entry: &'b TranscriptEntry) -> bool {
        let Some(view) = self.view(entry) else {
            return false;
        };
        match &entry.what {
            Happening::Heard { text, .. } => view.feed(text, entry),
            Happening::Screen { drawing } => view.feed(&format!("{BLANK}{drawing}"), entry),
            Happening::LeftOut { .. } => {
                view.screen = Screen::new(view.screen.size(), Instant::now());
                return false;
            }
            Happening::Resized { rows, columns } => {
                let (rows, columns) = (*rows, *columns);
                view.screen.resize(ScreenSize { rows, columns });
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Returns whether the instance of an entry has a screen.
    pub(super) fn has_screen(&mut self, entry: &'b TranscriptEntry) -> bool {
        self.view(entry).is_some()
    }

    /// Returns the picture of the instance of an entry, if it has changed since the last one, and the
    /// entry of its last output.
    pub(super) fn take(
        &mut self,
        entry: &'b TranscriptEntry,
    ) -> Option<(&'b TranscriptEntry, String)> {
        self.view(entry)?.take()
    }

    /// Returns all pictures that have changed since the last ones, in the order of time.
    pub(super) fn take_all(&mut self) -> Vec<(&'b TranscriptEntry, String)> {
        let mut pictures: Vec<_> = self.views.iter_mut().filter_map(View::take).collect();
        pictures.sort_by_key(|(entry, _)| entry.after_us);
        pictures
    }

    fn view(&mut self, entry: &'b TranscriptEntry) -> Option<&mut View<'b>> {
        let is_it = |view: &View<'_>| view.role == entry.role && view.attempt == entry.attempt;
        if let Some(place) = self.views.iter().position(is_it) {
            return self.views.get_mut(place);
        }
        let role = self.roles.iter().find(|role| role.name == entry.role)?;
        let terminal = role.terminal.as_ref().filter(|it| it.has_screen)?;
        let size = ScreenSize {
            rows: terminal.rows,
            columns: terminal.columns,
        };
        self.views.push(View {
            role: &entry.role,
            attempt: entry.attempt,
            screen: Screen::new(size, Instant::now()),
            drawn: None,
            shown: String::new(),
        });
        self.views.last_mut()
    }
}

impl<'b> View<'b> {
    fn feed(&mut self, output: &str, entry: &'b TranscriptEntry) {
        let now = Instant::now();
        self.screen.feed(output.as_bytes(), now, &mut |_| false);
        self.drawn = Some(entry);
    }

    fn take(&mut self) -> Option<(&'b TranscriptEntry, String)> {
        let entry = self.drawn.take()?;
        let picture = self.screen.render();
        if picture == self.shown {
            return None;
        }
        self.shown.clone_from(&picture);
        Some((entry, picture))
    }
}
