//! Owns the comparison of a replay with what was kept step by step.

use crate::domain::batch::remember;
use crate::domain::evolve::{evolve, evolve_batch};
use crate::domain::record::Record;
use crate::domain::state::State;

/// Folds the records from the empty state, one by one and batch by batch, and holds each position to the state that was
/// kept there.
#[track_caller]
pub(super) fn check(log: &[Record], kept: &[State]) {
    assert_eq!(log.len(), kept.len());
    let (mut one_by_one, mut by_batch) = (State::default(), State::default());
    for batch in log.chunk_by(|record, _| !record.ends_batch()) {
        for (record, index) in batch.iter().zip(0_u16..) {
            let at = usize::try_from(record.position.get()).unwrap();
            assert_eq!((record.index, usize::from(record.count)), (index, batch.len()));
            evolve(&mut one_by_one, record);
            if record.ends_batch() {
                remember(&mut one_by_one, batch);
            }
            assert!(one_by_one == kept[at], "the replay differs after position {at}");
        }
        evolve_batch(&mut by_batch, batch);
        assert!(by_batch == one_by_one, "a batch is not its records");
    }
}
