//! Feeds the integrity checks with the flows of a run, or of merged runs, and finds duplicates.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::model::{AuditRecord, FlowId, FlowNumber, FlowRecord, IntegrityInfo, NamedValue, RunId};
use crate::stats::{Duplicate, Integrity, contains_mask};

use super::duplicates::{Duplicates, FlowOf, Wanted};
use super::error::ReportError;

/// The integrity checks of a run, fed with flows as they end and with the audit's result.
pub(super) struct IntegrityCheck {
    info: IntegrityInfo,
    integrity: Integrity,
    duplicates: Duplicates,
    runs: Vec<RunId>,
    /// Findings of runs whose flows are not available.
    before: Vec<Integrity>,
    directory: Option<PathBuf>,
}

impl IntegrityCheck {
    /// Starts the checks; `None` if the scenario has none. A temporary file in `directory`, if
    /// there is one, bounds the memory they use.
    pub(super) fn open(info: &IntegrityInfo, directory: Option<PathBuf>) -> Option<Self> {
        (!info.is_empty()).then(|| IntegrityCheck {
            info: info.clone(),
            integrity: Integrity::new(info),
            duplicates: Duplicates::new(directory.clone()),
            runs: Vec::new(),
            before: Vec::new(),
            directory,
        })
    }

    /// Assigns the flows that follow to this run.
    pub(super) fn begin(&mut self, run: &RunId) {
        self.runs.push(run.clone());
    }

    /// Records the values of a flow that has ended, with any outcome.
    pub(super) fn record(&mut self, flow: &FlowRecord) {
        let values: BTreeMap<_, _> = flow.variables.iter().map(pair).collect();
        let captures: BTreeMap<_, _> = flow.captures.iter().map(pair).collect();
        let value = |name: &str| captures.get(name).or(values.get(name)).copied();
        self.integrity.compare(&flow.id, value);
        let Some(run) = self.runs.len().checked_sub(1) else {
            return;
        };
        let of = FlowOf {
            run: u32::try_from(run).unwrap_or(u32::MAX),
            number: flow.number.0,
        };
        for (name, unique) in (0..).zip(&self.info.unique) {
            // Values of failed attempts were assigned, too. The same value twice in one flow is no
            // duplicate.
            let attempts = flow.retries.iter().flat_map(|retry| &retry.forgotten);
            let given: BTreeSet<_> = flow
                .captures
                .iter()
                .chain(attempts)
                .filter(|(captured, _)| **captured == *unique.name)
                .map(|(_, value)| &**value)
                .collect();
            for value in given {
                if contains_mask(value) {
                    self.integrity.not_compared += 1;
                } else {
                    self.duplicates.add(name, of, value);
                }
            }
        }
    }

    /// Records the audit's result.
    pub(super) fn audited(&mut self, audit: &AuditRecord) {
        self.integrity.audits.push(audit.clone());
    }

    /// Adds the findings of a run whose flows are not available.
    pub(super) fn adopt(&mut self, run: &RunId, found: &Integrity) {
        self.integrity.audits.extend(found.audits.iter().cloned());
        self.integrity.notices.extend(found.notices.iter().cloned());
        self.integrity.notices.push(format!(
            "the flows of {run} are not there: its values were compared with each other, not with \
             those of the other runs"
        ));
        self.before.push(found.clone());
    }

    /// Returns the index of a flow's run.
    fn run_of(&self, flow: &FlowId) -> Option<u32> {
        let (run, _) = flow.0.rsplit_once('-')?;
        (0..)
            .zip(&self.runs)
            .find(|(_, it)| it.0 == run)
            .map(|(place, _)| place)
    }

    /// Returns the result, and the error that makes it incomplete.
    pub(super) fn close(mut self) -> (Integrity, Option<ReportError>) {
        let mut wanted = Vec::new();
        for rule in &self.integrity.own {
            let name = (0..).zip(&self.info.unique);
            let name = name
                .filter(|(_, unique)| unique.name == rule.value.of)
                .map(|(place, _)| place)
                .next();
            wanted.extend(rule.found.iter().map(|found| Wanted {
                name: name.unwrap_or(u16::MAX),
                value: found.saw.clone(),
                run: self.run_of(&found.flow),
            }));
        }
        let names = self.info.unique.len();
        let error = match self.duplicates.close(names, &wanted) {
            Ok((findings, owners)) => {
                let runs = &self.runs;
                let id = |flow: &FlowOf| {
                    let run = runs.get(flow.run as usize);
                    FlowId::new(
                        run.unwrap_or(&RunId(String::new())),
                        FlowNumber(flow.number),
                    )
                };
                for (rule, findings) in self.integrity.unique.iter_mut().zip(findings) {
                    rule.values = findings.values;
                    rule.duplicates = Some(findings.duplicates);
                    rule.across_runs = Some(findings.across_runs);
                    rule.found = findings
                        .found
                        .into_iter()
                        .map(|found| Duplicate {
                            value: found.value,
                            count: found.count,
                            flows: found.flows.iter().map(id).collect(),
                        })
                        .collect();
                }
                let found = self.integrity.own.iter_mut();
                let found = found.flat_map(|rule| &mut rule.found);
                for (found, owner) in found.zip(owners) {
                    found.belongs_to = owner.as_ref().map(id);
                }
                None
            }
            Err(error) => {
                for rule in &mut self.integrity.unique {
                    rule.duplicates = None;
                    rule.across_runs = None;
                }
                let text = format!("duplicates could not be counted: {error}");
                self.integrity.notices.push(text);
                let path = self.directory.unwrap_or_default();
                Some(ReportError::write(
                    &path.join("the values to compare"),
                    error,
                ))
            }
        };
        for found in &self.before {
            self.integrity.add(found);
        }
        self.integrity.total();
        (self.integrity, error)
    }
}

