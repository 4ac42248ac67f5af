//! Histories that cannot have happened, with right hashes: a case for each rule.

use super::scenario::{
    LOG, Scenario, actor, api_key, failure, key as signing_key, lock, lock_name, placed_lock, verify, word,
};
use crate::audit::{Check, Replay, Rule};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::event::{
    EpochRetired, EpochRolled, Event, ExpirationHeld, GroupCreated, GroupDeleted, GroupUpdated, KeySlotAdded,
    KeySlotRemoved, LockExpired, LockPlaced, LockRemoved, LockRenewed, PolicyCleared, SecretCreated, SecretDeleted,
    SecretExpired, SecretUpdated, SigningKeySet, SpecUpdated, StoreCreated, VersionAdded, VersionDataDestroyed,
    VersionDownloaded, VersionRegenerated, VersionUpdated,
};
use crate::domain::id::{DataKeyId, GroupId, LogId, SecretId, VersionId};
use crate::domain::lock::LockRemoval;
use crate::domain::name::GroupName;
use crate::domain::position::{Position, Revision, VersionNumber};
use crate::domain::record::Subject;
use crate::domain::secret::{Lifecycle, SecretSpec};
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::version::VersionRef::{Current, Previous};
use crate::domain::version::{DestroyCause, VersionDetails, VersionOrigin};

/// A log with one secret of some type, and what a case adds to it.
pub(super) struct Case {
    pub(super) log: Scenario,
    pub(super) secret: SecretId,
}

impl Case {
    pub(super) fn on(&mut self, event: impl Into<Event>) {
        let secret = self.secret;
        self.log.append(vec![(Some(secret), event.into())]);
    }

    pub(super) fn whole(&mut self, event: impl Into<Event>) {
        self.log.append(vec![(None, event.into())]);
    }

    pub(super) fn current(&self) -> VersionId {
        self.log.current(self.secret)
    }

    pub(super) fn data_key(&self) -> DataKeyId {
        self.log.get(self.secret).current().unwrap().data.sealed().unwrap().data_key
    }

    pub(super) fn lock(&mut self) {
        self.log.lock(self.secret, Current, vec![lock("app")]);
    }

    pub(super) fn destroy(&mut self) {
        let (version, data_key) = (self.current(), self.data_key());
        self.on(VersionDataDestroyed { version, data_key, cause: DestroyCause::Requested });
    }

    pub(super) fn added(&mut self, number: u64) -> VersionAdded {
        let prepared = self.log.prepared();
        VersionAdded {
            version: prepared.version,
            number: VersionNumber::new(number),
            origin: VersionOrigin::RotatedByHand,
            restored_from: None,
            sealed: prepared.sealed,
            details: VersionDetails::Plain,
            expires_at: None,
            custom_metadata: None,
        }
    }

    pub(super) fn regenerated(&mut self) -> VersionRegenerated {
        let (version, destroyed) = (self.current(), Some(self.data_key()));
        let sealed = self.log.sealed();
        VersionRegenerated { version, destroyed, sealed, details: VersionDetails::Plain, expires_at: None }
    }

    pub(super) fn created(name: &str) -> SecretCreated {
        let (group, metadata) = (GroupId::DEFAULT, Scenario::metadata(name));
        SecretCreated { group, metadata, spec: SecretSpec::Arbitrary, policy: None }
    }

    pub(super) fn update(&mut self, changes: SecretChanges) {
        self.log.ask(&Command::UpdateSecret { secret: self.secret, changes: Box::new(changes) }).unwrap();
    }

    pub(super) fn expiring(&mut self) {
        let expires = Change::Set(self.log.after(10).into());
        self.update(SecretChanges { expires, ..Default::default() });
    }
}

/// Holds the last record of a history to being the first illegal step, and every other check to passing.
#[track_caller]
fn check_spec(rule: Rule, spec: SecretSpec, make: impl FnOnce(&mut Case)) {
    let mut log = Scenario::new();
    let secret = log.secret(spec, "database");
    let mut case = Case { log, secret };
    let sound = verify(&case.log.export());
    assert!(sound.is_sound(), "{sound}");
    make(&mut case);
    check_log(rule, &case.log);
}

#[track_caller]
pub(super) fn check_log(rule: Rule, log: &Scenario) {
    let report = verify(&log.export());
    assert_eq!(word(&report), "++++.++!", "{report}");
    let position = log.size() - 1;
    let expected = format!("illegal step at position {position}: {rule}");
    assert_eq!(failure(&report, Check::Replay), (position + 2, expected.as_str()));
    assert!(!rule.label().is_empty());
}

#[track_caller]
pub(super) fn check(rule: Rule, make: impl FnOnce(&mut Case)) {
    check_spec(rule, SecretSpec::Arbitrary, make);
}

