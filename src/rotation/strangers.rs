//! Owns what a person does about credentials outside that carry the store's tag and that its log knows nothing of: they are listed
//! and ended one by one, never by themselves.
//!
//! They come of the original of a restored store, or of a copy. Read next: [`super::sweep`].

use std::sync::Arc;

use crate::domain::command::Command;
use crate::domain::id::{RotationId, SecretId};
use crate::domain::name::{IssuerName, OutsideId, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::domain::rotation_event::StrangersFound;
use crate::engine::queue::Payload;
use crate::error::Error;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{IssuerError, IssuerErrorKind};

use super::sweep::{Stranger, SweepReport};
use super::worker::Core;

impl Core {
    /// Lists what carries a tag of this store outside and its log knows nothing of.
    pub(crate) fn strangers(&self) -> Result<SweepReport, Error> {
        let mut report = SweepReport::default();
        for (name, issuer) in &self.options.issuers {
            if !issuer.class().can_list() {
                continue;
            }
            match self.listed(name, issuer) {
                Ok(listed) => {
                    report.listed = report.listed.saturating_add(u64::try_from(listed.len()).unwrap_or(u64::MAX));
                    report.strangers.extend(self.noted_among(name, listed)?);
                }
                Err(error) => report.problems.push(format!("{name}: {error}")),
            }
        }
        Ok(report)
    }

    /// Gives the registered issuers that cannot list what they made, with their classes.
    pub(crate) fn issuers_that_cannot_list(&self) -> Vec<(IssuerName, IssuerClass)> {
        let issuers = self.options.issuers.iter().map(|(name, issuer)| (name.clone(), issuer.class()));
        issuers.filter(|(_, class)| !class.can_list()).collect()
    }

    /// Lists the credentials of one issuer that its log knows nothing of.
    pub(crate) fn strangers_of(&self, issuer: &IssuerName) -> Result<Vec<Stranger>, Error> {
        let listed = self.listed(issuer, self.that_lists(issuer)?).map_err(|error| not_listed(issuer, &error))?;
        self.noted_among(issuer, listed)
    }

    /// Ends a credential outside that the log knows nothing of.
    pub(crate) fn end_stranger(&self, issuer: &IssuerName, outside: &OutsideId) -> Result<Stranger, Error> {
        let (found, registered, others) = self.stranger(issuer, outside)?;
        let store = self.engine.shared.log_id;
        let nobody = SecretName::parse("nobody")?;
        let room = self.calls.room(issuer).ok_or_else(|| Error::issuer_unavailable(issuer, BUSY))?;
        let (rotation, outside) = (found.rotation, found.outside.clone());
        let ended = self.calls.call(room, registered, move |issuer| {
            let order = IssueOrder::new(store, SecretId::from_bytes([0; 16]), &nobody, rotation, None);
            issuer.retire(&order, Some(&outside))
        });
        ended.map_err(|error| not_ended(issuer, &error))?;
        // It has ended, whether that can be recorded or not; the next look notes it.
        drop(self.note_strangers(issuer, others));
        Ok(found)
    }
}

fn not_ended(issuer: &IssuerName, error: &IssuerError) -> Error {
    let reason = error.reason();
    match error.kind() {
        IssuerErrorKind::Refused => {
            crate::Invalid::new("credential", format!("was not ended by issuer {issuer}: {reason}")).into()
        }
        IssuerErrorKind::Unavailable | IssuerErrorKind::Unknown => Error::issuer_unavailable(issuer, reason),
    }
}

fn not_listed(issuer: &IssuerName, error: &IssuerError) -> Error {
    Error::issuer_unavailable(issuer, error.reason())
}

const BUSY: &str = "it has as many calls out as it may";

impl Core {
    /// Asks an issuer for what carries the store's tag.
    fn listed(&self, name: &IssuerName, issuer: &Arc<dyn Issuer>) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let store = self.engine.shared.log_id;
        let room = self.calls.room(name);
        let room = room.ok_or_else(|| IssuerError::unavailable(BUSY))?;
        self.calls.call(room, issuer, move |issuer| issuer.list(store))
    }

    /// Finds an issuer, which has to be registered and able to list.
    fn that_lists(&self, issuer: &IssuerName) -> Result<&Arc<dyn Issuer>, Error> {
        let invalid = |rule: String| Error::from(crate::Invalid::new("issuer", rule));
        let registered = self.options.issuers.get(issuer).ok_or_else(|| {
            let unusable = self.options.unusable.get(issuer);
            unusable.map_or_else(
                || invalid(format!("{issuer} is not registered here")),
                |why| Error::issuer_unavailable(issuer, why),
            )
        })?;
        let class = registered.class();
        if !class.can_list() {
            return Err(invalid(format!("{issuer} is of class {class}, and cannot list what it made")));
        }
        Ok(registered)
    }

    /// Gives those of a list that the log knows nothing of, and notes how many they are.
    fn noted_among(&self, issuer: &IssuerName, listed: Vec<(RotationId, OutsideId)>) -> Result<Vec<Stranger>, Error> {
        let strangers = self.strangers_among(issuer, listed)?;
        self.note_strangers(issuer, strangers.len())?;
        Ok(strangers)
    }

    /// Gives those of a list that the log knows nothing of.
    pub(super) fn strangers_among(
        &self,
        issuer: &IssuerName,
        listed: Vec<(RotationId, OutsideId)>,
    ) -> Result<Vec<Stranger>, Error> {
        // What was asked before the list was made is published by now.
        self.engine.settle()?;
        let known = self.known();
        let mut strangers = Vec::new();
        for (rotation, outside) in listed {
            let is_known = known.contains(&(rotation, None)) || known.contains(&(rotation, Some(outside.clone())));
            if !is_known && !self.has_planned(rotation)? {
                strangers.push(Stranger { issuer: issuer.clone(), rotation, outside });
            }
        }
        Ok(strangers)
    }

    /// Records how many credentials an issuer lists that the log does not know, when that has changed; nothing in a store that is
    /// open for reading only.
    pub(super) fn note_strangers(&self, issuer: &IssuerName, credentials: usize) -> Result<(), Error> {
        let engine = &self.engine;
        let credentials = u64::try_from(credentials).unwrap_or(u64::MAX);
        let noted = engine.shared.published.with(|now| now.state.whole.strangers.get(issuer).copied());
        if noted.map_or(0, |noted| noted.credentials) == credentials || engine.is_read_only() {
            return Ok(());
        }
        let command = Command::NoteStrangers(StrangersFound { issuer: issuer.clone(), credentials });
        self.ask(&self.system, command, Payload::None)?.map(drop).map_err(Error::refused)
    }

    /// Finds one that its issuer lists and the log knows nothing of, and counts the others there.
    pub(super) fn stranger(
        &self,
        issuer: &IssuerName,
        outside: &OutsideId,
    ) -> Result<(Stranger, &Arc<dyn Issuer>, usize), Error> {
        let not_it = |rule: &'static str| Error::from(crate::Invalid::new("credential", rule));
        let registered = self.that_lists(issuer)?;
        let listed = self.listed(issuer, registered).map_err(|error| not_listed(issuer, &error))?;
        if !listed.iter().any(|(_, listed)| listed == outside) {
            return Err(not_it("is not listed by its issuer"));
        }
        let mut strangers = self.strangers_among(issuer, listed)?;
        let found = strangers.iter().position(|one| one.outside == *outside);
        let found = found.ok_or_else(|| not_it("is known to the log: retire its version instead"))?;
        Ok((strangers.swap_remove(found), registered, strangers.len()))
    }
}
