//! The records that the writer is about to append are checked against the rules of the log first, and an old log is
//! checked when it is replayed.

use std::sync::Arc;

use super::super::draw::Draw;
use super::super::group::{By, Group};
use super::super::open::{Access, Place, open_on};
use super::super::queue::Payload;
use super::super::snapshot::Snapshot;
use super::{Rows, open_store, opening, ops, put_secret, sound};
use crate::domain::command::Terms;
use crate::domain::event::{Event, HeartbeatRecorded, VersionDataDestroyed};
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::domain::name::Actor;
use crate::domain::version::DestroyCause;
use crate::error::ErrorKind;
use crate::storage::Storage;
use crate::store::Store;

/// Returns the destruction of data that does not exist.
fn unlawful(secret: SecretId) -> Vec<(Option<SecretId>, Event)> {
    let (version, data_key) = (VersionId::from_bytes([0xee; 16]), DataKeyId::from_bytes([0xee; 16]));
    vec![(Some(secret), VersionDataDestroyed { version, data_key, cause: DestroyCause::Requested }.into())]
}

fn with_group<T>(store: &Store, act: impl FnOnce(&mut Group, &mut Snapshot, &By<'_>, &mut Draw) -> T) -> T {
    let mut snapshot = Snapshot::clone(&store.0.shared.published.load());
    let terms = Terms::by(Actor::parse("ops").unwrap());
    let by = By { terms: &terms, now: snapshot.end.time, writer_epoch: snapshot.state.whole.writer_epoch };
    act(&mut Group::new(snapshot.end.size), &mut snapshot, &by, &mut Draw::new())
}

#[test]
fn a_batch_that_no_check_would_take_is_not_appended_and_the_next_one_is() {
    let store = Rows::new().open();
    let secret = put_secret(&store, "one");
    with_group(&store, |group, snapshot, by, draw| {
        let before = (snapshot.state.clone(), snapshot.end, snapshot.projections.clone());
        let error = group.append(snapshot, unlawful(secret), Payload::None, by, draw).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("illegal step at position 4"), "{error}");
        assert!(group.is_empty() && before == (snapshot.state.clone(), snapshot.end, snapshot.projections.clone()));
        group.append(snapshot, vec![(None, HeartbeatRecorded {}.into())], Payload::None, by, draw).unwrap();
        assert!(!group.is_empty());
    });
    ops(&store).delete(secret).unwrap();
    sound(&store);
}

/// Returns a store whose log has an illegal step, as a faulty release may have written it.
fn with_illegal_step() -> Rows {
    let rows = Rows::new();
    let store = rows.open();
    let secret = put_secret(&store, "one");
    store.close().unwrap();
    let store = rows.open();
    let batch = with_group(&store, |group, snapshot, by, draw| {
        group.append_unlawful(snapshot, unlawful(secret), by, draw).unwrap();
        let durable = snapshot.saved.mark();
        group.close(snapshot, durable, &*store.0.shared.storage).unwrap();
        std::mem::take(&mut group.batch)
    });
    store.close().unwrap();
    rows.0.commit(&batch).unwrap();
    rows
}

#[test]
fn a_log_with_an_illegal_step_opens_for_reading_only_and_a_scrub_names_the_step() {
    let rows = with_illegal_step();
    let error = rows.try_open().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("illegal step at position 4"), "{error}");
    let storage: Arc<dyn Storage> = Arc::new(rows.0.reopen());
    let store = Store::new(open_on(storage, &opening(Place::Memory), Access::ReadOnly).unwrap());
    let findings = store.scrub(|_| {}).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.contains("illegal step at position 4")), "{findings:?}");
    assert!(open_store(Arc::new(rows.0.reopen())).is_err());
}
