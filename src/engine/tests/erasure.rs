//! Erasing on rows: the words are removed from all of them, a failing commit erases all or nothing, and a reader never
//! takes a commit that is being rewritten for a damaged one.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use parking_lot::Mutex;

use super::{Rows, all, names, new_secret, ops, put_secret, sound};
use crate::domain::command::{Change, SecretChanges};
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, NewLock};
use crate::domain::name::{Description, GroupName, IdempotencyKey, LockName};
use crate::domain::position::Position;
use crate::domain::version::VersionRef;
use crate::engine::erasure::rewrite;
use crate::engine::log::scan_records;
use crate::storage::faulty::Fault;
use crate::storage::rows::Visit;
use crate::storage::{AnchorMark, Batch, Direction, KeyRange, Memory, Room, Storage, StorageError};
use crate::store::Store;
use crate::store::command::Command;
use crate::store::log_view::LogEntry;

const WORDS: &str = "call Anna, 555-0100";

fn described(text: &str) -> SecretChanges {
    SecretChanges { description: Change::Set(Description::parse(text).unwrap()), ..SecretChanges::default() }
}

fn update(store: &Store, secret: SecretId, text: &str) {
    ops(store).update(secret, described(text)).unwrap();
}

fn erase_all(store: &Store, secret: SecretId) {
    let found = store.erasable_records(secret, Position::FIRST, 1_000).unwrap();
    ops(store).erase_bodies(found).unwrap();
}

/// Returns a secret about Anna whose words have changed since, a deleted one, and saved state that includes neither.
fn about_anna(rows: &Rows) -> [SecretId; 2] {
    let store = rows.open();
    let [changed, deleted] = ["changed", "deleted"].map(|name| {
        let secret = put_secret(&store, name);
        update(&store, secret, WORDS);
        let lock = NewLock::new(LockName::parse("app").unwrap()).described(Description::parse(WORDS).unwrap());
        ops(&store).place_lock(secret, VersionRef::Current, lock).unwrap();
        secret
    });
    // With these, a close writes saved state.
    let many = put_secret(&store, "many");
    let locks = (0..1_000).map(|number| NewLock::new(LockName::parse(&format!("lock-{number}")).unwrap())).collect();
    ops(&store).run(Command::place_locks(many, VersionRef::Current, locks, LockMode::Keep)).unwrap();
    store.close().unwrap();
    let store = rows.open();
    let app = || LockName::parse("app").unwrap();
    for secret in [changed, deleted] {
        ops(&store).remove_lock(secret, VersionRef::Current, app()).unwrap();
    }
    update(&store, changed, "call the desk");
    ops(&store).delete(deleted).unwrap();
    store.close().unwrap();
    [changed, deleted]
}

fn holding_words(rows: &Rows) -> usize {
    let holds = |row: &[u8]| row.windows(WORDS.len()).any(|window| window == WORDS.as_bytes());
    all(&rows.0, &KeyRange::all()).iter().filter(|(_, row)| holds(row)).count()
}

#[test]
fn erased_words_are_in_no_row() {
    let rows = Rows::new();
    let secrets = about_anna(&rows);
    assert!(holding_words(&rows) >= 4, "log and saved state hold them");
    let store = rows.open();
    let picture = |store: &Store| {
        let secrets = store.secrets();
        secrets.iter().map(|secret| (secret.id, secret.metadata.clone(), secret.versions.clone())).collect::<Vec<_>>()
    };
    let before = picture(&store);
    secrets.iter().for_each(|secret| erase_all(&store, *secret));
    assert_eq!(picture(&store), before);
    assert_eq!(holding_words(&rows), 0);
    sound(&store);
    store.close().unwrap();
    let store = rows.open();
    assert!(!store.status().unwrap().rebuilt_at_open, "saved state still fits");
    assert_eq!(picture(&store), before);
    sound(&store);
}

#[test]
fn a_commit_that_fails_erases_everything_or_nothing() {
    for (fault, is_erased) in [(Fault::Before, false), (Fault::After, true)] {
        let rows = Rows::new();
        let [changed, _] = about_anna(&rows);
        let before = holding_words(&rows);
        let (store, faulty) = rows.open_faulty();
        let found = store.erasable_records(changed, Position::FIRST, 1_000).unwrap();
        faulty.plan(0, fault);
        assert_eq!(ops(&store).erase_bodies(found).unwrap_err().code(), "poisoned");
        store.close().unwrap_or_default();
        assert_eq!(holding_words(&rows) < before, is_erased);
        let store = rows.open();
        sound(&store);
        let mut said = 0;
        let count = |entry| {
            said +=
                usize::from(matches!(entry, LogEntry::Known(record) if matches!(record.event, Event::BodiesErased(_))));
            ControlFlow::Continue(())
        };
        store.for_each_record(Position::FIRST, count).unwrap();
        assert_eq!(said == 1, is_erased);
        assert!(names(&store).contains(&"changed".to_owned()));
    }
}

