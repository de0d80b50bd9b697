//! Conditions of runs, which must agree for their figures to be comparable.

use serde::{Deserialize, Serialize};

use crate::report::result_file::Head;
use crate::stats::Trust;

/// Conditions of a run: all that decides its figures besides the programs, and which of two versions of
/// these it started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    pub host: String,
    pub kernel: String,
    pub processor: Option<String>,
    pub cores: usize,
    /// The policy by which the kernel sets the processors' frequency.
    pub governor: Option<String>,
    pub rehearsal_version: String,
    pub scenario: String,
    /// A digest of the scenario's text, without its comments and blank lines.
    pub scenario_digest: String,
    /// The load in words.
    pub load: String,
    pub flows: Option<u64>,
    pub duration_us: Option<u64>,
    pub warm_up_us: u64,
    pub chaos: Vec<String>,
    /// Decides random data rows, pauses, arrivals and faults; unknown of merged runs.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The part of the machine's processor time that other processes left, from 0 to 1.
    #[serde(default)]
    pub machine_free_ratio: Option<f64>,
    /// The 99th percentile of the delay of timers.
    #[serde(default)]
    pub timer_lag_us: Option<u64>,
    /// Figures of interrupted runs are invalid.
    pub trust: Option<Trust>,
    /// The run was made with the older version of two that ran in turns, so it has no part in trends.
    #[serde(default)]
    pub is_older_version: bool,
}

impl Conditions {
    /// Returns the conditions of a saved run with this scenario.
    pub fn of(head: &Head, scenario: &str) -> Self {
        let environment = &head.environment;
        let run = &head.run;
        Conditions {
            host: environment.host.clone(),
            kernel: environment.kernel.clone(),
            processor: environment.processor.clone(),
            cores: environment.cores,
            governor: environment.governor.clone(),
            rehearsal_version: environment.rehearsal_version.clone(),
            scenario: run.scenario.clone(),
            scenario_digest: digest(scenario),
            load: run.load.clone(),
            flows: run.flows,
            duration_us: run.duration_us,
            warm_up_us: run.warm_up_us,
            chaos: run.chaos.clone(),
            seed: run.seed,
            machine_free_ratio: head
                .summary
                .generator
                .and_then(|it| it.machine_others_ratio)
                .map(|others| 1.0 - others),
            timer_lag_us: head.summary.generator.and_then(|it| it.lag_p99_us),
            trust: match head.summary.verdict.as_ref() {
                // A part of a run is no run.
                _ if head.summary.interrupted => Some(Trust::Invalid),
                verdict => verdict.map(|it| it.trust),
            },
            is_older_version: false,
        }
    }
}

/// The weight of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The figures are compared, and the difference is stated.
    Warning,
    /// The figures are not compared, unless that is asked for.
    Refusal,
}

/// A difference between the conditions of two groups of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub weight: Weight,
    /// One clause: `the machine: alpha, and now beta`.
    pub text: String,
}

/// Returns the differences between two groups, and within each of them.
pub fn differences(old: &[Conditions], new: &[Conditions]) -> Vec<Difference> {
    type Text = fn(&Conditions) -> String;
    let compared: [(Weight, &str, Text); 9] = [
        (Weight::Refusal, "the scenario", |it| it.scenario.clone()),
        (Weight::Refusal, "the scenario's text", |it| {
            format!("version {}", it.scenario_digest)
        }),
        (Weight::Refusal, "the load", load),
        (Weight::Refusal, "fault injection", |it| {
            match it.chaos.as_slice() {
                [] => "none".into(),
                rules => rules.join("; "),
            }
        }),
        (Weight::Refusal, "the machine", |it| it.host.clone()),
        (Weight::Refusal, "the processors", |it| {
            let model = it.processor.as_deref().unwrap_or("unknown");
            format!("{} × {model}", it.cores)
        }),
        (Weight::Warning, "the kernel", |it| it.kernel.clone()),
        (Weight::Warning, "the CPU governor", |it| {
            it.governor.clone().unwrap_or_else(|| "unknown".into())
        }),
        (Weight::Warning, "the version of rehearsal", |it| {
            it.rehearsal_version.clone()
        }),
    ];
    let mut found: Vec<Difference> = Vec::new();
    for (weight, what, text) in compared {
        let [old, new] = [old, new].map(|group| distinct(group, text));
        if old != new || old.len() > 1 {
            found.push(Difference {
                weight,
                text: format!("{what}: {}, and now {}", listed(&old), listed(&new)),
            });
        }
    }
    found.extend(seed_difference(old, new));
    let invalid = [old, new].map(|group| {
        let invalid = group.iter().filter(|it| it.trust == Some(Trust::Invalid));
        invalid.count()
    });
    if invalid != [0, 0] {
        // A few such runs are noise, of which the comparison takes account.
        let is_most = 2 * invalid[0] > old.len() || 2 * invalid[1] > new.len();
        found.push(Difference {
            weight: if is_most {
                Weight::Refusal
            } else {
                Weight::Warning
            },
            text: format!(
                "validity: {} of {} old and {} of {} new runs are invalid or were interrupted",
                invalid[0],
                old.len(),
                invalid[1],
                new.len()
            ),
        });
    }
    found
}

