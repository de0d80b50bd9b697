//! The failures, by step, cause and what was seen, with an example each.

use crate::report::failure;
use crate::report::neutral;
use crate::report::output::{BAD, FAINT, styled};
use crate::report::units;
use crate::stats::{FailureGroup, Summary};

use super::heading;

pub(super) fn render(summary: &Summary) -> Option<String> {
    let failures = &summary.failures;
    if failures.count() == 0 {
        return None;
    }
    let mut blocks: Vec<_> = failures.groups.iter().map(block).collect();
    if failures.others > 0 {
        let others = units::counted(failures.others, "failure");
        blocks.push(format!("  and {others} of other steps and causes"));
    }
    Some(format!("{}\n{}", heading("Failures"), blocks.join("\n\n")))
}

fn block(group: &FailureGroup) -> String {
    let step = neutral(&group.step);
    let cause = group.example.kind.to_string();
    let role = neutral(&group.role);
    let what = styled(
        BAD,
        format!("{} × {step}: {}", group.count, neutral(&cause)),
    );
    let mut who = role.into_owned();
    if group.after_chaos {
        who.push_str(", after chaos");
    }
    let mut lines = vec![format!("  {what} {}", styled(FAINT, format!("({who})")))];
    match &group.saw {
        None => lines.push("    saw something else each time".into()),
        Some(saw) if group.count > 1 && !saw.is_empty() => {
            lines.push(format!("    saw      {}", neutral(saw)));
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
    lines.push(format!("    flow     {}", neutral(&group.example_flow.0)));
    lines.extend(example.map(|line| format!("    {line}")));
    lines.join("\n")
}
