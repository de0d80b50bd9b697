//! The short report: the parts that matter, in a limited number of lines.

use crate::model::RunInfo;
use crate::stats::Summary;

use super::section::Section;
use super::{failures, faults, integrity, steps, thresholds};

/// Renders the sections, which have at most `lines` lines together, an empty one after each
/// included.
pub(super) fn sections(
    info: &RunInfo,
    summary: &Summary,
    width: usize,
    lines: usize,
) -> Vec<String> {
    let is_single = info.flows == Some(1);
    let sections: Vec<Section> = [
        failures::short(info, "Failures", &summary.failures, width),
        failures::short(info, "Retried", &summary.retries.failures, width),
        thresholds::short(summary, width),
        integrity::short(summary, width),
        faults::short(summary, width),
        // A table of one sample has nothing that the story of the flow has not.
        (!is_single).then(|| steps::short(summary, width)).flatten(),
    ]
    .into_iter()
    .flatten()
    .collect();
    // A heading and an empty line each.
    let available = lines.saturating_sub(2 * sections.len());
    let wanted: Vec<_> = sections.iter().map(Section::wanted).collect();
    let shares = shares(&wanted, available);
    let sections = sections.into_iter().zip(shares);
    sections
        .map(|(section, share)| section.render(share))
        .collect()
}

/// Divides what is available fairly (max-min): nobody gets more than is wanted, and what one does
/// not want is for the others. Of equal claims the first one gets the remainder.
fn shares(wanted: &[usize], available: usize) -> Vec<usize> {
    let mut shares = vec![0; wanted.len()];
    let mut left = available;
    while left > 0 {
        let open: Vec<_> = (0..wanted.len())
            .filter(|&it| shares[it] < wanted[it])
            .collect();
        if open.is_empty() {
            break;
        }
        let each = (left / open.len()).max(1);
        for place in open.into_iter().take(left) {
            let more = each.min(wanted[place] - shares[place]);
            shares[place] += more;
            left -= more;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_one_does_not_want_is_for_the_others() {
        assert_eq!(shares(&[2, 30, 30], 22), [2, 10, 10]);
        assert_eq!(shares(&[2, 3], 22), [2, 3]);
        assert_eq!(shares(&[5, 5, 5], 8), [3, 3, 2]);
        assert_eq!(shares(&[], 8), [0; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_wasted(wanted in proptest::collection::vec(0..50_usize, 0..8), available in 0..60_usize) {
            let shares = shares(&wanted, available);
            let total: usize = wanted.iter().sum();
            prop_assert_eq!(shares.iter().sum::<usize>(), available.min(total));
            prop_assert!(shares.iter().zip(&wanted).all(|(share, wanted)| share <= wanted));
        }
    }
}
