//! The largest permitted inputs: the store accepts each of them, or refuses it as invalid, and continues.
//!
//! Twenty secrets with a thousand locks each once made a batch of 139 MB, which poisoned the store at every open.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use super::chance::Chance;
use super::shell::Shell;
use super::{Rows, opening, ops, put_secret, sound};
use crate::domain::command::{Change, Command as Decided, LockTarget, SecretChanges, Terms};
use crate::domain::id::SecretId;
use crate::domain::json::JsonObject;
use crate::domain::limits;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Actor, Description, Label, LockName, SecretName};
use crate::domain::position::Position;
use crate::domain::secret::{SecretMetadata, SecretSpec};
use crate::domain::version::{VersionOrigin, VersionRef};
use crate::engine::backup::restore;
use crate::engine::clock::{Clock, ManualClock};
use crate::engine::group::Group;
use crate::engine::open::{Access, Place, open_on};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::command::Command;

/// Returns text of this many characters, each of four bytes.
fn wide(chars: usize) -> String {
    "\u{1F512}".repeat(chars)
}

fn json(bytes: usize) -> JsonObject {
    JsonObject::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8))).unwrap()
}

fn largest_actor() -> Actor {
    Actor::parse(&wide(256)).unwrap()
}

fn largest_lock(number: usize) -> NewLock {
    let name = LockName::parse(&format!("l{number:04}{}", "x".repeat(59))).unwrap();
    NewLock::new(name)
        .described(Description::parse(&wide(limits::DESCRIPTION_CHARS_MAX)).unwrap())
        .with_attributes(json(limits::LOCK_ATTRIBUTES_BYTES_MAX))
        .owned_by(largest_actor())
}

fn largest_metadata(number: usize) -> SecretMetadata {
    let name = SecretName::parse(&format!("s{number:05}{}", "x".repeat(250))).unwrap();
    SecretMetadata {
        description: Some(Description::parse(&wide(limits::DESCRIPTION_CHARS_MAX)).unwrap()),
        labels: (0..limits::LABELS_MAX).map(|_| Label::parse(&wide(64)).unwrap()).collect(),
        custom_metadata: Some(json(limits::METADATA_BYTES_MAX)),
        retention: limits::RETENTION_MAX,
        ..SecretMetadata::bare(name)
    }
}

impl Shell {
    /// Decides commands as a group that grows until it is full, and commits it like the writer.
    fn group(&mut self, commands: impl IntoIterator<Item = Decided>) {
        let terms = Terms::by(largest_actor());
        let mut group = Group::new(self.kept.end.size);
        for command in commands {
            self.append(&mut group, &command, &terms);
            if group.is_full() {
                let full = std::mem::replace(&mut group, Group::new(self.kept.end.size));
                self.commit(full);
            }
        }
        self.commit(group);
    }

    fn largest_secret(&mut self, number: usize) -> Decided {
        let next = self.largest_version();
        let id = SecretId::from_bytes(self.chance.id());
        let metadata = largest_metadata(number);
        let group = crate::domain::id::GroupId::DEFAULT;
        Decided::CreateSecret {
            id,
            group,
            metadata,
            spec: SecretSpec::Arbitrary,
            policy: None,
            expires: None,
            first: Some(next),
        }
    }

    fn largest_version(&mut self) -> crate::domain::command::Prepared {
        let custom_metadata = Some(json(limits::METADATA_BYTES_MAX));
        crate::domain::command::Prepared { custom_metadata, ..self.prepared(None) }
    }

    /// Returns permitted commands of the largest form.
    fn extreme(&mut self, number: usize) -> Vec<Decided> {
        let Some(secret) = self.random_secret() else { return vec![self.largest_secret(number)] };
        let (secret, lease) = (secret.id, self.now.plus(Duration::from_secs(60)));
        let locks = |lease: bool, end| {
            (0..limits::LOCKS_MAX)
                .map(|at| if lease { largest_lock(at).until(end) } else { largest_lock(at) })
                .collect()
        };
        let target = |locks| LockTarget { secret, version: VersionRef::Current, locks, mode: LockMode::RemovePrevious };
        match self.chance.below(6) {
            0 => vec![self.largest_secret(number)],
            1 => (0..limits::VERSIONS_MAX)
                .map(|_| {
                    let next = self.largest_version();
                    Decided::Rotate { secret, origin: VersionOrigin::RotatedByHand, next }
                })
                .collect(),
            2 => vec![Decided::PlaceLocks { targets: vec![target(locks(true, lease))] }],
            3 => {
                let names = LockNames::All;
                vec![Decided::RemoveLocks { secret, version: VersionRef::Current, names }]
            }
            _ => vec![Decided::PlaceLocks { targets: vec![target(locks(false, lease))] }],
        }
    }
}

