//! Integrity of a run: comparison of the values within and between its flows.

use serde::{Deserialize, Serialize};

use crate::model::{AuditRecord, FlowId, IntegrityInfo, OwnInfo, ValueInfo};

use super::amount::Amount;

/// The maximum number of listed findings of each kind; all are counted.
pub const MAX_FINDINGS: usize = 20;

/// The text in place of a secret.
const MASK: &str = "***";

/// The result of a run's integrity checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrity {
    /// Flows with a value that must be unique and that an earlier flow has too. Absent if they
    /// could not be counted.
    pub duplicates: Option<u64>,
    /// Differences between values of one flow that must be equal.
    pub disagreements: u64,
    /// Times that a role saw another value than its flow's own.
    pub mix_ups: u64,
    /// All of these, and the audits that did not pass.
    pub violations: Option<u64>,
    pub unique: Vec<UniqueSummary>,
    pub agree: Vec<AgreeSummary>,
    pub own: Vec<OwnSummary>,
    /// Values that were not compared, as part of them is masked.
    pub not_compared: u64,
    /// The audits of the runs.
    pub audits: Vec<AuditRecord>,
    /// Restrictions of these findings.
    pub notices: Vec<String>,
}

/// A capture whose value no two flows may share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UniqueSummary {
    #[serde(flatten)]
    pub value: ValueInfo,
    /// Captured values, including those of abandoned attempts.
    pub values: u64,
    /// Values that an earlier flow had.
    pub duplicates: Option<u64>,
    /// Of these, values that a flow of another run had.
    pub across_runs: Option<u64>,
    /// The first duplicate values.
    pub found: Vec<Duplicate>,
}

/// A value of several flows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    pub value: String,
    /// Flows with the value.
    pub count: u64,
    /// The first of them to end.
    pub flows: Vec<FlowId>,
}

/// Values of one flow that must be equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreeSummary {
    pub values: Vec<ValueInfo>,
    /// Flows with at least two of the values.
    pub compared: u64,
    pub disagreements: u64,
    /// The first differences.
    pub found: Vec<Disagreement>,
}

/// A flow whose values differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    pub flow: FlowId,
    /// In the order of the scenario; null if the flow has no such value.
    pub values: Vec<Option<String>>,
}

/// A capture that must be the flow's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSummary {
    #[serde(flatten)]
    pub value: OwnInfo,
    /// Flows with both values.
    pub compared: u64,
    pub mix_ups: u64,
    /// The first mix-ups.
    pub found: Vec<MixUp>,
}

/// A flow in which a role saw another value than the flow's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixUp {
    pub flow: FlowId,
    pub saw: String,
    /// The expected value.
    pub own: String,
    /// The flow that the value belongs to, if it is one of the run.
    pub belongs_to: Option<FlowId>,
}

