//! Owns the world of the tests: a state, a log and a clock, and the words given and then. When is in
//! [`super::requests`].

use std::collections::BTreeSet;
use std::time::Duration;

use super::kind::{CERTIFICATE_HOLDS, Kind};
use super::replay;
use crate::domain::command::{Command, Prepared, SecretChanges, Terms};
use crate::domain::event::StoreCreated;
use crate::domain::id::{DataKeyId, GroupId, LogId, SecretId, VersionId};
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Actor, IdempotencyKey, LockName, SecretName};
use crate::domain::position::{Position, VersionNumber};
use crate::domain::receipt::Receipt;
use crate::domain::record::{Idempotency, Record};
use crate::domain::refusal::Refusal;
use crate::domain::secret::{Secret, SecretMetadata, SecretType};
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, Version, VersionDetails, VersionRef};
use crate::projection::Projections;

/// What a command was answered.
pub(super) type Answer = Result<Receipt, Refusal>;

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) projections: Projections,
    pub(super) log: Vec<Record>,
    pub(super) now: Timestamp,
    /// On which terms commands are asked when nothing else is said.
    pub(super) terms: Terms,
    /// The state after each record; after the last of a batch, with its answer remembered.
    pub(super) kept: Vec<State>,
    /// The rows that stand for remembered answers on a disk.
    pub(super) answers: BTreeSet<Position>,
    drawn: u64,
}

pub(super) const NOBODY: SecretId = SecretId::from_bytes([0xff; 16]);

pub(super) fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

pub(super) fn lock(name: &str) -> NewLock {
    NewLock::new(LockName::parse(name).unwrap())
}

pub(super) fn named(names: &[&str]) -> LockNames {
    LockNames::These(names.iter().map(|name| LockName::parse(name).unwrap()).collect())
}

pub(super) fn number(number: u64) -> VersionRef {
    VersionRef::Number(VersionNumber::new(number))
}

pub(super) fn keyed(key: &str, fingerprint: u8) -> Idempotency {
    Idempotency { key: IdempotencyKey::parse(key).unwrap(), fingerprint: [fingerprint; 32] }
}

/// Gives the answer as a word: `ok`, or the code of the refusal.
pub(super) fn word(answer: &Answer) -> &'static str {
    answer.as_ref().map_or_else(Refusal::code, |_| "ok")
}

/// Given.
impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            state: State::default(),
            projections: Projections::default(),
            log: Vec::new(),
            now: Timestamp::parse("2026-11-23T12:00:00Z").unwrap(),
            terms: Terms::by(actor("tester")),
            kept: Vec::new(),
            answers: BTreeSet::new(),
            drawn: 0,
        };
        let log_id = LogId::from_bytes([7; 16]);
        let created = StoreCreated { log_id, settings: Settings::default(), key_slot: KeySlotKind::KeyFile };
        world.append(vec![(None, created.into())], &world.terms.clone());
        world
    }

    pub(super) fn draw(&mut self) -> [u8; 16] {
        self.drawn += 1;
        u128::from(self.drawn).to_be_bytes()
    }

    pub(super) fn prepared(&mut self, secret_type: SecretType) -> Prepared {
        let sealed = SealedRef {
            data_key: DataKeyId::from_bytes(self.draw()),
            epoch: self.state.whole.epochs.last().copied().unwrap_or(1),
            sealed_bytes: 64,
            digest: [3; 32],
        };
        let holds = (secret_type == SecretType::ImportedCert).then(|| self.after(CERTIFICATE_HOLDS));
        let version = VersionId::from_bytes(self.draw());
        Prepared { version, sealed, details: VersionDetails::Plain, expires_at: holds, custom_metadata: None }
    }

    pub(super) fn creation(&mut self, kind: Kind, name: &str) -> Command {
        let metadata = SecretMetadata::bare(SecretName::parse(name).unwrap());
        let id = SecretId::from_bytes(self.draw());
        let spec = kind.spec();
        let first = spec.issuance().is_none().then(|| self.prepared(spec.secret_type()));
        Command::CreateSecret { id, group: GroupId::DEFAULT, metadata, expires: None, spec, policy: None, first }
    }

    /// A secret with one version; with none where an issuer makes them.
    #[track_caller]
    pub(super) fn secret(&mut self, kind: Kind) -> SecretId {
        let name = format!("secret-{}", self.drawn);
        let command = self.creation(kind, &name);
        self.ask(&command).unwrap().secret.unwrap()
    }

    /// A secret of so many versions.
    #[track_caller]
    pub(super) fn secret_of(&mut self, kind: Kind, versions: u64) -> SecretId {
        let secret = self.secret(kind);
        (1..versions).for_each(|_| self.rotate(secret).map(drop).unwrap());
        secret
    }

    /// A secret that keeps the data of so many versions.
    #[track_caller]
    pub(super) fn keeps(&mut self, secret: SecretId, retention: u8) {
        self.update(secret, SecretChanges { retention: Some(retention), ..Default::default() }).unwrap();
    }

    /// A secret that expires so many seconds from now.
    #[track_caller]
    pub(super) fn expiring(&mut self, kind: Kind, in_secs: u64) -> SecretId {
        let secret = self.secret(kind);
        let expires = crate::domain::command::Change::Set(self.after(in_secs).into());
        self.update(secret, SecretChanges { expires, ..Default::default() }).unwrap();
        secret
    }

    /// A permanent lock that nobody owns.
    #[track_caller]
    pub(super) fn locked(&mut self, secret: SecretId, version: VersionRef, names: &[&str]) {
        let locks = names.iter().map(|name| lock(name)).collect();
        self.place(secret, version, locks, LockMode::Keep).unwrap();
    }

    pub(super) fn after(&self, secs: u64) -> Timestamp {
        self.now.plus(Duration::from_secs(secs))
    }
}

/// Then.
impl World {
    #[track_caller]
    pub(super) fn get(&self, secret: SecretId) -> &Secret {
        self.state.secret(secret).expect("the secret is there")
    }

    #[track_caller]
    pub(super) fn version(&self, secret: SecretId, version: VersionRef) -> &Version {
        self.get(secret).version(version).expect("the version is there")
    }

    pub(super) fn type_of(&self, secret: SecretId) -> SecretType {
        self.state.secret(secret).map_or(SecretType::Arbitrary, |secret| secret.secret_type())
    }

    /// The versions that have data, and the locks on each: `1: 2:app,web`, oldest first.
    #[track_caller]
    pub(super) fn shows(&self, secret: SecretId) -> String {
        let show = |version: &Version| {
            let locks: Vec<_> = version.locks.iter().map(|lock| lock.name.as_str()).collect();
            format!("{}:{}", version.number, locks.join(","))
        };
        let with_data = self.get(secret).versions.iter().filter(|version| version.is_available());
        with_data.map(show).collect::<Vec<_>>().join(" ")
    }

    /// The names of the last so many events.
    pub(super) fn last_events(&self, count: usize) -> Vec<&'static str> {
        self.log[self.log.len() - count..].iter().map(|record| record.event.label()).collect()
    }

    /// Holds the events of the last batch to these.
    #[track_caller]
    pub(super) fn check_events(&self, labels: &[&str]) {
        let count = usize::from(self.log.last().unwrap().count);
        assert_eq!(self.last_events(count), labels);
    }

    #[track_caller]
    pub(super) fn check_replay(&self) {
        replay::check(&self.log, &self.kept);
    }
}