fn pair((name, value): &NamedValue) -> (&str, &str) {
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Activity, Failure, FailureKind, FlowOutcome, OwnInfo, RetriedPart, Retry, ValueInfo,
    };

    fn info() -> IntegrityInfo {
        let value = |name: &str| ValueInfo {
            name: name.into(),
            roles: Vec::new(),
        };
        IntegrityInfo {
            unique: vec![value("order_id")],
            agree: Vec::new(),
            own: vec![OwnInfo {
                seen: value("delivered"),
                of: "order_id".into(),
            }],
            audit: None,
        }
    }

    fn failure() -> Failure {
        Failure {
            kind: FailureKind::Timeout,
            step: "deliver".into(),
            role: "courier".into(),
            turn: "post.yaml:7".into(),
            message: "awaited line `brought`".into(),
            awaited: Vec::new(),
            waited_us: 1,
            activity: Activity::Unknown,
            tail: String::new(),
            screen: None,
            hint: None,
        }
    }

    fn flow(run: &RunId, number: u64, order: &str, delivered: &str) -> FlowRecord {
        let number = FlowNumber(number);
        FlowRecord {
            number,
            id: FlowId::new(run, number),
            started_at: chrono::Local::now(),
            started_after_us: None,
            ended_after_us: None,
            counted: false,
            late_us: 0,
            duration_us: 0,
            paused_us: 0,
            waited_us: 0,
            retry_delay_us: 0,
            outcome: FlowOutcome::Completed,
            steps: Vec::new(),
            retries: Vec::new(),
            captures: vec![
                ("order_id".into(), order.into()),
                ("delivered".into(), delivered.into()),
            ],
            variables: Vec::new(),
            processes: Vec::new(),
            injections: Vec::new(),
        }
    }

    #[test]
    fn a_mix_up_names_the_owner_also_if_that_flow_ends_later() {
        let run = RunId("R".into());
        let mut check = IntegrityCheck::open(&info(), None).expect("demands");
        check.begin(&run);
        check.record(&flow(&run, 1, "A", "B"));
        check.record(&flow(&run, 2, "B", "X"));
        check.record(&flow(&run, 3, "***", "A"));
        let (integrity, error) = check.close();
        assert!(error.is_none());
        let rule = &integrity.own[0];
        assert_eq!(
            (rule.compared, rule.mix_ups, integrity.not_compared),
            (2, 2, 2)
        );
        assert_eq!(
            rule.found[0].belongs_to,
            Some(FlowId::new(&run, FlowNumber(2)))
        );
        assert_eq!(rule.found[1].belongs_to, None);
        assert_eq!(integrity.unique[0].values, 2);
    }

    #[test]
    fn a_mix_up_is_looked_for_in_its_own_run_first() {
        let runs = ["R", "S"].map(|id| RunId(id.into()));
        let mut check = IntegrityCheck::open(&info(), None).expect("demands");
        for run in &runs {
            check.begin(run);
            check.record(&flow(run, 1, "A", "B"));
            check.record(&flow(run, 2, "B", "B"));
        }
        let (integrity, _) = check.close();
        let owners = integrity.own[0].found.iter();
        let owners: Vec<_> = owners.map(|it| it.belongs_to.clone()).collect();
        let expected = runs.map(|run| Some(FlowId::new(&run, FlowNumber(2))));
        assert_eq!(owners, expected);
    }

    #[test]
    fn duplicates_are_found_across_runs() {
        let runs = ["R", "S"].map(|id| RunId(id.into()));
        let mut check = IntegrityCheck::open(&info(), None).expect("demands");
        for run in &runs {
            check.begin(run);
            check.record(&flow(run, 1, "A", "A"));
        }
        let (integrity, _) = check.close();
        let rule = &integrity.unique[0];
        assert_eq!((rule.duplicates, rule.across_runs), (Some(1), Some(1)));
        let flows: Vec<_> = rule.found[0].flows.iter().map(|id| id.0.as_str()).collect();
        assert_eq!(flows, ["R-000001", "S-000001"]);
        assert_eq!(integrity.violations, Some(1));
    }

    #[test]
    fn values_of_failed_attempts_are_checked() {
        let run = RunId("R".into());
        let mut check = IntegrityCheck::open(&info(), None).expect("demands");
        check.begin(&run);
        let mut first = flow(&run, 1, "B", "B");
        let forgotten = |value: &str| Retry {
            what: RetriedPart::Flow,
            failure: failure(),
            recovered_after_us: None,
            forgotten: vec![("order_id".into(), value.into())],
        };
        first.retries = vec![forgotten("A"), forgotten("B")];
        check.record(&first);
        check.record(&flow(&run, 2, "A", "A"));
        let (integrity, _) = check.close();
        let rule = &integrity.unique[0];
        assert_eq!((rule.values, rule.duplicates), (3, Some(1)));
        assert_eq!(rule.found[0].value, "A");
    }

    #[test]
    fn a_scenario_without_checks_has_no_result() {
        assert!(IntegrityCheck::open(&IntegrityInfo::default(), None).is_none());
    }
}
