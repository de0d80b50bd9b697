//! The line of a progress display, fitted to the terminal's width.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::report::units;

use super::live_stats::{LiveStats, StepStats};

/// The time before which a remaining time is a guess, unless more than this part is done.
const FIRST_ESTIMATE: Duration = Duration::from_secs(3);
const ESTIMABLE: f64 = 0.05;

/// A piece of a line, omitted if there is no room after all pieces of higher importance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Piece {
    pub text: String,
    /// 0 is the most important.
    pub rank: u8,
    /// True for the extent of what is done and left, false for the speed of it.
    pub is_progress: bool,
}

/// The figures of a run in progress that are shown in a line.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct LineFigures {
    pub planned: Option<u64>,
    pub duration: Option<Duration>,
    pub elapsed: Duration,
    /// The completed part, from 0 to 1.
    pub part: f64,
    pub ended: u64,
    pub completed: u64,
    pub failed: u64,
    pub dropped: u64,
    pub interrupted: u64,
    pub in_flight: u64,
    /// Of the last seconds, as is the percentile.
    pub completed_per_second: f64,
    pub wanted_per_second: Option<f64>,
    pub p95_us: Option<u64>,
}

impl LineFigures {
    /// Formats the progress: `120 of 200 done`, or `120 done, 12 s of 1m 00s` if the clock ends the
    /// run.
    fn done(&self) -> String {
        let ended = self.ended;
        match (self.planned, self.duration) {
            (Some(planned), _) => format!("{ended} of {planned} done"),
            (None, Some(duration)) => {
                let now = Duration::from_secs(self.elapsed.as_secs());
                let (now, all) = (units::rough(now), units::rough(duration));
                format!("{ended} done, {now} of {all}")
            }
            (None, None) => format!("{ended} done"),
        }
    }

    /// Returns the figures in the order of display.
    pub(in crate::report) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = vec![
            progress(0, self.done()),
            progress(1, format!("{} failed", self.failed)),
        ];
        if self.dropped > 0 {
            pieces.push(progress(2, format!("{} dropped", self.dropped)));
        }
        if self.interrupted > 0 {
            pieces.push(progress(7, format!("{} interrupted", self.interrupted)));
        }
        if let Some(left) = self.time_left() {
            pieces.push(progress(3, format!("ETA {}", units::rough(left))));
        }
        if self.completed > 0 {
            let now = units::per_second(self.completed_per_second);
            pieces.push(speed(4, format!("{now} flows/s")));
            if let Some(wanted) = self.wanted_per_second {
                let wanted = units::per_second(wanted);
                pieces.push(speed(8, format!("{wanted} wanted")));
            }
        }
        if let Some(p95_us) = self.p95_us {
            pieces.push(speed(5, format!("p95 {}", units::duration(p95_us))));
        }
        pieces.push(speed(6, format!("{} in flight", self.in_flight)));
        pieces
    }

    /// Estimates the time to the end of the run from the part of it that is done.
    fn time_left(&self) -> Option<Duration> {
        let (part, elapsed) = (self.part, self.elapsed);
        let is_known = part > ESTIMABLE || (part > 0.0 && elapsed >= FIRST_ESTIMATE);
        let seconds = elapsed.as_secs_f64();
        (is_known && part < 1.0)
            .then(|| Duration::try_from_secs_f64(seconds / part - seconds).unwrap_or_default())
    }
}

impl LiveStats {
    /// Returns the figures of the run in the order of display.
    pub(super) fn pieces(&mut self) -> Vec<Piece> {
        let figures = LineFigures {
            planned: self.planned,
            duration: self.duration,
            elapsed: self.elapsed(),
            part: self.part(),
            ended: self.ended(),
            completed: self.completed,
            failed: self.failed,
            dropped: self.dropped,
            interrupted: self.interrupted,
            in_flight: self.in_flight,
            completed_per_second: self.completed_per_second(),
            wanted_per_second: self.wanted_per_second,
            p95_us: self.response_p95_us(),
        };
        figures.pieces()
    }

    /// Returns the steps with the most flows in them, at most `most`, in the order of the flow.
    pub(super) fn busiest(&mut self, most: usize) -> impl Iterator<Item = &mut StepStats> {
        let mut places: Vec<usize> = (0..self.steps.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(self.steps[place].now));
        places.truncate(most);
        let steps = self.steps.iter_mut().enumerate();
        steps.filter_map(move |(place, step)| places.contains(&place).then_some(step))
    }
}

fn progress(rank: u8, text: String) -> Piece {
    Piece {
        text,
        rank,
        is_progress: true,
    }
}

fn speed(rank: u8, text: String) -> Piece {
    Piece {
        text,
        rank,
        is_progress: false,
    }
}

/// Joins pieces with commas, omitting the least important until the line fits into `columns`.
/// Returns the line, and the pieces that were omitted in their order.
pub(in crate::report) fn fitted(mut pieces: Vec<Piece>, columns: usize) -> (String, Vec<Piece>) {
    let mut omitted: Vec<(usize, Piece)> = Vec::new();
    let mut places: Vec<usize> = (0..pieces.len()).collect();
    loop {
        let texts: Vec<_> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let line = texts.join(", ");
        let least = (0..pieces.len()).max_by_key(|&place| pieces[place].rank);
        match least {
            Some(least) if pieces.len() > 1 && line.width() > columns => {
                omitted.push((places.remove(least), pieces.remove(least)));
            }
            _ => {
                omitted.sort_by_key(|(place, _)| *place);
                let omitted = omitted.into_iter().map(|(_, piece)| piece);
                return (cut(&line, columns), omitted.collect());
            }
        }
    }
}

/// Cuts a line to `columns`; an ellipsis marks the cut.
pub(in crate::report) fn cut(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for character in line.chars() {
        used += character.width().unwrap_or(0);
        if used >= columns {
            break;
        }
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_piece_is_omitted_first() {
        let pieces = vec![
            progress(0, "12 of 40 done".into()),
            speed(2, "p95 34 ms".into()),
            progress(1, "3 failed".into()),
        ];
        let line = |columns| fitted(pieces.clone(), columns).0;
        assert_eq!(line(80), "12 of 40 done, p95 34 ms, 3 failed");
        assert_eq!(line(30), "12 of 40 done, 3 failed");
        assert_eq!(line(20), "12 of 40 done");
        assert_eq!(line(8), "12 of 4…");
        let omitted = fitted(pieces.clone(), 20).1;
        assert_eq!(omitted, pieces[1..]);
    }

    #[test]
    fn cut_lines_have_at_most_so_many_columns() {
        for (line, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("चाय और", 3, "चा…"),
            ("茶と牛乳", 5, "茶と…"),
            ("茶と牛乳", 4, "茶…"),
            ("x", 0, ""),
        ] {
            let line = cut(line, columns);
            assert_eq!(line, expected);
            assert!(line.width() <= columns, "{line}");
        }
    }
}
