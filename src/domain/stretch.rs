//! Owns the stretches of a log: parts in which time never falls, one more than there were rebases of the clock. A time may lie in
//! several of them.
//!
//! Read next: [`super::rebase`].

use super::position::Position;
use super::rebase::Rebased;
use super::time::Timestamp;

/// A stretch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The position of its first record.
    pub(crate) from: Position,
    /// The position of the record that ends it, which rebases the clock; the end of the log for the last one.
    pub(crate) until: Position,
    begins_at: Timestamp,
    ends_at: Timestamp,
}

impl Stretch {
    /// Tells whether a time lies in it.
    pub(crate) fn holds(&self, time: Timestamp) -> bool {
        (self.begins_at..=self.ends_at).contains(&time)
    }
}

/// Walks over the stretches of a log of a size, newest first: its first record is of `first_at`, and the last stretch goes up to
/// `now`.
pub(crate) fn stretches(
    rebased: &[Rebased],
    size: Position,
    (first_at, now): (Timestamp, Timestamp),
) -> impl Iterator<Item = Stretch> {
    let begins = rebased.iter().map(|rebased| (rebased.position.next(), rebased.observed_at));
    let ends = rebased.iter().map(|rebased| (rebased.position, rebased.before));
    let (begins, ends) =
        (begins.rev().chain([(Position::FIRST, first_at)]), [(size, now)].into_iter().chain(ends.rev()));
    begins.zip(ends).map(|((from, begins_at), (until, ends_at))| Stretch { from, until, begins_at, ends_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_each_stretch_that_reaches_over_it() {
        let at = Timestamp::from_nanos;
        let rebase = |position, before, observed_at| Rebased {
            position: Position::new(position),
            before: at(before),
            observed_at: at(observed_at),
        };
        let rebased = [rebase(5, 900, 100), rebase(8, 700, 120)];
        let all: Vec<_> = stretches(&rebased, Position::new(12), (at(50), at(150))).collect();
        let ranges: Vec<_> = all.iter().map(|stretch| (stretch.from.get(), stretch.until.get())).collect();
        assert_eq!(ranges, [(9, 12), (6, 8), (0, 5)]);
        let holding = |time| all.iter().map(|stretch| stretch.holds(at(time))).collect::<Vec<_>>();
        for (time, expected) in [
            (49, [false, false, false]),
            (50, [false, false, true]),
            (100, [false, true, true]),
            (120, [true, true, true]),
            (150, [true, true, true]),
            (151, [false, true, true]),
            (701, [false, false, true]),
            (901, [false, false, false]),
        ] {
            assert_eq!(holding(time), expected, "{time}");
        }
        assert_eq!(stretches(&[], Position::new(3), (at(50), at(60))).count(), 1);
    }
}
