//! Error rates of comparisons, on made-up runs with known changes. A run has autocorrelated
//! samples, and an offset of its own. Arguments: the number of comparisons per row, 1,000 if there is
//! none, and the names of tables, all if there are none.

mod alternatives;
mod histories;
#[path = "../../src/stats/comparison/simulation.rs"]
mod simulation;
mod within;

use alternatives::{holm, median_test};
use rehearsal::stats::{
    Comparison, ComparisonSettings, Figure, Finding, IntervalMethod, Measure, RunOrder, compare,
};
use simulation::{Machine, figure, groups, normal, settings};

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let count = words.iter().find_map(|it| it.parse().ok()).unwrap_or(1_000);
    let mut names = words
        .iter()
        .filter(|it| it.parse::<usize>().is_err())
        .peekable();
    type Report = fn(usize);
    let reports: [(&str, Report); 8] = [
        ("alarms", false_alarms),
        ("power", power),
        ("figure", tests_of_one_figure),
        ("promises", promises),
        ("same", sameness),
        ("repeats", repeats),
        ("within", within::report),
        ("histories", histories::report),
    ];
    let is_all = names.peek().is_none();
    let names: Vec<&String> = names.collect();
    for (name, report) in reports {
        if is_all || names.iter().any(|it| *it == name) {
            report(count);
        }
    }
}

fn is_alarm(p: Option<f64>) -> bool {
    p.is_some_and(|p| p <= 0.05)
}

fn holm_of(comparison: &Comparison) -> Vec<f64> {
    let ps: Vec<f64> = comparison.figures.iter().filter_map(|it| it.p).collect();
    holm(&ps)
}

fn percent(part: usize, of: usize) -> String {
    format!("{:5.1} %", 100.0 * part as f64 / of as f64)
}

const MACHINES: [(&str, Machine); 5] = [
    (
        "quiet, 2 %",
        Machine {
            between_runs: 0.02,
            ..Machine::USUAL
        },
    ),
    ("usual, 5 %", Machine::USUAL),
    (
        "noisy, 15 %",
        Machine {
            between_runs: 0.15,
            ..Machine::USUAL
        },
    ),
    (
        "disturbed",
        Machine {
            disturbed: 0.1,
            ..Machine::USUAL
        },
    ),
    (
        "wandering",
        Machine {
            wandering: 0.04,
            ..Machine::USUAL
        },
    ),
];

/// Comparisons with any false alarm.
fn false_alarms(count: usize) {
    println!(
        "A/A comparisons with any alarm, of 14 figures (nominal: 5 %, in the last column 1 %)"
    );
    println!("  machine      runs         any p <= 5 %  Holm     step-down  verdict   step-down");
    for (name, machine) in MACHINES {
        for (repeats, order) in [
            (4, RunOrder::Separate),
            (6, RunOrder::Separate),
            (8, RunOrder::Separate),
            (6, RunOrder::Interleaved),
        ] {
            let mut random = fastrand::Rng::with_seed(1);
            let mut alarms = [0; 5];
            for seed in 0..count {
                let figures = groups(&machine, repeats, order, None, &mut random);
                let found = compare(&figures, &settings(order, seed as u64));
                let any = |is: &dyn Fn(&rehearsal::stats::ComparedFigure) -> bool| {
                    usize::from(found.figures.iter().any(is))
                };
                alarms[0] += any(&|it| is_alarm(it.p));
                alarms[1] += usize::from(holm_of(&found).iter().any(|p| *p <= 0.05));
                alarms[2] += any(&|it| is_alarm(it.p_adjusted));
                alarms[3] += any(&|it| matches!(it.finding, Finding::Worse | Finding::Better));
                alarms[4] += any(&|it| it.p_adjusted.is_some_and(|p| p <= 0.01));
            }
            let runs = format!("{repeats} {order:?}");
            let alarms = alarms.map(|it| percent(it, count)).join("    ");
            println!("  {name:12} {runs:13} {alarms}");
        }
    }
    println!();
}

