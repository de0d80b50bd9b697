//! Ways to assign the labels old and new to runs.

use super::figure::RunOrder;

/// Beyond this number of ways, a random sample of them is used.
const MAX_EXHAUSTIVE: f64 = 100_000.0;

/// The size of the sample, with the observed labels.
const SAMPLED: usize = 20_000;

/// With so many pairs of interleaved runs, labels are exchanged only within two neighbouring pairs,
/// in at least 216 ways.
const PAIRS_FOR_BLOCKS: usize = 6;

/// More repeats than anybody makes, to end searches.
const MAX_REPEATS: usize = 1_000;

/// Ways to assign labels that are equally probable if nothing has changed.
#[derive(Debug)]
pub(super) struct Arrangements {
    /// The runs that are labelled new, in ascending order, one way after the other. The observed
    /// labels come first.
    new_runs: Vec<usize>,
    new: usize,
    /// For each run, the block within which labels are exchanged.
    pub blocks: Vec<usize>,
    /// All ways, not a sample.
    pub exhaustive: bool,
}

impl Arrangements {
    /// Returns the arrangements of so many old runs, followed by so many new ones.
    pub(super) fn new(old: usize, new: usize, order: RunOrder, seed: u64) -> Self {
        let blocks = blocks(old, new, order);
        let observed: Vec<bool> = (0..old + new).map(|run| run >= old).collect();
        let exhaustive = ways(&blocks, old) <= MAX_EXHAUSTIVE;
        let labels = if exhaustive {
            enumerate(&blocks, &observed)
        } else {
            sample(&blocks, &observed, SAMPLED, seed)
        };
        let runs = (0..old + new).cycle().zip(&labels);
        Arrangements {
            new_runs: runs.filter(|(_, new)| **new).map(|(run, _)| run).collect(),
            new,
            blocks,
            exhaustive,
        }
    }

    /// Returns the runs that are labelled new, for each arrangement.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.new_runs.chunks_exact(self.new.max(1))
    }

    /// Returns their number.
    pub(super) fn count(&self) -> usize {
        self.new_runs.len() / self.new.max(1)
    }

    /// Returns the number of blocks.
    pub(super) fn block_count(&self) -> usize {
        self.blocks.iter().max().map_or(0, |last| last + 1)
    }
}

/// Returns the least repeats of each group with which a permutation test can reach `alpha`: twice
/// the probability of the observed labels, as the opposite labels are as extreme.
pub fn fewest_repeats(alpha: f64, order: RunOrder) -> usize {
    let reaches = |repeats: &usize| {
        let ways = ways(&blocks(*repeats, *repeats, order), *repeats);
        2.0 / ways <= alpha
    };
    (2..MAX_REPEATS).find(reaches).unwrap_or(MAX_REPEATS)
}

/// Returns the block of each run.
fn blocks(old: usize, new: usize, order: RunOrder) -> Vec<usize> {
    let is_blocked = order == RunOrder::Interleaved && old == new && old >= PAIRS_FOR_BLOCKS;
    let last = if is_blocked { old / 2 - 1 } else { 0 };
    let block = |pair: usize| (pair / 2).min(last);
    (0..old).chain(0..new).map(block).collect()
}

/// Returns the number of ways: the product of the binomial coefficients of the blocks.
fn ways(blocks: &[usize], old: usize) -> f64 {
    let last = blocks.iter().max().copied().unwrap_or(0);
    let size = |block: usize, runs: &[usize]| runs.iter().filter(|it| **it == block).count();
    (0..=last)
        .map(|block| binomial(size(block, blocks), size(block, &blocks[..old])))
        .product()
}

fn binomial(of: usize, chosen: usize) -> f64 {
    (1..=chosen)
        .map(|it| (of - chosen + it) as f64 / it as f64)
        .product::<f64>()
        .round()
}