pub(super) const NOTHING: VersionId = VersionId::from_bytes([0xee; 16]);

#[test]
fn locked_versions_that_were_touched() {
    const RULE: Rule = Rule::LockedVersionTouched;
    check(RULE, |case| {
        case.lock();
        case.destroy();
    });
    check(RULE, |case| {
        case.lock();
        let data_keys = [case.data_key()].into();
        case.on(SecretDeleted { data_keys });
    });
    check_spec(RULE, api_key(), |case| {
        case.lock();
        let event = case.regenerated();
        case.on(event);
    });
    // Rotated away: the locked version falls out of the retention window, whether its data goes or is left to nobody.
    check(RULE, |case| {
        case.lock();
        case.log.rotate(case.secret).unwrap();
        let event = case.added(3);
        case.on(event);
    });
    check(RULE, |case| {
        case.lock();
        let refuse_rotation_while_locked = Change::Set(true);
        case.update(SecretChanges { refuse_rotation_while_locked, ..Default::default() });
        let event = case.added(2);
        case.on(event);
    });
}

#[test]
fn locks_that_cannot_stand_or_fall() {
    let name = || lock_name("app");
    let placed = |version, forced| LockPlaced { version, lock: placed_lock("app"), forced };
    check(Rule::LockOnDestroyedData, |case| {
        case.destroy();
        let version = case.current();
        case.on(placed(version, false));
    });
    check(Rule::VersionMissing, |case| case.on(placed(NOTHING, false)));
    check(Rule::LockMissing, |case| {
        let version = case.current();
        case.on(LockRemoved { version, name: name(), cause: LockRemoval::Requested, forced: false });
    });
    check(Rule::LockMissing, |case| {
        let (version, expires_at) = (case.current(), case.log.after(60));
        case.on(LockRenewed { version, name: name(), expires_at, forced: false });
    });
    check(Rule::LockMissing, |case| {
        let version = case.current();
        case.on(LockExpired { version, name: name() });
    });
    check(Rule::LockPermanent, |case| {
        case.lock();
        let (version, expires_at) = (case.current(), case.log.after(60));
        case.on(LockRenewed { version, name: name(), expires_at, forced: false });
    });
    check(Rule::LeaseRuns, |case| {
        let lease = lock("app").until(case.log.after(60));
        case.log.lock(case.secret, Current, vec![lease]);
        case.log.wait(59);
        let version = case.current();
        case.on(LockExpired { version, name: name() });
    });
    let owned = |case: &mut Case| {
        case.log.lock(case.secret, Current, vec![lock("app").owned_by(actor("billing"))]);
    };
    check(Rule::LockOwned, |case| {
        owned(case);
        let version = case.current();
        case.on(LockRemoved { version, name: name(), cause: LockRemoval::Requested, forced: false });
    });
    check(Rule::LockOwned, |case| {
        owned(case);
        let version = case.current();
        case.on(placed(version, false));
    });
    check(Rule::TooManyLocks, |case| {
        let version = case.current();
        let place = |number| LockPlaced { version, lock: placed_lock(&format!("lock-{number}")), forced: false }.into();
        let secret = case.secret;
        case.log.append((0..1_001).map(|number| (Some(secret), place(number))).collect());
    });
}

#[test]
fn versions_that_cannot_be() {
    check(Rule::VersionNumberGap, |case| {
        let event = case.added(3);
        case.on(event);
    });
    check(Rule::VersionExists, |case| {
        let event = VersionAdded { version: case.current(), ..case.added(2) };
        case.on(event);
    });
    check(Rule::OriginMismatch, |case| {
        let event = VersionAdded { origin: VersionOrigin::Created, ..case.added(2) };
        case.on(event);
    });
    check(Rule::RestoredFrom, |case| {
        let event = VersionAdded { origin: VersionOrigin::Restored, ..case.added(2) };
        case.on(event);
    });
    check(Rule::RestoredFrom, |case| {
        let restored_from = Some(case.current());
        let event = VersionAdded { origin: VersionOrigin::Restored, restored_from, ..case.added(2) };
        case.on(event);
    });
    check(Rule::SealedEpoch, |case| {
        let mut event = case.added(2);
        event.sealed.epoch = 2;
        case.on(event);
    });
    // Whoever destroys one of the two destroys both.
    check(Rule::DataKeyTaken, |case| {
        let mut event = case.added(2);
        event.sealed.data_key = case.data_key();
        case.on(event);
    });
    check_spec(Rule::DataKeyTaken, api_key(), |case| {
        let mut event = case.regenerated();
        event.sealed.data_key = case.data_key();
        case.on(event);
    });
    check(Rule::DataGone, |case| {
        let data_key = case.data_key();
        case.destroy();
        let version = case.current();
        case.on(VersionDataDestroyed { version, data_key, cause: DestroyCause::Requested });
    });
    check(Rule::DataKeyMismatch, |case| {
        let (version, data_key) = (case.current(), DataKeyId::from_bytes([1; 16]));
        case.on(VersionDataDestroyed { version, data_key, cause: DestroyCause::Requested });
    });
    check(Rule::DataKeyMismatch, |case| case.on(SecretDeleted { data_keys: [].into() }));
    check_spec(Rule::DataKeyMismatch, api_key(), |case| {
        let event = VersionRegenerated { destroyed: None, ..case.regenerated() };
        case.on(event);
    });
    check(Rule::NotRegenerated, |case| {
        let event = case.regenerated();
        case.on(event);
    });
    check(Rule::VersionMissing, |case| case.on(VersionUpdated { version: NOTHING, custom_metadata: None }));
    check(Rule::ReadBefore, |case| {
        let version = case.current();
        case.on(VersionDownloaded { version });
        case.on(VersionDownloaded { version });
    });
    check(Rule::BatchMismatch, |case| {
        case.log.append(vec![(Some(SecretId::from_bytes([4; 16])), Case::created("without-version").into())]);
    });
}