/// One slow step: how often it is found at that step, and blamed on another one.
fn power(count: usize) {
    println!(
        "One step of six slower (6 runs each but where said): found there; another step blamed"
    );
    println!("  machine      change  runs           Holm     step-down  verdict   another");
    for (name, machine) in MACHINES {
        for (factor, repeats, order) in [
            (1.1, 6, RunOrder::Separate),
            (1.2, 6, RunOrder::Separate),
            (1.2, 4, RunOrder::Separate),
            (1.2, 6, RunOrder::Interleaved),
            (1.1, 10, RunOrder::Separate),
        ] {
            let count = if repeats > 8 { count / 5 } else { count };
            let mut random = fastrand::Rng::with_seed(2);
            let mut hits = [0; 4];
            for seed in 0..count {
                let figures = groups(&machine, repeats, order, Some((2, factor)), &mut random);
                let found = compare(&figures, &settings(order, seed as u64));
                let is_changed = |finding| matches!(finding, Finding::Worse | Finding::Better);
                // Flow, then two figures for each step.
                let (place, others) = (6..8, (2..6).chain(8..14));
                let adjusted = holm_of(&found);
                hits[0] += usize::from(place.clone().any(|it| adjusted[it] <= 0.05));
                let figures = &found.figures;
                hits[1] += usize::from(place.clone().any(|it| is_alarm(figures[it].p_adjusted)));
                hits[2] += usize::from(
                    place
                        .clone()
                        .any(|it| figures[it].finding == Finding::Worse),
                );
                hits[3] +=
                    usize::from(others.into_iter().any(|it| is_changed(figures[it].finding)));
            }
            let runs = format!("{repeats} {order:?}");
            let hits = hits.map(|it| percent(it, count)).join("   ");
            println!(
                "  {name:12} +{:2.0} %   {runs:14} {hits}",
                (factor - 1.0) * 100.0
            );
        }
    }
    println!();
}

/// One figure: means or medians of runs; coverage of the intervals.
fn tests_of_one_figure(count: usize) {
    println!(
        "One figure, +10 %, run-to-run spread 5 %: p <= 5 % of means, of medians; coverage of"
    );
    println!("the 95 % interval: exact where it exists; Student's t; width of exact to t");
    for disturbed in [0.0, 0.1] {
        for repeats in [2, 3, 4, 5, 6, 8] {
            let mut random = fastrand::Rng::with_seed(3);
            let mut hits = [0; 4];
            let mut width = 0.0;
            for _ in 0..count {
                let mut group = |factor: f64| -> Vec<f64> {
                    (0..repeats)
                        .map(|_| {
                            let is_disturbed = random.f64() < disturbed;
                            let odd = if is_disturbed { 1.5 } else { 1.0 };
                            odd * factor * (0.05 * normal(&mut random)).exp()
                        })
                        .collect()
                };
                let (old, new) = (group(1.0), group(1.1));
                let figures = [figure("only", &old, &new)];
                let found = &compare(&figures, &settings(RunOrder::Separate, 1)).figures[0];
                hits[0] += usize::from(is_alarm(found.p));
                hits[1] += usize::from(repeats <= 6 && median_test(&old, &new) <= 0.05);
                let change = found.change.expect("values");
                let (low, high) = change.interval.unwrap_or((0.0, f64::INFINITY));
                hits[2] += usize::from(
                    change.method == IntervalMethod::Permutation && low <= 1.1 && 1.1 <= high,
                );
                let (t_low, t_high) = student(&old, &new);
                hits[3] += usize::from(t_low <= 1.1 && 1.1 <= t_high);
                width += (high / low).ln() / (t_high / t_low).ln();
            }
            let hits = hits.map(|it| percent(it, count)).join("   ");
            let odd = if disturbed > 0.0 {
                "disturbed"
            } else {
                "normal"
            };
            println!(
                "  {odd:9} {repeats} runs   {hits}   {:.2}",
                width / count as f64
            );
        }
    }
    println!();
}

/// The interval of Student's t on logarithms.
fn student(old: &[f64], new: &[f64]) -> (f64, f64) {
    // Quantiles at 97.5 % by degrees of freedom 2, 4, ….
    const T: [f64; 7] = [4.303, 2.776, 2.447, 2.306, 2.228, 2.179, 2.145];
    let mean = |values: &[f64]| values.iter().map(|it| it.ln()).sum::<f64>() / values.len() as f64;
    let squares = |values: &[f64]| {
        let mean = mean(values);
        values
            .iter()
            .map(|it| (it.ln() - mean).powi(2))
            .sum::<f64>()
    };
    let count = old.len() as f64;
    let variance = (squares(old) + squares(new)) / (2.0 * count - 2.0);
    let half = T[old.len() - 2] * (variance * 2.0 / count).sqrt();
    let difference = mean(new) - mean(old);
    ((difference - half).exp(), (difference + half).exp())
}

