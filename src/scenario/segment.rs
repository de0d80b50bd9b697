//! Segments: the parts of one run that several processes perform, each with its exact share.
//!
//! A run has places, from 0: of arrivals, of workers, of flow numbers, of instances in a pool.
//! Segment *i* of *n* has those whose remainder by *n* is *i* − 1. So the segments together are the
//! whole at every moment, and arrivals interleave.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One of the equal parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// From 0, less than `count`.
    index: u64,
    /// At least 1.
    count: u64,
}

/// The error of a text that names no segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write it as 2/8: the segment's number, from 1, and the number of segments")]
pub struct SegmentError;

impl Segment {
    /// The most segments of a run.
    pub const MOST: u64 = 100_000;

    /// The whole run.
    pub const WHOLE: Segment = Segment { index: 0, count: 1 };

    /// Creates segment `number`, from 1, of `count`.
    ///
    /// # Errors
    /// If there is no such segment.
    pub fn new(number: u64, count: u64) -> Result<Self, SegmentError> {
        if (1..=count.min(Self::MOST)).contains(&number) && count <= Self::MOST {
            return Ok(Segment {
                index: number - 1,
                count,
            });
        }
        Err(SegmentError)
    }

    /// Returns the number of the segment, from 1.
    pub fn number(self) -> u64 {
        self.index + 1
    }

    /// Returns the number of segments of the run.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Returns `true` for the only segment of a run.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Returns the number of its places among the first `whole`.
    pub fn share(self, whole: u64) -> u64 {
        whole.saturating_sub(self.index).div_ceil(self.count)
    }

    /// Returns its place with this index, from 0, as a place of the whole run.
    pub fn place(self, index: u64) -> u64 {
        index.saturating_mul(self.count).saturating_add(self.index)
    }

    /// Returns the time between two of its starts for one of the whole run.
    pub fn interval(self, whole: Duration) -> Duration {
        whole.saturating_mul(u32::try_from(self.count).unwrap_or(u32::MAX))
    }

    /// Returns `true` if this place of the whole run is one of its places.
    pub fn has(self, place: u64) -> bool {
        place % self.count == self.index
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.count)
    }
}

impl FromStr for Segment {
    type Err = SegmentError;

    fn from_str(text: &str) -> Result<Self, SegmentError> {
        let (number, count) = text.split_once('/').ok_or(SegmentError)?;
        let parse = |text: &str| text.trim().parse().map_err(|_| SegmentError);
        Segment::new(parse(number)?, parse(count)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_existing_segments_can_be_named() {
        assert_eq!("2/8".parse(), Segment::new(2, 8));
        assert_eq!(Segment::new(2, 8).unwrap().to_string(), "2/8");
        for wrong in ["0/8", "9/8", "8", "1/0", "-1/2", "x/2", "1/100001", ""] {
            assert_eq!(wrong.parse::<Segment>(), Err(SegmentError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn shares_add_up_to_the_whole(whole in 0_u64..10_000, count in 1_u64..50) {
            let segments: Vec<_> = (1..=count).map(|n| Segment::new(n, count).unwrap()).collect();
            let shares: Vec<u64> = segments.iter().map(|segment| segment.share(whole)).collect();
            prop_assert_eq!(shares.iter().sum::<u64>(), whole);
            prop_assert!(shares[0] - shares[shares.len() - 1] <= 1);
            for segment in segments {
                let places: Vec<u64> = (0..whole).filter(|place| segment.has(*place)).collect();
                let counted: Vec<u64> = (0..segment.share(whole)).map(|n| segment.place(n)).collect();
                prop_assert_eq!(places, counted);
            }
        }
    }
}
