//! Owns the loss of a store, its restore from a backup, and what a person does then, as the manual says.
//!
//! Read next: [`super::person`].

use std::io::Cursor;

use latchkeep::{
    Actor, Error, IssuerClass, LockName, OutsideId, Reason, Refusal, RotationWorker, Secret, SecretBytes, SecretId,
    Session, StoreOptions, VersionNumber, VersionRef,
};

use super::claims::GRACE;
use super::consumer::{Consumer, Hold};
use super::outside::Made;
use super::protection::UNKNOWN;
use super::world::{DAY, HOUR};
use super::year::{Year, unlock};

/// Systems that cannot list what they made: a person looks there.
const UNLISTED: [&str; 3] = ["tokens", "jobs", "opaque"];

impl Year {
    /// Takes a backup when it is time, and loses the store when it is time for that.
    pub(crate) fn may_be_lost(&mut self) {
        let Some((backup_at, lost_at)) = self.disasters.last().copied() else { return };
        let now = self.world.now();
        if now >= lost_at && self.backup.is_some() {
            self.disasters.pop();
            self.restore();
        } else if now >= backup_at && self.backup.is_none() {
            let mut backup = Vec::new();
            self.store.backup(&mut backup, &unlock(8), |_| {}).unwrap();
            self.note("backup", format!("{} bytes", backup.len()));
            self.backup = Some(backup);
        }
    }

    fn restore(&mut self) {
        let backup = self.backup.take().unwrap();
        self.note("restore", String::new());
        self.trouble(10 * DAY);
        if self.chance.of_1000(500) {
            self.sweep_in_copy(&backup);
        }
        self.store.close().unwrap();
        self.place += 1;
        self.store = self.options().restore(Cursor::new(backup), &unlock(8), |_| {}).unwrap().0;
        // Jobs that the lost store began end what it told them to, whatever the restored one knows: the person waits for them.
        self.world.jobs.run(&self.ops());
        self.wait_in_quarantine();
        self.note_what_is_unknown();
        self.settle_consumers();
        self.protect_again();
        self.ops().end_quarantine().unwrap();
        // A timer may fire before the person comes to what the store does not know of.
        drop(self.worker().sweep().unwrap());
        self.give_up_what_was_open();
        self.has_strangers = true;
        self.mend();
        self.run_once();
    }

    /// A copy, whose log ends at the backup, sweeps the same systems while the original goes on; it ends nothing that it does not know.
    fn sweep_in_copy(&mut self, backup: &[u8]) {
        self.note("copy", String::new());
        let options = StoreOptions::in_memory(unlock(7)).clock(self.world.clock.clone());
        let copy = options.restore(Cursor::new(backup), &unlock(8), |_| {}).unwrap().0;
        copy.acting_as(Actor::parse("ops").unwrap()).end_quarantine().unwrap();
        let swept = RotationWorker::new(&copy, self.world.options(1)).sweep().unwrap();
        *self.met.entry("stranger in a copy").or_default() += swept.strangers.len() as u64;
        copy.close().unwrap();
        self.check();
    }

    /// Nothing is done by itself, and all go on with what they have.
    fn wait_in_quarantine(&mut self) {
        self.world.outsides.values().for_each(|outside| outside.come_back());
        let ends = self.world.claims.ends();
        for _ in 0..3 {
            self.pass(5 * HOUR);
            self.consumers.iter().for_each(|consumer| consumer.live_without_store(&self.world));
            let worker = self.worker();
            assert_eq!(worker.run_due().unwrap(), 0, "a worker did something in quarantine");
            assert_eq!(worker.sweep().unwrap().retired, 0);
        }
        assert_eq!(self.world.claims.ends(), ends, "something was ended in quarantine");
    }

    /// Takes down what the store cannot know of, and what may not log in until a person has come to it.
    fn note_what_is_unknown(&mut self) {
        for issuer in UNLISTED {
            let living = self.world.outsides[issuer].look().living.clone();
            let unknown: Vec<_> = living.into_iter().filter(|(name, made)| !self.knows(name, made)).collect();
            self.notes.extend(unknown.into_iter().map(|(name, _)| (issuer, name)));
        }
        for (id, known) in &mut self.known {
            // One whose deletion was planned at the backup goes.
            known.is_gone = self.store.secret(*id).map_or(true, |secret| secret.is_deleting);
            known.seen = None;
            if known.issuer.is_some() && !known.is_gone {
                self.world.stale.lock().unwrap().insert(*id);
            }
        }
    }