/// Every group fits into a batch, with any rows of saved and past states, and so does every erasure.
#[test]
fn nothing_that_is_permitted_makes_a_batch_too_large() {
    let mut shell = Shell::new(71);
    shell.kept.history.keep_every(900);
    let first: Vec<_> = (0..7).map(|number| shell.largest_secret(number)).collect();
    shell.group(first);
    for secret in shell.kept.state.secrets.keys().copied().collect::<Vec<_>>() {
        let locks = (0..limits::LOCKS_MAX).map(largest_lock).collect();
        let target = LockTarget { secret, version: VersionRef::Current, locks, mode: LockMode::Keep };
        shell.group([Decided::PlaceLocks { targets: vec![target] }]);
    }
    for number in 10..16 {
        let commands = shell.extreme(number);
        shell.group(commands);
        shell.now = shell.now.plus(Duration::from_secs(shell.chance.below(120)));
    }
    let many = (0..limits::LOCKS_MAX).map(|_| Decided::RecordHeartbeat).collect::<Vec<_>>();
    shell.group(many);
    assert!(shell.marks > 0, "no pass of saved state ended");
    shell.check_recovery("the largest rows");
    erase_what_can_be(&mut shell);
    shell.reopen();
    shell.check_rebuild("after all of it");
}

/// Erases records of one secret after another, as many at a time as are accepted.
fn erase_what_can_be(shell: &mut Shell) {
    let secrets: Vec<SecretId> = shell.kept.state.secrets.keys().copied().take(1).collect();
    for secret in secrets {
        let span = Position::FIRST..shell.kept.end.size;
        let found = crate::engine::erasure::erasable_records(&shell.rows.0, secret, span, 1_000).unwrap();
        for few in found.chunks(500) {
            let few: BTreeSet<Position> = few.iter().copied().collect();
            shell.erase_these(&few);
        }
    }
}

/// The same through the public interface: the store closes, opens, is backed up and restored, and bodies are erased.
#[test]
fn a_store_of_the_largest_secrets_closes_opens_and_is_backed_up() {
    let rows = Rows::new();
    let store = rows.open();
    let mut chance = Chance(5);
    let session = store.acting_as(largest_actor());
    let ids: Vec<SecretId> = (0..6).map(|number| put_secret(&store, &format!("secret-{number}"))).collect();
    for id in &ids {
        let changes = SecretChanges {
            description: Change::Set(Description::parse(&wide(limits::DESCRIPTION_CHARS_MAX)).unwrap()),
            labels: Some((0..limits::LABELS_MAX).map(|_| Label::parse(&wide(64)).unwrap()).collect()),
            custom_metadata: Change::Set(json(limits::METADATA_BYTES_MAX)),
            retention: Some(limits::RETENTION_MAX),
            ..SecretChanges::default()
        };
        session.update(*id, changes).unwrap();
        let locks = (0..limits::LOCKS_MAX).map(largest_lock).collect();
        session.run(Command::place_locks(*id, VersionRef::Current, locks, LockMode::Keep)).unwrap();
    }
    store.close().unwrap();
    let store = rows.open();
    assert!(store.status().unwrap().replayed_at_open < 10, "saved state was written");
    let some = ids[usize::try_from(chance.below(6)).unwrap()];
    let found = store.erasable_records(some, Position::FIRST, 1_000).unwrap();
    store.acting_as(largest_actor()).erase_bodies(found).unwrap();
    let mut file = Vec::new();
    let key = Unlock::bytes(SecretBytes::copy_from(&[8; 32]));
    store.0.backup(&mut file, (&key, PassphraseCost::FLOOR), &mut |_| {}).unwrap();
    store.close().unwrap();
    let (restored, report) = restore(Cursor::new(file), &key, &opening(Place::Memory), &mut |_| {}).unwrap();
    assert_eq!(report.secrets, 6);
    let restored = Store::new(restored);
    ops(&restored).end_quarantine().unwrap();
    sound(&restored);
    restored.close().unwrap();
}

/// A hundred secrets whose thousand leases end at once once made one group of 45 MB; 256 of them made one that no batch
/// holds.
#[test]
fn leases_that_end_together_end_in_groups_that_fit() {
    let rows = Rows::new();
    let clock = ManualClock::at(opening(Place::Memory).clock.now());
    let opening = super::Opening { clock: Arc::new(clock.clone()), ..opening(Place::Memory) };
    let store = open_on(Arc::new(rows.0.reopen()), &opening, Access::ReadWrite).map(Store::new).unwrap();
    let session = ops(&store);
    let end = clock.now().plus(Duration::from_secs(60));
    let ids: Vec<SecretId> = (0..80).map(|number| put_secret(&store, &format!("secret-{number}"))).collect();
    for id in &ids {
        let lock = |at| NewLock::new(LockName::parse(&format!("lock-{at}")).unwrap()).until(end);
        let locks = (0..limits::LOCKS_MAX).map(lock).collect();
        session.run(Command::place_locks(*id, VersionRef::Current, locks, LockMode::Keep)).unwrap();
    }
    clock.advance(Duration::from_secs(120));
    // A command about all of them first ends the leases of each.
    let target = |secret: &SecretId| {
        let lock = NewLock::new(LockName::parse("after").unwrap());
        LockTarget { secret: *secret, version: VersionRef::Current, locks: vec![lock], mode: LockMode::Keep }
    };
    session.run(Command::place_lock_set(ids.iter().map(target).collect())).unwrap();
    assert!(ids.iter().all(|id| store.secret(*id).unwrap().locks_total() == 1));
    let largest = super::all(&rows.0, &crate::storage::KeyRange::prefix(&[crate::codec::keys::LOG]));
    let chunks = largest.iter().map(|(key, _)| u32::from_be_bytes(*key.last_chunk().unwrap())).max().unwrap();
    assert!(chunks < 3_000, "a commit of {chunks} chunks");
    store.close().unwrap();
    let _open = rows.open();
    assert_eq!(rows.recover().snapshot.state.secrets.len(), 80);
}