/// The seeds of a group of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seeds {
    /// One for all runs, as `--seed` sets it.
    Fixed(u64),
    /// Another one for each run: what they decide differs from run to run, and so counts as noise.
    Drawn,
    /// The runs are one, which could have been either; or their seeds are not known.
    Unknown,
}

impl Seeds {
    fn of(group: &[Conditions]) -> Self {
        let mut seeds = group.iter().map(|it| it.seed);
        match (seeds.next().flatten(), group.len()) {
            (None, _) | (_, 1) => Seeds::Unknown,
            (Some(first), _) if seeds.all(|it| it == Some(first)) => Seeds::Fixed(first),
            _ => Seeds::Drawn,
        }
    }

    fn words(self, group: &[Conditions]) -> String {
        match (self, group) {
            (Seeds::Fixed(seed), _) => format!("{seed} in all runs"),
            (Seeds::Drawn, _) => "drawn for each run".into(),
            (
                Seeds::Unknown,
                [
                    Conditions {
                        seed: Some(seed), ..
                    },
                ],
            ) => seed.to_string(),
            (Seeds::Unknown, _) => "unknown".into(),
        }
    }
}

/// Returns the difference if what the seeds decide (rows, pauses, arrivals, faults) is always the
/// same on one side and not on the other: it would be taken for a change of the programs. Where
/// each run draws its own seed, it counts as noise, and nothing differs.
fn seed_difference(old: &[Conditions], new: &[Conditions]) -> Option<Difference> {
    let [before, after] = [old, new].map(Seeds::of);
    let is_one_of = |seed: u64, group: &[Conditions]| group.iter().all(|it| it.seed == Some(seed));
    let differs = match (before, after) {
        (Seeds::Fixed(seed), _) => !is_one_of(seed, new),
        (_, Seeds::Fixed(seed)) => !is_one_of(seed, old),
        _ => false,
    };
    let has_faults = old.iter().chain(new).any(|it| !it.chaos.is_empty());
    differs.then(|| Difference {
        // A fault is as great as what is looked for; rows and pauses seldom are.
        weight: if has_faults {
            Weight::Refusal
        } else {
            Weight::Warning
        },
        text: format!(
            "the seed: {}, and now {}, so random rows, pauses, arrivals and faults differ on that \
             account alone",
            before.words(old),
            after.words(new)
        ),
    })
}

fn load(conditions: &Conditions) -> String {
    let mut text = conditions.load.clone();
    if let Some(flows) = conditions.flows {
        text.push_str(&format!(", {flows} flows"));
    }
    if let Some(us) = conditions.duration_us {
        text.push_str(&format!(", {} s", us as f64 / 1e6));
    }
    if conditions.warm_up_us > 0 {
        let seconds = conditions.warm_up_us as f64 / 1e6;
        text.push_str(&format!(", warm-up of {seconds} s"));
    }
    text
}

