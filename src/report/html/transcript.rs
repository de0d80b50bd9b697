//! Transcript of a bundle: the dialogue of all roles, with screens as they were drawn.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use crate::model::{Happening, StepRecord};
use crate::report::bundle::{BLANK, Bundle, TranscriptEntry, who};
use crate::report::units;

use super::screen::{Run, Screen};
use super::words::{self, last_lines, text};

/// The entries that are shown of a long transcript, at its beginning and at its end.
const FIRST_ENTRIES: usize = 60;
const LAST_ENTRIES: usize = 240;

/// The lines that are shown of one output, its last ones.
const MAX_LINES: usize = 60;

/// The number of screens that are shown, the last ones.
const MAX_SCREENS: usize = 14;

/// One transcript.
#[derive(Serialize)]
pub(super) struct Transcript {
    pub entries: Vec<Entry>,
}

/// One event of a script instance, or the beginning of a step.
#[derive(Serialize)]
pub(super) struct Entry {
    /// Since the flow's start, in seconds.
    pub at: String,
    pub role: String,
    pub colour: String,
    pub kind: &'static str,
    /// For readers who do not see colours and signs.
    pub label: &'static str,
    pub lines: Vec<String>,
    pub screen: Option<Rows>,
}

/// Escape sequences that change colours, erase, or move to the first row, which are left out of lines:
/// `transcript.txt` has them.
static DECORATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\x1b\[(?:[0-9;:]*m|[0-3]?[JK]|(?:1;1)?H)").expect("a sound expression")
});

/// The rows of a screen.
type Rows = Vec<Vec<Run>>;

/// The state of building a transcript.
struct Builder<'b> {
    bundle: &'b Bundle,
    steps: std::iter::Peekable<std::slice::Iter<'b, StepRecord>>,
    /// The screens of script instances, with their rows when they were last shown.
    screens: HashMap<(&'b str, u32), (Screen, Rows)>,
    entries: Vec<Entry>,
}

pub(super) fn transcript(bundle: &Bundle) -> Transcript {
    let mut builder = Builder {
        bundle,
        steps: bundle.flow.steps.iter().peekable(),
        screens: HashMap::new(),
        entries: Vec::new(),
    };
    for entry in &bundle.transcript {
        builder.add(entry);
    }
    builder.show_all_screens();
    builder.show_failure();
    Transcript {
        entries: without_the_middle(without_early_screens(builder.entries)),
    }
}

impl<'b> Builder<'b> {
    fn add(&mut self, entry: &'b TranscriptEntry) {
        while let Some(step) = self
            .steps
            .next_if(|it| it.started_after_us <= entry.after_us)
        {
            let place = self.bundle.run.step(&step.step);
            let role = place.map(|place| self.bundle.run.steps[place.0].role.as_str());
            let at = seconds(step.started_after_us);
            let colour = self.colour(role.unwrap_or_default());
            self.entries.push(Entry {
                at,
                colour,
                role: String::new(),
                kind: "step",
                label: "step",
                lines: vec![text(&step.step)],
                screen: None,
            });
        }
        match &entry.what {
            Happening::Heard { text: heard, .. } => self.hear(entry, heard),
            Happening::Said { text: said } => {
                self.show_screen(entry);
                let said = if said.is_empty() {
                    "⏎".into()
                } else {
                    text(said)
                };
                self.push(entry, "said", "typed", vec![said]);
            }
            Happening::Started { pid, command } => {
                let line = format!("started, pid {pid}: {}", text(command));
                self.push(entry, "event", "event", vec![line]);
            }
            Happening::Remark { text: remark } => {
                self.push(entry, "event", "event", vec![text(remark)]);
            }
            Happening::Injected { text: fault, .. } => {
                self.push(
                    entry,
                    "strike",
                    "fault",
                    vec![format!("fault: {}", text(fault))],
                );
            }
            Happening::Screen { drawing } => self.hear(entry, &format!("{BLANK}{drawing}")),
            Happening::Resized { rows, columns } => {
                if let Some((screen, _)) = self.screens.get_mut(&(&*entry.role, entry.attempt)) {
                    screen.resize(*rows, *columns);
                }
                let line = format!("the terminal has {rows} rows and {columns} columns now");
                self.push(entry, "event", "event", vec![line]);
            }
            Happening::LeftOut { bytes, .. } => {
                let line = format!("{} are left out here", units::bytes(*bytes));
                self.push(entry, "event", "event", vec![line]);
            }
            Happening::Exited { exit, .. } => {
                self.show_screen(entry);
                let exit = exit.map(|exit| format!(" with {exit}")).unwrap_or_default();
                self.push(entry, "event", "event", vec![format!("ended{exit}")]);
            }
        }
    }

