//! Parsing of thresholds.
//!
//! ```text
//! threshold = figure comparison limit ["over" DURATION] ["stop"]
//! figure    = "dropped" | "integrity." finding | "flow." (ended | "rate" | ["response." | "service."] aggregate)
//!           | "step." NAME "." (ended | aggregate)
//! ```

use std::ops::Range;
use std::time::Duration;

use super::threshold::{Aggregate, Comparison, Ended, Figure, IntegrityFigure, Threshold};

const AGGREGATES: [(&str, Aggregate); 8] = [
    ("p50", Aggregate::P50),
    ("p90", Aggregate::P90),
    ("p95", Aggregate::P95),
    ("p99", Aggregate::P99),
    ("p99.9", Aggregate::P999),
    ("min", Aggregate::Min),
    ("mean", Aggregate::Mean),
    ("max", Aggregate::Max),
];

/// A figure of a flow's time.
type OfTime = fn(Aggregate) -> Figure;

const TIMES: [(&str, OfTime); 2] = [
    ("response.", Figure::Response),
    ("service.", Figure::Service),
];

const ENDED: [(&str, Ended); 4] = [
    ("completed", Ended::Completed),
    ("failed", Ended::Failed),
    ("failed_rate", Ended::FailedRate),
    ("count", Ended::Count),
];

const FINDINGS: [(&str, IntegrityFigure); 4] = [
    ("duplicates", IntegrityFigure::Duplicates),
    ("disagreements", IntegrityFigure::Disagreements),
    ("mix_ups", IntegrityFigure::MixUps),
    ("violations", IntegrityFigure::Violations),
];

/// The longer ones first: `<=` begins with `<`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Units of durations, in microseconds.
const DURATIONS: [(&str, f64); 6] = [
    ("us", 1.0),
    ("µs", 1.0),
    ("ms", 1e3),
    ("s", 1e6),
    ("m", 60e6),
    ("h", 3600e6),
];
const RATIOS: [(&str, f64); 1] = [("%", 0.01)];
const RATES: [(&str, f64); 3] = [("/s", 1.0), ("/m", 1.0 / 60.0), ("/h", 1.0 / 3600.0)];

/// The interval at which thresholds are checked while a run is in progress.
pub(super) const MIN_WINDOW: Duration = Duration::from_secs(1);

/// The error of a malformed threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ThresholdError {
    /// The error, one sentence.
    pub message: String,
    /// Advice on what to write instead.
    pub help: String,
    /// The erroneous bytes of the expression.
    pub at: Range<usize>,
}

impl Threshold {
    /// Parses an expression about a run with these steps.
    ///
    /// # Errors
    /// If it is malformed, or names an unknown step or figure; the error has the place and advice.
    pub fn parse(text: &str, steps: &[&str]) -> Result<Self, ThresholdError> {
        parse(text, steps)
    }
}

fn parse(text: &str, steps: &[&str]) -> Result<Threshold, ThresholdError> {
    let begin = text.find(['<', '>', '=', '!']);
    let found = begin.and_then(|begin| {
        let matches = |(sign, _): &&(&str, Comparison)| text[begin..].starts_with(sign);
        let (sign, comparison) = COMPARISONS.iter().find(matches)?;
        Some((begin, begin + sign.len(), *comparison))
    });
    let Some((begin, end, comparison)) = found else {
        let message = format!("`{}` has no comparison", text.trim());
        return Err(ThresholdError {
            message,
            help: "write a figure, one of < <= > >= == !=, and a limit: flow.p95 < 2s".into(),
            at: 0..text.len(),
        });
    };
    let named = Fragment::of(text, 0..begin);
    let figure = figure(&named, steps)?;
    let rest = Fragment::of(text, end..text.len());
    let (rest, stop) = match rest.text.strip_suffix("stop") {
        Some(before) if before.ends_with(char::is_whitespace) => (rest.first(before.len()), true),
        _ => (rest, false),
    };
    let (rest, over) = match rest.text.split_once(" over ") {
        Some((before, _)) => {
            let length = Fragment::of(text, rest.begin + before.len() + " over ".len()..rest.end());
            (rest.first(before.len()), Some(stretch(&length)?))
        }
        None => (rest, None),
    };
    if matches!(figure, Figure::Integrity(_)) && (over.is_some() || stop) {
        let message = "integrity is checked when the run is over".to_owned();
        return Err(named.fault(message, "leave out `over` and `stop`".into()));
    }
    let limit = limit(&rest, &figure)?;
    Ok(Threshold {
        text: text[..rest.end()].trim().to_owned(),
        figure,
        comparison,
        limit,
        over,
        stop,
    })
}

/// Parses the length of a window.
fn stretch(part: &Fragment<'_>) -> Result<Duration, ThresholdError> {
    let help = "write it as `over 10s`";
    let length = humantime::parse_duration(part.text).map_err(|error| {
        let message = format!("`{}` is not a duration: {error}", part.text);
        part.fault(message, help.into())
    })?;
    if length < MIN_WINDOW {
        let message = "figures are looked at once a second".to_owned();
        return Err(part.fault(message, "make it `over 1s` at least".into()));
    }
    Ok(length)
}

