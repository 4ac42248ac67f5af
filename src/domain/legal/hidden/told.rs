//! Owns what a hidden secret is held to: the rules for what is seen of it, and what a restatement may say.
//!
//! Nothing is refused here that some choice of the missing words explains. Read next: [`super::marks`].

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::super::event::{Event, LockRestated, SecretRestated, VersionAdded, VersionRestated};
use super::super::super::event_kind::{of_rotation, of_trail, of_whole};
use super::super::super::evolve;
use super::super::super::id::VersionId;
use super::super::super::limits;
use super::super::super::lock::Lock;
use super::super::super::name::LockName;
use super::super::super::position::{Position, VersionNumber};
use super::super::super::record::Record;
use super::super::super::secret::Secret;
use super::super::super::state::{State, Whole};
use super::super::super::touch::{Obstacle, unlocked};
use super::super::super::version::{Version, VersionData};
use super::super::{Rule, Sight, about_rotation, hold, secret, version};
use super::made::unseen_lock;
use super::marks::Placement;
use super::{Hidden, Known};

impl Hidden {
    /// Holds an event that was seen to what is known of its secret.
    pub(in super::super) fn check(&self, state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
        self.known.as_ref().map_or(Ok(()), |known| known.check(state, record, sight))
    }

    /// Holds what a batch has said of a secret to what was known of it.
    pub(in super::super) fn restates(&self, said: &Secret, whole: &Whole) -> Result<(), Rule> {
        self.known.as_ref().map_or(Ok(()), |known| known.clone().told_by(said, whole).restates(said))
    }
}

