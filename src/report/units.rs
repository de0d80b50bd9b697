//! Formatting of quantities for people.

use crate::model::{RunInfo, micros};
use crate::stats::Quantity;

/// Formats a duration with about three digits: `850 µs`, `1.2 ms`, `34 ms`, `1.24 s`, `12.3 s`,
/// `2m 05s`, `1h 02m`.
pub fn duration(us: u64) -> String {
    match us {
        0..1_000 => whole(us, "µs"),
        1_000..9_950 => tenths(rounded(us, 100), "ms"),
        9_950..999_500 => whole(rounded(us, 1_000), "ms"),
        999_500..9_995_000 => {
            let hundredths = rounded(us, 10_000);
            format!("{}.{:02} s", hundredths / 100, hundredths % 100)
        }
        9_995_000..59_950_000 => tenths(rounded(us, 100_000), "s"),
        59_950_000..3_599_500_000 => {
            let seconds = rounded(us, 1_000_000);
            format!("{}m {:02}s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = rounded(us, 60_000_000);
            format!("{}h {:02}m", minutes / 60, minutes % 60)
        }
    }
}

/// Formats a duration to the millisecond: `0.8 ms`, `34 ms`, `1.234 s`.
pub fn precise_duration(us: u64) -> String {
    match us {
        0..999_500 => duration(us),
        _ => {
            let ms = rounded(us, 1_000);
            format!("{}.{:03} s", ms / 1_000, ms % 1_000)
        }
    }
}

/// Formats a duration in whole seconds or more: `6 s`, `2m 05s`, `1h 02m`.
pub fn rough(duration: std::time::Duration) -> String {
    match duration.as_secs_f64().ceil() {
        seconds @ ..60.0 => format!("{seconds} s"),
        _ => self::duration(micros(duration)),
    }
}

/// Formats a size of memory: `812 KiB`, `4.0 MiB`, `1.2 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return whole(bytes, "B");
    }
    // In tenths of the unit, rounded to the nearest.
    let mut tenths_of_unit = (bytes / 1024 * 10) + (bytes % 1024 * 10 + 512) / 1024;
    let mut unit = 0;
    while tenths_of_unit >= 10_240 && unit + 1 < UNITS.len() {
        tenths_of_unit = (tenths_of_unit + 512) / 1024;
        unit += 1;
    }
    if unit == 0 {
        whole((tenths_of_unit + 5) / 10, UNITS[unit])
    } else {
        tenths(tenths_of_unit, UNITS[unit])
    }
}

/// Formats a ratio in percent: `99.9 %`. It is `100 %` only if nothing is missing, and `0 %` only
/// for zero. A dash if there is no ratio.
pub fn percent(rate: Option<f64>) -> String {
    let Some(rate) = rate else {
        return "–".into();
    };
    if rate >= 1.0 {
        return "100 %".into();
    }
    if rate <= 0.0 {
        return "0 %".into();
    }
    format!("{:.1} %", ((rate * 1000.0).round() / 10.0).clamp(0.1, 99.9))
}

/// Formats a rate per second: `14.2`, `0.05`, `1250`.
pub fn per_second(rate: f64) -> String {
    match rate {
        100.0.. => format!("{rate:.0}"),
        1.0.. => format!("{rate:.1}"),
        _ => format!("{rate:.2}"),
    }
}

/// Formats a value with its unit: `1.24 s`, `87.5 %`, `14.2/s`, `3`.
pub fn quantity(value: Quantity) -> String {
    match value {
        Quantity::DurationUs(us) => duration(us),
        Quantity::Ratio(rate) => percent(Some(rate)),
        Quantity::PerSecond(rate) => format!("{}/s", per_second(rate)),
        Quantity::Count(count) => count.to_string(),
    }
}

/// Formats a number with its noun: `1 flow`, `3 flows`.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn rounded(us: u64, unit_us: u64) -> u64 {
    us.saturating_add(unit_us / 2) / unit_us
}

fn whole(number: u64, unit: &str) -> String {
    format!("{number} {unit}")
}

fn tenths(tenths: u64, unit: &str) -> String {
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Formats the planned extent of a run: `200 flows`, `1 min`, `200 flows or 1 min`.
pub fn extent(info: &RunInfo) -> String {
    let flows = info.flows.map(|flows| counted(flows, "flow"));
    let time = info.duration_us.map(duration);
    match (flows, time) {
        (Some(flows), Some(time)) => format!("{flows} or {time}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "until its workers are done".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.0 ms"),
            (9_949, "9.9 ms"),
            (9_950, "10 ms"),
            (12_345, "12 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (1_236_000, "1.24 s"),
            (9_994_999, "9.99 s"),
            (9_995_000, "10.0 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1m 00s"),
            (125_000_000, "2m 05s"),
            (3_599_500_000, "1h 00m"),
            (3_720_000_000, "1h 02m"),
        ];
        for (us, text) in cases {
            assert_eq!(duration(us), text, "{us} µs");
        }
        duration(u64::MAX);
    }

    #[test]
    fn precise_durations() {
        let cases = [
            (800, "800 µs"),
            (34_400, "34 ms"),
            (999_600, "1.000 s"),
            (61_234_000, "61.234 s"),
        ];
        for (us, text) in cases {
            assert_eq!(precise_duration(us), text, "{us} µs");
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            (1_023, "1023 B"),
            (1_024, "1 KiB"),
            (831_488, "812 KiB"),
            (4 << 20, "4.0 MiB"),
            ((1 << 30) + (1 << 28), "1.3 GiB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text, "{size} bytes");
        }
        bytes(u64::MAX);
    }

    #[test]
    fn a_rate_is_whole_only_if_it_is() {
        let cases = [
            (None, "–"),
            (Some(1.0), "100 %"),
            (Some(0.9999), "99.9 %"),
            (Some(0.875), "87.5 %"),
            (Some(0.00001), "0.1 %"),
            (Some(0.0), "0 %"),
        ];
        for (rate, text) in cases {
            assert_eq!(percent(rate), text);
        }
    }
}
