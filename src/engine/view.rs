//! Owns the shown state of a store. In a store that is open for reading only, no command records what time has ended,
//! and it is shown as ended anyway.
//!
//! The published snapshot is still that of the disk; scrubs, backups and proofs use it. Read next: [`super::snapshot`].

use std::sync::Arc;

use crate::domain::lapsed::lapsed;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

use super::Engine;
use super::snapshot::Snapshot;

impl Engine {
    /// Returns the state to show, as a snapshot that does not change.
    pub(crate) fn view(&self) -> Arc<Snapshot> {
        let published = self.shared.published.load();
        if !self.is_read_only() {
            return published;
        }
        let now = self.shared.now();
        let mut shown = self.shown.lock();
        let last = shown.get_or_insert(published);
        if last.next_lapse().is_some_and(|at| at <= now) {
            *last = Arc::new(after_lapses(last, now));
        }
        Arc::clone(last)
    }

    /// Calls `look` with the state to show, in place. It must be quick, since it blocks the committer.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Snapshot) -> T) -> T {
        if self.is_read_only() { look(&self.view()) } else { self.shared.published.with(look) }
    }
}

/// Ends what has ended by a time. Nothing else in the snapshot changes: no record was made.
fn after_lapses(before: &Snapshot, now: Timestamp) -> Snapshot {
    let mut after = before.clone();
    for id in before.lapsed(now, usize::MAX) {
        let Some(secret) = before.state.secret(id) else { continue };
        let ended = Arc::new(lapsed(&before.state, secret, now));
        after.projections.apply(Some(secret), Some(&ended));
        let State { secrets, .. } = &mut after.state;
        secrets.insert(id, ended);
    }
    after
}
