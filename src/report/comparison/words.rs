//! Wording of compared figures.

use crate::report::units;
use crate::stats::{ComparedFigure, Doubt, Estimate, Scale};

/// Formats a value of a figure with its unit.
pub(in crate::report) fn value(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "–".into(),
        Some(value) if unit == "us" => units::duration(value.max(0.0).round() as u64),
        Some(value) if unit.is_empty() => units::percent(Some(value)),
        Some(value) => format!("{}{unit}", units::per_second(value)),
    }
}

/// Formats a change: `+23 %`, `−4.5 %`, `×2.4`, `+1.2 points`.
pub(in crate::report) fn change(estimate: &Estimate) -> String {
    match estimate.scale {
        Scale::Ratio => ratio(estimate.value),
        Scale::Difference => format!("{} points", signed(estimate.value * 100.0)),
    }
}

/// Formats the ends of a change's interval: `+18 … +29 %`.
pub(in crate::report) fn interval(estimate: &Estimate) -> String {
    let Some((low, high)) = estimate.interval else {
        return "–".into();
    };
    let percent = |end: f64| match estimate.scale {
        Scale::Ratio => signed((end - 1.0) * 100.0),
        Scale::Difference => signed(end * 100.0),
    };
    let unit = match estimate.scale {
        Scale::Ratio => "%",
        Scale::Difference => "points",
    };
    format!("{} … {} {unit}", percent(low), percent(high))
}

/// Formats the smallest change that would have been found.
pub(in crate::report) fn smallest(figure: &ComparedFigure) -> String {
    let scale = figure.measure.scale();
    match (figure.smallest_change, scale) {
        (None, _) => "–".into(),
        (Some(change), Scale::Ratio) => ratio(change),
        (Some(change), Scale::Difference) => format!("{} points", signed(change * 100.0)),
    }
}

fn ratio(ratio: f64) -> String {
    if ratio >= 1.995 {
        let digits = usize::from(ratio < 9.95);
        return format!("×{ratio:.digits$}");
    }
    format!("{} %", signed((ratio - 1.0) * 100.0))
}

/// Formats a number with its sign and about two digits.
fn signed(number: f64) -> String {
    let digits = usize::from(number.abs() < 9.95);
    let text = format!("{:.digits$}", number.abs());
    let sign = match () {
        () if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) => "±",
        () if number < 0.0 => "−",
        () => "+",
    };
    format!("{sign}{}", text.trim_end_matches(".0"))
}

/// Formats a p: `0.013`, `<0.001`.
pub(in crate::report) fn p(p: Option<f64>) -> String {
    match p {
        None => "–".into(),
        Some(p) if p < 0.001 => "<0.001".into(),
        Some(p) => format!("{p:.3}"),
    }
}

/// Formats a figure with both values and its change.
pub(in crate::report) fn name_and_change(figure: &ComparedFigure) -> String {
    let [old, new] = [figure.old, figure.new].map(|it| value(it, &figure.unit));
    let change = figure.change.as_ref().map(change).unwrap_or_default();
    format!("{} {old} → {new}, {change}", figure.name)
}

/// Describes how much of the machine's processor time other processes left to both groups.
pub fn machine(free: &ComparedFigure) -> String {
    let [old, new] = [free.old, free.new].map(units::percent);
    format!("other processes left {old} of the machine to the old runs and {new} to the new ones")
}

/// Formats the remedy for a doubt: `12 runs`.
pub(in crate::report) fn remedy(figure: &ComparedFigure) -> String {
    match (figure.repeats, figure.doubt) {
        (Some(repeats), _) => format!("{repeats} runs"),
        (None, Some(Doubt::Missing)) => "missing".into(),
        (None, Some(Doubt::Machine)) => "other load".into(),
        (None, _) => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::stats::IntervalMethod;

    use super::*;

    #[test]
    fn changes_have_a_sign_and_few_digits() {
        let cases = [
            (Scale::Ratio, 1.234, "+23 %"),
            (Scale::Ratio, 0.955, "−4.5 %"),
            (Scale::Ratio, 1.0001, "±0 %"),
            (Scale::Ratio, 2.4, "×2.4"),
            (Scale::Ratio, 31.0, "×31"),
            (Scale::Difference, 0.0123, "+1.2 points"),
        ];
        for (scale, value, expected) in cases {
            let estimate = Estimate {
                value,
                interval: None,
                scale,
                method: IntervalMethod::Permutation,
            };
            assert_eq!(change(&estimate), expected);
        }
    }

    #[test]
    fn values_have_their_units() {
        assert_eq!(value(Some(1_240_000.0), "us"), "1.24 s");
        assert_eq!(value(Some(0.125), ""), "12.5 %");
        assert_eq!(value(Some(14.2), "/s"), "14.2/s");
        assert_eq!(value(None, "us"), "–");
        assert_eq!(
            [p(Some(0.0001)), p(Some(0.0123)), p(None)],
            ["<0.001", "0.012", "–"]
        );
    }
}
