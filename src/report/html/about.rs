//! The run's origin: seed, command line, environment, scenario.

use std::fmt::Write as _;

use crate::report::result_file::Head;
use crate::report::sanitize::sanitize_lines;

use super::data::About;
use super::words::{self, shortened, text};

/// The maximum size of the scenario's text.
const MAX_SCENARIO: usize = 100_000;

/// The maximum length of the command line.
const MAX_COMMAND: usize = 4_000;

/// The maximum number of notices and of merged runs.
const MAX_LINES: usize = 100;

pub(super) fn about(head: &Head, scenario: Option<&str>) -> About {
    let (run, environment) = (&head.run, &head.environment);
    let mut facts = vec![
        ("Run".to_owned(), text(&run.id.0)),
        ("Scenario".into(), text(&run.scenario)),
        ("Load".into(), text(&run.load)),
        (
            "Seed".into(),
            run.seed.map_or("–".into(), |seed| seed.to_string()),
        ),
        ("Started".into(), words::time(run.started_at)),
        ("Host".into(), text(&environment.host)),
        ("Kernel".into(), text(&environment.kernel)),
        ("CPU cores".into(), environment.cores.to_string()),
        ("Rehearsal".into(), text(&environment.rehearsal_version)),
    ];
    for role in run.roles.iter().take(MAX_LINES) {
        facts.push((
            format!("Program of {}", text(&role.title)),
            text(&role.command),
        ));
    }
    for merged in head.merged_from.iter().take(MAX_LINES) {
        let seed = merged
            .seed
            .map_or(String::new(), |seed| format!(", seed {seed}"));
        let from = format!("{} on {}{seed}", merged.id, merged.host);
        facts.push(("Merged from".into(), text(&from)));
    }
    let words = environment.command_line.iter().map(|word| quoted(word));
    let command_line = words.collect::<Vec<_>>().join(" ");
    let scenario_note = scenario.filter(|it| it.len() > MAX_SCENARIO).map(|it| {
        format!("The first {MAX_SCENARIO} of its {} bytes; the whole file is scenario.yaml in the run's directory.", it.len())
    });
    About {
        facts,
        command_line: shortened(&command_line, MAX_COMMAND),
        scenario: scenario.map(beginning),
        scenario_note,
        notices: head
            .notices
            .iter()
            .take(MAX_LINES)
            .map(|it| text(it))
            .collect(),
    }
}

/// Returns the sanitized beginning of a text.
fn beginning(scenario: &str) -> String {
    let mut end = MAX_SCENARIO.min(scenario.len());
    while !scenario.is_char_boundary(end) {
        end -= 1;
    }
    let mut shown = String::new();
    for line in sanitize_lines(&scenario[..end]) {
        writeln!(shown, "{line}").expect("a String takes all");
    }
    shown
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/.-_=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