fn distinct(group: &[Conditions], text: fn(&Conditions) -> String) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for conditions in group {
        let text = text(conditions);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

fn listed(texts: &[String]) -> String {
    match texts {
        [] => "nothing".into(),
        [one] => one.clone(),
        several => several.join(" and "),
    }
}

/// Returns a short digest of a scenario (FNV-1a, 64 bits), which does not depend on comments that
/// have a line of their own, on blank lines, or on blanks at the ends of lines.
fn digest(scenario: &str) -> String {
    let lines = scenario.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in lines.flat_map(|line| line.bytes().chain([b'\n'])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions() -> Conditions {
        Conditions {
            host: "alpha".into(),
            kernel: "Linux 6.1".into(),
            processor: Some("Xeon".into()),
            cores: 2,
            governor: None,
            rehearsal_version: "0.1.0".into(),
            scenario: "order-flow".into(),
            scenario_digest: digest("name: order-flow\n"),
            load: "10 at once".into(),
            flows: Some(100),
            duration_us: None,
            warm_up_us: 0,
            chaos: Vec::new(),
            seed: Some(1),
            machine_free_ratio: Some(0.9),
            timer_lag_us: Some(2_000),
            trust: Some(Trust::Valid),
            is_older_version: false,
        }
    }

    fn with_seeds(seeds: &[u64]) -> Vec<Conditions> {
        let seeds = seeds.iter().map(|seed| Conditions {
            seed: Some(*seed),
            ..conditions()
        });
        seeds.collect()
    }

    #[test]
    fn a_seed_that_is_fixed_on_one_side_only_differs() {
        let cases: [(&[u64], &[u64], Option<&str>); 8] = [
            (&[7, 7], &[7, 7], None),
            (&[7, 7], &[7], None),
            (&[1, 2], &[3, 4], None),
            (&[1], &[2], None),
            (&[1, 2], &[3], None),
            (
                &[7, 7],
                &[8, 8],
                Some("7 in all runs, and now 8 in all runs"),
            ),
            (
                &[7, 7],
                &[1, 2],
                Some("7 in all runs, and now drawn for each run"),
            ),
            (&[1], &[7, 7], Some("1, and now 7 in all runs")),
        ];
        for (old, new, text) in cases {
            let (mut old, mut new) = (with_seeds(old), with_seeds(new));
            let found = differences(&old, &new);
            assert_eq!(found.len(), usize::from(text.is_some()), "{found:?}");
            let Some(text) = text else { continue };
            assert_eq!(found[0].weight, Weight::Warning);
            assert!(found[0].text.contains(text), "{}", found[0].text);
            // Faults are as great as changes.
            for it in old.iter_mut().chain(&mut new) {
                it.chaos = vec!["kill 5%".into()];
            }
            assert_eq!(differences(&old, &new)[0].weight, Weight::Refusal);
        }
        let unknown = Conditions {
            seed: None,
            ..conditions()
        };
        let unknown = [unknown.clone(), unknown];
        assert_eq!(differences(&unknown, &with_seeds(&[1, 2])), []);
    }

    #[test]
    fn equal_conditions_have_no_differences() {
        let group = [conditions(), conditions()];
        assert_eq!(differences(&group, &group), []);
        let doubtful = Conditions {
            trust: Some(Trust::Doubtful),
            ..conditions()
        };
        assert_eq!(differences(&group, &[doubtful]), []);
    }

    #[test]
    fn each_difference_is_named_with_both_values() {
        type Change = fn(&mut Conditions);
        let cases: [(Change, Weight, &str); 7] = [
            (
                |it| it.host = "beta".into(),
                Weight::Refusal,
                "the machine: alpha, and now beta",
            ),
            (
                |it| it.cores = 4,
                Weight::Refusal,
                "the processors: 2 × Xeon, and now 4 × Xeon",
            ),
            (
                |it| it.kernel = "Linux 6.2".into(),
                Weight::Warning,
                "the kernel: Linux 6.1, and now Linux 6.2",
            ),
            (
                |it| it.governor = Some("powersave".into()),
                Weight::Warning,
                "the CPU governor: unknown, and now powersave",
            ),
            (
                |it| it.flows = Some(200),
                Weight::Refusal,
                "the load: 10 at once, 100 flows, and now 10 at once, 200 flows",
            ),
            (
                |it| it.chaos = vec!["kill 5%".into()],
                Weight::Refusal,
                "fault injection: none, and now kill 5%",
            ),
            (
                |it| it.trust = Some(Trust::Invalid),
                Weight::Refusal,
                "validity: 0 of 1 old and 1 of 1 new runs are invalid or were interrupted",
            ),
        ];
        for (change, weight, text) in cases {
            let mut new = conditions();
            change(&mut new);
            let found = differences(&[conditions()], &[new]);
            let text = text.to_owned();
            assert_eq!(found, [Difference { weight, text }]);
        }
    }

    #[test]
    fn comments_and_blank_lines_do_not_count() {
        assert_eq!(
            digest("name: x\nroles: {}\n"),
            digest("# about\nname: x  \n\nroles: {}")
        );
        assert_ne!(digest("name: x\n"), digest("name: y\n"));
    }
}