impl Integrity {
    /// Creates an integrity result without findings.
    pub fn new(info: &IntegrityInfo) -> Self {
        let unique = info.unique.iter().map(|value| UniqueSummary {
            value: value.clone(),
            values: 0,
            duplicates: Some(0),
            across_runs: Some(0),
            found: Vec::new(),
        });
        let agree = info.agree.iter().map(|values| AgreeSummary {
            values: values.clone(),
            compared: 0,
            disagreements: 0,
            found: Vec::new(),
        });
        let own = info.own.iter().map(|value| OwnSummary {
            value: value.clone(),
            compared: 0,
            mix_ups: 0,
            found: Vec::new(),
        });
        Integrity {
            duplicates: Some(0),
            disagreements: 0,
            mix_ups: 0,
            violations: Some(0),
            unique: unique.collect(),
            agree: agree.collect(),
            own: own.collect(),
            not_compared: 0,
            audits: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Compares the values of one flow with each other. Uniqueness is counted elsewhere.
    pub fn compare<'v>(&mut self, flow: &FlowId, value: impl Fn(&str) -> Option<&'v str>) {
        let mut masked = 0;
        let mut open = |name: &str| {
            let value = value(name)?;
            let contains_mask = contains_mask(value);
            masked += u64::from(contains_mask);
            (!contains_mask).then_some(value)
        };
        for rule in &mut self.agree {
            let values: Vec<_> = rule.values.iter().map(|it| open(&it.name)).collect();
            let there: Vec<&str> = values.iter().copied().flatten().collect();
            if there.len() < 2 {
                continue;
            }
            rule.compared += 1;
            if agree(&there) {
                continue;
            }
            rule.disagreements += 1;
            if rule.found.len() < MAX_FINDINGS {
                rule.found.push(Disagreement {
                    flow: flow.clone(),
                    values: values.iter().map(|it| it.map(str::to_owned)).collect(),
                });
            }
        }
        for rule in &mut self.own {
            let (saw, own) = (open(&rule.value.seen.name), open(&rule.value.of));
            let (Some(saw), Some(own)) = (saw, own) else {
                continue;
            };
            rule.compared += 1;
            if saw == own {
                continue;
            }
            rule.mix_ups += 1;
            if rule.found.len() < MAX_FINDINGS {
                rule.found.push(MixUp {
                    flow: flow.clone(),
                    saw: saw.to_owned(),
                    own: own.to_owned(),
                    belongs_to: None,
                });
            }
        }
        self.not_compared += masked;
    }

    /// Adds the findings of another run whose flows are not available any more.
    pub fn add(&mut self, other: &Integrity) {
        fn extend<T: Clone>(found: &mut Vec<T>, more: &[T]) {
            let room = MAX_FINDINGS.saturating_sub(found.len());
            found.extend(more.iter().take(room).cloned());
        }
        for (rule, more) in self.unique.iter_mut().zip(&other.unique) {
            rule.values += more.values;
            rule.duplicates = sum(rule.duplicates, more.duplicates);
            rule.across_runs = sum(rule.across_runs, more.across_runs);
            extend(&mut rule.found, &more.found);
        }
        for (rule, more) in self.agree.iter_mut().zip(&other.agree) {
            rule.compared += more.compared;
            rule.disagreements += more.disagreements;
            extend(&mut rule.found, &more.found);
        }
        for (rule, more) in self.own.iter_mut().zip(&other.own) {
            rule.compared += more.compared;
            rule.mix_ups += more.mix_ups;
            extend(&mut rule.found, &more.found);
        }
        self.not_compared += other.not_compared;
    }

    /// Computes the totals once everything is counted.
    pub fn total(&mut self) {
        let duplicates = self.unique.iter().map(|rule| rule.duplicates);
        self.duplicates = duplicates.sum();
        self.disagreements = self.agree.iter().map(|rule| rule.disagreements).sum();
        self.mix_ups = self.own.iter().map(|rule| rule.mix_ups).sum();
        let audits = self.audits.iter().filter(|it| it.is_violation()).count() as u64;
        self.violations = self
            .duplicates
            .map(|duplicates| duplicates + self.disagreements + self.mix_ups + audits);
    }

    /// Returns `true` if there are findings.
    pub fn is_violated(&self) -> bool {
        self.unique.iter().any(|it| it.duplicates > Some(0))
            || self.disagreements > 0
            || self.mix_ups > 0
            || self.audits.iter().any(AuditRecord::is_violation)
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one? + other?)
}

/// Returns `true` if a part of the value is masked. Masked values that differ may look the same.
pub fn contains_mask(value: &str) -> bool {
    value.contains(MASK)
}

/// Returns `true` if all values are equal as texts, or are the same amount.
fn agree(values: &[&str]) -> bool {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return true;
    }
    let amounts: Option<Vec<Amount<'_>>> = values.iter().map(|it| Amount::parse(it)).collect();
    // Each with each other, as an amount without a currency agrees with several.
    amounts.is_some_and(|amounts| {
        let mut ones = amounts.iter().enumerate();
        ones.all(|(at, one)| amounts[at + 1..].iter().all(|other| one.agrees(other)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> ValueInfo {
        ValueInfo {
            name: name.into(),
            roles: vec!["Customer".into()],
        }
    }

    fn info() -> IntegrityInfo {
        IntegrityInfo {
            unique: vec![value("id")],
            agree: vec![vec![value("total"), value("due"), value("paid")]],
            own: vec![OwnInfo {
                seen: value("delivered"),
                of: "id".into(),
            }],
            audit: None,
        }
    }

    fn compare(integrity: &mut Integrity, number: u64, values: &[(&str, &str)]) {
        let find = |name: &str| {
            let found = values.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        };
        integrity.compare(&FlowId(format!("flow-{number}")), find);
    }

    #[test]
    fn values_agree_as_texts_or_as_amounts() {
        for values in [
            ["x", "x", "x"],
            ["007", "007", "007"],
            ["1,449.00", "1449", "$1449.0"],
        ] {
            assert!(agree(&values), "{values:?}");
        }
        for values in [
            ["007", "7", "7"],
            ["1", "1", "x"],
            ["x", "x", "y"],
            ["5", "$5", "€5"],
        ] {
            assert!(!agree(&values), "{values:?}");
        }
    }

    #[test]
    fn values_of_a_flow_are_compared_if_present() {
        let mut integrity = Integrity::new(&info());
        compare(
            &mut integrity,
            1,
            &[("total", "5.00"), ("due", "5"), ("paid", "5.0")],
        );
        compare(&mut integrity, 2, &[("total", "5.00"), ("paid", "6.00")]);
        compare(&mut integrity, 3, &[("paid", "7.00")]);
        compare(&mut integrity, 4, &[("total", "***"), ("paid", "1")]);
        integrity.total();
        let rule = &integrity.agree[0];
        assert_eq!((rule.compared, rule.disagreements), (2, 1));
        let values = [Some("5.00".into()), None, Some("6.00".into())];
        assert_eq!(rule.found[0].values, values);
        assert_eq!(rule.found[0].flow.0, "flow-2");
        assert_eq!(
            (integrity.disagreements, integrity.violations),
            (1, Some(1))
        );
        assert_eq!(integrity.not_compared, 1);
    }

    #[test]
    fn another_value_than_the_flows_own_is_a_mix_up_and_the_list_is_bounded() {
        let mut integrity = Integrity::new(&info());
        compare(&mut integrity, 1, &[("id", "A"), ("delivered", "A")]);
        for number in 2..102 {
            compare(&mut integrity, number, &[("id", "B"), ("delivered", "A")]);
        }
        compare(&mut integrity, 102, &[("delivered", "A")]);
        integrity.total();
        let rule = &integrity.own[0];
        assert_eq!((rule.compared, rule.mix_ups), (101, 100));
        assert_eq!(rule.found.len(), MAX_FINDINGS);
        assert_eq!(
            (rule.found[0].saw.as_str(), rule.found[0].own.as_str()),
            ("A", "B")
        );
        assert!(integrity.is_violated());
    }

    #[test]
    fn an_unknown_count_is_not_zero() {
        let mut integrity = Integrity::new(&info());
        integrity.unique[0].duplicates = None;
        integrity.total();
        assert_eq!((integrity.duplicates, integrity.violations), (None, None));
        let mut sum = Integrity::new(&info());
        sum.add(&integrity);
        sum.total();
        assert_eq!(sum.violations, None);
    }
}
