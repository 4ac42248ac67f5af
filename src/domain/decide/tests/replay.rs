//! Owns the comparison of a replay with what was kept step by step.

use crate::domain::evolve::{evolve, remember};
use crate::domain::record::Record;
use crate::domain::state::State;

/// Folds the records from the empty state, and holds the end of each batch to the state that was kept then.
#[track_caller]
pub(super) fn check(log: &[Record], kept: &[State]) {
    let mut state = State::default();
    let mut batch_from = 0;
    let mut kept = kept.iter();
    for (at, record) in log.iter().enumerate() {
        assert_eq!(record.position.get(), at as u64);
        evolve(&mut state, record);
        if record.ends_batch() {
            remember(&mut state, &log[batch_from..=at]);
            batch_from = at + 1;
            assert!(state == *kept.next().unwrap(), "the replay differs after position {at}");
        }
    }
    assert!(kept.next().is_none());
}