impl Known {
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "lists of events are macros; each says why it passes"
    )]
    fn check(&self, state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
        let secret = self.with_locks();
        let event = &record.event;
        touched(&secret, event, state)?;
        // Every lock stands on data that goes with the secret.
        let goes = matches!(event, Event::SecretDeleted(_)) && self.has_all_versions();
        hold(!goes || !self.marks.stands(None, &BTreeSet::new()), Rule::LockedVersionTouched)?;
        let is_clear = self.seen.metadata && self.seen.spec && self.seen.policy && sight.whole;
        let sees_versions = self.seen.versions && self.seen.unseen.is_empty() && self.later.is_empty();
        match event {
            of_rotation!() if is_clear && self.seen.unnamed.is_empty() => {
                about_rotation(state, &secret, record, event, sight)
            }
            Event::VersionAdded(event) if is_clear && sees_versions => {
                version::add(state, &secret, (event, record.recorded_at), sight)?;
                hold(secret.spec.issuance().is_none() || self.seen.is_commit, Rule::VersionWithoutCommit)
            }
            Event::VersionAdded(event) => self.adds(&secret, event),
            Event::SecretUpdated(event) => secret::retention(&event.metadata),
            Event::LockPlaced(event) => {
                let on = secret.version_by_id(event.version);
                hold(on.is_none_or(|version| !version.is_destroyed()), Rule::LockOnDestroyedData)
            }
            Event::LockRenewed(event) => self.has_lock(event.version, &event.name),
            Event::LockRemoved(event) => self.has_lock(event.version, &event.name),
            Event::LockExpired(event) => self.has_lock(event.version, &event.name),
            // What else they say, or hang on, is held to the secret once it is restated.
            Event::SecretCreated(_) | Event::SecretDeleted(_) | Event::SecretExpired(_) => Ok(()),
            Event::SpecUpdated(_) | Event::PolicySet(_) | Event::PolicyCleared(_) | Event::ExpirationHeld(_) => Ok(()),
            Event::VersionRegenerated(_) | Event::VersionDownloaded(_) => Ok(()),
            Event::VersionUpdated(_) | Event::VersionDataDestroyed(_) => Ok(()),
            Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) => Ok(()),
            of_whole!() | of_trail!() | of_rotation!() => Ok(()),
        }
    }

    /// Holds a version that is added to what is known of its secret.
    fn adds(&self, secret: &Secret, event: &VersionAdded) -> Result<(), Rule> {
        hold(event.number == secret.next_number(), Rule::VersionNumberGap)?;
        let is_rotation = self.seen.spec && !secret.versions.is_empty();
        hold(!is_rotation || !secret.spec.is_dynamic(), Rule::RotationOfType)?;
        let is_issued = self.seen.spec && secret.spec.issuance().is_some();
        hold(!is_issued || self.seen.is_commit, Rule::VersionWithoutCommit)
    }

    /// Tells whether no version can have been let go with a lock on it.
    fn has_all_versions(&self) -> bool {
        let is_kept = self.secret.versions.first().is_none_or(|first| first.number == VersionNumber::FIRST);
        is_kept && self.secret.versions.len() < limits::VERSIONS_MAX
    }

    /// A lock that goes or is renewed was seen, or is one of those that were not.
    fn has_lock(&self, version: VersionId, name: &LockName) -> Result<(), Rule> {
        let number = match self.secret.version_by_id(version) {
            Some(version) if version.lock(name).is_some() => return Ok(()),
            Some(version) => Some(version.number),
            // Which one it is, is told later.
            None => None,
        };
        hold(number.is_none() || self.marks.can_have(number), Rule::LockMissing)
    }

    /// Gives the secret with a lock on each version on which one certainly stands.
    fn with_locks(&self) -> Cow<'_, Secret> {
        let none = BTreeSet::new();
        let is_locked =
            |version: &Version| !version.locks.is_empty() || !self.marks.stands(Some(version.number), &none);
        if self.secret.versions.iter().all(is_locked) {
            return Cow::Borrowed(&self.secret);
        }
        let mut secret = self.secret.clone();
        let Ok(name) = LockName::parse("unknown") else { return Cow::Owned(secret) };
        for version in secret.versions.iter_mut().filter(|version| !is_locked(version)) {
            version.locks.extend(unseen_lock(&name));
        }
        Cow::Owned(secret)
    }

    /// Takes the ids in that a restatement gives versions, and with them what was kept until these are known.
    fn told_by(mut self, said: &Secret, whole: &Whole) -> Self {
        for told in &said.versions {
            let placed = self.secret.versions.iter_mut().find(|version| version.number == told.number);
            if let Some(version) = placed.filter(|version| self.seen.unnamed.contains(&version.id)) {
                self.seen.unnamed.remove(&version.id);
                version.id = told.id;
            }
        }
        let (revision, as_of, updated_at) = (self.secret.revision, self.secret.as_of, self.secret.updated_at);
        let (retrieved_at, refused_at) = (self.secret.retrieved_at, self.secret.rotation_refused_at);
        for record in std::mem::take(&mut self.later) {
            if touched(&self.secret, &record.event, &State::default()).is_err() {
                // What it says of this version cannot be so, whatever was meant.
                self.seen.versions = false;
            }
            self.note_renewal(&record);
            evolve::follow(&mut self.secret, (&record, revision), whole);
        }
        let secret =
            Secret { revision, as_of, updated_at, retrieved_at, rotation_refused_at: refused_at, ..self.secret };
        Self { secret, ..self }
    }

    fn restates(&self, said: &Secret) -> Result<(), Rule> {
        let known = &self.secret;
        let (mut expected, found) = (SecretRestated::of(known), SecretRestated::of(said));
        hold(!self.seen.creation || known.secret_type() == said.secret_type(), Rule::RestatedOtherwise)?;
        // Of its schedule and of incarnations, earlier schemas said nothing.
        (expected.scheduled_from, expected.given_up) = (found.scheduled_from, found.given_up.clone());
        expected.lineage.clone_from(&found.lineage);
        if !self.seen.creation {
            (expected.group, expected.created_by) = (found.group, found.created_by.clone());
        }
        if !self.seen.metadata {
            expected.metadata.clone_from(&found.metadata);
        }
        if !self.seen.spec {
            expected.spec.clone_from(&found.spec);
        }
        if !self.seen.policy {
            expected.policy = found.policy;
        }
        if found.expiry_held_since.is_none() || found.expiry_held_since == self.held {
            expected.expiry_held_since = found.expiry_held_since;
        }
        hold(expected == found, Rule::RestatedOtherwise)?;
        self.restates_versions(said)
    }

    fn restates_versions(&self, said: &Secret) -> Result<(), Rule> {
        hold(self.secret.next_number() == said.next_number(), Rule::RestatedOtherwise)?;
        let let_go = self.secret.versions.len().saturating_sub(said.versions.len());
        let is_whole = let_go == 0 || self.secret.versions.len() > limits::VERSIONS_MAX;
        hold(is_whole && said.versions.len() <= self.secret.versions.len(), Rule::RestatedOtherwise)?;
        if !self.seen.versions {
            return Ok(());
        }
        // Which versions were let go depends on which had ended, so they are told apart by their numbers.
        let known = |said: &Version| self.secret.versions.iter().find(|known| known.number == said.number);
        hold(said.versions.iter().all(|said| known(said).is_some()), Rule::RestatedOtherwise)?;
        let pairs = || said.versions.iter().filter_map(|said| Some((known(said)?, said)));
        pairs().try_for_each(|(known, said)| self.restates_version(known, said))?;
        let accounted = self.restates_locks(pairs)?;
        // What stands on a version and was not seen is among those, unless it can have gone.
        let is_missing = |number| self.marks.stands(Some(number), &accounted);
        hold(!pairs().any(|(known, _)| is_missing(known.number)), Rule::RestatedOtherwise)?;
        let is_missing = self.has_all_versions() && self.marks.stands(None, &accounted);
        hold(!is_missing, Rule::RestatedOtherwise)
    }

    fn restates_version(&self, known: &Version, said: &Version) -> Result<(), Rule> {
        let (mut expected, found) = (VersionRestated::of(known), VersionRestated::of(said));
        if !self.seen.version_words {
            expected.custom_metadata.clone_from(&found.custom_metadata);
        }
        if self.seen.unseen.contains(&known.number) {
            expected.origin = found.origin;
            expected.restored_from = found.restored_from;
            expected.details.clone_from(&found.details);
            expected.expires_at = found.expires_at;
            expected.custom_metadata.clone_from(&found.custom_metadata);
            expected.created_by.clone_from(&found.created_by);
            // The data is there or gone; which it was, the erased body said.
            if let (VersionData::Available(_), VersionData::Available(_)) = (&*expected.data, &*found.data) {
                expected.data.clone_from(&found.data);
            }
        }
        hold(expected == found, Rule::RestatedOtherwise)
    }

    /// Each lock was seen, or comes from an erased record, which it names by position and time. Gives these records.
    fn restates_locks<'a, P>(&self, pairs: impl Fn() -> P) -> Result<BTreeSet<Position>, Rule>
    where
        P: Iterator<Item = (&'a Version, &'a Version)>,
    {
        let is_there =
            |(known, said): (&Version, &Version)| known.locks.iter().all(|seen| said.lock(&seen.name).is_some());
        hold(pairs().all(is_there), Rule::RestatedOtherwise)?;
        let (mut accounted, mut renewed) = (BTreeSet::new(), Vec::new());
        for (known, lock) in pairs().flat_map(|(known, said)| said.locks.iter().map(move |lock| (known, lock))) {
            let standing = known.lock(&lock.name);
            let same = |seen: &Lock| LockRestated::of(known.id, seen) == LockRestated::of(known.id, lock);
            if standing.is_some_and(same) || self.marks.may_have_forgotten(lock.fencing_token.position) {
                continue;
            }
            let is_it = |placed: &Placement| {
                (placed.position, placed.at, placed.at)
                    == (lock.fencing_token.position, lock.updated_at, lock.created_at)
            };
            let end = |lock: &Lock| (lock.fencing_token.position, lock.updated_at, lock.expires_at);
            match self.marks.find(known.number, is_it) {
                Some(position) => hold(accounted.insert(position), Rule::RestatedOtherwise)?,
                // Its lease was renewed since.
                None if standing.is_some_and(|seen| end(seen) == end(lock)) => renewed.push((known.number, lock)),
                None => return Err(Rule::RestatedOtherwise),
            }
        }
        self.renewed(renewed, &mut accounted)?;
        Ok(accounted)
    }

    /// Finds the records that renewed locks come from, those that were renewed first in front: others have more to choose from.
    fn renewed(&self, mut locks: Vec<(VersionNumber, &Lock)>, accounted: &mut BTreeSet<Position>) -> Result<(), Rule> {
        locks.sort_by_key(|(_, lock)| lock.fencing_token);
        for (number, lock) in locks {
            let is_left = |placed: &Placement| {
                placed.position < lock.fencing_token.position
                    && placed.at == lock.created_at
                    && !accounted.contains(&placed.position)
            };
            let from = self.marks.find(number, |placed| placed.version.is_some() && is_left(placed));
            let from = from.or_else(|| self.marks.find(number, is_left));
            accounted.insert(from.ok_or(Rule::RestatedOtherwise)?);
        }
        Ok(())
    }
}

/// Holds what destroys data to the one rule of locks.
fn touched(secret: &Secret, event: &Event, state: &State) -> Result<(), Rule> {
    let Some(touch) = event.effect().touch() else { return Ok(()) };
    match unlocked(secret, touch, &state.whole) {
        Err(Obstacle::Locks(_)) => Err(Rule::LockedVersionTouched),
        // Whether a stop stood is asked where all of the store was seen.
        Ok(_) | Err(Obstacle::Stop(_)) => Ok(()),
    }
}
