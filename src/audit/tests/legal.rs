//! Histories that the rules made are never called illegal.

use proptest::prelude::*;

use super::restores::restore;
use super::scenario::{Scenario, actor, api_key, lock, lock_name, verify};
use crate::domain::command::{Change, Command, LockTarget, SecretChanges};
use crate::domain::id::{GroupId, SecretId};
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::name::{GroupName, SecretName};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::secret::SecretSpec;
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::version::VersionRef::{self, Current, Previous};

/// Does one thing, chosen by numbers; most are refused, which is recorded as well.
fn step(log: &mut Scenario, what: u8, one: usize, detail: u8) -> Option<u64> {
    log.terms.actor = actor(if detail & 1 == 0 { "anna" } else { "ben" });
    log.terms.force = detail & 16 != 0;
    let version = if detail & 2 == 0 { Current } else { Previous };
    let secret = log.state.secrets.keys().nth(one).copied();
    match what {
        0..=4 if log.state.secrets.len() < 6 => create(log, what, detail),
        5 | 6 => log.rotate(secret?),
        7 => {
            let previous = log.get(secret?).previous()?.id;
            let next = log.prepared();
            log.ask(&Command::Restore { secret: secret?, from: previous, next })
        }
        8 => log.read(secret?),
        9 => {
            let (version, asked) = (log.get(secret?).version(version)?.id, version);
            log.ask(&Command::RecordRead { secret: secret?, version, asked })
        }
        10 => log.ask(&Command::DestroyData { secret: secret?, version }),
        11 if detail > 8 => log.ask(&Command::DeleteSecret { secret: secret? }),
        12 => update(log, secret?, detail),
        13..=19 => place(log, secret?, version, detail),
        20..=22 => {
            let names = if detail & 4 == 0 { LockNames::All } else { LockNames::These(vec![lock_name("lock-1")]) };
            log.ask(&Command::RemoveLocks { secret: secret?, version, names })
        }
        23 => {
            let (name, expires_at) = (lock_name("lock-1"), log.after(u64::from(detail) * 100));
            log.ask(&Command::RenewLock {
                secret: secret?,
                version,
                name,
                expires: expires_at.into(),
                fencing_token: None,
            })
        }
        24..=27 => {
            log.wait(u64::from(detail) * 300);
            let secrets: Vec<_> = log.state.secrets.keys().copied().collect();
            secrets.into_iter().try_for_each(|secret| log.ask(&Command::Lapse { secret }).map(drop))?;
            None
        }
        29 => log.erase(|position| position % 4 == u64::from(detail % 4)),
        28 if detail < 40 => {
            restore(log, if detail & 4 == 0 { RestoredFrom::Backup } else { RestoredFrom::Export });
            None
        }
        28 => log.ask(&Command::EndQuarantine),
        _ => whole(log, detail),
    }
}

fn create(log: &mut Scenario, what: u8, detail: u8) -> Option<u64> {
    let spec = match what {
        0 | 1 => SecretSpec::Arbitrary,
        2 => SecretSpec::Kv,
        3 => api_key(),
        _ => SecretSpec::ImportedCert,
    };
    let mut first = log.prepared();
    first.expires_at = (spec == SecretSpec::ImportedCert).then(|| log.after(5_000));
    let group = log.state.whole.groups.keys().next().copied().filter(|_| detail & 4 == 0).unwrap_or(GroupId::DEFAULT);
    let id = SecretId::from_bytes(log.draw());
    let metadata = Scenario::metadata(&format!("secret-{}", detail % 8));
    log.ask(&Command::CreateSecret { id, group, metadata, expires: None, spec, policy: None, first: Some(first) })
}

fn update(log: &mut Scenario, secret: SecretId, detail: u8) -> Option<u64> {
    let mut changes = SecretChanges::default();
    match detail % 4 {
        0 => changes.retention = Some(detail / 4),
        1 => changes.expires = Change::Set(log.after(u64::from(detail) * 50).into()),
        2 => changes.refuse_rotation_while_locked = Change::Set(detail & 4 == 0),
        _ => changes.name = SecretName::parse(&format!("secret-{}", detail % 8)).ok(),
    }
    log.ask(&Command::UpdateSecret { secret, changes: Box::new(changes) })
}

fn place(log: &mut Scenario, secret: SecretId, version: VersionRef, detail: u8) -> Option<u64> {
    let mut new = lock(&format!("lock-{}", detail % 3));
    new.owner = (detail & 8 != 0).then(|| actor(if detail & 4 == 0 { "anna" } else { "ben" }));
    new.expires = (detail & 32 != 0).then(|| log.after(u64::from(detail)).into());
    let mode = LockMode::ALL[usize::from(detail % 3)];
    log.ask(&Command::PlaceLocks { targets: vec![LockTarget { secret, version, locks: vec![new], mode }] })
}

fn whole(log: &mut Scenario, detail: u8) -> Option<u64> {
    let id = GroupId::from_bytes([detail % 3 + 1; 16]);
    let name = GroupName::parse(&format!("group-{}", detail % 4)).unwrap();
    let (slot, epoch) = (detail % 8, u32::from(detail % 4));
    let mut settings = Settings { refuse_rotation_while_locked: detail & 8 != 0, ..Settings::default() };
    settings.access_audit = crate::domain::settings::AccessAudit::ALL[usize::from(detail % 3)];
    log.ask(&match detail / 32 {
        0 => Command::CreateGroup { id, name, description: None },
        1 => Command::UpdateGroup { group: id, name: Some(name), description: Change::Keep },
        2 => Command::DeleteGroup { group: id },
        3 => Command::ChangeSettings { settings },
        4 => Command::AddKeySlot { slot, kind: KeySlotKind::Passphrase },
        5 => Command::RemoveKeySlot { slot },
        6 => Command::RollEpoch { epoch },
        _ => Command::RetireEpoch { epoch },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases::cases(64), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_legal_history_is_refused(steps in prop::collection::vec((0..31_u8, 0..6_usize, any::<u8>()), 1..150)) {
        let mut log = Scenario::new();
        for (what, one, detail) in steps {
            let _ = step(&mut log, what, one, detail);
        }
        let report = verify(&log.export());
        prop_assert!(report.first_fault().is_none(), "{report}");
        // With any body erased, and from anywhere on, it is still none.
        let middle = log.size() / 2;
        let erasable = log.raws().into_iter().filter(|raw| raw.erased().is_ok());
        let erased: Vec<_> = erasable.map(|raw| raw.header().position.get()).filter(|at| at % 3 == 0).collect();
        let report = verify(&log.export_as(0, None, &erased));
        prop_assert!(report.first_fault().is_none(), "{report}");
        let report = verify(&log.export_as(middle, None, &erased));
        prop_assert!(report.first_fault().is_none(), "{report}");
    }
}