/// A part of the expression, without the blanks around it.
struct Fragment<'a> {
    text: &'a str,
    begin: usize,
}

impl<'a> Fragment<'a> {
    fn of(whole: &'a str, range: Range<usize>) -> Self {
        let part = &whole[range.clone()];
        Fragment {
            text: part.trim(),
            begin: range.start + (part.len() - part.trim_start().len()),
        }
    }

    /// Returns its first `bytes` bytes, without blanks at their end.
    fn first(&self, bytes: usize) -> Fragment<'a> {
        Fragment {
            text: self.text[..bytes].trim_end(),
            begin: self.begin,
        }
    }

    fn end(&self) -> usize {
        self.begin + self.text.len()
    }

    /// Returns the part after `prefix`.
    fn after(&self, prefix: &str) -> Option<Fragment<'a>> {
        Some(Fragment {
            text: self.text.strip_prefix(prefix)?,
            begin: self.begin + prefix.len(),
        })
    }

    fn fault(&self, message: String, help: String) -> ThresholdError {
        ThresholdError {
            message,
            help,
            at: self.begin..self.begin + self.text.len(),
        }
    }

    fn unknown(&self, what: &str, known: &[&str]) -> ThresholdError {
        let help = match nearest(self.text, known) {
            Some(near) => format!("is `{near}` meant?"),
            None if known.is_empty() => "there are none".to_owned(),
            None => format!("known are `{}`", known.join("`, `")),
        };
        self.fault(format!("`{}` is not a {what}", self.text), help)
    }
}

fn figure(part: &Fragment<'_>, steps: &[&str]) -> Result<Figure, ThresholdError> {
    if part.text == "dropped" {
        return Ok(Figure::Dropped);
    }
    if let Some(rest) = part.after("integrity.") {
        let finding = among(&FINDINGS, rest.text).map(Figure::Integrity);
        return finding.ok_or_else(|| rest.unknown("figure of integrity", &names(&FINDINGS)));
    }
    if let Some(rest) = part.after("flow.") {
        if rest.text == "rate" {
            return Ok(Figure::FlowRate);
        }
        for (prefix, time) in TIMES {
            if let Some(rest) = rest.after(prefix) {
                let aggregate = among(&AGGREGATES, rest.text).map(time);
                return aggregate
                    .ok_or_else(|| rest.unknown("figure of a time", &names(&AGGREGATES)));
            }
        }
        let ended = among(&ENDED, rest.text).map(Figure::Flow);
        let figure = ended.or_else(|| among(&AGGREGATES, rest.text).map(Figure::Response));
        return figure.ok_or_else(|| {
            let mut known = step_figures();
            known.extend(["rate", "response.p95", "service.p95"]);
            rest.unknown("figure of a flow", &known)
        });
    }
    let Some(rest) = part.after("step.") else {
        let mut known = vec!["dropped".to_owned()];
        known.push("flow.rate".into());
        let flow = step_figures();
        known.extend(flow.iter().map(|name| format!("flow.{name}")));
        known.push("step.NAME.p95".into());
        known.push("integrity.violations".into());
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        return Err(part.unknown("figure of a run", &known));
    };
    // Names of steps may contain dots, and one may begin with another.
    let named = steps
        .iter()
        .filter_map(|name| Some((*name, rest.after(name)?.after(".")?)))
        .max_by_key(|(name, _)| name.len());
    let Some((name, of)) = named else {
        if steps.contains(&rest.text) {
            let message = format!("it does not say which figure of step `{}`", rest.text);
            let help = format!("write `step.{}.p95`", rest.text);
            return Err(rest.fault(message, help));
        }
        let name = rest.text.strip_suffix(".p99.9");
        let name = name.or_else(|| rest.text.rsplit_once('.').map(|(name, _)| name));
        let wrong = Fragment {
            text: name.unwrap_or(rest.text),
            begin: rest.begin,
        };
        return Err(wrong.unknown("step of the scenario", steps));
    };
    let ended = among(&ENDED, of.text).map(|ended| Figure::Step(name.into(), ended));
    ended
        .or_else(|| among(&AGGREGATES, of.text).map(|it| Figure::StepTime(name.into(), it)))
        .ok_or_else(|| of.unknown("figure of a step", &step_figures()))
}

