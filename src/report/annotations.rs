//! Annotations of GitHub Actions: failures at their places in the scenario.
//!
//! A line `::error file=…,line=…,title=…::…` among a job's output marks a line of a file in the
//! pull request. <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::path::Path;

use crate::stats::{FailureGroup, FlowFailures};

use super::checks;
use super::result_file::Head;
use super::sanitize::sanitize;
use super::units;

/// The maximum number of annotations: GitHub shows ten of a step.
const MAX_ANNOTATIONS: usize = 10;

/// Returns the annotations of a run, a line each. `scenario` is the scenario's path in the
/// repository.
pub fn annotations(head: &Head, scenario: Option<&str>) -> Vec<String> {
    let summary = &head.summary;
    let level = match summary.flow_failures {
        FlowFailures::Count => "error",
        FlowFailures::AreAllowed => "warning",
    };
    let all = units::counted(summary.flows.ended(), "flow");
    let failed = summary.failures.groups.iter().map(|group| {
        let title = format!("{}: {}", group.step, group.example.kind);
        annotation(
            level,
            &place(group, scenario),
            &title,
            &message(group, &all),
        )
    });
    let crossed = summary.thresholds.iter().filter(|it| !it.holds);
    let crossed = crossed.map(|checked| {
        let value = checks::threshold_value(checked);
        let text = format!("{}: {value}", checked.threshold);
        annotation("error", &file(scenario), "threshold crossed", &text)
    });
    let results = summary.integrity.iter().flat_map(checks::integrity);
    let violated = results.filter(|it| it.findings.is_some_and(|findings| findings > 0));
    let violated = violated.map(|result| {
        let text = format!("{}: {}", result.demand, result.found);
        annotation("error", &file(scenario), "data inconsistent", &text)
    });
    let all = violated.chain(crossed).chain(failed);
    all.take(MAX_ANNOTATIONS).collect()
}

/// The properties of an annotation.
type Properties = Vec<(&'static str, String)>;

fn file(scenario: Option<&str>) -> Properties {
    scenario
        .map(|file| ("file", file.to_owned()))
        .into_iter()
        .collect()
}

/// Returns the place of the turn that failed.
fn place(group: &FailureGroup, scenario: Option<&str>) -> Properties {
    let Some((name, line)) = group.example.turn.rsplit_once(':') else {
        return file(scenario);
    };
    // A turn names the file as messages do, which need not be its path in the repository.
    let is_scenario = |path: &&str| Path::new(path).file_name() == Path::new(name).file_name();
    let path = scenario.filter(is_scenario).unwrap_or(name);
    vec![("file", path.to_owned()), ("line", line.to_owned())]
}

fn message(group: &FailureGroup, all: &str) -> String {
    let mut lines = vec![
        format!("{} of {all} failed here", group.count),
        sanitize(&group.example.message).into_owned(),
    ];
    if let Some(saw) = group.saw.as_deref().filter(|saw| !saw.is_empty()) {
        lines.push(format!("saw: {}", sanitize(saw)));
    }
    if let Some(hint) = &group.example.hint {
        lines.push(format!("hint: {}", sanitize(hint)));
    }
    lines.join("\n")
}

fn annotation(level: &str, properties: &Properties, title: &str, text: &str) -> String {
    let title = ("title", title.to_owned());
    let properties = properties.iter().chain(std::iter::once(&title));
    let properties: Vec<_> = properties
        .map(|(name, value)| format!("{name}={}", property(&sanitize(value))))
        .collect();
    format!("::{level} {}::{}", properties.join(","), data(text))
}

/// Escapes the text of an annotation.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_another_annotation() {
        let properties = vec![("file", "a,line=7::b.yaml".to_owned())];
        let hostile = "100%\n::error::owned\r";
        assert_eq!(
            annotation("error", &properties, "x: y", hostile),
            "::error file=a%2Cline=7%3A%3Ab.yaml,title=x%3A y::100%25%0A::error::owned%0D"
        );
    }
}
