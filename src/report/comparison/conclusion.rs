//! The conclusion of a comparison: one word, and the step that is to blame.

use serde::Serialize;

use crate::report::units;
use crate::stats::{ComparedFigure, Comparison, Finding, Measure};

use super::words::{change, machine, name_and_change, value};

/// The figures that have to be the same for "no change".
const MAIN: [&str; 3] = ["flow.p50", "flow.p95", "flow.rate"];

/// Steps that are blamed besides the first must have become slower by this part of its increase.
const ALSO_BLAMED: f64 = 0.25;

/// The maximum number of steps that are blamed by name.
const MAX_BLAMED: usize = 3;

/// A condition on which a comparison fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Gate {
    /// A flow, a step or a start has become slower, or the throughput lower
    Slower,
    /// Any figure has become worse: also the failure rate and the use of processors
    Worse,
}

impl Gate {
    /// Returns `true` if the gate fails for this figure.
    pub(super) fn fails_for(self, figure: &ComparedFigure) -> bool {
        let is_meant = match self {
            Gate::Slower => is_slowness(figure),
            Gate::Worse => true,
        };
        figure.finding == Finding::Worse && is_meant
    }
}

fn is_slowness(figure: &ComparedFigure) -> bool {
    matches!(figure.measure, Measure::Time | Measure::Throughput)
}

/// The conclusion in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusive {
    Slower,
    /// Not slower, but with a worse failure rate or use of resources.
    Worse,
    Faster,
    /// Not faster, but with a better failure rate or use of resources.
    Better,
    NoChange,
    CannotTell,
}

impl Conclusive {
    /// Returns the word for headlines.
    pub fn word(self) -> &'static str {
        match self {
            Conclusive::Slower => "SLOWER",
            Conclusive::Worse => "WORSE",
            Conclusive::Faster => "FASTER",
            Conclusive::Better => "BETTER",
            Conclusive::NoChange => "NO CHANGE",
            Conclusive::CannotTell => "CANNOT TELL",
        }
    }
}

/// The conclusion of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conclusion {
    pub verdict: Conclusive,
    /// Its grounds, in a few clauses.
    pub because: String,
    /// The steps that have become slower, the one with the greatest increase first; only those
    /// that matter beside it.
    pub blamed_steps: Vec<String>,
    /// The repeats of each group that would probably give an answer.
    pub repeats: Option<usize>,
}

impl Conclusion {
    /// Draws the conclusion.
    pub fn of(comparison: &Comparison) -> Self {
        let figures = &comparison.figures;
        let any = |finding: Finding, is_slowness_too: bool| {
            let mut found = figures.iter().filter(|it| it.finding == finding);
            found.any(|it| !is_slowness_too || is_slowness(it))
        };
        let main = figures.iter().filter(|it| MAIN.contains(&it.name.as_str()));
        let main: Vec<&ComparedFigure> = main.collect();
        let is_same = has_flows(comparison) && main.iter().all(|it| it.finding == Finding::Same);
        let verdict = match () {
            () if any(Finding::Worse, true) => Conclusive::Slower,
            () if any(Finding::Worse, false) => Conclusive::Worse,
            () if any(Finding::Better, true) => Conclusive::Faster,
            () if any(Finding::Better, false) => Conclusive::Better,
            () if is_same => Conclusive::NoChange,
            () => Conclusive::CannotTell,
        };
        let blamed = blamed(figures);
        let because = match verdict {
            Conclusive::Slower | Conclusive::Worse => changed(figures, Finding::Worse, &blamed),
            Conclusive::Faster | Conclusive::Better => changed(figures, Finding::Better, &[]),
            Conclusive::NoChange => {
                let names: Vec<_> = main.iter().map(|it| it.name.as_str()).collect();
                let verb = if names.len() == 1 { "is" } else { "are" };
                format!("{} {verb} within the tolerance", names.join(", "))
            }
            Conclusive::CannotTell => String::new(),
        };
        let wanted = main.iter().filter_map(|it| it.repeats).max();
        let repeats = wanted.filter(|_| verdict == Conclusive::CannotTell);
        let because = if verdict == Conclusive::CannotTell {
            doubt(comparison, repeats)
        } else {
            because
        };
        Conclusion {
            verdict,
            because,
            blamed_steps: blamed
                .iter()
                .map(|it| step_of(&it.name).to_owned())
                .collect(),
            repeats,
        }
    }
}

