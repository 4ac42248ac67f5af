//! Owns how long to wait before something that failed is tried again: longer each time, never the same for all, bounded,
//! and never zero.
//!
//! Exponential back-off with equal jitter: half of the pause is fixed, half is drawn, so that many that failed together do
//! not come again together. Read next: [`super::due`].

use std::time::Duration;

use super::limits;

/// The longest pause.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(30 * 60);

/// Gives the pause after so many failures in a row, from 1; `chance` is drawn evenly from all its values.
pub(crate) fn pause(failures: u32, chance: u16) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = limits::RETRY_PAUSE_MIN.saturating_mul(2).saturating_mul(doubled).min(PAUSE_MAX);
    let half = whole / 2;
    let drawn = half.saturating_mul(u32::from(chance)) / u32::from(u16::MAX);
    half.saturating_add(drawn)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_is_never_zero_never_endless_and_never_shorter_than_the_one_before(failures in 0_u32.., chance: u16) {
            let now = pause(failures, chance);
            prop_assert!((limits::RETRY_PAUSE_MIN..=PAUSE_MAX).contains(&now));
            prop_assert!(pause(failures.saturating_add(1), chance) >= now);
            prop_assert!(pause(failures, 0) <= now && now <= pause(failures, u16::MAX));
        }
    }

    #[test]
    fn pauses_grow_from_seconds_to_half_an_hour() {
        let secs: Vec<_> = (1..=12).map(|failures| pause(failures, u16::MAX).as_secs()).collect();
        assert_eq!(secs, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_800, 1_800]);
        assert_ne!(pause(5, 0), pause(5, u16::MAX));
    }
}