    /// Draws output on its screen, or adds its lines, to those that came right before.
    fn hear(&mut self, entry: &'b TranscriptEntry, heard: &str) {
        let info = &self.bundle.run;
        let role = info.role(&entry.role);
        let terminal = role.and_then(|role| info.roles[role.0].terminal.as_ref());
        if let Some(terminal) = terminal.filter(|it| it.has_screen) {
            let screen = self.screens.entry((&entry.role, entry.attempt));
            let (screen, _) = screen
                .or_insert_with(|| (Screen::new(terminal.rows, terminal.columns), Rows::new()));
            screen.feed(heard);
            return;
        }
        let plain = DECORATION.replace_all(heard, "");
        let lines = last_lines(&plain, MAX_LINES);
        let role = text(&who(entry));
        match self.entries.last_mut() {
            Some(last)
                if last.kind == "heard" && last.role == role && last.lines.len() < MAX_LINES =>
            {
                last.lines.extend(lines);
            }
            _ => self.push(entry, "heard", "output", lines),
        }
    }

    /// Adds the screen of the entry's script instance, if it has changed.
    fn show_screen(&mut self, entry: &'b TranscriptEntry) {
        let screen = self.screens.get_mut(&(entry.role.as_str(), entry.attempt));
        let Some((screen, shown)) = screen else {
            return;
        };
        let rows = screen.rows();
        if rows == *shown {
            return;
        }
        shown.clone_from(&rows);
        self.push(entry, "screen", "screen", Vec::new());
        if let Some(last) = self.entries.last_mut() {
            last.screen = Some(rows);
        }
    }

    /// Adds the last screens of programs that have not ended.
    fn show_all_screens(&mut self) {
        for entry in self.bundle.transcript.iter().rev() {
            self.show_screen(entry);
        }
    }

    /// Adds the failure that ended the flow.
    fn show_failure(&mut self) {
        let flow = &self.bundle.flow;
        let Some(failure) = flow.failure() else {
            return;
        };
        let last_us = self.bundle.transcript.last().map_or(0, |it| it.after_us);
        let colour = self.colour(&failure.role);
        self.entries.push(Entry {
            at: seconds(last_us),
            role: text(&failure.role),
            colour,
            kind: "strike",
            label: "failure",
            lines: vec![text(&failure.to_string())],
            screen: None,
        });
    }

    fn push(
        &mut self,
        entry: &TranscriptEntry,
        kind: &'static str,
        label: &'static str,
        lines: Vec<String>,
    ) {
        self.entries.push(Entry {
            at: seconds(entry.after_us),
            role: text(&who(entry)),
            colour: self.colour(&entry.role),
            kind,
            label,
            lines,
            screen: None,
        });
    }

    fn colour(&self, role: &str) -> String {
        words::colour(self.bundle.run.role(role).map(|role| role.0))
    }
}

/// Removes all but the last screens.
fn without_early_screens(mut entries: Vec<Entry>) -> Vec<Entry> {
    let screens = entries.iter().filter(|it| it.screen.is_some()).count();
    let mut left_out = screens.saturating_sub(MAX_SCREENS);
    for entry in &mut entries {
        if left_out > 0 && entry.screen.take().is_some() {
            left_out -= 1;
            entry.lines = vec!["an earlier screen is left out here".into()];
        }
    }
    entries
}

/// Removes the middle of a long transcript.
fn without_the_middle(mut entries: Vec<Entry>) -> Vec<Entry> {
    let left_out = entries.len().saturating_sub(FIRST_ENTRIES + LAST_ENTRIES);
    if left_out > 0 {
        let note = Entry {
            at: String::new(),
            role: String::new(),
            colour: words::colour(None),
            kind: "event",
            label: "event",
            lines: vec![format!(
                "{left_out} entries are left out here; transcript.txt has all"
            )],
            screen: None,
        };
        entries.splice(FIRST_ENTRIES..FIRST_ENTRIES + left_out, [note]);
    }
    entries
}

fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us / 1_000 % 1_000)
}
