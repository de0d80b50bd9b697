//! Bottleneck: the part of a flow that grew most from a light load to the one that broke.

use serde::Serialize;

use super::{FlowPart, FlowPartKind, SLOWER, TrialFigures};

/// From this part of a trial on without an idle processor, the machine is the limit.
const SATURATED: f64 = 0.5;

/// From this busy part of all processors on, likewise.
const BUSY: f64 = 0.9;

/// The part of all processors' time from which on they are used up by this run, and not by other
/// processes that were there before.
const OWN_LOAD: f64 = 0.5;

/// From this part on, a run is slowed down by other processes that use the rest. Programs that need
/// less find a processor soon.
const COMPETING: f64 = 0.1;

/// A part of a flow that grew by less than this part of the flow is no cause.
const NOTABLE: f64 = 0.1;

/// The kind of resource that gave out first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BottleneckKind {
    /// Flows failed, and no more slowly than before.
    Failures,
    /// The machine's processors, used by the programs.
    Processors,
    /// Processors, used by the load generator; or its late starts.
    Generator,
    /// Flows waited for an instance of a pool, or at a gate.
    Waiting,
    /// A step took longer while processors were idle: a lock in the programs, or another system
    /// behind them.
    Step,
    /// A step took longer while this run and other processes competed for the processors, so it may
    /// have waited for one of these.
    Contested,
    /// Nothing gave out: the lowest load that was tried is slow already.
    Unloaded,
}

/// The part that gave out first, with the evidence for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bottleneck {
    pub kind: BottleneckKind,
    pub because: String,
}

impl Bottleneck {
    /// Compares the trial that broke with one at a light load that held, if there is one. `None` if
    /// nothing grew.
    pub fn of(light: Option<&TrialFigures>, broke: &TrialFigures) -> Option<Self> {
        let Some(light) = light else {
            return failures(broke).or_else(|| unloaded(broke));
        };
        let grown = most_grown(light, broke);
        let response = broke.response_mean_us.unwrap_or(0);
        let alone = light.response_mean_us.unwrap_or(0);
        let is_slower = response as f64 > SLOWER * alone as f64;
        if let (Some(failed), false) = (failures(broke), is_slower) {
            return Some(failed);
        }
        let busy = broke.machine_busy_ratio.unwrap_or(0.0);
        if is_full(broke) && of_this_run(broke) >= OWN_LOAD {
            return Some(processors(broke, busy));
        }
        let (part, from_us, to_us) = grown?;
        let grew = format!("from {} to {} a flow", ms(from_us), ms(to_us));
        let idle = match is_full(broke) {
            true => "other processes kept the processors busy".to_owned(),
            false => format!("processors were {:.0} % busy", busy * 100.0),
        };
        let (kind, because) = match &part.kind {
            FlowPartKind::Waiting => (
                BottleneckKind::Waiting,
                format!("waits for pools and gates grew {grew}, while {idle}"),
            ),
            FlowPartKind::LateStart => (
                BottleneckKind::Generator,
                format!("late starts grew {grew}, while {idle}"),
            ),
            FlowPartKind::Step(name) if is_full(broke) && of_this_run(broke) >= COMPETING => (
                BottleneckKind::Contested,
                format!(
                    "{name} grew {grew}, while {}: whether it waits for a processor or for a lock, \
                     a disk or another system cannot be told; search on a quiet machine",
                    shares(broke, busy)
                ),
            ),
            FlowPartKind::Step(name) => (
                BottleneckKind::Step,
                format!(
                    "{name} grew {grew}, while {idle}: its program waits, as for a lock, a disk or \
                     another system"
                ),
            ),
        };
        Some(Bottleneck { kind, because })
    }
}

fn is_full(figures: &TrialFigures) -> bool {
    let saturated = figures.machine_saturated_ratio;
    figures.machine_busy_ratio.is_some_and(|it| it >= BUSY)
        || saturated.is_some_and(|it| it >= SATURATED)
}

/// Returns the part of all processors' time that the programs and Rehearsal used.
fn of_this_run(figures: &TrialFigures) -> f64 {
    figures.machine_programs_ratio.unwrap_or(0.0) + figures.machine_own_ratio.unwrap_or(0.0)
}

fn failures(broke: &TrialFigures) -> Option<Bottleneck> {
    let failure = broke.failure.as_ref()?;
    Some(Bottleneck {
        kind: BottleneckKind::Failures,
        because: format!("flows failed, most of them at {failure}"),
    })
}

/// Names the longest part of a flow at the lowest load.
fn unloaded(broke: &TrialFigures) -> Option<Bottleneck> {
    let longest = broke.parts.iter().max_by_key(|it| it.mean_us)?;
    let part = match &longest.kind {
        FlowPartKind::Step(name) => name.as_str(),
        FlowPartKind::Waiting => "waits for pools and gates",
        FlowPartKind::LateStart => "a late start",
    };
    Some(Bottleneck {
        kind: BottleneckKind::Unloaded,
        because: format!(
            "at the lowest load already, a flow takes {} on average, {} of it {part}",
            ms(broke.response_mean_us?),
            ms(longest.mean_us)
        ),
    })
}