fn limit(part: &Fragment<'_>, figure: &Figure) -> Result<f64, ThresholdError> {
    let (units, example): (&[(&str, f64)], &str) = match figure {
        Figure::Response(_) | Figure::Service(_) | Figure::StepTime(..) => (&DURATIONS, "500ms"),
        Figure::Flow(Ended::FailedRate) | Figure::Step(_, Ended::FailedRate) => (&RATIOS, "1%"),
        Figure::FlowRate => (&RATES, "5/s"),
        Figure::Integrity(_) => (&[("", 1.0)], "0"),
        Figure::Dropped | Figure::Flow(_) | Figure::Step(..) => (&[("", 1.0)], "3"),
    };
    let digits = part
        .text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(part.text.len());
    let (number, unit) = (&part.text[..digits], part.text[digits..].trim());
    let has_more = |word| part.text.split_whitespace().any(|it| it == word);
    let help = || match has_more("over") || has_more("stop") {
        true => format!("write `{example}`, then `over 10s`, then `stop`"),
        false => format!("write it as `{example}`"),
    };
    let Some(number) = number.parse::<f64>().ok().filter(|it| it.is_finite()) else {
        let message = match part.text {
            "" => "the limit is missing".to_owned(),
            text => format!("`{text}` is not a limit"),
        };
        return Err(part.fault(message, help()));
    };
    match units.iter().find(|(known, _)| *known == unit) {
        Some((_, factor)) => Ok(number * factor),
        None if unit.is_empty() => {
            let message = format!("the limit `{}` has no unit", part.text);
            Err(part.fault(message, help()))
        }
        None => Err(part.fault(format!("`{unit}` is not a unit of this figure"), help())),
    }
}

fn among<T: Copy>(known: &[(&str, T)], name: &str) -> Option<T> {
    known.iter().find(|(it, _)| *it == name).map(|(_, it)| *it)
}

fn names<T>(known: &[(&'static str, T)]) -> Vec<&'static str> {
    known.iter().map(|(name, _)| *name).collect()
}

fn step_figures() -> Vec<&'static str> {
    [names(&AGGREGATES), names(&ENDED)].concat()
}

/// Finds the known name that differs from `wrong` in at most a third of its letters.
fn nearest<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |name: &str| strsim::damerau_levenshtein(wrong, name);
    let near = known.iter().copied().min_by_key(|name| distance(name))?;
    let letters = near.chars().count();
    (distance(near) < letters && distance(near) * 3 <= letters.max(3)).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_place_and_a_suggestion() {
        let cases = [
            (
                "flow.p95",
                "`flow.p95` has no comparison",
                "flow.p95",
                "write a figure",
            ),
            (
                "flow.faild < 2",
                "`faild` is not a figure of a flow",
                "faild",
                "is `failed` meant?",
            ),
            (
                "flow.p95 < 2",
                "the limit `2` has no unit",
                "2",
                "write it as `500ms`",
            ),
            (
                "flow.p95 <",
                "the limit is missing",
                "",
                "write it as `500ms`",
            ),
            (
                "flow.p95 < 2%",
                "`%` is not a unit of this figure",
                "2%",
                "write it as `500ms`",
            ),
            (
                "flow.failed_rate < 1",
                "the limit `1` has no unit",
                "1",
                "write it as `1%`",
            ),
            (
                "flow.rate > 4",
                "the limit `4` has no unit",
                "4",
                "write it as `5/s`",
            ),
            (
                "flow.failed < 1s",
                "`s` is not a unit of this figure",
                "1s",
                "write it as `3`",
            ),
            (
                "flow.failed < many",
                "`many` is not a limit",
                "many",
                "write it as `3`",
            ),
            (
                "droped == 0",
                "`droped` is not a figure of a run",
                "droped",
                "is `dropped` meant?",
            ),
            (
                "integrity.duplicate == 0",
                "`duplicate` is not a figure of integrity",
                "duplicate",
                "is `duplicates` meant?",
            ),
            (
                "integrity.violations == 0 over 5s",
                "integrity is checked when the run is over",
                "integrity.violations",
                "leave out `over` and `stop`",
            ),
            (
                "step.02_create_ordr.p95 < 1s",
                "`02_create_ordr` is not a step of the scenario",
                "02_create_ordr",
                "is `02_create_order` meant?",
            ),
            (
                "step.xyz.p99.9 < 1s",
                "`xyz` is not a step of the scenario",
                "xyz",
                "known are `02_create_order`, `a.b`",
            ),
            (
                "step.a.b < 1s",
                "it does not say which figure of step `a.b`",
                "a.b",
                "write `step.a.b.p95`",
            ),
            (
                "step.a.b.maxx < 1s",
                "`maxx` is not a figure of a step",
                "maxx",
                "is `max` meant?",
            ),
            (
                "flow.service.rate < 1s",
                "`rate` is not a figure of a time",
                "rate",
                "known are",
            ),
        ];
        for (text, message, at, help) in cases {
            let error = parse(text, &["02_create_order", "a.b"]).expect_err(text);
            assert_eq!(error.message, message);
            assert_eq!(&text[error.at.clone()], at, "{text}");
            assert!(error.help.starts_with(help), "{text}: {}", error.help);
        }
    }

    #[test]
    fn names_of_steps_may_contain_dots() {
        let threshold = parse("step.a.b.p99.9 < 1s", &["a", "a.b"]).unwrap();
        assert_eq!(
            threshold.figure,
            Figure::StepTime("a.b".into(), Aggregate::P999)
        );
    }

    #[test]
    fn no_input_causes_a_panic() {
        for text in [
            "",
            "<",
            "==",
            "µ < µ",
            "step. < 1",
            "step..p95 < 1s",
            "flow. = 1",
            "!",
        ] {
            assert!(parse(text, &["s"]).is_err(), "{text}");
        }
    }
}
