//! The line of a progress display, fitted to the terminal's width.

use std::time::Duration;

use crate::report::units;

use super::live_stats::{LiveStats, StepStats};

/// A piece of a line, omitted if there is no room after all pieces of higher importance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: String,
    /// 0 is the most important.
    pub rank: u8,
}

impl LiveStats {
    /// Formats the progress: `120 of 200 done`, or `120 done, 12 s of 1m 00s` if the clock ends the
    /// run.
    fn done(&self) -> String {
        match (self.planned, self.duration) {
            (Some(planned), _) => format!("{} of {planned} done", self.ended()),
            (None, Some(duration)) => {
                let now = Duration::from_secs(self.elapsed().as_secs());
                let (now, all) = (units::rough(now), units::rough(duration));
                format!("{} done, {now} of {all}", self.ended())
            }
            (None, None) => format!("{} done", self.ended()),
        }
    }

    /// Returns the figures of the run in the order of display.
    pub(super) fn pieces(&mut self) -> Vec<Piece> {
        let mut pieces = vec![
            piece(0, self.done()),
            piece(1, format!("{} failed", self.failed)),
        ];
        if self.dropped > 0 {
            pieces.push(piece(2, format!("{} dropped", self.dropped)));
        }
        if self.interrupted > 0 {
            pieces.push(piece(7, format!("{} interrupted", self.interrupted)));
        }
        pieces.push(piece(6, format!("{} in flight", self.in_flight)));
        if self.completed > 0 {
            let now = units::per_second(self.completed_per_second());
            pieces.push(piece(4, format!("{now} flows/s")));
            if let Some(wanted) = self.wanted_per_second {
                let wanted = units::per_second(wanted);
                pieces.push(piece(8, format!("{wanted} wanted")));
            }
        }
        if let Some(p95_us) = self.response_p95_us() {
            pieces.push(piece(5, format!("p95 {}", units::duration(p95_us))));
        }
        let (part, seconds) = (self.part(), self.elapsed().as_secs_f64());
        if part > 0.0 && part < 1.0 {
            let left = Duration::try_from_secs_f64(seconds / part - seconds).unwrap_or_default();
            pieces.push(piece(3, format!("about {} left", units::rough(left))));
        }
        pieces
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

fn piece(rank: u8, text: String) -> Piece {
    Piece { text, rank }
}

/// Joins pieces with commas, omitting the least important until the line fits into `columns`.
pub(super) fn fitted(mut pieces: Vec<Piece>, columns: usize) -> String {
    loop {
        let texts: Vec<_> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let line = texts.join(", ");
        let least = (0..pieces.len()).max_by_key(|&place| pieces[place].rank);
        match least {
            Some(least) if pieces.len() > 1 && line.chars().count() > columns => {
                pieces.remove(least);
            }
            _ => return line.chars().take(columns).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_piece_is_omitted_first() {
        let pieces = vec![
            piece(0, "12 of 40 done".into()),
            piece(2, "p95 34 ms".into()),
            piece(1, "3 failed".into()),
        ];
        let line = |columns| fitted(pieces.clone(), columns);
        assert_eq!(line(80), "12 of 40 done, p95 34 ms, 3 failed");
        assert_eq!(line(30), "12 of 40 done, 3 failed");
        assert_eq!(line(20), "12 of 40 done");
        assert_eq!(line(8), "12 of 40");
    }
}