/// Returns all ways, the observed one first.
fn enumerate(blocks: &[usize], observed: &[bool]) -> Vec<bool> {
    let last = blocks.iter().max().copied().unwrap_or(0);
    let mut all = vec![observed.to_vec()];
    for block in 0..=last {
        let members: Vec<usize> = (0..blocks.len())
            .filter(|run| blocks[*run] == block)
            .collect();
        let new = members.iter().filter(|run| observed[**run]).count();
        let choices = choices(&members, new);
        let mut next = Vec::with_capacity(all.len() * choices.len());
        for labels in &all {
            for choice in &choices {
                let mut labels = labels.clone();
                for run in &members {
                    labels[*run] = choice.contains(run);
                }
                next.push(labels);
            }
        }
        all = next;
    }
    // The last choice of each block has its last members, which are those that are new.
    all.reverse();
    all.concat()
}

/// Returns every choice of so many members, in their order.
fn choices(members: &[usize], count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for first in 0..(members.len() + 1).saturating_sub(count) {
        for mut rest in choices(&members[first + 1..], count - 1) {
            rest.insert(0, members[first]);
            found.push(rest);
        }
    }
    found
}

/// Returns the observed way and random ones, so many in all.
fn sample(blocks: &[usize], observed: &[bool], count: usize, seed: u64) -> Vec<bool> {
    let last = blocks.iter().max().copied().unwrap_or(0);
    let members: Vec<Vec<usize>> = (0..=last)
        .map(|block| {
            (0..blocks.len())
                .filter(|run| blocks[*run] == block)
                .collect()
        })
        .collect();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut labels = observed.to_vec();
    let mut all = labels.clone();
    for _ in 1..count {
        for members in &members {
            for at in (1..members.len()).rev() {
                labels.swap(members[at], members[random.usize(..=at)]);
            }
        }
        all.extend_from_slice(&labels);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_ways_are_distinct_and_begin_with_the_observed_one() {
        for (old, new, order, count) in [
            (3, 3, RunOrder::Separate, 20),
            (6, 6, RunOrder::Separate, 924),
            (2, 5, RunOrder::Separate, 21),
            (6, 6, RunOrder::Interleaved, 216),
            (7, 7, RunOrder::Interleaved, 6 * 6 * 20),
            (4, 4, RunOrder::Interleaved, 70),
            (1, 1, RunOrder::Separate, 2),
        ] {
            let all = Arrangements::new(old, new, order, 1);
            let distinct: HashSet<&[usize]> = all.iter().collect();
            assert_eq!((all.count(), distinct.len()), (count, count), "{old} {new}");
            let observed: Vec<usize> = (old..old + new).collect();
            assert_eq!(all.iter().next(), Some(&observed[..]));
            assert!(all.iter().all(|it| it.is_sorted()));
            assert!(all.exhaustive);
        }
    }

    #[test]
    fn too_many_ways_are_sampled_the_same_for_the_same_seed() {
        let sampled = Arrangements::new(10, 10, RunOrder::Separate, 1);
        assert!(!sampled.exhaustive);
        assert_eq!(sampled.count(), SAMPLED);
        assert!(sampled.iter().all(|it| it.is_sorted() && it.len() == 10));
        let observed: Vec<bool> = (0..20).map(|run| run >= 10).collect();
        let [one, again, other] = [1, 1, 2].map(|seed| sample(&[0; 20], &observed, 100, seed));
        assert_eq!(one.len(), 2_000);
        assert_eq!(one, again);
        assert_ne!(one, other);
    }

    #[test]
    fn four_repeats_can_reach_five_percent_and_five_one_percent() {
        assert_eq!(fewest_repeats(0.05, RunOrder::Separate), 4);
        assert_eq!(fewest_repeats(0.01, RunOrder::Separate), 5);
        assert_eq!(fewest_repeats(0.01, RunOrder::Interleaved), 5);
        assert_eq!(fewest_repeats(0.001, RunOrder::Separate), 7);
    }
}
