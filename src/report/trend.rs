//! The trend of a figure over saved runs, as it is rendered: on terminals, in HTML and as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::stats::{ChangePoint, Measure};

/// The trend of one figure over the runs of a scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Trend {
    pub scenario: String,
    pub figure: String,
    pub unit: String,
    pub measure: Measure,
    /// The runs, the oldest first.
    pub points: Vec<Point>,
    pub change_points: Vec<Change>,
}

/// The figure in one run.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    pub run: String,
    pub started_at: DateTime<Utc>,
    /// Absent if the run has no such figure.
    pub value: Option<f64>,
}

/// A change point with its first run.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub run: String,
    #[serde(flatten)]
    pub found: ChangePoint,
    /// Conditions that differ from those of the run before, which may be what has changed.
    pub differences: Vec<String>,
}

impl Trend {
    /// Returns the mean of the runs between two change points for each run; none without changes.
    pub(super) fn levels(&self) -> Vec<f64> {
        let Some(first) = self.change_points.first() else {
            return Vec::new();
        };
        let mut levels = vec![first.found.before; first.found.index];
        for (at, change) in self.change_points.iter().enumerate() {
            let next = self.change_points.get(at + 1);
            let end = next.map_or(self.points.len(), |it| it.found.index);
            levels.resize(end, change.found.after);
        }
        levels
    }
}