    fn knows(&self, name: &OutsideId, made: &Made) -> bool {
        let has_it = |secret: &Secret| {
            let credentials = secret.versions.iter().filter_map(|version| version.credential.as_deref());
            let is_open = secret.rotation.as_deref().is_some_and(|open| open.id == made.rotation);
            is_open || credentials.into_iter().any(|known| known.is_in_use() && known.outside.as_ref() == Some(name))
        };
        self.store.secrets().iter().any(|secret| has_it(secret))
    }

    /// Consumers take away locks that they had at the backup and do not need any more.
    fn settle_consumers(&mut self) {
        for Consumer { name, holds, .. } in &mut self.consumers {
            let session = self.store.acting_as(Actor::parse(name).unwrap());
            let lock = LockName::parse(name).unwrap();
            for hold in holds.iter_mut() {
                let secret = self.store.secret(hold.secret).ok();
                // A value that was to be set at the backup will be set.
                let is_lost = secret.as_ref().is_none_or(|secret| hold.is_at("accounts") && secret.rotation.is_some());
                if let Some(lost) = hold.used.take_if(|_| is_lost) {
                    self.world.claims.give_back(&lost.claimed_as, name);
                }
                if let (Some(used), Some(secret)) = (&mut hold.used, &secret)
                    && secret.version_by_id(used.version).is_none()
                {
                    // A rotation that was open may make a version of the same id, without the lock.
                    used.version = UNKNOWN;
                }
                let used = hold.used.as_ref().map(|used| used.version);
                for version in secret.iter().flat_map(|secret| &secret.versions) {
                    if version.lock(&lock).is_some() && used != Some(version.id) {
                        session.remove_lock(hold.secret, VersionRef::Id(version.id), lock.clone()).unwrap();
                    }
                }
            }
            holds.retain(|hold: &Hold| self.store.secret(hold.secret).is_ok());
        }
    }

    /// Consumers protect again what they use, where the store knows it.
    fn protect_again(&mut self) {
        for consumer in &mut self.consumers {
            consumer.protect_again(&self.store, &self.world);
        }
    }

    /// Gives up what was under way at the backup, where that leaves alone what came of it.
    fn give_up_what_was_open(&mut self) {
        for secret in self.store.secrets() {
            let Some(rotation) = secret.rotation.as_deref() else { continue };
            // What was made and is known goes on by itself: it is proved, and put into use.
            let is_unknown = rotation.credential().is_none();
            if is_unknown && matches!(rotation.class, IssuerClass::CreateDiscoverable | IssuerClass::Opaque) {
                let issuer = self.known[&secret.id].issuer.unwrap();
                if issuer == "opaque" {
                    let made = self.made_by(issuer, rotation);
                    self.notes.extend(made.into_iter().map(|outside| (issuer, outside)));
                }
                self.ops().abort_rotation(secret.id, Reason::parse("looked after").unwrap()).unwrap();
                self.note("given up", secret.metadata.name.to_string());
            }
        }
    }

    /// Adopts what consumers use, the oldest first, and ends the rest.
    pub(crate) fn look_at_strangers(&mut self) {
        let worker = self.worker();
        let report = worker.strangers().unwrap();
        let mut found: Vec<_> = report.strangers.into_iter().map(|one| (one.outside.as_str().len(), one)).collect();
        found.sort_by(|one, other| (one.0, &one.1.outside).cmp(&(other.0, &other.1.outside)));
        self.has_strangers = !report.problems.is_empty() || !found.is_empty();
        for (_, stranger) in found {
            let outside = std::sync::Arc::clone(&self.world.outsides[stranger.issuer.as_str()]);
            let Some(made) = outside.look().living.get(&stranger.outside).cloned() else { continue };
            let secret = self.store.secrets().into_iter().find(|secret| secret.metadata.name.as_str() == made.secret);
            let is_used = !self.world.claims.holders(&made.text, self.world.now()).is_empty();
            let done = match secret.filter(|_| is_used) {
                Some(secret) => {
                    let adopt = |ops: &Session| {
                        let data = SecretBytes::copy_from(made.text.as_bytes());
                        worker.adopt_stranger(ops, secret.id, &stranger.outside, data, made.ends_at).map(drop)
                    };
                    self.over_graces(&secret, adopt).map(|()| "adopted")
                }
                None => worker.end_stranger(&stranger.issuer, &stranger.outside).map(|_| "ended"),
            };
            match done {
                Ok(done) => self.note(done, made.secret.clone()),
                Err(error) => self.note("stranger left", format!("{}: {error}", made.secret)),
            }
        }
    }

