//! Honest histories in which every event occurs, made by asking as hosts, people and workers do.

use std::time::Duration;

use super::super::kind::{DAY, HOUR, Kind, TTL, api_key};
use super::super::world::{World, actor, keyed, lock, named, number};
use crate::domain::clock::{ClockConfirmedBy, ClockHeld, ClockRanBack};
use crate::domain::command::{Change, Command, LockTarget, SecretChanges, Terms};
use crate::domain::event::{AccessRecorded, Event};
use crate::domain::fencing::FencingToken;
use crate::domain::id::{GroupId, SecretId};
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Description, GroupName, IssuerName, LockName, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::record::Record;
use crate::domain::rotation_event::StrangersFound;
use crate::domain::secret::ApiKeyUse;
use crate::domain::settings::{AccessAudit, KeySlotKind, Settings};
use crate::domain::version::VersionOrigin;
use crate::domain::version::VersionRef::{Current, Previous};

/// A history, by its name.
pub(super) struct History {
    pub(super) name: &'static str,
    pub(super) log: Vec<Record>,
}

impl History {
    pub(super) fn of(name: &'static str, world: World) -> Self {
        world.check_replay();
        Self { name, log: world.log }
    }
}

impl World {
    fn every(&mut self, secret: SecretId, days: u16) {
        let policy = RotationPolicy::every(Interval::new(days, IntervalUnit::Day).unwrap());
        self.ask(&Command::SetPolicy { secret, policy }).unwrap();
    }

    fn lease(&self, name: &str, secs: u64) -> NewLock {
        NewLock { expires: Some(self.after(secs).into()), ..lock(name) }
    }

    fn by(&mut self, name: &str) {
        self.terms = Terms::by(actor(name));
    }
}

fn describe(world: &mut World, secret: SecretId, name: &str) {
    let name = SecretName::parse(name).ok();
    let description = Change::Set(Description::parse("told").unwrap());
    world.update(secret, SecretChanges { name, description, ..Default::default() }).unwrap();
}