fn processors(broke: &TrialFigures, busy: f64) -> Bottleneck {
    let programs = broke.machine_programs_ratio.unwrap_or(0.0);
    let own = broke.machine_own_ratio.unwrap_or(0.0);
    let kind = match programs >= own {
        true => BottleneckKind::Processors,
        false => BottleneckKind::Generator,
    };
    Bottleneck {
        kind,
        because: shares(broke, busy),
    }
}

/// Describes the use of the processors.
fn shares(figures: &TrialFigures, busy: f64) -> String {
    let programs = figures.machine_programs_ratio.unwrap_or(0.0);
    let own = figures.machine_own_ratio.unwrap_or(0.0);
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    format!(
        "the machine's processors were {} busy: the programs used {}, Rehearsal {}, others {}",
        percent(busy),
        percent(programs),
        percent(own),
        percent((busy - programs - own).max(0.0))
    )
}

/// Returns the part that grew most, with its times before and after.
fn most_grown<'a>(
    light: &TrialFigures,
    broke: &'a TrialFigures,
) -> Option<(&'a FlowPart, u64, u64)> {
    let parts = broke.parts.iter().map(|part| {
        let before = light.parts.iter().find(|it| it.kind == part.kind);
        (part, before.map_or(0, |it| it.mean_us), part.mean_us)
    });
    let most = parts.max_by_key(|(_, from, to)| to.saturating_sub(*from));
    let least = NOTABLE * light.response_mean_us.unwrap_or(0) as f64;
    most.filter(|(_, from, to)| to > from && (to - from) as f64 >= least)
}

fn ms(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{} ms", us / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(parts: &[(FlowPartKind, u64)], busy: f64) -> TrialFigures {
        let parts: Vec<FlowPart> = parts
            .iter()
            .map(|(kind, mean_us)| FlowPart {
                kind: kind.clone(),
                mean_us: *mean_us,
            })
            .collect();
        TrialFigures {
            response_mean_us: Some(parts.iter().map(|it| it.mean_us).sum()),
            parts,
            machine_busy_ratio: Some(busy),
            machine_programs_ratio: Some(0.8 * busy),
            ..TrialFigures::default()
        }
    }

    #[test]
    fn the_part_that_grew_most_is_named() {
        use FlowPartKind::{Step, Waiting};
        let step = |name: &str| Step(name.to_owned());
        let light = figures(&[(step("approve"), 5_000), (step("pay"), 30_000)], 0.1);
        let kind = |broke: &TrialFigures| Bottleneck::of(Some(&light), broke).map(|it| it.kind);
        let slow = figures(&[(step("approve"), 90_000), (step("pay"), 33_000)], 0.2);
        let found = Bottleneck::of(Some(&light), &slow).unwrap();
        assert_eq!(found.kind, BottleneckKind::Step);
        assert!(
            found
                .because
                .starts_with("approve grew from 5.0 ms to 90 ms")
        );
        let waiting = figures(&[(step("approve"), 9_000), (Waiting, 80_000)], 0.2);
        assert_eq!(kind(&waiting), Some(BottleneckKind::Waiting));
        let busy = figures(&[(step("approve"), 90_000), (step("pay"), 90_000)], 0.97);
        assert_eq!(kind(&busy), Some(BottleneckKind::Processors));
        let by_itself = TrialFigures {
            machine_programs_ratio: Some(0.1),
            machine_own_ratio: Some(0.8),
            ..busy.clone()
        };
        assert_eq!(kind(&by_itself), Some(BottleneckKind::Generator));
        let by_others = TrialFigures {
            machine_programs_ratio: Some(0.05),
            ..figures(&[(step("approve"), 90_000), (step("pay"), 33_000)], 0.98)
        };
        let found = Bottleneck::of(Some(&light), &by_others).unwrap();
        assert_eq!(found.kind, BottleneckKind::Step);
        assert!(
            found
                .because
                .contains("other processes kept the processors busy")
        );
        let contested = TrialFigures {
            machine_programs_ratio: Some(0.3),
            machine_own_ratio: Some(0.1),
            ..by_others.clone()
        };
        let found = Bottleneck::of(Some(&light), &contested).unwrap();
        assert_eq!(found.kind, BottleneckKind::Contested);
        assert!(found.because.contains("others 58 %"), "{found:?}");
        assert!(found.because.contains("cannot be told"), "{found:?}");
        let hardly = figures(&[(step("approve"), 5_900), (step("pay"), 31_000)], 0.1);
        assert_eq!(kind(&hardly), None);
        let alone = Bottleneck::of(None, &light).unwrap();
        assert_eq!(alone.kind, BottleneckKind::Unloaded);
        assert!(
            alone
                .because
                .contains("takes 35 ms on average, 30 ms of it pay"),
            "{alone:?}"
        );
        let failing = TrialFigures {
            failure: Some("pay: timeout".into()),
            ..figures(&[(step("approve"), 5_000), (step("pay"), 30_000)], 0.1)
        };
        assert_eq!(kind(&failing), Some(BottleneckKind::Failures));
        let at_once = Bottleneck::of(None, &failing).unwrap();
        assert_eq!(at_once.kind, BottleneckKind::Failures);
        assert_eq!(kind(&light), None);
    }
}
