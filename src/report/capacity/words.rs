//! Sentences about a search for the capacity.

use super::CapacityReport;
use crate::report::units;
use crate::stats::{BottleneckKind, Capacity, CapacityLimit, LoadKind, Scalability};

/// Formats a load: `20.5/s`, `8 in parallel`.
pub(crate) fn load(kind: LoadKind, load: f64) -> String {
    match kind {
        LoadKind::Rate => format!("{load}/s"),
        LoadKind::Parallel => format!("{load} in parallel"),
    }
}

/// The answer in a few words: `20.5/s`, `at least 40/s`, `none`, `unknown`.
pub(crate) fn headline(kind: LoadKind, capacity: &Capacity) -> String {
    match (capacity.load, capacity.limit) {
        (None, CapacityLimit::Thresholds) => "none".into(),
        (None, _) => "unknown".into(),
        (Some(it), CapacityLimit::Thresholds) => load(kind, it),
        (Some(it), _) => format!("at least {}", load(kind, it)),
    }
}

/// The evidence for the answer, with what limits it.
pub(crate) fn sentences(report: &CapacityReport) -> Vec<String> {
    let mut sentences = vec![sentence(report.record.kind, &report.capacity)];
    sentences.extend(chance(&report.capacity));
    if let Some(few) = report.few_samples {
        sentences.push(format!(
            "The trials at this load had only {}, and the thresholds need {}: make --longest-trial \
             longer.",
            units::counted(few.flows, "flow"),
            few.needed
        ));
    }
    if let Some(found) = &report.bottleneck {
        sentences.push(match found.kind {
            BottleneckKind::Unloaded => format!("Nothing gave out: {}.", found.because),
            _ => format!("What gave out first: {}.", found.because),
        });
    }
    sentences.extend(report.scalability.as_ref().map(law));
    sentences
}

/// The evidence for the answer.
fn sentence(kind: LoadKind, capacity: &Capacity) -> String {
    let trials = |(some, all): (usize, usize)| match all {
        1 => "the only trial".to_owned(),
        _ => format!("{some} of {}", units::counted(all as u64, "trial")),
    };
    let held = capacity.load.map(|it| {
        format!(
            "The thresholds held in {} at {}",
            trials(capacity.held),
            load(kind, it)
        )
    });
    let above = capacity.broke_at.map(|it| (load(kind, it), capacity.limit));
    let mut text = match (held, above) {
        (Some(held), Some((at, CapacityLimit::Thresholds))) => {
            format!("{held}, and broke in {} at {at}.", trials(capacity.broke))
        }
        (Some(held), Some((at, _))) => format!("{held}. {}", not_of_programs(&at, capacity)),
        (Some(held), None) => format!("{held}; no load broke them."),
        (None, Some((at, CapacityLimit::Thresholds))) => {
            format!("The thresholds held at no load; the lowest that was tried is {at}.")
        }
        (None, Some((at, _))) => not_of_programs(&at, capacity),
        (None, None) => "No trial was completed.".into(),
    };
    if capacity.is_cut_short && (capacity.load, capacity.broke_at) != (None, None) {
        text.push_str(" The search was ended before it was done.");
    }
    text
}

/// The reason for which a load says nothing about the programs.
fn not_of_programs(at: &str, capacity: &Capacity) -> String {
    let reason = capacity.unusable.as_deref();
    let reason = reason.unwrap_or("the load generator gave out");
    format!("At {at} the figures say nothing about the programs: {reason}.")
}

/// The confidence that the trials give.
fn chance(capacity: &Capacity) -> Option<String> {
    let (_, all) = capacity.held;
    let chance = capacity.chance();
    let remedy = match chance > 0.2 {
        true => " Make it surer with more --repeats.",
        false => "",
    };
    (all > 1 && capacity.load.is_some()).then(|| {
        format!(
            "A load at which the thresholds hold only half of the time would do as well by chance in \
             {:.1} % of searches.{remedy}",
            chance * 100.0
        )
    })
}

/// The second opinion of the scalability law.
fn law(law: &Scalability) -> String {
    let fit = format!(
        "contention {:.3}, coherency {:.5}, residuals {:.1} %",
        law.contention,
        law.coherency,
        law.residual * 100.0
    );
    let error = law
        .peak_error
        .map_or(String::new(), |it| format!(" ± {it:.1}"));
    match (law.peak, law.peak_at) {
        (Some(peak), Some(at)) => format!(
            "The universal scalability law has its peak at {peak:.1}{error} flows/s with {at:.0} in \
             flight ({fit})."
        ),
        (Some(peak), None) => {
            format!("The universal scalability law approaches {peak:.1}{error} flows/s ({fit}).")
        }
        (None, _) => format!("The universal scalability law has no limit here ({fit})."),
    }
}
