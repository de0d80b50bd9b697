//! Printer of the dialogue of a run in progress.

use anstyle::{AnsiColor, Style};

use crate::model::{InstanceId, RunEvent};

use crate::report::output::{Output, styled};
use crate::report::reporter::Reporter;
use crate::report::sanitize::sanitize;

/// Colours of roles, repeated after the last.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// A reporter that prints each line with its flow and role, and `<` for output, `>` for typed text,
/// which is bold, and `!` for injected faults.
pub struct DialoguePrinter {
    output: Output,
    roles: Vec<String>,
    /// Several flows are distinguished by their numbers.
    shows_flows: bool,
    /// The instance whose last line has no line end yet: typed text, whose echo will only add the
    /// line end, or output without a line end.
    unfinished: Option<InstanceId>,
}

impl DialoguePrinter {
    /// Creates a printer that writes to `output`.
    pub fn new(output: Output) -> Self {
        DialoguePrinter {
            output,
            roles: Vec::new(),
            shows_flows: true,
            unfinished: None,
        }
    }

    fn heard(&mut self, instance: InstanceId, text: &str) {
        let is_shown = self.unfinished == Some(instance);
        let rest = text.strip_prefix('\n').filter(|_| is_shown);
        let rest = rest.unwrap_or(text);
        if !rest.is_empty() {
            self.show(instance, '<', rest);
        }
        self.unfinished = (!text.ends_with('\n')).then_some(instance);
    }

    fn show(&mut self, instance: InstanceId, sign: char, text: &str) {
        let role = instance.role.0;
        let style = COLOURS[role % COLOURS.len()].on_default();
        let name = self.roles.get(role).map_or("", String::as_str);
        let widest = self.roles.iter().map(|name| name.chars().count()).max();
        let widest = widest.unwrap_or(0);
        let who = if self.shows_flows {
            format!("{:>5} {name:<widest$} {sign}", instance.flow.0)
        } else {
            format!("  {name:<widest$} {sign}")
        };
        let text_style = if sign == '>' {
            style.bold()
        } else {
            Style::new()
        };
        for line in text.trim_end_matches('\n').split('\n') {
            let (who, line) = (styled(style, &who), styled(text_style, sanitize(line)));
            self.output.line(format!("{who} {line}").trim_end());
        }
    }
}

impl Reporter for DialoguePrinter {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted(info) => {
                let names = info
                    .roles
                    .iter()
                    .map(|role| sanitize(&role.name).into_owned());
                self.roles = names.collect();
                self.shows_flows = info.flows != Some(1);
            }
            RunEvent::Heard { instance, text } => self.heard(*instance, text),
            RunEvent::Said { instance, text } => {
                let shown = if text.is_empty() { "⏎" } else { text };
                self.show(*instance, '>', shown);
                self.unfinished = Some(*instance);
            }
            RunEvent::Injected(injection) => {
                let text = format!("(chaos: {})", injection.what);
                self.show(injection.instance, '!', &text);
            }
            _ => {}
        }
    }
}
