//! Owns how consumers protect what they use: by locks and acknowledgements, and again after a restore.
//!
//! Read next: [`super::claims`].

use std::time::Duration;

use latchkeep::{Actor, Command, Error, LockMode, LockName, NewLock, Store, Timestamp, VersionId, VersionRef};

use super::checks::is_to_log_in;
use super::consumer::{Consumer, Hold, Moment, Style, Used, has_claim};
use super::world::{CLOCKS_DIFFER, HOUR, World};

/// The version of what a store that was restored does not know.
pub(crate) const UNKNOWN: VersionId = VersionId::from_bytes([0; 16]);

impl Consumer {
    /// Protects again what it uses, where a store that was restored knows it.
    pub(crate) fn protect_again(&mut self, store: &Store, world: &World) {
        let moment = self.at(store, world);
        self.holds.iter_mut().for_each(|hold| moment.protect_again(hold));
    }

    /// Protects again what a store that was restored did not know and knows now: it was adopted, or the rotation that was under way
    /// at the backup made it. The person who looks after the store sees to it, also for a consumer that is dead.
    pub(crate) fn protect_found(&mut self, store: &Store, world: &World) {
        let moment = self.at(store, world);
        for hold in &mut self.holds {
            if let Some(found) =
                hold.used.as_ref().filter(|used| used.version == UNKNOWN).and_then(|_| moment.find(hold))
            {
                hold.used.iter_mut().for_each(|used| used.version = found);
                moment.protect_again(hold);
            }
        }
    }
}

impl Moment<'_> {
    fn protect_again(&self, hold: &mut Hold) {
        let Ok(secret) = self.store.secret(hold.secret) else { return };
        let Some(used) = hold.used.take().filter(|used| has_claim(self.name, used, self.world)) else { return };
        if secret.version_by_id(used.version).is_some() {
            match self.protect(hold, &used, LockMode::Keep) {
                Ok(()) => self.claim(hold, &used),
                // A dynamic credential that a read made after the backup is not known.
                Err(_) if hold.style == Style::Session && hold.outside.is_none() => {
                    return self.world.claims.give_back(&used.claimed_as, self.name);
                }
                Err(error) => self.fault(hold, &format!("it cannot protect again what it uses: {error}")),
            }
        }
        hold.used = Some(used);
    }

    /// Finds the version that has the credential in use, where it is to stay good.
    fn find(&self, hold: &Hold) -> Option<VersionId> {
        let text = &hold.used.as_ref().filter(|_| hold.outside.is_some())?.text;
        let secret = self.store.secret(hold.secret).ok()?;
        let has_it = |version: VersionId| {
            let read = self.session.read(hold.secret, VersionRef::Id(version));
            read.is_ok_and(|read| read.text().unwrap() == text)
        };
        let mut good = secret.versions.iter().filter(|version| is_to_log_in(version)).map(|version| version.id);
        good.find(|version| has_it(*version))
    }

    /// Claims what is protected, for as long as the store says.
    pub(crate) fn claim(&self, hold: &Hold, used: &Used) {
        let Ok(secret) = self.store.secret(hold.secret) else { return };
        let Some(version) = secret.version_by_id(used.version) else { return };
        let lock = version.lock(&LockName::parse(self.name).unwrap());
        let lease = lock.and_then(|lock| lock.expires_at).map_or(Timestamp::MAX, |end| {
            Timestamp::from_nanos(end.as_nanos() - u64::try_from(CLOCKS_DIFFER.as_nanos()).unwrap())
        });
        let until = version.expires_at.map_or(lease, |end| lease.min(end));
        self.world.claims.claim(&used.claimed_as, self.name, until);
    }

    pub(crate) fn protect(&self, hold: &Hold, new: &Used, mode: LockMode) -> Result<(), Error> {
        let lock = NewLock::new(LockName::parse(self.name).unwrap());
        let version = VersionRef::Id(new.version);
        let placed = match hold.style {
            Style::Reader => return Ok(()),
            Style::Acker => self.session.acknowledge(hold.secret, version),
            Style::Lease(hours) => {
                self.session.place_lock(hold.secret, version, lock.until(Duration::from_secs(hours * HOUR)))
            }
            Style::Session => {
                self.session.place_lock(hold.secret, version, lock.owned_by(Actor::parse(self.name).unwrap()))
            }
            Style::Permanent => self.session.run(Command::place_locks(hold.secret, version, vec![lock], mode)),
        };
        placed.map(drop)
    }
}
