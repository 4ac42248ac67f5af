//! Quarantine: in a restored store nothing lapses and no version is touched, until a person ends it. And what is left
//! where no data came along.

use super::kind::{DAY, HOUR, Kind};
use super::world::{World, lock, named, number, word};
use crate::domain::command::Command;
use crate::domain::event::{Event, KeySlotAdded, KeySlotRemoved, SigningKeySet, StoreRestored};
use crate::domain::id::SecretId;
use crate::domain::lock::LockMode;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::record::Idempotency;
use crate::domain::secret::Lifecycle;
use crate::domain::settings::KeySlotKind;
use crate::domain::state::State;
use crate::domain::version::VersionData;
use crate::domain::version::VersionRef::{Current, Previous};

const NO: &str = "store_quarantined";

impl World {
    /// Makes a record of a restore, with the key that goes with it.
    pub(super) fn restored(&mut self, from: RestoredFrom) {
        let number = self.state.whole.next_signing_key().unwrap();
        let restored = StoreRestored {
            from,
            log_size: self.state.log_size(),
            with_data: from == RestoredFrom::Backup,
            incarnation: self.state.whole.incarnation().restored_at(self.now),
            accepted_steps: Box::default(),
        };
        let key = SigningKeySet { number, verifier_key: "restored".into() };
        let mut events = vec![Event::from(restored)];
        events.extend(own_slot(&self.state).into_iter().filter(|_| from == RestoredFrom::Export));
        events.push(key.into());
        self.append(events.into_iter().map(|event| (None, event)).collect(), &self.terms.clone());
    }

    fn end_quarantine(&mut self) {
        self.ask(&Command::EndQuarantine).unwrap();
        self.check_events(&["QuarantineEnded"]);
    }
}

/// What a restore from an export makes of the key slots: one of its own, in place of all others.
pub(in crate::domain::decide) fn own_slot(state: &State) -> Vec<Event> {
    let there = &state.whole.key_slots;
    let slot = (0..8).find(|slot| !there.contains_key(slot)).expect("a slot is free");
    let others = there.keys().map(|slot| Event::from(KeySlotRemoved { slot: *slot }));
    [KeySlotAdded { slot, kind: KeySlotKind::KeyFile }.into()].into_iter().chain(others).collect()
}

/// A secret of a kind with two versions, in a store that was restored.
fn given(kind: Kind) -> (World, SecretId) {
    let mut world = World::new();
    let secret = world.secret(kind);
    if !matches!(kind, Kind::FreshKey) {
        world.rotate(secret).unwrap();
    }
    world.restored(RestoredFrom::Backup);
    (world, secret)
}

/// Asks in quarantine, and again after it.
#[track_caller]
fn check(kind: Kind, asks: impl Fn(&mut World, SecretId) -> Command, in_quarantine: &str, after: &str) {
    let (mut world, secret) = given(kind);
    let command = asks(&mut world, secret);
    let before = world.shows(secret);
    assert_eq!(word(&world.clone().ask(&command)), in_quarantine, "in quarantine: {command:?}");
    assert_eq!(world.shows(secret), before);
    world.end_quarantine();
    assert_eq!(word(&world.ask(&command)), after, "after it: {command:?}");
    world.check_replay();
}

#[test]
fn what_touches_a_version_waits_for_the_end_of_the_quarantine() {
    use crate::domain::version::VersionOrigin::{RotatedByHand, RotatedByPolicy};
    check(Kind::Arbitrary, |world, secret| world.rotation(secret, RotatedByHand), NO, "ok");
    check(
        Kind::Arbitrary,
        |world, secret| world.rotation(secret, RotatedByPolicy),
        "version_changed",
        "version_changed",
    );
    check(Kind::Password, World::restoring, NO, "ok");
    check(Kind::Kv, |_, secret| Command::DestroyData { secret, version: Previous }, NO, "ok");
    check(Kind::Certificate, |_, secret| Command::DeleteSecret { secret }, NO, "ok");
    check(Kind::FreshKey, World::reading, NO, "ok");
}

#[test]
fn what_touches_none_goes_on() {
    check(Kind::Arbitrary, World::reading, "ok", "ok");
    check(Kind::Arbitrary, |world, _| world.creation(Kind::Kv, "new"), "ok", "ok");
    check(Kind::ReusedKey, World::creation_of_a_lock, "ok", "ok");
    check(Kind::Arbitrary, World::creation_of_a_lock, "ok", "ok");
    check(Kind::Arbitrary, |_, _| Command::RollEpoch { epoch: 2 }, "ok", "ok");
    check(Kind::Arbitrary, |_, _| Command::RecordHeartbeat, "ok", "ok");
}

impl World {
    fn creation_of_a_lock(&mut self, secret: SecretId) -> Command {
        let (locks, mode) = (vec![lock("app")], LockMode::Keep);
        Command::PlaceLocks {
            targets: vec![crate::domain::command::LockTarget { secret, version: Current, locks, mode }],
        }
    }
}

#[test]
fn freeing_the_previous_version_of_its_data_is_refused_and_freeing_it_of_its_lock_is_not() {
    let (mut world, secret) = given(Kind::Arbitrary);
    world.locked(secret, Previous, &["app"]);
    let refused = world.place(secret, Current, vec![lock("app")], LockMode::RemovePreviousAndDelete);
    assert_eq!(word(&refused), NO);
    assert_eq!(world.shows(secret), "1:app 2:");
    world.place(secret, Current, vec![lock("app")], LockMode::RemovePrevious).unwrap();
    assert_eq!(world.shows(secret), "1: 2:app");
}

