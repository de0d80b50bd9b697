//! Failures by step, cause and signature, with an example each: those that ended flows, and those
//! before a retry.

use anstyle::Style;

use crate::model::RunInfo;
use crate::report::failure;
use crate::report::output::{BAD, CARE, FAINT, styled};
use crate::report::sanitize::sanitize;
use crate::report::units;
use crate::stats::{FailureGroup, FailureSummary, Summary};

use super::heading;

pub(super) fn render(info: &RunInfo, summary: &Summary) -> Vec<String> {
    let sections = [
        section(info, "Failures", BAD, &summary.failures),
        section(info, "Retried", CARE, &summary.retries.failures),
    ];
    sections.into_iter().flatten().collect()
}

fn section(info: &RunInfo, title: &str, style: Style, failures: &FailureSummary) -> Option<String> {
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

fn block(info: &RunInfo, style: Style, group: &FailureGroup) -> String {
    let step = sanitize(&group.step);
    let cause = group.example.kind.to_string();
    let role = sanitize(&group.role);
    let what = styled(
        style,
        format!("{} × {step}: {}", group.count, sanitize(&cause)),
    );
    let place = info.steps.iter().position(|it| it.name == group.step);
    let of_all = place.map_or(String::new(), |place| {
        format!(", step {} of {}", place + 1, info.steps.len())
    });
    let chaos = if group.after_chaos {
        ", after chaos"
    } else {
        ""
    };
    let whose = styled(FAINT, format!("({role}{of_all}{chaos})"));
    let mut lines = vec![format!("  {what} {whose}")];
    match &group.saw {
        None => lines.push("    saw something else each time".into()),
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
