//! Failures by step, cause and signature, with an example each: those that ended flows, and those
//! before a retry.

use std::path::Path;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::model::RunInfo;
use crate::report::failure;
use crate::report::output::{BAD, CARE, FAINT, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{FailureGroup, FailureSummary, Summary};

use super::heading;
use super::section::{Lines, REST, Section, section};
use super::text::{cut, first, wrapped};

pub(super) fn render(info: &RunInfo, summary: &Summary) -> Vec<String> {
    let sections = [
        all_of(info, "Failures", BAD, &summary.failures),
        all_of(info, "Retried", CARE, &summary.retries.failures),
    ];
    sections.into_iter().flatten().collect()
}

fn all_of(info: &RunInfo, title: &str, style: Style, failures: &FailureSummary) -> Option<String> {
    if failures.count() == 0 {
        return None;
    }
    let blocks = failures.groups.iter();
    let mut blocks: Vec<_> = blocks.map(|group| block(info, style, group)).collect();
    if failures.others > 0 {
        let others = units::counted(failures.others, "failure");
        blocks.push(format!("  and {others} of other steps and causes"));
    }
    Some(format!("{}\n{}", heading(title), blocks.join("\n\n")))
}

/// Formats the place of the step among all, and faults before it.
fn place(info: &RunInfo, group: &FailureGroup) -> String {
    let place = info.steps.iter().position(|it| it.name == group.step);
    let of_all = place.map_or(String::new(), |place| {
        format!(", step {} of {}", place + 1, info.steps.len())
    });
    let faults = if group.after_chaos {
        ", after a fault"
    } else {
        ""
    };
    format!("{of_all}{faults}")
}

fn block(info: &RunInfo, style: Style, group: &FailureGroup) -> String {
    let step = sanitize(&group.step);
    let cause = group.example.kind.to_string();
    let role = sanitize(&group.role);
    let what = styled(
        style,
        format!("{} × {step}: {}", group.count, sanitize(&cause)),
    );
    let whose = styled(FAINT, format!("({role}{})", place(info, group)));
    let mut lines = vec![format!("  {what} {whose}")];
    match &group.saw {
        None => lines.push("    saw different output each time".into()),
        Some(saw) if group.count > 1 && !saw.is_empty() => {
            lines.push(format!("    saw      {}", sanitize(saw)));
        }
        Some(_) => {}
    }
    if group.count > 1 {
        let at = |time: chrono::DateTime<chrono::Local>| time.format("%H:%M:%S").to_string();
        let (first, last) = (at(group.first_at), at(group.last_at));
        lines.push(format!("    started  {first} to {last}; for example"));
    }
    let mut example = failure::lines(&group.example).into_iter();
    let of_message = group.example.message.lines().count();
    let message = example.by_ref().take(of_message);
    lines.extend(message.map(|line| format!("    {line}")));
    lines.push(format!("    flow     {}", sanitize(&group.example_flow.0)));
    if let Some(bundle) = &group.bundle {
        lines.push(format!("    bundle   {}", sanitize(bundle)));
    }
    lines.extend(example.map(|line| format!("    {line}")));
    lines.join("\n")
}

/// The most lines of a failure's message in the short report.
const MESSAGE_LINES: usize = 6;

/// One group of failures in the short report.
struct Brief {
    count: u64,
    line: String,
    /// Its message, and where to find more.
    details: Vec<String>,
    /// All about its example.
    rest: Vec<String>,
}

/// Returns the failures by cause: a line for each cause, with details and the whole example of the
/// first cause as far as there is room.
pub(super) fn short(
    info: &RunInfo,
    title: &str,
    failures: &FailureSummary,
    width: usize,
) -> Option<Section> {
    if failures.count() == 0 {
        return None;
    }
    let style = if title == "Failures" { BAD } else { CARE };
    let groups = failures.groups.iter();
    let groups: Vec<_> = groups.map(|it| brief(info, style, it, width)).collect();
    let others = failures.others;
    let lines = |group: &Brief| 1 + group.details.len();
    let of_first = groups.first().map_or(0, |first| first.rest.len());
    let wanted = groups.iter().map(lines).sum::<usize>() + of_first + usize::from(others > 0);
    let layout = move |lines| fitted(groups, others, lines);
    Some(section(title, Lines::Fitted(wanted, Box::new(layout))))
}

fn brief(info: &RunInfo, style: Style, group: &FailureGroup, width: usize) -> Brief {
    let step = sanitize(&group.step);
    let cause = group.example.kind.to_string();
    let what = format!("{} × {step}: {}", group.count, sanitize(&cause));
    let what = cut(&what, width.saturating_sub(2));
    let whose = format!(" ({}{})", sanitize(&group.role), place(info, group));
    let room = width.saturating_sub(2 + what.width());
    let whose = if room > 4 {
        cut(&whose, room)
    } else {
        String::new()
    };
    let line = format!("  {}{}", styled(style, what), styled(FAINT, whose));
    let cut = |text: &str| format!("    {}", cut(text, width.saturating_sub(4)));
    let mut example = failure::lines(&group.example).into_iter();
    let of_message = group.example.message.lines().count();
    let message = example.by_ref().take(of_message);
    let message = first(message.collect(), MESSAGE_LINES, |more| {
        format!("and {more} more lines: {REST}")
    });
    let mut details: Vec<_> = message.iter().map(|it| cut(it)).collect();
    match &group.saw {
        None => details.push(cut("saw different output each time")),
        Some(saw) if group.count > 1 && !saw.is_empty() => {
            details.push(cut(&format!("saw      {}", sanitize(saw))));
        }
        Some(_) => {}
    }
    let bundle = group.bundle.as_deref().map(Path::new);
    details.push(match bundle.and_then(Path::file_name) {
        Some(name) => cut(&format!("bundle   {}", sanitize(&name.to_string_lossy()))),
        None => cut(&format!("flow     {}", sanitize(&group.example_flow.0))),
    });
    // What to do next is never cut, and comes before a long output.
    let (hint, rest): (Vec<_>, Vec<_>) = example.partition(|it| it.starts_with(failure::HINT));
    let hint = hint.iter().flat_map(|it| hint_lines(it, width));
    let rest = hint.chain(rest.iter().map(|it| cut(it))).collect();
    Brief {
        count: group.count,
        line,
        details,
        rest,
    }
}

/// Wraps a hint behind its label.
fn hint_lines(hint: &str, width: usize) -> Vec<String> {
    let text = hint.trim_start_matches(failure::HINT).trim_start();
    let labels = std::iter::once(failure::HINT).chain(std::iter::repeat(""));
    let lines = labels.zip(wrapped(text, width.saturating_sub(13)));
    let lines = lines.map(|(label, line)| format!("    {label:<8} {line}"));
    lines.map(|line| cut(&line, width)).collect()
}

/// Lays out the groups in this number of lines.
fn fitted(mut groups: Vec<Brief>, others: u64, lines: usize) -> Vec<String> {
    let shown = match groups.len() + usize::from(others > 0) {
        all if all > lines => lines.saturating_sub(1),
        _ => groups.len(),
    };
    let left_out = groups.split_off(shown);
    let failures = left_out.iter().map(|it| it.count).sum::<u64>() + others;
    let remark = (failures > 0).then(|| {
        let failures = units::counted(failures, "failure");
        styled(FAINT, format!("  and {failures} of other causes: {REST}"))
    });
    let mut spare = lines.saturating_sub(shown + usize::from(remark.is_some()));
    for group in &mut groups {
        group.details.truncate(spare);
        spare -= group.details.len();
    }
    let mut text = Vec::new();
    for (number, group) in groups.into_iter().enumerate() {
        text.push(group.line);
        text.extend(group.details);
        // An example of which less is shown than a few lines explains nothing.
        if number == 0 && spare >= group.rest.len().min(4) {
            let rest = without_old_output(group.rest, spare);
            text.extend(first(rest, spare, |more| {
                format!("    and {more} more lines: {REST}")
            }));
        }
    }
    text.extend(remark);
    text
}

/// Leaves out the first lines of the program's output if there are more than `most` lines: its
/// last ones explain the failure.
fn without_old_output(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let begins = |line: &String| line.trim_start().starts_with(failure::OUTPUT);
    let excess = lines.len().saturating_sub(most);
    if let Some(from) = lines.iter().position(begins)
        && excess > 0
        && from + excess + 1 < lines.len()
    {
        let label = failure::OUTPUT;
        let remark = format!("    {label:<8} {}", styled(FAINT, format!("│ …: {REST}")));
        lines.splice(from..=from + excess, [remark]);
    }
    lines
}