#[test]
fn what_cannot_be_erased_is_named() {
    let rows = Rows::new();
    let store = rows.open();
    let secret = put_secret(&store, "one");
    let end = store.status().unwrap().log_size.get();
    let erase = |positions: &[u64]| ops(&store).erase_bodies(positions.iter().map(|at| Position::new(*at)));
    let created = store.erasable_records(secret, Position::FIRST, 1).unwrap()[0].get();
    for (positions, words) in [
        (vec![], "positions takes 1 to 1,000"),
        ((0..1_001).collect(), "positions takes 1 to 1,000"),
        (vec![0, created], "position 0 cannot be erased"),
        (vec![created, end], &format!("position {end} lies beyond the end of the log")),
    ] {
        let error = erase(&positions).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(store.status().unwrap().log_size.get(), end, "a refusal leaves nothing");
    let session = ops(&store).once(IdempotencyKey::parse("erase").unwrap());
    let receipt = session.erase_bodies([Position::new(created)]).unwrap();
    assert_eq!((receipt.events, receipt.secret, receipt.version), (3, Some(secret), None));
    assert!(erase(&[created]).unwrap_err().to_string().contains(&format!("position {created} is erased already")));
    assert!(session.erase_bodies([Position::new(created)]).unwrap().remembered);
    let forecast = ops(&store).dry_run(&Command::erase_bodies([receipt.position])).unwrap();
    assert_eq!(forecast.events.len(), 3, "what is restated can be erased as well");
    sound(&store);
}

#[test]
fn groups_are_restated_and_their_words_gone() {
    let rows = Rows::new();
    let store = rows.open();
    let made = |text| Command::create_group(GroupName::parse("payments").unwrap(), Description::parse(text).ok());
    let at = ops(&store).run(made(WORDS)).unwrap().position;
    let (group, before) = store.groups().remove(0);
    ops(&store).create(new_secret("inside").in_group(group)).unwrap();
    ops(&store).run(Command::update_group(group, None, Change::Clear)).unwrap();
    ops(&store).erase_bodies([at]).unwrap();
    assert_eq!(holding_words(&rows), 0);
    store.close().unwrap();
    for row in rows.under(crate::codec::keys::SAVED_WHOLE[0]) {
        rows.remove(&row.0);
    }
    let store = rows.open();
    let (found, after) = store.groups().remove(0);
    assert_eq!((found, after.created_at, after.secrets), (group, before.created_at, 1));
    sound(&store);
}

/// Rows that are changed during a read.
struct Interrupted {
    rows: Memory,
    at_row: usize,
    change: Mutex<Option<Batch>>,
}

impl Storage for Interrupted {
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.rows.get(row_key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        let mut row = 0;
        self.rows.scan(range, direction, &mut |key, value| {
            row += 1;
            if row == self.at_row
                && let Some(change) = self.change.lock().take()
            {
                self.rows.commit(&change).unwrap();
            }
            visit(key, value)
        })
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        self.rows.commit(batch)
    }

    fn anchor(&self) -> Option<AnchorMark> {
        None
    }

    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError> {
        self.rows.write_anchor(mark)
    }

    fn room(&self) -> Result<Room, StorageError> {
        self.rows.room()
    }

    fn size_bytes(&self) -> Result<u64, StorageError> {
        self.rows.size_bytes()
    }

    fn close(&self) -> Result<(), StorageError> {
        self.rows.close()
    }
}

/// A commit of many chunks is rewritten between two chunks that a reader reads.
#[test]
fn whoever_reads_meanwhile_sees_a_whole_log() {
    let rows = Rows::new();
    let store = rows.open();
    let secret = put_secret(&store, "many");
    let text = Description::parse(&"x".repeat(1_000)).unwrap();
    let lock = |number| NewLock::new(LockName::parse(&format!("lock-{number}")).unwrap()).described(text.clone());
    let locks = (0..1_000).map(lock).collect();
    let placed = ops(&store).run(Command::place_locks(secret, VersionRef::Current, locks, LockMode::Keep)).unwrap();
    store.close().unwrap();
    let size = placed.position.next();
    for at_row in [5, 70, 140] {
        let fork = rows.fork();
        let erased = BTreeSet::from([Position::new(placed.position.get() - 500)]);
        let mut change = Batch::new();
        rewrite(&fork.0, &erased).unwrap().unwrap().put(&mut change).unwrap();
        let change = Mutex::new(Some(change));
        let interrupted = Interrupted { rows: fork.0.reopen(), at_row, change };
        let (mut seen, mut gone) = (0, 0);
        scan_records(&interrupted, Position::FIRST, size, &mut |raw| {
            assert_eq!(raw.header().position.get(), seen);
            seen += 1;
            gone += usize::from(raw.body().is_none());
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        assert!(interrupted.change.lock().is_none(), "nothing came in between");
        assert_eq!(seen, size.get());
        assert!(gone <= 1);
    }
}