    /// Does what a person does that a grace or consumers may refuse: by force only where no consumer uses what that would end.
    /// The graces of the versions that the force goes over are over.
    fn over_graces(&self, secret: &Secret, act: impl Fn(&Session) -> Result<(), Error>) -> Result<(), Error> {
        let Err(error) = act(&self.ops()) else { return Ok(()) };
        let Some(Refusal::RotationHeld(held)) = error.refusal() else { return Err(error) };
        let ending = self.living_up_to(secret, held.version);
        let now = self.world.now();
        let is_used = |text: &String| self.world.claims.holders(text, now).iter().any(|who| who != GRACE);
        if ending.iter().any(is_used) {
            return Err(error);
        }
        act(&self.ops().by_force())?;
        ending.iter().for_each(|text| self.world.claims.give_back(text, GRACE));
        Ok(())
    }

    /// Gives the credentials of the versions up to a number that live outside.
    pub(crate) fn living_up_to(&self, secret: &Secret, number: VersionNumber) -> Vec<String> {
        let issuer = self.known[&secret.id].issuer.unwrap();
        let outside = self.world.outsides[issuer].look();
        let versions = secret.versions.iter().filter(|version| version.number <= number);
        let living = versions.filter_map(super::checks::outside_name).filter_map(|name| outside.living.get(name));
        living.map(|made| made.text.clone()).collect()
    }

    /// Puts the password that an account has into use again, or makes another.
    pub(crate) fn look_at_account(&mut self, secret: &Secret) -> bool {
        let Ok(read) = self.ops().read(secret.id, VersionRef::Current) else { return true };
        let outside = &self.world.outsides["accounts"];
        let value = outside.look().accounts.get(secret.metadata.name.as_str()).cloned();
        let Some(value) = value.filter(|value| value != read.text().unwrap()) else { return true };
        let worker = self.worker();
        let is_used = !self.world.claims.holders(&value, self.world.now()).is_empty();
        let begun = if is_used {
            worker.adopt(&self.ops(), secret.id, SecretBytes::copy_from(value.as_bytes()))
        } else {
            worker.rotate(&self.ops(), secret.id)
        };
        match begun {
            Ok(_) => self.note("account", secret.metadata.name.to_string()),
            Err(error) => self.note("account left", format!("{}: {error}", secret.metadata.name)),
        }
        false
    }

    /// Tells whether all of a secret logs in again that should, and sees to it that it will.
    pub(crate) fn is_mended(&mut self, id: SecretId) -> bool {
        let Ok(secret) = self.store.secret(id) else { return true };
        if secret.is_deleting || secret.lifecycle != latchkeep::Lifecycle::Active {
            return true;
        }
        if secret.rotation.is_some() {
            return false;
        }
        let issuer = self.known[&id].issuer.unwrap();
        if issuer == "accounts" {
            return self.look_at_account(&secret);
        }
        let mut is_mended = true;
        for version in secret.versions.iter().filter(|version| super::checks::is_to_log_in(version)) {
            let name = version.credential.as_deref().and_then(|credential| credential.outside.clone()).unwrap();
            if self.world.outsides[issuer].look().living.contains_key(&name) {
                continue;
            }
            is_mended = false;
            let is_current = secret.current().is_some_and(|current| current.id == version.id);
            let done = if is_current {
                let worker = self.worker();
                self.over_graces(&secret, |ops| worker.rotate(ops, id).map(drop))
            } else {
                self.ops().retire(id, VersionRef::Id(version.id)).map(drop)
            };
            if let Err(error) = done {
                self.note("left stale", format!("{}: {error}", secret.metadata.name));
            }
        }
        is_mended
    }
}