#[test]
fn secrets_that_cannot_be() {
    check(Rule::UnknownSecret, |case| {
        case.secret = SecretId::from_bytes([4; 16]);
        case.on(PolicyCleared {});
    });
    check(Rule::UnknownSecret, |case| {
        case.log.ask(&Command::DeleteSecret { secret: case.secret }).unwrap();
        case.on(PolicyCleared {});
    });
    check(Rule::SecretExists, |case| {
        let subject = Subject { secret: case.secret, revision: Revision::FIRST };
        case.log.append_as(vec![(Case::created("other").into(), Some(subject))]);
    });
    check(Rule::NameTaken, |case| {
        case.log.append(vec![(Some(SecretId::from_bytes([4; 16])), Case::created("database").into())]);
    });
    check(Rule::NameTaken, |case| {
        case.secret = case.log.secret(SecretSpec::Arbitrary, "other");
        case.on(SecretUpdated { metadata: Scenario::metadata("database") });
    });
    check(Rule::UnknownGroup, |case| {
        let event = SecretCreated { group: GroupId::from_bytes([4; 16]), ..Case::created("other") };
        case.log.append(vec![(Some(SecretId::from_bytes([4; 16])), event.into())]);
    });
    check(Rule::RetentionBounds, |case| {
        let mut metadata = Scenario::metadata("database");
        metadata.retention = 1;
        case.on(SecretUpdated { metadata });
    });
    check(Rule::TypeChanged, |case| case.on(SpecUpdated { spec: SecretSpec::Kv }));
    check(Rule::SubjectMismatch, |case| case.whole(PolicyCleared {}));
    check(Rule::SubjectMismatch, |case| case.on(EpochRolled { epoch: 2 }));
    for revision in [1, 2, 4, u64::MAX] {
        check(Rule::RevisionGap, |case| {
            let subject = Subject { secret: case.secret, revision: Revision::new(revision) };
            case.log.append_as(vec![(PolicyCleared {}.into(), Some(subject))]);
        });
    }
}

#[test]
fn expiries_that_cannot_be() {
    check(Rule::NotExpired, |case| case.on(SecretExpired { lifecycle: Lifecycle::Destroyed }));
    check(Rule::NotExpired, |case| {
        case.expiring();
        case.log.wait(9);
        case.on(SecretExpired { lifecycle: Lifecycle::Destroyed });
    });
    check(Rule::ExpiredWithData, |case| {
        case.expiring();
        case.lock();
        case.log.wait(11);
        case.on(SecretExpired { lifecycle: Lifecycle::Destroyed });
    });
    check(Rule::ExpiryOfType, |case| {
        case.expiring();
        case.log.wait(11);
        case.on(SecretExpired { lifecycle: Lifecycle::Deactivated });
    });
    check_spec(Rule::ExpiryOfType, SecretSpec::ImportedCert, |case| {
        case.log.wait(5_001);
        case.on(SecretExpired { lifecycle: Lifecycle::Destroyed });
    });
    check_spec(Rule::SecretInactive, SecretSpec::ImportedCert, |case| {
        case.log.wait(5_001);
        case.log.ask(&Command::Lapse { secret: case.secret }).unwrap();
        let event = case.added(2);
        case.on(event);
    });
    check(Rule::NothingHeld, |case| {
        let version = case.current();
        case.on(ExpirationHeld { version });
    });
}

