//! Detection of jumps of the system's clock. Pure.
//!
//! No figure depends on that clock; only times of day in reports and logs do.

use std::time::Duration;

/// The smallest jump that is noted: adjusting the clock's speed moves it much less between two
/// looks.
const SMALLEST: Duration = Duration::from_millis(100);

/// The longest time between two readings of the monotonic clock that say when the system's clock
/// was read.
const ACCURACY: Duration = Duration::from_millis(10);

/// A change of the system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockJump {
    Forward(Duration),
    Back(Duration),
}

/// The system's clock against a steady one.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    /// Both clocks at the last look: steady, system.
    last: Option<(Duration, Duration)>,
}

impl ClockWatch {
    /// Compares the clocks: the system's was read between `steady` and `steady_after`.
    pub(super) fn look(
        &mut self,
        steady: Duration,
        system: Duration,
        steady_after: Duration,
    ) -> Option<ClockJump> {
        if steady_after.saturating_sub(steady) > ACCURACY {
            return None;
        }
        let (last_steady, last_system) = self.last.replace((steady, system))?;
        let expected = last_system + steady.saturating_sub(last_steady);
        let jump = match system.checked_sub(expected) {
            Some(ahead) => ClockJump::Forward(ahead),
            None => ClockJump::Back(expected.saturating_sub(system)),
        };
        let (ClockJump::Forward(by) | ClockJump::Back(by)) = jump;
        (by >= SMALLEST).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_jump_is_noted_once_in_its_direction() {
        let mut watch = ClockWatch::default();
        let hour = Duration::from_secs(3600);
        let day = 24 * hour;
        assert_eq!(watch.look(ms(0), day, ms(0)), None);
        assert_eq!(watch.look(ms(50), day + ms(51), ms(50)), None);
        let ahead = watch.look(ms(100), day + hour + ms(101), ms(100));
        assert_eq!(ahead, Some(ClockJump::Forward(hour)));
        assert_eq!(watch.look(ms(150), day + hour + ms(151), ms(150)), None);
        let back = watch.look(ms(200), day + ms(201), ms(200));
        assert_eq!(back, Some(ClockJump::Back(hour)));
    }

    #[test]
    fn a_look_that_took_long_proves_nothing() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.look(ms(0), ms(1_000), ms(0)), None);
        assert_eq!(watch.look(ms(50), ms(4_050), ms(3_050)), None);
        assert_eq!(watch.look(ms(3_100), ms(4_100), ms(3_100)), None);
    }
}
