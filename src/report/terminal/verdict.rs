//! The verdict on the figures and the generator's measurements, at the end of the overview.

use crate::model::Generator;
use crate::report::output::{BAD, CARE, FAINT, GOOD, styled};
use crate::report::units;
use crate::report::verdict::trust;
use crate::stats::{Summary, Trust, Verdict};

use super::INDENT;
use super::text::wrapped;

/// Renders the verdict as further lines; empty if the generator was not measured.
pub(super) fn render(summary: &Summary, width: usize) -> String {
    let mut text = String::new();
    if let Some(verdict) = &summary.verdict {
        let style = match verdict.trust {
            Trust::Valid => GOOD,
            Trust::Doubtful => CARE,
            Trust::Invalid => BAD,
        };
        let word = styled(style, trust(verdict.trust));
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
    let is_valid = |verdict: &Verdict| verdict.trust == Trust::Valid;
    let is_valid = summary.verdict.as_ref().is_some_and(is_valid);
    // Measurements without an objection to them say nothing about the programs.
    if let Some(generator) = summary.generator.as_ref().filter(|_| !is_valid) {
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
