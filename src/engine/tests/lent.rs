//! Schedules of reads of a key that many readers share during its lease, beside a rotation and a deletion. Every
//! returned key is in the log, and refused reads are not.
//!
//! Read next: [`super::schedules`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use shuttle::thread::spawn;

use super::schedules::Slow;
use super::{Rows, open_store, ops};
use crate::domain::event::Event;
use crate::domain::id::VersionId;
use crate::domain::name::{Actor, SecretName};
use crate::domain::position::Position;
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, SecretType};
use crate::domain::version::VersionRef;
use crate::engine::sync::scheduled::{Limits, chance, explore};
use crate::storage::faulty::Faulty;
use crate::store::Store;
use crate::store::log_view::LogEntry;
use crate::store::new_secret::{NewData, NewSecret};

/// Rows with the key, which no reader has read.
static BEFORE: LazyLock<Rows> = LazyLock::new(|| {
    let rows = Rows::new();
    let store = rows.open();
    let (name, target) =
        (SecretName::parse("key").unwrap(), ApiKeyTarget::ServiceId(Actor::parse("ServiceId-1").unwrap()));
    ops(&store).create(NewSecret::iam_credentials(name, 3_600, ApiKeyUse::UntilLeaseEnds, target)).unwrap();
    store.close().unwrap();
    rows
});

/// Returns the versions that were read according to the log, each with its reader.
fn recorded(store: &Store) -> Vec<(VersionId, String)> {
    let mut found = Vec::new();
    let visit = |entry: LogEntry| {
        if let LogEntry::Known(record) = entry
            && let Event::VersionDownloaded(read) = &record.event
        {
            found.push((read.version, record.context.actor.to_string()));
        }
        ControlFlow::Continue(())
    };
    store.for_each_record(Position::FIRST, visit).unwrap();
    found
}

fn read_while_it_changes() {
    let store = open_store(Arc::new(Slow(Arc::new(Faulty::new(Arc::new(BEFORE.fork().0.reopen())))))).unwrap();
    let id = store.secret_named(SecretType::IamCredentials, &SecretName::parse("key").unwrap()).unwrap().id;
    let readers: Vec<_> = ["one", "two"]
        .into_iter()
        .map(|who| {
            let session = store.acting_as(Actor::parse(who).unwrap());
            spawn(move || (who, session.read(id, VersionRef::Current).map(|reading| reading.version)))
        })
        .collect();
    let changes = ops(&store);
    let changer = spawn(move || {
        changes.rotate(id, NewData::generated()).unwrap();
        if chance(2) == 0 {
            changes.delete(id).unwrap();
        }
    });
    let reads: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    changer.join().unwrap();
    let recorded = recorded(&store);
    let given: BTreeSet<_> = reads.iter().filter_map(|(_, read)| read.as_ref().ok().copied()).collect();
    assert_eq!(recorded.iter().map(|(version, _)| *version).collect::<BTreeSet<_>>(), given);
    for (who, read) in reads {
        if let Err(error) = read {
            assert_eq!(error.code(), "not_found");
            assert!(recorded.iter().all(|(_, reader)| reader != who), "{who} was refused, and is in the log");
        }
    }
}

#[test]
fn a_key_that_is_handed_out_is_the_one_in_the_log() {
    LazyLock::force(&BEFORE);
    explore("lent", 12, Limits::LongOnesNeverPass, read_while_it_changes);
}