#[test]
fn no_secret_expires_and_no_lease_ends_in_quarantine_and_all_that_is_due_happens_after_it() {
    let mut world = World::new();
    let expiring = world.expiring(Kind::Arbitrary, DAY);
    let leased = world.secret(Kind::Arbitrary);
    world.place(leased, Current, vec![lock("job").until(world.after(HOUR))], LockMode::Keep).unwrap();
    world.restored(RestoredFrom::Backup);
    world.pass(2 * DAY);
    for secret in [expiring, leased] {
        assert_eq!(world.ask(&Command::Lapse { secret }).unwrap().events, 0);
    }
    assert_eq!((world.shows(expiring).as_str(), world.shows(leased).as_str()), ("1:", "1:job"));
    world.end_quarantine();
    world.wait(0);
    assert_eq!((world.shows(expiring).as_str(), world.shows(leased).as_str()), ("", "1:"));
    assert_eq!(world.get(expiring).lifecycle, Lifecycle::Destroyed);
    world.check_replay();
}

#[test]
fn removing_the_last_lock_in_quarantine_lets_nothing_expire_before_it_ends() {
    let mut world = World::new();
    let secret = world.expiring(Kind::Arbitrary, DAY);
    world.locked(secret, Current, &["app"]);
    world.wait(2 * DAY);
    world.restored(RestoredFrom::Backup);
    world.unlock(secret, Current, named(&["app"])).unwrap();
    world.check_events(&["LockRemoved"]);
    assert_eq!(world.shows(secret), "1:");
    world.end_quarantine();
    world.wait(0);
    assert_eq!(world.shows(secret), "");
}

#[test]
fn not_yet_is_no_answer_to_remember() {
    let (mut world, secret) = given(Kind::Arbitrary);
    let command = world.rotation(secret, crate::domain::version::VersionOrigin::RotatedByHand);
    let terms = crate::domain::command::Terms {
        idempotency: Some(Idempotency {
            key: crate::domain::name::IdempotencyKey::parse("k").unwrap(),
            fingerprint: [1; 32],
        }),
        ..world.terms.clone()
    };
    assert_eq!(word(&world.ask_on(&terms, &command)), NO);
    world.end_quarantine();
    assert!(!world.ask_on(&terms, &command).unwrap().remembered);
}

#[test]
fn a_quarantine_ends_once_and_a_later_restore_begins_another() {
    let (mut world, _) = given(Kind::Arbitrary);
    assert!(world.state.whole.quarantine().is_some());
    world.end_quarantine();
    assert_eq!(world.ask(&Command::EndQuarantine).unwrap().events, 0);
    world.restored(RestoredFrom::Backup);
    assert_eq!(world.state.whole.quarantine().unwrap().log_size, Position::new(world.log.len() as u64 - 2));
    world.check_replay();
}

#[test]
fn no_two_keys_sign_one_size_of_original_and_restored_log() {
    let mut world = World::new();
    let first = SigningKeySet { number: 1, verifier_key: "first".into() };
    world.append(vec![(None, first.into())], &world.terms.clone());
    world.secret(Kind::Kv);
    let size = world.state.log_size();
    world.restored(RestoredFrom::Backup);
    let whole = &world.state.whole;
    assert_eq!(whole.signing_key_at(size), Some(1), "what both share, the old key signs");
    assert_eq!(whole.signing_key_at(size.next()), Some(2));
    assert_eq!(whole.left_behind(1), Some(size));
    assert_eq!(whole.left_behind(2), None);
    // A change of keys without a restore is covered by the old key.
    let next = SigningKeySet { number: 3, verifier_key: "third".into() };
    world.append(vec![(None, next.into())], &world.terms.clone());
    let whole = &world.state.whole;
    assert_eq!(whole.signing_key_at(whole.log_size), Some(2));
    assert_eq!(whole.signing_key_at(whole.log_size.next()), Some(3));
    assert_eq!(whole.left_behind(2), None);
}

#[test]
fn where_no_data_came_along_versions_say_so_and_their_locks_stand() {
    let mut world = World::new();
    let (static_one, dynamic) = (world.secret_of(Kind::Arbitrary, 2), world.secret(Kind::FreshKey));
    let expiring = world.expiring(Kind::Arbitrary, DAY);
    world.locked(static_one, Previous, &["app"]);
    world.destroy(expiring, Current).unwrap();
    world.restored(RestoredFrom::Export);
    assert_eq!(world.projections.tally.versions_available, 0);
    assert!(matches!(world.version(static_one, Current).data, VersionData::Unavailable { .. }));
    assert!(world.version(expiring, Current).is_destroyed(), "what was destroyed stays so");
    for (answer, code) in [
        (world.read_version(static_one, Current), "version_data_unavailable"),
        (world.place(static_one, Current, vec![lock("new")], LockMode::Keep), "version_data_unavailable"),
        (world.destroy(static_one, Current), "version_data_unavailable"),
        (world.rotate(static_one), NO),
    ] {
        assert_eq!(word(&answer), code);
    }
    world.end_quarantine();
    assert_eq!(word(&world.rotate(static_one)), "secret_version_locked");
    assert_eq!(word(&world.delete(static_one)), "secret_version_locked");
    world.unlock(static_one, number(1), named(&["app"])).unwrap();
    assert_eq!(word(&world.restore(static_one)), "nothing_to_restore");
    world.rotate(static_one).unwrap();
    assert_eq!(world.shows(static_one), "3:");
    world.read(dynamic).unwrap();
    world.check_events(&["VersionRegenerated"]);
    assert!(world.version(dynamic, Current).is_available());
    world.wait(3 * DAY);
    world.delete(static_one).unwrap();
    world.check_replay();
}
