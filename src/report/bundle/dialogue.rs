//! The dialogue of all roles in the readable form of a bundle, interleaved. Roles with a screen show
//! pictures of it, as it was before each reply and at the end.

use std::iter::Peekable;
use std::slice::Iter;

use crate::model::{Happening, StepRecord};
use crate::report::units;

use super::form::{Bundle, TranscriptEntry};
use super::lines::{line_of, seconds};
use super::pictures::Pictures;

/// Renders the section.
pub(super) fn transcript(bundle: &Bundle) -> String {
    let mut text = String::from(
        "Transcript (seconds from the flow's start; < output, > input, · events, ! injected faults)\n",
    );
    let widest = bundle.transcript.iter().map(|it| who(it).chars().count());
    let mut writer = Writer {
        text: &mut text,
        widest: widest.max().unwrap_or(0),
        steps: bundle.flow.steps.iter().peekable(),
    };
    let mut pictures = Pictures::new(&bundle.run.roles);
    for entry in &bundle.transcript {
        if writer.is_step_before(entry) {
            for (entry, picture) in pictures.take_all() {
                writer.entry(entry, '<', &lines(&picture));
            }
        }
        if pictures.follow(entry) {
            continue;
        }
        if let Some((drawn, picture)) = pictures.take(entry) {
            writer.entry(drawn, '<', &lines(&picture));
        }
        let (sign, mut lines) = describe(&entry.what);
        if matches!(entry.what, Happening::LeftOut { .. }) && pictures.has_screen(entry) {
            lines.push("the screen has only what was drawn since, until it is drawn anew".into());
        }
        writer.entry(entry, sign, &lines);
    }
    for (entry, picture) in pictures.take_all() {
        writer.entry(entry, '<', &lines(&picture));
    }
    if bundle.transcript.is_empty() {
        text.push_str("  nothing was recorded\n");
    }
    text
}

struct Writer<'b> {
    text: &'b mut String,
    /// The width of the widest role.
    widest: usize,
    steps: Peekable<Iter<'b, StepRecord>>,
}

impl Writer<'_> {
    fn is_step_before(&mut self, entry: &TranscriptEntry) -> bool {
        let next = self.steps.peek();
        next.is_some_and(|step| step.started_after_us <= entry.after_us)
    }

    fn entry(&mut self, entry: &TranscriptEntry, sign: char, lines: &[String]) {
        let before = |step: &&StepRecord| step.started_after_us <= entry.after_us;
        while let Some(step) = self.steps.next_if(before) {
            line_of(self.text, &format!("── {} ──", step.step));
        }
        let at = seconds(entry.after_us);
        let (role, widest) = (who(entry), self.widest);
        for (index, line) in lines.iter().enumerate() {
            // Events at the same time show it once.
            let at = if index == 0 { at.as_str() } else { "" };
            line_of(
                self.text,
                &format!("{at:>11}  {role:<widest$} {sign} {line}"),
            );
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.split_inclusive('\n');
    let lines = lines.map(|line| line.trim_end_matches(['\n', '\r']).to_owned());
    lines.collect()
}

/// Returns the sign and the lines of an event.
fn describe(what: &Happening) -> (char, Vec<String>) {
    match what {
        Happening::Started { pid, command } => {
            ('·', vec![format!("started, pid {pid}: {command}")])
        }
        Happening::Heard { text, .. } => ('<', lines(text)),
        Happening::Said { text } if text.is_empty() => ('>', vec!["⏎".to_owned()]),
        Happening::Said { text } => ('>', vec![text.clone()]),
        Happening::Remark { text } => ('·', vec![text.clone()]),
        Happening::Injected { text, .. } => ('!', vec![format!("chaos: {text}")]),
        Happening::Resized { rows, columns } => {
            ('·', vec![format!("the terminal has {rows}x{columns} now")])
        }
        // Only roles with a screen have it.
        Happening::Screen { .. } => ('·', Vec::new()),
        Happening::LeftOut { bytes, .. } => {
            let much = units::bytes(*bytes);
            let line = format!("{much} are left out here: the beginning and the end are kept");
            ('·', vec![line])
        }
        Happening::Exited { exit, .. } => {
            let exit = exit.map(|exit| format!(" with {exit}")).unwrap_or_default();
            ('·', vec![format!("ended{exit}")])
        }
    }
}

/// Returns the role, with a number for its second and later instances.
fn who(entry: &TranscriptEntry) -> String {
    match entry.attempt {
        1 => entry.role.clone(),
        attempt => format!("{} #{attempt}", entry.role),
    }
}