/// What people do to secrets whose data they bring along.
pub(super) fn people() -> History {
    let mut world = World::new();
    let one = world.secret(Kind::Password);
    world.pass(5);
    world.read(one).unwrap();
    describe(&mut world, one, "token");
    world.every(one, 10);
    let note = JsonObject::parse(r#"{"note":"x"}"#).unwrap();
    world.ask(&Command::UpdateVersion { secret: one, version: Current, custom_metadata: Some(note) }).unwrap();
    world.locked(one, Current, &["app", "web"]);
    world.rotate(one).unwrap();
    world.by("anna");
    let _ = world.rotate(one);
    let _ = world.restore(one);
    let _ = world.delete(one);
    let _ = world.destroy(one, Previous);
    world.pass(DAY * 11);
    let scheduled = world.rotation(one, VersionOrigin::RotatedByPolicy);
    let _ = world.ask(&scheduled);
    world.place(one, Current, vec![lock("app")], LockMode::RemovePrevious).unwrap();
    world.unlock(one, Previous, named(&["web"])).unwrap();
    world.restore(one).unwrap();
    world.ask(&Command::ClearPolicy { secret: one }).unwrap();
    world.place(one, Current, vec![lock("app")], LockMode::RemovePreviousAndDelete).unwrap();
    world.unlock(one, Current, LockNames::All).unwrap();
    world.destroy(one, Current).unwrap();
    let two = world.secret(Kind::Password);
    world.delete(one).unwrap();
    world.rotate(two).unwrap();
    describe(&mut world, two, "token");
    world.every(two, 5);
    world.pass(6 * DAY);
    let scheduled = world.rotation(two, VersionOrigin::RotatedByPolicy);
    world.ask(&scheduled).unwrap();
    world.locked(two, Current, &["app"]);
    world.by("ben");
    world.locked(two, Current, &["web"]);
    world.pass(DAY);
    world.unlock(two, Current, named(&["app"])).unwrap();
    History::of("people", world)
}

/// Leases, owners, tokens, sets of locks, and ends.
pub(super) fn ends() -> History {
    let mut world = World::new();
    let (one, two) = (world.expiring(Kind::Arbitrary, DAY), world.expiring(Kind::Password, 2 * DAY));
    let leases = vec![world.lease("lease", HOUR), world.lease("long", 3 * DAY)];
    world.place(one, Current, leases, LockMode::Keep).unwrap();
    let name = LockName::parse("lease").unwrap();
    let expires = world.after(2 * HOUR).into();
    world.ask(&Command::RenewLock { secret: one, version: Current, name, expires, fencing_token: None }).unwrap();
    let owned = NewLock { owner: Some(actor("anna")), ..lock("own") };
    let target = |secret| LockTarget { secret, version: Current, locks: vec![owned.clone()], mode: LockMode::Keep };
    world.ask(&Command::PlaceLocks { targets: vec![target(one), target(two)] }).unwrap();
    world.by("ben");
    world.terms.force = true;
    world.unlock(one, Current, named(&["own"])).unwrap();
    world.place(two, Current, vec![lock("own")], LockMode::Keep).unwrap();
    world.terms.force = false;
    world.wait(3 * HOUR);
    world.wait(DAY);
    world.unlock(two, Current, LockNames::All).unwrap();
    world.wait(2 * DAY);
    let certificate = world.secret(Kind::Certificate);
    world.locked(certificate, Current, &["app"]);
    world.wait(60 * DAY);
    History::of("ends", world)
}

/// Credentials that a read makes, under the audit of each strictness.
pub(super) fn reads() -> History {
    let mut world = World::new();
    let (fresh, reused) = (world.secret(Kind::FreshKey), world.secret(Kind::ReusedKey));
    world.read(fresh).unwrap();
    world.read(reused).unwrap();
    world.locked(fresh, Current, &["app"]);
    let _ = world.read(fresh);
    let version = world.get(fresh).current().unwrap().id;
    world.pass(9);
    let access = |secret, version| AccessRecorded {
        secret,
        version,
        reader: actor("anna"),
        reads: 2,
        first_at: world.now,
        last_at: world.now,
    };
    let other = world.get(reused).current().unwrap().id;
    let accesses = vec![access(fresh, version), access(reused, other)];
    world.ask(&Command::RecordAccess { reads: accesses }).unwrap();
    let settings = Settings { access_audit: AccessAudit::Strict, refuse_rotation_while_locked: true };
    world.ask(&Command::ChangeSettings { settings }).unwrap();
    world.unlock(fresh, Current, LockNames::All).unwrap();
    world.read(fresh).unwrap();
    world.read(reused).unwrap();
    let plain = world.secret(Kind::Kv);
    world.read(plain).unwrap();
    world.read(plain).unwrap();
    let spec = Some(api_key(TTL / 2, ApiKeyUse::FreshPerRead));
    let name = SecretName::parse("half").ok();
    world.update(fresh, SecretChanges { spec, name, ..Default::default() }).unwrap();
    world.locked(fresh, Current, &["app"]);
    world.wait(TTL);
    world.unlock(fresh, Current, LockNames::All).unwrap();
    world.read(fresh).unwrap();
    History::of("reads", world)
}

fn group(world: &mut World, id: u8, name: &str) {
    let (id, name) = (GroupId::from_bytes([id; 16]), GroupName::parse(name).unwrap());
    world.ask(&Command::CreateGroup { id, name, description: None }).unwrap();
}

/// Groups, key slots, epochs, signing keys, remembered answers, and what the clock and the writer say themselves.
pub(super) fn store() -> History {
    let mut world = World::new();
    group(&mut world, 1, "one");
    group(&mut world, 2, "two");
    let (id, name) = (GroupId::from_bytes([1; 16]), GroupName::parse("three").ok());
    world.ask(&Command::UpdateGroup { group: id, name, description: Change::Keep }).unwrap();
    world.ask(&Command::AddKeySlot { slot: 1, kind: KeySlotKind::Passphrase }).unwrap();
    world.ask(&Command::RemoveKeySlot { slot: 0 }).unwrap();
    world.ask(&Command::RollEpoch { epoch: 2 }).unwrap();
    world.ask(&Command::RetireEpoch { epoch: 1 }).unwrap();
    world.ask(&Command::SetSigningKey { number: 1, verifier_key: "one".into() }).unwrap();
    world.ask(&Command::SetSigningKey { number: 2, verifier_key: "two".into() }).unwrap();
    world.ask(&Command::RecordHeartbeat).unwrap();
    let ran_back = ClockRanBack { observed_at: crate::domain::time::Timestamp::EPOCH };
    world.append(vec![(None, Event::from(ran_back))], &world.terms.clone());
    let held = ClockHeld { observed_at: world.after(9 * DAY), boot: None };
    world.ask(&Command::HoldClock(held)).unwrap();
    world.ask(&Command::ConfirmClock(ClockConfirmedBy::Person)).unwrap();
    for credentials in [2, 1, 0] {
        let found = StrangersFound { issuer: IssuerName::parse("database").unwrap(), credentials };
        world.ask(&Command::NoteStrangers(found)).unwrap();
    }
    let mut creation = world.creation(Kind::Kv, "in-a-group");
    if let Command::CreateSecret { group, .. } = &mut creation {
        *group = id;
    }
    let secret = world.ask(&creation).unwrap().secret.unwrap();
    remembered(&mut world, secret);
    world.ask(&Command::DeleteGroup { group: GroupId::from_bytes([2; 16]) }).unwrap();
    world.rotate(secret).unwrap();
    world.delete(secret).unwrap();
    world.ask(&Command::DeleteGroup { group: id }).unwrap();
    History::of("store", world)
}

/// A clock that was years ahead, and is rebased: what was made in the wrong time goes on.
pub(super) fn rebased() -> History {
    let mut world = World::new();
    let secret = world.secret(Kind::Password);
    world.every(secret, 1);
    world.pass(900 * DAY);
    let lease = world.lease("app", HOUR);
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    let by_policy = world.rotation(secret, VersionOrigin::RotatedByPolicy);
    world.ask(&by_policy).unwrap();
    world.erase(|record| record.secret() == Some(secret)).unwrap().unwrap();
    world.rebase(900 * DAY).unwrap();
    world.wait(HOUR);
    world.erase(|record| record.secret() == Some(secret)).unwrap().unwrap();
    world.wait(DAY);
    let by_policy = world.rotation(secret, VersionOrigin::RotatedByPolicy);
    world.ask(&by_policy).unwrap();
    world.pass(400 * DAY);
    world.ask(&Command::RecordHeartbeat).unwrap();
    world.rebase(HOUR).unwrap();
    world.rotate(secret).unwrap();
    History::of("rebased", world)
}

/// Bodies that are erased, of a secret and of its group, and what is restated.
pub(super) fn erased() -> History {
    let mut world = World::new();
    group(&mut world, 1, "one");
    let id = GroupId::from_bytes([1; 16]);
    let mut creation = world.creation(Kind::Kv, "in-a-group");
    if let Command::CreateSecret { group, .. } = &mut creation {
        *group = id;
    }
    let secret = world.ask(&creation).unwrap().secret.unwrap();
    world.erase(|record| matches!(record.event, Event::GroupCreated(_))).unwrap().unwrap();
    world.locked(secret, Current, &["app"]);
    world.erase(|record| record.secret() == Some(secret)).unwrap().unwrap();
    world.rotate(secret).unwrap();
    world.erase(|_| true).unwrap().unwrap();
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.delete(secret).unwrap();
    world.ask(&Command::DeleteGroup { group: id }).unwrap();
    History::of("erased", world)
}

/// Answers under idempotency keys: done, nothing to do, refused.
fn remembered(world: &mut World, secret: SecretId) {
    let keyed = |world: &mut World, key: &str, command: &Command| {
        let terms = Terms { idempotency: Some(keyed(key, 1)), ..world.terms.clone() };
        let _ = world.ask_on(&terms, command);
        world.pass(1);
    };
    let next = world.rotation(secret, VersionOrigin::RotatedByHand);
    keyed(world, "rotate", &next);
    keyed(world, "nothing", &Command::ClearPolicy { secret });
    keyed(world, "refused", &Command::DestroyData { secret, version: number(9) });
    keyed(world, "nobody", &Command::ClearPolicy { secret: super::super::world::NOBODY });
    let name = LockName::parse("none").unwrap();
    let (expires, fencing_token) = (Duration::from_secs(9).into(), None::<FencingToken>);
    keyed(world, "lock", &Command::RenewLock { secret, version: Current, name, expires, fencing_token });
    keyed(world, "slot", &Command::RemoveKeySlot { slot: 1 });
}
