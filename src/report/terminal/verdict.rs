//! The verdict on the figures and the generator's measurements, at the end of the overview.

use unicode_width::UnicodeWidthStr as _;

use crate::model::Generator;
use crate::report::output::{BAD, CARE, FAINT, GOOD, styled};
use crate::report::units;
use crate::stats::{Summary, Trust};

use super::INDENT;

/// Renders the verdict as further lines; empty if the generator was not measured.
pub(super) fn render(summary: &Summary, width: usize) -> String {
    let mut text = String::new();
    if let Some(verdict) = &summary.verdict {
        let word = match verdict.trust {
            Trust::Valid => styled(GOOD, "valid"),
            Trust::Doubtful => styled(CARE, "doubtful"),
            Trust::Invalid => styled(BAD, "invalid"),
        };
        text.push_str(&format!("\n  {:<18} {word}", "Verdict"));
        for reason in &verdict.reasons {
            for line in wrapped(reason, width.saturating_sub(INDENT)) {
                text.push_str(&format!("\n{:INDENT$}{line}", ""));
            }
        }
        for note in &verdict.not_judged {
            for line in wrapped(note, width.saturating_sub(INDENT)) {
                text.push_str(&format!("\n{:INDENT$}{}", "", styled(FAINT, line)));
            }
        }
    }
    if let Some(generator) = &summary.generator {
        let parts = measurements(generator).join(", ");
        let lines = wrapped(&parts, width.saturating_sub(INDENT));
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { "Generator" } else { "" };
            text.push_str(&format!("\n  {label:<18} {line}"));
        }
    }
    text
}

fn measurements(generator: &Generator) -> Vec<String> {
    let mut parts = Vec::new();
    if let (Some(p99), Some(max)) = (generator.lag_p99_us, generator.lag_max_us) {
        let (p99, max) = (units::duration(p99), units::duration(max));
        parts.push(format!("late by {p99} at p99, {max} at most"));
    }
    if let Some(longest) = generator.longest_stall {
        let (length, after) = (longest.length_us, longest.after_us);
        let (length, after) = (units::duration(length), units::duration(after));
        parts.push(format!("stopped for {length} at {after}"));
    }
    if let Some(busy) = generator.machine_busy_ratio {
        parts.push(format!("machine {} busy", units::percent(Some(busy))));
    }
    let shares = [
        ("programs", generator.machine_programs_ratio),
        ("rehearsal", generator.machine_own_ratio),
        ("other processes", generator.machine_others_ratio),
    ];
    for (whose, share) in shares {
        parts.extend(share.map(|share| format!("{whose} {}", units::percent(Some(share)))));
    }
    if let Some(pressure) = generator.cpu_pressure_ratio {
        parts.push(format!("CPU pressure {}", units::percent(Some(pressure))));
    }
    parts
}

/// Wraps text at a width, which only a longer word exceeds.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_wrapped() {
        assert_eq!(wrapped("ab cd efghij k", 5), ["ab cd", "efghij", "k"]);
    }
}
