//! Owns the word when: a method for each thing that can be asked.

use std::time::Duration;

use super::invariants;
use super::world::{Answer, World};
use crate::domain::command::{Command, LockTarget, Prepared, SecretChanges};
use crate::domain::id::{SecretId, VersionId};
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::secret::SecretType;
use crate::domain::version::{VersionOrigin, VersionRef};

/// When.
impl World {
    /// Asks on the world's terms.
    #[track_caller]
    pub(super) fn ask(&mut self, command: &Command) -> Answer {
        self.ask_on(&self.terms.clone(), command)
    }

    pub(super) fn rotation(&mut self, secret: SecretId, origin: VersionOrigin) -> Command {
        let next = self.prepared(self.type_of(secret));
        Command::Rotate { secret, origin, next }
    }

    #[track_caller]
    pub(super) fn rotate(&mut self, secret: SecretId) -> Answer {
        let command = self.rotation(secret, VersionOrigin::RotatedByHand);
        self.ask(&command)
    }

    pub(super) fn restoring(&mut self, secret: SecretId) -> Command {
        let from = self.state.secret(secret).and_then(|secret| Some(secret.previous()?.id));
        let next = self.prepared(self.type_of(secret));
        Command::Restore { secret, from: from.unwrap_or(next.version), next }
    }

    #[track_caller]
    pub(super) fn restore(&mut self, secret: SecretId) -> Answer {
        let command = self.restoring(secret);
        self.ask(&command)
    }

    /// A read of the current version, of the kind that its type asks for.
    pub(super) fn reading(&mut self, secret: SecretId) -> Command {
        if self.type_of(secret) == SecretType::IamCredentials {
            // The credential changes, the version stays.
            let fresh = self.prepared(SecretType::IamCredentials);
            let current = self.state.secret(secret).and_then(|secret| secret.current());
            let fresh = Prepared { version: current.map_or(fresh.version, |version| version.id), ..fresh };
            let at_hand = current.and_then(|version| version.data.sealed()).map(|sealed| sealed.data_key);
            Command::ReadDynamic { secret, fresh, at_hand }
        } else {
            let version = self.state.secret(secret).and_then(|secret| Some(secret.current()?.id));
            let version = version.unwrap_or(VersionId::from_bytes([0xff; 16]));
            Command::RecordRead { secret, version, asked: VersionRef::Id(version) }
        }
    }

    #[track_caller]
    pub(super) fn read(&mut self, secret: SecretId) -> Answer {
        let command = self.reading(secret);
        self.ask(&command)
    }

    #[track_caller]
    pub(super) fn read_version(&mut self, secret: SecretId, version: VersionRef) -> Answer {
        let (version, asked) = (self.version(secret, version).id, version);
        self.ask(&Command::RecordRead { secret, version, asked })
    }

    #[track_caller]
    pub(super) fn destroy(&mut self, secret: SecretId, version: VersionRef) -> Answer {
        self.ask(&Command::DestroyData { secret, version })
    }

    #[track_caller]
    pub(super) fn delete(&mut self, secret: SecretId) -> Answer {
        self.ask(&Command::DeleteSecret { secret })
    }

    #[track_caller]
    pub(super) fn update(&mut self, secret: SecretId, changes: SecretChanges) -> Answer {
        self.ask(&Command::UpdateSecret { secret, changes: Box::new(changes) })
    }

    #[track_caller]
    pub(super) fn place(
        &mut self,
        secret: SecretId,
        version: VersionRef,
        locks: Vec<NewLock>,
        mode: LockMode,
    ) -> Answer {
        self.ask(&Command::PlaceLocks { targets: vec![LockTarget { secret, version, locks, mode }] })
    }

    #[track_caller]
    pub(super) fn unlock(&mut self, secret: SecretId, version: VersionRef, names: LockNames) -> Answer {
        self.ask(&Command::RemoveLocks { secret, version, names })
    }

    /// Rebases the clock to so many seconds before the last record, as the writer does: times stand still until then.
    pub(super) fn rebase(&mut self, back_secs: u64) -> Answer {
        let last_at = self.state.whole.last_at;
        self.now = last_at;
        let answer = self.ask(&Command::RebaseClock(last_at.minus(Duration::from_secs(back_secs))));
        self.now = self.state.whole.last_at;
        answer
    }

    /// Lets time pass, unseen.
    pub(super) fn pass(&mut self, secs: u64) {
        self.now = self.after(secs);
    }

    /// Lets time pass, and records what it makes due, as the writer does.
    #[track_caller]
    pub(super) fn wait(&mut self, secs: u64) {
        self.pass(secs);
        for secret in self.projections.calendar.lapsed(self.now).collect::<Vec<_>>() {
            self.ask(&Command::Lapse { secret }).unwrap();
        }
        if self.state.whole.quarantine().is_some() {
            return;
        }
        self.state.secrets.values().for_each(|secret| invariants::check_lapsed(secret, self.now));
        assert!(self.projections.calendar.next_lapse().is_none_or(|at| at > self.now));
    }
}