/// Returns `true` if both sides have completed flows.
fn has_flows(comparison: &Comparison) -> bool {
    let mut medians = comparison.figures.iter().filter(|it| it.name == MAIN[0]);
    medians.any(|it| it.change.is_some())
}

fn doubt(comparison: &Comparison, repeats: Option<usize>) -> String {
    let fewest = comparison.fewest_repeats;
    let has_few = comparison.figures.iter().all(|it| it.p_adjusted.is_none());
    if !has_flows(comparison) {
        return "one side has no completed flow".into();
    }
    if let Some((free, count)) = comparison.withdrawn().filter(|(_, count)| *count > 0) {
        let most = comparison.most_withdrawn().map(name_and_change);
        let most = most.map_or(String::new(), |most| format!(" ({most})"));
        return format!(
            "{}, which may be why {} changed{most}; make the runs again, or let both versions run in turns",
            machine(free),
            units::counted(count as u64, "figure")
        );
    }
    match repeats {
        Some(repeats) if has_few => format!(
            "too few runs: {fewest} of each side are the least, and {repeats} would probably tell"
        ),
        None if has_few => format!("too few runs: {fewest} of each side are the least"),
        Some(repeats) => {
            format!("the runs differ too much; {repeats} of each side would probably tell")
        }
        None => "the runs differ too much for any sensible number of repeats".into(),
    }
}

/// Describes the first changed figure, those of flows before others, and the blamed steps.
fn changed(figures: &[ComparedFigure], finding: Finding, blamed: &[&ComparedFigure]) -> String {
    let found = || figures.iter().filter(|it| it.finding == finding);
    let of_flow = |it: &&ComparedFigure| it.name.starts_with("flow.");
    // A step that is to blame says more than the first of its figures.
    let any = found().next().filter(|_| blamed.is_empty());
    let first = found().find(of_flow).or(any);
    let mut clauses: Vec<String> = first.map(name_and_change).into_iter().collect();
    if let Some((worst, others)) = blamed.split_first() {
        let old = value(worst.old, &worst.unit);
        let new = value(worst.new, &worst.unit);
        let change = worst.change.as_ref().map(change).unwrap_or_default();
        let percentile = worst.name.rsplit('.').next().unwrap_or_default();
        let mut text = format!(
            "step {} is to blame: {percentile} {old} → {new}, {change}",
            step_of(&worst.name)
        );
        if !others.is_empty() {
            let names: Vec<_> = others.iter().map(|it| step_of(&it.name)).collect();
            text.push_str(&format!("; also {}", names.join(", ")));
        }
        clauses.push(text);
    }
    let opposite = match finding {
        Finding::Worse => (Finding::Better, "better"),
        _ => (Finding::Worse, "worse"),
    };
    let others = figures.iter().filter(|it| it.finding == opposite.0).count();
    if others > 0 {
        let others = units::counted(others as u64, "figure");
        clauses.push(format!("yet {others} {}", opposite.1));
    }
    clauses.join("; ")
}

/// Returns the slower steps, each with the percentile that rose most, the greatest increase first.
fn blamed(figures: &[ComparedFigure]) -> Vec<&ComparedFigure> {
    let increase = |it: &ComparedFigure| it.new.unwrap_or(0.0) - it.old.unwrap_or(0.0);
    let mut steps: Vec<&ComparedFigure> = Vec::new();
    for percentile in [".p50", ".p95", ".p99"] {
        let slower = figures.iter().filter(|it| {
            it.finding == Finding::Worse
                && it.name.starts_with("step.")
                && it.name.ends_with(percentile)
        });
        // The median of a step stands for it; the tail if only that has risen.
        for figure in slower {
            if steps
                .iter()
                .all(|it| step_of(&it.name) != step_of(&figure.name))
            {
                steps.push(figure);
            }
        }
    }
    steps.sort_by(|one, other| increase(other).total_cmp(&increase(one)));
    let bar = steps.first().map_or(0.0, |it| increase(it) * ALSO_BLAMED);
    steps.retain(|it| increase(it) >= bar);
    steps.truncate(MAX_BLAMED);
    steps
}

/// Returns the step's name in a figure's.
fn step_of(figure: &str) -> &str {
    let name = figure.strip_prefix("step.").unwrap_or(figure);
    name.rsplit_once('.').map_or(name, |(step, _)| step)
}

#[cfg(test)]
mod tests {
    use crate::stats::{
        ComparisonSettings, Figure, MachineFigures, compare, withdraw_changes_of_machine,
    };

    use super::*;