/// Changes of the size that a comparison promises to find, at both rates of false alarms that are in
/// use.
fn promises(count: usize) {
    println!("A change as great as the smallest that a comparison promises to find: found (80 %)");
    for (name, machine) in MACHINES {
        for (alpha, repeats, order) in [
            (0.05, 4, RunOrder::Separate),
            (0.05, 6, RunOrder::Separate),
            (0.05, 6, RunOrder::Interleaved),
            (0.01, 5, RunOrder::Separate),
            (0.01, 6, RunOrder::Separate),
            (0.01, 6, RunOrder::Interleaved),
        ] {
            let mut random = fastrand::Rng::with_seed(4);
            let (mut found, mut promised) = (0, Vec::new());
            for seed in 0..count {
                let settings = ComparisonSettings {
                    alpha,
                    ..settings(order, seed as u64)
                };
                let before = groups(&machine, repeats, order, None, &mut random);
                let before = compare(&before, &settings);
                let smallest = before.figures[6].smallest_change.expect("enough runs");
                promised.push(smallest);
                let after = groups(&machine, repeats, order, Some((2, smallest)), &mut random);
                let after = compare(&after, &settings);
                found += usize::from(after.figures[6].finding == Finding::Worse);
            }
            promised.sort_by(f64::total_cmp);
            let runs = format!("{repeats} {order:?}");
            let median = (promised[count / 2] - 1.0) * 100.0;
            println!(
                "  {name:12} p {alpha:.2}   {runs:13} {}   of +{median:.1} %",
                percent(found, count)
            );
        }
    }
    println!();
}

/// Changes as great as the tolerance, which are never the same.
fn sameness(count: usize) {
    println!("Called the same within 5 %: unchanged; +3 %; +5 % (nominal: at most 2.5 %)");
    for (name, machine) in &MACHINES[..3] {
        for repeats in [4, 6, 8] {
            let rates = [1.0, 1.03, 1.05].map(|factor| {
                let mut random = fastrand::Rng::with_seed(5);
                let same = (0..count).filter(|_| {
                    let order = RunOrder::Separate;
                    let figures = groups(machine, repeats, order, Some((2, factor)), &mut random);
                    let found = compare(&figures[6..7], &settings(order, 1));
                    found.figures[0].finding == Finding::Same
                });
                percent(same.count(), count)
            });
            println!("  {name:12} {repeats} runs   {}", rates.join("   "));
        }
    }
    println!();
}

/// Repeats that are proposed for an answer.
fn repeats(count: usize) {
    println!("No answer with 5 runs each: repeats proposed (median), answered with so many");
    for (name, machine) in &MACHINES[..3] {
        for factor in [1.0, 1.1, 1.2] {
            let mut random = fastrand::Rng::with_seed(6);
            let order = RunOrder::Separate;
            let (mut proposed, mut none, mut answered) = (Vec::new(), 0, 0);
            for _ in 0..count / 5 {
                let figures = groups(machine, 5, order, Some((2, factor)), &mut random);
                let found = compare(&figures[6..7], &settings(order, 1));
                let found = &found.figures[0];
                if found.finding != Finding::CannotTell {
                    continue;
                }
                let Some(repeats) = found.repeats else {
                    none += 1;
                    continue;
                };
                proposed.push(repeats);
                let figures = groups(machine, repeats, order, Some((2, factor)), &mut random);
                let found = compare(&figures[6..7], &settings(order, 1));
                answered += usize::from(found.figures[0].finding != Finding::CannotTell);
            }
            proposed.sort_unstable();
            let median = proposed.get(proposed.len() / 2).copied().unwrap_or(0);
            println!(
                "  {name:12} +{:2.0} %   {:4} without answer, {none} beyond 100 runs; {median:3} runs: {}",
                (factor - 1.0) * 100.0,
                proposed.len() + none,
                percent(answered, proposed.len().max(1)),
            );
        }
    }
    println!();
}