#[test]
fn stores_that_cannot_be() {
    let group = GroupId::from_bytes([4; 16]);
    let created = |name: &str| GroupCreated { group, name: GroupName::parse(name).unwrap(), description: None };
    check(Rule::SlotMismatch, |case| case.whole(KeySlotAdded { slot: 0, kind: KeySlotKind::KeyFile }));
    check(Rule::SlotMismatch, |case| case.whole(KeySlotAdded { slot: 8, kind: KeySlotKind::KeyFile }));
    check(Rule::SlotMismatch, |case| case.whole(KeySlotRemoved { slot: 0 }));
    check(Rule::SlotMismatch, |case| case.whole(KeySlotRemoved { slot: 1 }));
    check(Rule::EpochMismatch, |case| case.whole(EpochRolled { epoch: 3 }));
    check(Rule::EpochMismatch, |case| case.whole(EpochRetired { epoch: 1 }));
    let key = |number| SigningKeySet { number, verifier_key: signing_key(1).to_string().into() };
    check(Rule::SigningKeyMismatch, |case| case.whole(key(2)));
    check(Rule::SigningKeyMismatch, |case| {
        case.whole(key(1));
        case.whole(key(1));
    });
    check(Rule::GroupMissing, |case| case.whole(GroupDeleted { group }));
    check(Rule::GroupMissing, |case| {
        case.whole(GroupUpdated { group, name: GroupName::parse("other").unwrap(), description: None });
    });
    check(Rule::GroupExists, |case| case.whole(created("default")));
    check(Rule::GroupExists, |case| {
        case.whole(created("payments"));
        case.whole(created("other"));
    });
    check(Rule::GroupNotEmpty, |case| {
        case.whole(created("payments"));
        let mut first = case.added(1);
        first.origin = VersionOrigin::Created;
        let id = Some(SecretId::from_bytes([4; 16]));
        let event = SecretCreated { group, ..Case::created("inside") };
        case.log.append(vec![(id, event.into()), (id, first.into())]);
        case.whole(GroupDeleted { group });
    });
    check(Rule::TooManyGroups, |case| {
        (0..=200_u8).for_each(|number| {
            let name = GroupName::parse(&format!("group-{number}")).unwrap();
            case.whole(GroupCreated { group: GroupId::from_bytes([number + 1; 16]), name, description: None });
        });
    });
}

#[test]
fn logs_that_begin_wrong() {
    let store_created = |log_id| StoreCreated { log_id, settings: Settings::default(), key_slot: KeySlotKind::KeyFile };
    let mut without = Scenario::empty();
    without.append(vec![(None, EpochRolled { epoch: 1 }.into())]);
    check_log(Rule::FirstRecord, &without);
    let mut other = Scenario::empty();
    other.append(vec![(None, store_created(LogId::from_bytes([8; 16])).into())]);
    check_log(Rule::FirstRecord, &other);
    check(Rule::FirstRecord, |case| case.whole(store_created(LOG)));
}

#[test]
fn records_that_do_not_follow() {
    let log = Scenario::small();
    let step = |change: &dyn Fn(&mut crate::domain::record::Record)| {
        let mut replay = Replay::from_genesis(LOG);
        for raw in log.raws() {
            let opened = crate::audit::content::Opener::default().open(&raw);
            let crate::audit::content::Content::Known(event) = opened.content else { panic!("unknown") };
            let mut record = raw.header().record(opened.context.unwrap(), event);
            if record.position == Position::new(4) {
                change(&mut record);
            }
            if let Err(step) = replay.apply(&record) {
                assert_eq!(step.position, record.position);
                return Some(step.rule);
            }
        }
        None
    };
    assert_eq!(step(&|_| {}), None);
    assert_eq!(step(&|record| record.position = Position::new(5)), Some(Rule::PositionGap));
    assert_eq!(step(&|record| record.position = Position::new(3)), Some(Rule::PositionGap));
    assert_eq!(step(&|record| record.recorded_at = crate::domain::time::Timestamp::EPOCH), Some(Rule::TimeBack));
    let epoch = crate::domain::position::WriterEpoch::new(0);
    assert_eq!(step(&|record| record.context.writer_epoch = epoch), Some(Rule::EpochBack));
}

#[test]
fn an_illegal_step_in_a_slice_is_found_where_it_can_be_seen() {
    let mut log = Scenario::small();
    let first = log.size();
    let secret = log.secret(SecretSpec::Arbitrary, "in-the-slice");
    log.lock(secret, Current, vec![lock("app")]);
    log.rotate(secret).unwrap();
    let version = log.get(secret).version(Previous).unwrap();
    let (version, data_key) = (version.id, version.data.sealed().unwrap().data_key);
    log.append(vec![(Some(secret), VersionDataDestroyed { version, data_key, cause: DestroyCause::Retention }.into())]);
    assert_eq!(word(&verify(&log.export_as(first, None, &[]))), "++++.++!");
    assert_eq!(word(&verify(&log.export_as(first + 2, None, &[]))), "++++.++?");
}
