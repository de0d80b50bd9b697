//! Methods that the comparison does not use, for the sake of the choice.

/// Holm's correction: the smallest p times the number of figures, and so on.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|one, other| ps[*one].total_cmp(&ps[*other]));
    let (mut adjusted, mut greatest) = (vec![0.0; ps.len()], 0.0_f64);
    for (place, figure) in order.into_iter().enumerate() {
        greatest = greatest
            .max(ps[figure] * (ps.len() - place) as f64)
            .min(1.0);
        adjusted[figure] = greatest;
    }
    adjusted
}

/// The exact permutation test on the difference of medians of logarithms.
pub fn median_test(old: &[f64], new: &[f64]) -> f64 {
    let all: Vec<f64> = old.iter().chain(new).map(|it| it.ln()).collect();
    let size = |mask: u32| {
        let group = |is: bool| {
            let members = (0..all.len()).filter(|at| (mask >> at & 1 == 1) == is);
            let mut values: Vec<f64> = members.map(|at| all[at]).collect();
            values.sort_by(f64::total_cmp);
            f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
        };
        (group(true) - group(false)).abs()
    };
    let observed = size(((1 << new.len()) - 1) << old.len());
    let masks = (0..1_u32 << all.len()).filter(|mask| mask.count_ones() as usize == new.len());
    let (mut extreme, mut count) = (0.0, 0.0);
    for mask in masks {
        extreme += f64::from(u8::from(size(mask) >= observed - 1e-12));
        count += 1.0;
    }
    extreme / count
}
