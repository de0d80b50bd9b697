//! Change points in the history of a figure.

use super::comparison::Scale;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePointSettings {
    pub alpha: f64,
    pub min_segment: usize,
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    pub index: usize,
}

pub fn change_points(
    _v: &[Option<f64>],
    _scale: Scale,
    _s: &ChangePointSettings,
) -> Vec<ChangePoint> {
    Vec::new()
}