    fn figure(name: &str, measure: Measure, factor: f64) -> Figure {
        let old: Vec<f64> = (0..6)
            .map(|run| 100_000.0 + f64::from(run) * 100.0)
            .collect();
        Figure {
            name: name.into(),
            unit: "us".into(),
            measure,
            new: old.iter().map(|it| Some(it * factor)).collect(),
            old: old.into_iter().map(Some).collect(),
        }
    }

    fn conclusion(figures: &[Figure]) -> Conclusion {
        Conclusion::of(&compare(figures, &ComparisonSettings::default()))
    }

    #[test]
    fn the_step_that_rose_most_is_to_blame() {
        let found = conclusion(&[
            figure("flow.p50", Measure::Time, 1.5),
            figure("step.browse.p50", Measure::Time, 1.07),
            figure("step.pack.v2.p50", Measure::Time, 2.0),
            figure("step.pay.p50", Measure::Time, 1.0),
        ]);
        assert_eq!(found.verdict, Conclusive::Slower);
        assert_eq!(found.blamed_steps, ["pack.v2"]);
        assert_eq!(
            found.because,
            "flow.p50 100 ms → 150 ms, +50 %; step pack.v2 is to blame: p50 100 ms → 201 ms, ×2.0"
        );
    }

    #[test]
    fn each_outcome_has_its_word() {
        let cases = [
            (Measure::Time, 1.0, Conclusive::NoChange),
            (Measure::Time, 1.5, Conclusive::Slower),
            (Measure::Time, 0.5, Conclusive::Faster),
            (Measure::Throughput, 0.5, Conclusive::Slower),
            (Measure::Use, 1.5, Conclusive::Worse),
            (Measure::Use, 0.5, Conclusive::Better),
        ];
        for (measure, factor, verdict) in cases {
            let found = conclusion(&[figure("flow.p50", measure, factor)]);
            assert_eq!(found.verdict, verdict, "{measure:?} {factor}");
        }
        let mut few = figure("flow.p50", Measure::Time, 2.0);
        few.new.truncate(2);
        few.old.truncate(2);
        let found = conclusion(&[few]);
        assert_eq!(found.verdict, Conclusive::CannotTell);
        assert!(
            found.because.starts_with("too few runs: 4"),
            "{}",
            found.because
        );
        let none = "one side has no completed flow";
        assert_eq!(conclusion(&[]).because, none);
        // A rate of nothing that stays as it was.
        let rate = Figure {
            old: vec![Some(0.0); 6],
            new: vec![Some(0.0); 6],
            ..figure("flow.rate", Measure::Throughput, 1.0)
        };
        let found = conclusion(&[rate]);
        assert_eq!(
            (found.verdict, found.because.as_str()),
            (Conclusive::CannotTell, none)
        );
    }

    #[test]
    fn a_busier_machine_is_named_as_a_possible_cause() {
        let settings = ComparisonSettings::default();
        let mut found = compare(&[figure("flow.p50", Measure::Time, 1.5)], &settings);
        let parts = |values: Vec<Option<f64>>| {
            let values = values.into_iter();
            values.map(|it| it.map(|it| it / 2e5)).collect()
        };
        let free = figure("machine.free", Measure::Throughput, 0.5);
        let machine = MachineFigures {
            free: Figure {
                unit: String::new(),
                old: parts(free.old),
                new: parts(free.new),
                ..free
            },
            lag: figure("machine.lag", Measure::Time, 2.0),
        };
        withdraw_changes_of_machine(&mut found, &machine, &settings);
        let found = Conclusion::of(&found);
        assert_eq!(found.verdict, Conclusive::CannotTell);
        let text = "other processes left 50.1 % of the machine to the old runs and 25.1 % to the new \
                    ones, which may be why 1 figure changed";
        assert!(found.because.starts_with(text), "{}", found.because);
    }

    #[test]
    fn a_gate_fails_for_its_own_figures() {
        let compared = |measure| {
            let figure = figure("flow.p50", measure, 2.0);
            let mut found = compare(&[figure], &ComparisonSettings::default());
            found.figures.remove(0)
        };
        let slower = compared(Measure::Time);
        assert!(Gate::Slower.fails_for(&slower) && Gate::Worse.fails_for(&slower));
        let used = compared(Measure::Use);
        assert!(!Gate::Slower.fails_for(&used) && Gate::Worse.fails_for(&used));
        let better = compared(Measure::Throughput);
        assert!(!Gate::Slower.fails_for(&better) && !Gate::Worse.fails_for(&better));
    }
}
